"""Markdown marks as the counting kernel sees them: what leads in a line, fences, rules of tables. They are no words of
the writer.

It works on UTF-8 with what `normalise.mark` says of each byte, so that bytes that go do not hide a mark.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pipelines.characters import media_end
from pipelines.texts import Texts

DELETE, BREAK = 1, 2  # actions of normalise.mark


@njit(cache=True, inline="always")
def _skip(actions, i, end):  # type: ignore[no-untyped-def]
    """The first byte from `i` on that stays."""
    while i < end and actions[i] == DELETE:
        i += 1
    return i


@njit(cache=True, inline="always")
def _byte(data, actions, i, end):  # type: ignore[no-untyped-def]
    """The byte at `i`; 0x0A for what ends a line."""
    return 0x0A if i >= end or actions[i] == BREAK else data[i]


def unmarked(texts: Texts) -> Texts:
    """Normalised texts without media keys and Markdown marks, except those of lists: some rules judge bullets. Fences
    and the rules of tables go with their lines."""
    if not len(texts):
        return texts
    out = np.empty(int(texts.offsets[-1] - texts.offsets[0]), np.uint8)
    ends = np.zeros(len(texts) + 1, np.int64)
    _unmark(texts.data, texts.offsets, np.zeros(len(texts.data), np.uint8), out, ends)
    return Texts(out[: ends[-1]], ends)


@njit(cache=True)
def _unmark(data, offsets, actions, out, ends):  # type: ignore[no-untyped-def]
    written = 0
    for row in range(len(offsets) - 1):
        i, end = offsets[row], offsets[row + 1]
        while i < end:  # once per line
            start = i
            i = lead(data, actions, i, end, False)
            if i > start and i < end and data[i] == 0x0A and data[i - 1] != 0x3E:
                i += 1
                continue
            table_row = i < end and data[i] == 0x7C
            while i < end:
                b = data[i]
                if b == 0xE2:
                    atom = media_end(data, i, end)
                    if atom >= 0:
                        i = atom
                        continue
                if b == 0x7C and table_row and data[i - 1] != 0x5C:
                    b = 0x20
                out[written] = b
                written += 1
                i += 1
                if b == 0x0A:
                    break
        ends[row + 1] = written


@njit(cache=True)
def lead(data, actions, i, end, lists):  # type: ignore[no-untyped-def]
    """Where the text of the line at `i` begins, behind marks of quotations, headings, definitions and, if `lists`, of
    lists; the end of the line where it is a fence or the rule below a table's header."""
    while True:
        i = _skip(actions, i, end)
        b = _byte(data, actions, i, end)
        if b > 0x3E and b != 0x60 and b != 0x7C:  # most lines begin with a letter
            return i
        if b == 0x20 or b == 0x09:
            i += 1
            continue
        if not lists and (b == 0x2D or (b >= 0x30 and b <= 0x39)):
            return i
        j = i
        if b == 0x3E or b == 0x2D or b == 0x3A:  # > - :
            j += 1
        elif b == 0x23:  # up to six #
            while _byte(data, actions, j, end) == 0x23 and j < i + 6:
                j += 1
        elif 0x30 <= b <= 0x39:  # up to nine digits and a full stop
            while 0x30 <= _byte(data, actions, j, end) <= 0x39 and j < i + 9:
                j += 1
            if _byte(data, actions, j, end) != 0x2E:
                return i
            j += 1
        elif b == 0x60:
            return _end(data, actions, i, end) if _is_fence(data, actions, i, end) else i
        elif b == 0x7C:
            return _end(data, actions, i, end) if _is_rule(data, actions, i, end) else i
        else:
            return i
        j = _skip(actions, j, end)
        after = _byte(data, actions, j, end)
        if after != 0x20 and (after != 0x0A or b != 0x3E):
            return i
        i = j


@njit(cache=True)
def _end(data, actions, i, end):  # type: ignore[no-untyped-def]
    while i < end and not (_byte(data, actions, i, end) == 0x0A and actions[i] != DELETE):
        i += 1
    return i


@njit(cache=True)
def _is_fence(data, actions, i, end):  # type: ignore[no-untyped-def]
    count = 0
    while i < end:
        if actions[i] != DELETE:
            b = _byte(data, actions, i, end)
            if b == 0x0A:
                break
            if count < 3:
                if b != 0x60:
                    return False
                count += 1
        i += 1
    return count == 3


@njit(cache=True)
def _is_rule(data, actions, i, end):  # type: ignore[no-untyped-def]
    """Whether a line is of pipes, hyphens, colons and spaces, with a hyphen."""
    hyphen = False
    while i < end:
        if actions[i] != DELETE:
            b = _byte(data, actions, i, end)
            if b == 0x0A:
                break
            if b == 0x2D:
                hyphen = True
            elif b != 0x7C and b != 0x3A and b != 0x20:
                return False
        i += 1
    return hyphen
