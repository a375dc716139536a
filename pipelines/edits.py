"""Edits: how a text came from the text of the layer before, without keeping what was removed.

An edit `(start, end, new_length)` says that characters `start:end` (code points) of the previous text were replaced by
`new_length` characters. Edits are sorted, do not overlap and do not touch; everything outside them is unchanged.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple


class Edit(NamedTuple):
    start: int
    end: int
    new_length: int


def as_dicts(edits: Iterable[Edit]) -> list[dict[str, int]]:
    """The form in which edits are stored."""
    return [e._asdict() for e in edits]


def from_dicts(rows: Iterable[dict[str, int]] | None) -> list[Edit]:
    return [Edit(r["start"], r["end"], r["new_length"]) for r in rows or ()]


def normalise(edits: Iterable[Edit]) -> list[Edit]:
    """Sort, drop empty edits and join those that touch. Raises ValueError where edits overlap."""
    out: list[Edit] = []
    for edit in sorted(edits):
        if not 0 <= edit.start <= edit.end or edit.new_length < 0:
            raise ValueError(f"malformed edit {tuple(edit)}")
        if edit.start == edit.end and not edit.new_length:
            continue
        if out and edit.start < out[-1].end:
            raise ValueError(f"edits overlap: {tuple(out[-1])} and {tuple(edit)}")
        if out and edit.start == out[-1].end:
            last = out.pop()
            edit = Edit(last.start, edit.end, last.new_length + edit.new_length)
        out.append(edit)
    return out


def apply_edits(text: str, replacements: Sequence[tuple[int, int, str]]) -> tuple[str, list[Edit]]:
    """Replace `text[start:end]` by a string for each sorted, non-overlapping replacement; return text and edits."""
    parts: list[str] = []
    edits: list[Edit] = []
    at = 0
    for start, end, new in replacements:
        if start < at or end < start or end > len(text):
            raise ValueError(f"replacement {start}:{end} is out of order or outside the text")
        parts += (text[at:start], new)
        edits.append(Edit(start, end, len(new)))
        at = end
    parts.append(text[at:])
    return "".join(parts), normalise(edits)


def compose(first: Sequence[Edit], then: Sequence[Edit]) -> list[Edit]:
    """The edits that lead from the text before `first` straight to the text after `then`."""
    # A sweep over the middle text: `first` produced it, `then` consumes it. Pieces that touch in the middle are joined.
    a, b = list(first), list(then)
    out: list[Edit] = []
    i = j = 0
    shift_a = shift_b = 0  # middle - old, new - middle, behind everything handled so far
    while i < len(a) or j < len(b):
        mid_a = a[i].start + shift_a if i < len(a) else None
        mid_b = b[j].start if j < len(b) else None
        if mid_b is None or (mid_a is not None and mid_a <= mid_b):
            assert mid_a is not None
            mid_start, mid_end = mid_a, mid_a
            old_start = a[i].start
        else:
            mid_start = mid_end = mid_b
            old_start = mid_b - shift_a
        new_start = mid_start + shift_b
        while True:
            if i < len(a) and a[i].start + shift_a <= mid_end:
                piece_start = a[i].start + shift_a
                shift_a += a[i].new_length - (a[i].end - a[i].start)
                mid_end = max(mid_end, piece_start + a[i].new_length)
                i += 1
            elif j < len(b) and b[j].start <= mid_end:
                mid_end = max(mid_end, b[j].end)
                shift_b += b[j].new_length - (b[j].end - b[j].start)
                j += 1
            else:
                break
        out.append(Edit(old_start, mid_end - shift_a, mid_end + shift_b - new_start))
    return normalise(out)


def map_back(edits: Sequence[Edit], start: int, end: int) -> tuple[int, int]:
    """The span of the previous text that the span `start:end` of the new text came from.

    A border inside a replacement widens to the whole replaced span, so the answer always covers the true origin. An
    empty span where something was taken out leads to what was taken out.
    """
    shift = 0  # new - old
    old_start = old_end = None
    for edit in edits:
        new_start, new_end = edit.start + shift, edit.start + shift + edit.new_length
        if old_start is None and start < new_end:
            old_start = edit.start if start >= new_start else start - shift
        if old_end is None and end <= new_start:
            old_end = end - shift
        elif old_end is None and end <= new_end:
            old_end = edit.end
        shift += edit.new_length - (edit.end - edit.start)
    old_start = start - shift if old_start is None else old_start
    old_end = end - shift if old_end is None else old_end
    return min(old_start, old_end), max(old_start, old_end)


def map_forward(edits: Sequence[Edit], spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The span of the new text that each span `start:end` of the previous text came to.

    A border inside what was replaced widens to the whole replacement, so the answer covers all that the span became; a
    span that was taken out is empty. Spans may come in any order; time is O((edits + spans) log edits).
    """
    starts = [edit.start for edit in edits]
    shifts = [0, *accumulate(edit.new_length - (edit.end - edit.start) for edit in edits)]  # new - old, behind each
    out = []
    for start, end in spans:
        at = bisect_left(starts, start)  # edits before `at` begin before the span
        if at and start < edits[at - 1].end:
            at -= 1
            new_start = edits[at].start + shifts[at]
        else:
            new_start = start + shifts[at]
        at = bisect_left(starts, end)
        if at and end < edits[at - 1].end:
            new_end = edits[at - 1].end + shifts[at]
        else:
            new_end = end + shifts[at]
        out.append((new_start, max(new_start, new_end)))
    return out
