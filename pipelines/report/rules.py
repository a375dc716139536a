"""What every reject rule asks, in a sentence, with its threshold: the cleaning rules of the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipelines.clean.published import RULES
from pipelines.report.numbers import number


class Asked(NamedTuple):
    says: str = ""
    threshold: str = ""


class _Ask(NamedTuple):
    says: str
    sign: str = ""
    parameter: str = ""


_ASKS: dict[str, dict[str, _Ask]] = {
    "crawl": {
        "bad_url": _Ask("The address is a URL that can be fetched."),
        "robots": _Ask("robots.txt allows the page."),
        "crawl_delay": _Ask("The host does not ask for longer pauses (seconds).", "≤", "max_crawl_delay_seconds"),
        "private_address": _Ask("The host is on the public internet, or allowed by name."),
        "fetch_error": _Ask("The server answers."),
        "http_status": _Ask("It answers with the page, or says that the page is gone."),
        "content_type": _Ask("The answer is a page.", "one of", "content_types"),
        "too_large": _Ask("The page is not too large (bytes).", "≤", "max_body_bytes"),
        "redirect_limit": _Ask("Redirects come to an end.", "≤", "max_redirects"),
        "redirect_loop": _Ask("Redirects do not run in a circle."),
        "redirect_url": _Ask("Redirects lead to URLs that can be fetched."),
        "max_pages": _Ask("The source has pages left to its limit."),
        "max_depth": _Ask("The page is near enough to a seed."),
        "opt_out": _Ask("The site does not reserve the page against text and data mining or training."),
        "blocked": _Ask("The deployment does not block the address."),
        "adult_url": _Ask("The address is not one of an adult site (weights of words).", "<", "adult_threshold"),
        "trap": _Ask("The address is not one of an endless kind: too long, too deep, repeating, or too many alike."),
        "not_canonical": _Ask("The page does not name another crawled page as the real one."),
    },
    "extract": {
        "page_too_large": _Ask("The page is not too large (bytes).", "≤", "max_page_bytes"),
        "not_html": _Ask("The bytes are a page of text."),
        "not_text": _Ask("The bytes are text."),
        "broken_document": _Ask("The document can be opened; it is neither damaged nor cut off."),
        "encrypted_document": _Ask("The document is not locked with a password."),
        "unsupported_document": _Ask("The document has a format that is read: no old Office format, no macros."),
        "document_limit": _Ask("The document keeps to limits: pages, text, memory, time."),
        "needs_ocr": _Ask("The document has a text layer, or an OCR engine is at hand."),
        "scrambled_text": _Ask("The document says what its characters mean."),
        "mojibake": _Ask("The page can be decoded to sense."),
        "empty_page": _Ask("The page holds something."),
        "no_main_text": _Ask("There is a main text."),
        "paywalled": _Ask("The page does not say that it is paid for."),
        "too_short": _Ask("The main text is long enough (characters).", "≥", "min_characters"),
        "low_density": _Ask("Main text is enough of what is visible.", "≥", "min_density"),
        "extract_error": _Ask("The page can be read."),
    },
    "scrub": {"scrub_error": _Ask("The text can be read.")},
    "dedup": {
        "exact_duplicate": _Ask("No earlier document has the same text."),
        "near_duplicate": _Ask("No earlier document is as similar (Jaccard of shingles).", "<", "threshold"),
    },
}
_SIGNS = {"at_least": "≥", "at_most": "≤", "member": "one of"}
_PROFILES = {"zh": "Chinese pages only.", "en": "English pages only."}


def asked(stage: str, parameters: Mapping[str, Any]) -> dict[str, Asked]:
    """Rule → what it asks, under `parameters` of the stage (plain data, as manifests hold them)."""
    if stage == "clean":
        found = {rule.name: _cleaning(rule, parameters) for rule in RULES}
        return found | {"clean_error": Asked("The text can be read.")}
    found = {name: Asked(a.says, _threshold(a.sign, a.parameter, parameters)) for name, a in _ASKS[stage].items()}
    if stage == "scrub":
        policies = parameters.get("policies", {})
        dropped = sorted(entity for entity, policy in policies.items() if policy == "drop_row")
        found |= {f"pii_{entity}": Asked(f"The text holds no {entity}.", "= 0") for entity in dropped}
    return found


def _cleaning(rule: Any, parameters: Mapping[str, Any]) -> Asked:
    says = " ".join(part for part in (rule.description, _PROFILES.get(rule.profile, "")) if part)
    if rule.is_off(parameters.get("off", ())):
        return Asked(says, "off: measured, turns nothing away")
    return Asked(says, _threshold(_SIGNS[rule.keep], rule.parameter, parameters))


def _threshold(sign: str, parameter: str, parameters: Mapping[str, Any]) -> str:
    value = parameters.get(parameter)
    if value is None:
        return ""
    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else number(value)
    return f"{sign} {shown}"
