"""Find personal data in one text: try the recognisers where they can match, settle what overlaps."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pyarrow as pa

from pipelines.pii.prefilter import flags
from pipelines.pii.recognisers import ENTITIES, RECOGNISERS, Recogniser
from pipelines.pii.shadow import shadow
from pipelines.texts import from_arrow

#: A long number: what the patterns of numbers are tried on.
_NUMBER = re.compile(r"[0-9](?:[ .·()\-\u200b]{0,3}[0-9]){6,}[Xx]?")
_DIGIT = re.compile("[0-9]")
_LOCAL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"  # of an e-mail address
_LOCAL_LENGTH = 64
_PRIORITY = {entity: at for at, entity in enumerate(ENTITIES)}


class Finding(NamedTuple):
    entity: str
    start: int  # code points of the text
    end: int


def find(text: str, flagged: int | None = None) -> tuple[list[Finding], str]:
    """The findings in a text, sorted and apart from each other, and its shadow; `flagged` comes from the prefilter."""
    if flagged is None:
        flagged = int(flags(from_arrow(pa.array([text], pa.large_string()))[0])[0])
    dark = shadow(text)
    if not flagged:
        return [], dark
    numbers = [(m.start(), m.end(), len(_DIGIT.findall(m.group()))) for m in _NUMBER.finditer(dark)]
    found: set[Finding] = set()
    for recogniser in RECOGNISERS:
        if flagged & recogniser.needs:
            for match in _matches(recogniser, dark, numbers):
                found.add(Finding(recogniser.entity, *match.span(recogniser.group)))
    return settle(found), dark


def settle(found: Iterable[Finding]) -> list[Finding]:
    """Of findings that overlap the one of higher priority stays, then the longer, then the earlier one."""
    kept: list[Finding] = []
    starts: list[int] = []
    for each in sorted(found, key=lambda f: (_PRIORITY[f.entity], f.start - f.end, f.start)):
        at = bisect_left(starts, each.start)
        if (at < len(kept) and kept[at].start < each.end) or (at and kept[at - 1].end > each.start):
            continue
        kept.insert(at, each)
        starts.insert(at, each.start)
    return kept


def _matches(recogniser: Recogniser, dark: str, numbers: list[tuple[int, int, int]]) -> Iterator[re.Match[str]]:
    pattern, check = recogniser.pattern, recogniser.check
    if recogniser.look == "at":
        places: Iterable[int] = _before_each_at(dark)
    elif recogniser.look == "anchors":
        places = _anchors(dark, recogniser.anchors)
    else:
        for start, end in _windows(recogniser, dark, numbers):
            while match := pattern.search(dark, start, end):
                start = match.start() + 1
                if check(match):
                    start = match.end()
                    yield match
        return
    for place in places:
        match = pattern.match(dark, place)
        if match and check(match):
            yield match


def _windows(recogniser: Recogniser, dark: str, numbers: list[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    if recogniser.look == "text":
        yield 0, len(dark)
        return
    for start, end, digits in numbers:
        if digits >= recogniser.digits:
            yield max(0, start - 2), end + 1  # a plus sign or bracket in front; one more, for what must not follow


def _before_each_at(dark: str) -> Iterator[int]:
    at = dark.find("@")
    while at >= 0:
        name = dark[max(0, at - _LOCAL_LENGTH) : at]
        local = name[len(name.rstrip(_LOCAL)) :].lstrip(".")
        if local:
            yield at - len(local)
        at = dark.find("@", at + 1)


def _anchors(dark: str, anchors: Iterable[str]) -> Iterator[int]:
    for anchor in anchors:
        at = dark.find(anchor)
        while at >= 0:
            yield at
            at = dark.find(anchor, at + 1)
