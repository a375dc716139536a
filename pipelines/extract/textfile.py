"""Text files that are no markup: decoding, and the verdicts that all their formats share."""

from __future__ import annotations

from pipelines.extract import sniff
from pipelines.extract.building import Built
from pipelines.extract.decode import Decoded, Undecodable, decode
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

_UNIT = {"utf-16le": 2, "utf-16be": 2, "utf-32le": 4, "utf-32be": 4}


def decoded(body: bytes, content_type: str | None, max_bytes: int) -> Decoded:
    """The text of a file. Raises Undecodable with rule `not_text`, `page_too_large` or `mojibake`."""
    named = sniff.of_header(content_type)
    if named in _UNIT and not sniff.bom(body) and body and len(body) % _UNIT[named] == 0:
        # Chinese in UTF-16 has hardly a NUL byte, so nothing but its name tells it.
        try:
            return Decoded(body.decode(named), named)
        except UnicodeDecodeError:
            pass
    try:
        return decode(body, content_type, max_bytes, markup=False)
    except Undecodable as error:
        if error.rule == "not_html":
            raise Undecodable("not_text", error.detail, error.value) from None
        raise


def refusal(error: Undecodable, params: ExtractParams) -> Verdict:
    """The verdict on a body that cannot be decoded."""
    threshold = params.max_page_bytes if error.rule == "page_too_large" else None
    return Verdict(error.rule, error.value, threshold, error.detail)


def too_little(built: Built, params: ExtractParams) -> Verdict | None:
    """The verdict on a text that is empty or too short, else None."""
    if not built.text.strip():
        return Verdict("empty_page", 0.0)
    if built.characters < params.min_characters:
        return Verdict("too_short", built.characters, params.min_characters)
    return None
