"""Markdown marks as the counting kernel sees them: what leads in a line, fences, rules of tables. They are no words of
the writer.

It works on UTF-8 with what `normalise.mark` says of each byte, so that bytes that go do not hide a mark.
"""

from __future__ import annotations

from numba import njit

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


@njit(cache=True)
def lead(data, actions, i, end):  # type: ignore[no-untyped-def]
    """Where the text of the line at `i` begins, behind marks of quotations, lists, headings and definitions; the end of
    the line where it is a fence or the rule below a table's header."""
    while True:
        i = _skip(actions, i, end)
        b = _byte(data, actions, i, end)
        if b > 0x3E and b != 0x60 and b != 0x7C:  # most lines begin with a letter
            return i
        if b == 0x20 or b == 0x09:
            i += 1
            continue
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
