"""Apply the policies to the findings of a text.

`mask` puts a typed placeholder (`<CN_MOBILE>`), `hash` one with a keyed BLAKE2b of the value, so that equal values
stay linkable for holders of the key (`<CN_MOBILE:0f3a…>`), `drop_span` nothing, `keep` leaves the value, `drop_row`
rejects the row. What is put in is an atom that no recogniser looks into. Taking a value out can bring others to
light, so the search is repeated until it finds nothing more; each round leaves fewer characters to find.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from hashlib import blake2b
from itertools import accumulate
from typing import NamedTuple

from pipelines.edits import Edit, apply_edits, compose
from pipelines.pii.find import Finding, find
from pipelines.pii.recognisers import compact

POLICIES = ("mask", "hash", "drop_span", "drop_row", "keep")
_DIGEST_BYTES = 8


class Scrubbed(NamedTuple):
    text: str
    findings: list[Finding]  # spans in the scrubbed text; empty spans where a value was dropped
    edits: list[Edit]  # over the text before
    dropped: tuple[str, int] | None  # entity and number of findings for which the row goes


def scrub(text: str, policies: Mapping[str, str], key: bytes, flagged: int | None = None) -> Scrubbed:
    """`policies` names one for every entity. `flagged` is what the prefilter says, if it has been asked."""
    done: list[Finding] = []
    edits: list[Edit] = []
    while True:
        found, dark = find(text, flagged)
        reasons = [each.entity for each in found if policies[each.entity] == "drop_row"]
        if reasons:
            return Scrubbed(text, [], edits, (reasons[0], reasons.count(reasons[0])))
        kept = [each for each in found if policies[each.entity] == "keep"]
        if len(kept) == len(found):
            return Scrubbed(text, sorted(done + kept, key=lambda f: (f.start, f.end)), edits, None)
        replacements = [
            (each.start, each.end, _replacement(each, policies[each.entity], dark, key))
            for each in found
            if policies[each.entity] != "keep"
        ]
        text, new = apply_edits(text, replacements)
        done = _moved(done, replacements) + _placed(found, replacements)
        edits = compose(edits, new)
        flagged = None  # what is left may need other recognisers


def _replacement(finding: Finding, policy: str, dark: str, key: bytes) -> str:
    if policy == "drop_span":
        return ""
    if policy == "mask":
        return f"<{finding.entity}>"
    value = dark[finding.start : finding.end].casefold()
    canonical = value if finding.entity in ("EMAIL", "URL_CREDENTIALS", "SECRET", "IP_ADDRESS") else compact(value)
    digest = blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES, key=key,
                     person=finding.entity.encode()[:16])  # fmt: skip
    return f"<{finding.entity}:{digest.hexdigest()}>"


def _placed(found: list[Finding], replacements: list[tuple[int, int, str]]) -> list[Finding]:
    """Where the replacements of this round stand in the new text."""
    new = {(start, end): value for start, end, value in replacements}
    out, shift = [], 0
    for each in found:
        value = new.get((each.start, each.end))
        if value is not None:
            out.append(Finding(each.entity, each.start + shift, each.start + shift + len(value)))
            shift += len(value) - (each.end - each.start)
    return out


def _moved(done: list[Finding], replacements: list[tuple[int, int, str]]) -> list[Finding]:
    """Where the replacements of earlier rounds stand now; they are atoms, so none of the new ones overlaps them."""
    ends = [end for _, end, _ in replacements]
    shifts = [0, *accumulate(len(value) - (end - start) for start, end, value in replacements)]
    return [
        Finding(each.entity, each.start + by, each.end + by)
        for each in done
        for by in (shifts[bisect_right(ends, each.start)],)
    ]
