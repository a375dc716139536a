"""New messages of a stream whose messages have neither id nor time, only time-marker lines between them.

Chat exports and screen dumps come again and again, longer each time. What is kept of the last one is a watermark: the
latest marker and the messages behind it. Of a new dump only messages behind that marker can be new, and these are
compared one by one, as often as they stand there: a second "ok" is new, the first is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.schemas import hash128

KEPT = 10_000  # messages behind the marker that a watermark remembers, the latest ones

_DATE = r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
_TIME = r"(?:(上午|下午|凌晨|晚上|中午|AM|PM)\s*)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(AM|PM)?"
_MARKER = re.compile(rf"[-—=\[(【\s]*{_DATE}(?:[T\s,]*(?:星期.|周.)?\s*{_TIME})?[-—=\])】\s]*\Z", re.IGNORECASE)
_LATER = frozenset(("下午", "晚上", "PM"))


@dataclass(frozen=True)
class Watermark:
    """The latest marker seen (null where there was none yet) and hashes of the messages behind it, in order."""

    marker: datetime | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dump:
    """What is new, the watermark to keep, and whether messages may be missing between the last dump and this one."""

    new: list[str]
    watermark: Watermark
    gap: bool


def time_marker(line: str) -> datetime | None:
    """The time of a line that holds a date, perhaps with a time of day, and nothing else (Chinese or ISO order)."""
    match = _MARKER.match(line) if len(line) < 100 else None
    if match is None:
        return None
    year, month, day, before, hour, minute, second, behind = match.groups()
    hours = int(hour or 0)
    half = (before or behind or "").upper()
    if half in _LATER and hours < 12:
        hours += 12
    elif half in ("上午", "凌晨", "AM") and hours == 12:
        hours = 0
    try:
        return datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0))
    except ValueError:
        return None


def new_messages(
    mark: Watermark, lines: Iterable[str], marker_of: Callable[[str], datetime | None] = time_marker
) -> Dump:
    """The messages of a dump (one a line, blank lines left out) that the watermark does not cover.

    A marker that goes back behind an earlier one of its dump opens nothing new: the clock was set, not the stream. A
    dump without a marker, or that begins behind one, is laid on what is kept by its longest overlap; with none, all of
    it counts as new and as following a gap.
    """
    head, parts = _parted(lines, marker_of)
    latest = parts[-1][0] if parts else None
    new: list[str] = []
    gap = False
    if not parts or mark.marker is None or parts[0][0] > mark.marker:
        known, overlaps = _overlap(mark.after, [hash128(each) for each in head])
        new += head[known:]
        gap = bool(mark.after) and not overlaps
    for marker, messages in parts:
        if mark.marker is None or marker > mark.marker:
            new += messages
        elif marker == mark.marker:
            new += _unmatched(mark.after, messages)
    if latest is not None and (mark.marker is None or latest > mark.marker):
        return Dump(new, Watermark(latest, _hashes(parts[-1][1])), gap)
    return Dump(new, Watermark(mark.marker, (*mark.after, *_hashes(new))[-KEPT:]), gap)


def _hashes(messages: Sequence[str]) -> tuple[str, ...]:
    return tuple(hash128(each) for each in messages[-KEPT:])


def _parted(
    lines: Iterable[str], marker_of: Callable[[str], datetime | None]
) -> tuple[list[str], list[tuple[datetime, list[str]]]]:
    """Messages before the first marker, then those behind each marker; markers only go up."""
    head: list[str] = []
    parts: list[tuple[datetime, list[str]]] = []
    for line in lines:
        message = line.strip()
        marker = marker_of(message)
        if marker is not None:
            if not parts or marker > parts[-1][0]:
                parts.append((marker, []))
        elif message:
            (parts[-1][1] if parts else head).append(message)
    return head, parts


def _unmatched(known: Sequence[str], messages: Sequence[str]) -> list[str]:
    """Messages beyond those that are known, one for one."""
    left = Counter(known)
    out = []
    for message in messages:
        digest = hash128(message)
        if left[digest]:
            left[digest] -= 1
        else:
            out.append(message)
    return out


def _overlap(known: Sequence[str], head: Sequence[str]) -> tuple[int, bool]:
    """How many messages of `head` the end of `known` covers, and whether the two overlap at all.

    Knuth, Morris and Pratt's search for `head` in `known`: the state at the end is the longest overlap; if all of
    `head` was found on the way, nothing of it is new.
    """
    if not head or not known:
        return 0, not head
    fallback = [0] * len(head)
    state = 0
    for at in range(1, len(head)):
        while state and head[at] != head[state]:
            state = fallback[state - 1]
        state += head[at] == head[state]
        fallback[at] = state
    state = 0
    for each in known:
        while state and each != head[state]:
            state = fallback[state - 1]
        state += each == head[state]
        if state == len(head):
            return state, True
    return state, state > 0
