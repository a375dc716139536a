"""The line rules of C4 (Raffel et al. 2020, sec. 2.2, and its reference code) and what they leave of a text.

A line stays if it ends in a final mark, has three words, none of them over 1,000 characters, and speaks neither of
JavaScript nor of terms, privacy and cookies. A text goes if a line that would stay says "lorem ipsum" or holds a curly
bracket, or if fewer than five sentences are left.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipelines.characters import Kind, decode, kinds
from pipelines.clean.lines import final_marks, stripped
from pipelines.clean.words import SPACE, Words, classes
from pipelines.texts import Texts

LONGEST_WORD = 1_000  # characters
FEWEST_WORDS = 3
_LOREM = "lorem ipsum"
_POLICY = (
    "javascript", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
)  # fmt: skip


class Left(IntEnum):
    """Columns of the measures."""

    LINES = 0  # that stay
    SENTENCES = 1  # in them
    LOREM = 2  # lines that say it
    CURLY = 3  # lines with a curly bracket
    LONG_WORD = 4  # lines that go, by reason
    NO_FINAL = 5
    FEW_WORDS = 6
    NOTICE = 7


WIDTH = len(Left)


@cache
def _phrases() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The phrases one after the other, the placeholder text first, and where each begins."""
    phrases = (_LOREM, *_POLICY)
    offsets = np.cumsum([0, *map(len, phrases)])
    return np.frombuffer("".join(phrases).encode(), np.uint8), offsets.astype(np.int64)


def measure(texts: Texts, words: Words) -> NDArray[np.int64]:
    """int64[texts, columns of Left]."""
    letters, borders = _phrases()
    return _measure(texts.data, texts.offsets, words.offsets, words.starts, words.ends, classes(), kinds(),
                    final_marks(), letters, borders)  # fmt: skip


@njit(cache=True)
def _measure(data, offsets, first, starts, ends, table, kind_of, final, letters, borders):  # type: ignore[no-untyped-def]
    rows = len(offsets) - 1
    out = np.zeros((rows, WIDTH), np.int64)
    for row in range(rows):
        figures = out[row]
        word = first[row]
        i, end = offsets[row], offsets[row + 1]
        while i < end:
            a = i
            while i < end and data[i] != 0x0A:
                i += 1
            b = i
            i += 1
            from_word = word
            while word < first[row + 1] and starts[word] < b:
                word += 1
            a, b = stripped(data, a, b, table)
            reason = _judged(data, a, b, table, letters, borders)
            if reason >= 0:
                figures[reason] += 1
            if reason == Left.LINES:
                figures[Left.SENTENCES] += _sentences(data, starts, ends, from_word, word, kind_of, final)
    return out


@njit(cache=True)
def _judged(data, a, b, table, letters, borders):  # type: ignore[no-untyped-def]
    """What becomes of one line, as a column of Left."""
    words = length = longest = 0
    curly = False
    i = a
    while i < b:
        c, width = decode(data, i)
        i += width
        curly = curly or c == 0x7B
        if table[c] & SPACE:
            length = 0
        else:
            words += length == 0
            length += 1
            longest = max(longest, length)
    if longest > LONGEST_WORD:
        return Left.LONG_WORD
    b = _without_citations(data, a, b)
    last = data[b - 1] if b > a else np.uint8(0)
    if not (last == 0x2E or last == 0x3F or last == 0x21 or last == 0x22 or last == 0x27):
        return Left.NO_FINAL
    if b - a >= 3 and last == 0x2E and data[b - 2] == 0x2E and data[b - 3] == 0x2E:
        return Left.NO_FINAL
    if words < FEWEST_WORDS:
        return Left.FEW_WORDS
    phrase = _phrase(data, a, b, letters, borders)
    if phrase == 0:
        return Left.LOREM
    if phrase == 1:
        return Left.NOTICE
    if curly:
        return Left.CURLY
    return Left.NOTICE if phrase > 1 else Left.LINES


@njit(cache=True)
def _without_citations(data, a, b):  # type: ignore[no-untyped-def]
    """Where the line ends without `[12]` and `[edit]` behind it."""
    while b > a and data[b - 1] == 0x5D:
        i = b - 2
        while i >= a and 0x30 <= data[i] <= 0x39:
            i -= 1
        if i >= a and data[i] == 0x5B:
            b = i
        elif b - a >= 6 and data[b - 6] == 0x5B and data[b - 5] == 0x65 and data[b - 4] == 0x64 \
                and data[b - 3] == 0x69 and data[b - 2] == 0x74:  # fmt: skip
            b -= 6
        else:
            break
    return b


@njit(cache=True)
def _phrase(data, a, b, letters, borders):  # type: ignore[no-untyped-def]
    """The lowest number among the phrases in a line, without regard to case, or -1."""
    lowest = len(borders)
    for i in range(a, b):
        head = data[i] | 0x20
        if head != 0x6C and head != 0x6A and head != 0x74 and head != 0x70 and head != 0x63 and head != 0x75:
            continue
        for phrase in range(min(lowest, len(borders) - 1)):
            start, size = borders[phrase], borders[phrase + 1] - borders[phrase]
            if i + size > b:
                continue
            same = True
            for k in range(size):
                byte = data[i + k]
                if (byte | 0x20 if 0x41 <= byte <= 0x5A else byte) != letters[start + k]:
                    same = False
                    break
            if same:
                lowest = phrase
                break
    return lowest if lowest < len(borders) else -1


@njit(cache=True)
def _sentences(data, starts, ends, word, last, kind_of, final):  # type: ignore[no-untyped-def]
    """Sentences among the words: one ends behind a final mark and the punctuation that follows it."""
    count = 0
    closing = False
    for k in range(word, last):
        count = max(count, 1)
        c, width = decode(data, starts[k])
        if starts[k] + width == ends[k] and final[c]:
            closing = True
        elif closing:
            i = starts[k]
            punctuation = True
            while i < ends[k]:
                c, width = decode(data, i)
                punctuation = punctuation and kind_of[c] == Kind.PUNCTUATION
                i += width
            if not punctuation:
                count += 1
                closing = False
    return count
