"""Classes of characters, as one table that the compiled kernels read: script for letters, general category otherwise.

Categories come from the Unicode database of the running Python; scripts from the blocks of the Unicode standard.
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

Table = NDArray[np.uint8]


class Kind(IntEnum):
    OTHER = 0  # unassigned, formatting
    LATIN = 1
    HAN = 2
    KANA = 3
    HANGUL = 4
    CYRILLIC = 5
    GREEK = 6
    ARABIC = 7
    HEBREW = 8
    THAI = 9
    DEVANAGARI = 10
    LETTER = 11  # of any other script
    MARK = 12
    DIGIT = 13  # and other numbers
    PUNCTUATION = 14
    SYMBOL = 15
    SPACE = 16
    GARBAGE = 17  # replacement character, private use, control characters: no reader ever wrote them


_CATEGORIES = {"L": Kind.LETTER, "M": Kind.MARK, "N": Kind.DIGIT, "P": Kind.PUNCTUATION, "S": Kind.SYMBOL,
               "Z": Kind.SPACE}  # fmt: skip
_BLOCKS = (
    (Kind.LATIN, ((0x41, 0x24F), (0x250, 0x2AF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF),
                  (0xAB30, 0xAB6F), (0xFB00, 0xFB06), (0xFF21, 0xFF5A))),
    (Kind.HAN, ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFD))),
    (Kind.KANA, ((0x3041, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))),
    (Kind.HANGUL, ((0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xFFA0, 0xFFDC))),
    (Kind.CYRILLIC, ((0x400, 0x52F), (0x1C80, 0x1C8F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F))),
    (Kind.GREEK, ((0x370, 0x3FF), (0x1F00, 0x1FFF))),
    (Kind.ARABIC, ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))),
    (Kind.HEBREW, ((0x590, 0x5FF), (0xFB1D, 0xFB4F))),
    (Kind.THAI, ((0xE00, 0xE7F),)),
    (Kind.DEVANAGARI, ((0x900, 0x97F),)),
)  # fmt: skip


@cache
def kinds() -> Table:
    """The class of every code point, as uint8[0x110000]. Takes about 0.3 s, once per process."""
    table = np.array([_CATEGORIES.get(c[0], Kind.OTHER) for c in map(unicodedata.category, map(chr, range(0x110000)))],
                     dtype=np.uint8)  # fmt: skip
    for kind, blocks in _BLOCKS:
        for start, end in blocks:
            block = table[start : end + 1]
            block[block == Kind.LETTER] = kind
    table[0x3005] = table[0x3007] = Kind.HAN  # 々 and 〇 are written as characters, whatever their category
    table[[0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85]] = Kind.SPACE
    for start, end in ((0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x84), (0x86, 0x9F), (0xE000, 0xF8FF), (0xFFFD, 0xFFFD),
                       (0xF0000, 0x10FFFF)):  # fmt: skip
        table[start : end + 1] = Kind.GARBAGE
    table.flags.writeable = False
    return table


@njit(cache=True, inline="always")
def decode(data, i):  # type: ignore[no-untyped-def]
    """Code point and byte length of the character at `data[i]`; `data` is valid UTF-8."""
    b = np.int64(data[i])
    if b < 0x80:
        return b, 1
    if b < 0xE0:
        return (b & 0x1F) << 6 | (data[i + 1] & 0x3F), 2
    if b < 0xF0:
        return (b & 0x0F) << 12 | (data[i + 1] & 0x3F) << 6 | (data[i + 2] & 0x3F), 3
    return (b & 0x07) << 18 | (data[i + 1] & 0x3F) << 12 | (data[i + 2] & 0x3F) << 6 | (data[i + 3] & 0x3F), 4


@njit(cache=True, inline="always")
def is_space(c):  # type: ignore[no-untyped-def]
    """White space within a line: space, tab, no-break and typographic spaces, the ideographic space."""
    if c < 0x80:
        return c == 0x20 or c == 0x09
    return c == 0xA0 or c == 0x3000 or 0x2000 <= c <= 0x200A or c == 0x202F or c == 0x205F or c == 0x1680


@njit(cache=True, inline="always")
def is_han(c):  # type: ignore[no-untyped-def]
    return 0x4E00 <= c <= 0x9FFF or 0x3400 <= c <= 0x4DBF or 0x20000 <= c <= 0x3FFFD or 0xF900 <= c <= 0xFAFF \
        or c == 0x3005 or c == 0x3007  # fmt: skip


@njit(cache=True)
def media_end(data, i, end):  # type: ignore[no-untyped-def]
    """Byte position behind the media key (pipelines.atoms) that begins at `i`, or -1.

    The search stops at the next opening bracket, so that all searches of a text together are linear.
    """
    if i + 3 > end or data[i] != 0xE2 or data[i + 1] != 0x9F or data[i + 2] != 0xA6:
        return -1
    i += 3
    letters = 0
    while i < end and 0x61 <= data[i] <= 0x7A and letters <= 16:
        i += 1
        letters += 1
    if not 1 <= letters <= 16 or i >= end or data[i] != 0x3A:
        return -1
    i += 1
    for length in range(201):
        if i >= end:
            return -1
        c, size = decode(data, i)
        if c == 0x27E7:
            return i + size if length else -1
        if c == 0x27E6 or c <= 0x20 or c == 0x85 or c == 0x2028 or c == 0x2029 or is_space(c):
            return -1
        i += size
    return -1
