"""Lines and paragraphs of a batch, measured in one compiled pass.

What the published filters ask of lines: how many there are, repeat, are short, begin with a bullet, end with an
ellipsis or a final mark (Gopher, Rae et al. 2021, app. A.1; FineWeb, Penedo et al. 2024, sec. 3.6). All in characters.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipelines.characters import decode
from pipelines.clean.repetition import slot_of, table_size
from pipelines.clean.words import SEED, SPACE, classes, mixed
from pipelines.texts import Texts

#: Marks that end a sentence in the scripts of the web (Unicode property Sentence_Terminal).
_FINAL = "!.?։؞؟۔܀܁܂߹।॥၊။።፧፨᙮᜵᜶។៕᠃᠉᥄᥅᪨᪩᪪᪫᭚᭛᭞᭟᰻᰼᱾᱿‼‽⁇⁈⁉⸮⸼。꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫﹒﹖﹗！．？｡"


class Line(IntEnum):
    """Columns of the measures."""

    CHARACTERS = 0  # of the whole text
    BREAKS = 1  # line feeds
    LINES = 2  # as str.splitlines
    BULLETS = 3
    ELLIPSES = 4  # lines that end with one
    PIECES = 5  # between runs of line feeds, empty ones at the borders included
    REPEATED_PIECES = 6
    REPEATED_PIECE_CHARACTERS = 7
    PARAGRAPHS = 8
    REPEATED_PARAGRAPHS = 9
    REPEATED_PARAGRAPH_CHARACTERS = 10
    FILLED = 11  # lines that are not blank
    FINAL = 12  # of these, ending with a final mark
    SHORT = 13  # of these, of at most 30 characters
    REPEATED_CHARACTERS = 14  # of filled lines seen before
    HASHES = 15  # characters #
    DOTS = 16  # ellipses
    LONGEST = 17  # characters of the longest line


WIDTH = len(Line)


@cache
def final_marks() -> NDArray[np.bool_]:
    table = np.zeros(0x110000, np.bool_)
    table[[ord(c) for c in _FINAL]] = True
    return table


def measure(texts: Texts, short: int = 30) -> NDArray[np.int64]:
    """int64[texts, columns of Line]; lines of at most `short` characters count as short."""
    return _measure(texts.data, texts.offsets, classes(), final_marks(), short)


@njit(cache=True)
def _measure(data, offsets, table, final, short):  # type: ignore[no-untyped-def]
    rows = len(offsets) - 1
    out = np.zeros((rows, WIDTH), np.int64)
    most = 0
    for row in range(rows):
        _count(data, offsets[row], offsets[row + 1], out[row])
        most = max(most, out[row, Line.BREAKS])
    size = table_size(most + 2)
    keys, stamps = np.empty(size, np.uint64), np.zeros(size, np.int64)
    for row in range(rows):
        start, end = offsets[row], offsets[row + 1]
        _lines(data, start, end, table, final, short, keys, stamps, 3 * row + 1, out[row])
        _pieces(data, start, end, keys, stamps, 3 * row + 2, out[row])
        start, end = stripped(data, start, end, table)
        _paragraphs(data, start, end, keys, stamps, 3 * row + 3, out[row])
    return out


@njit(cache=True)
def _count(data, start, end, figures):  # type: ignore[no-untyped-def]
    dots = 0
    for i in range(start, end):
        b = data[i]
        figures[Line.CHARACTERS] += b & 0xC0 != 0x80
        figures[Line.BREAKS] += b == 0x0A
        figures[Line.HASHES] += b == 0x23
        dots = dots + 1 if b == 0x2E else 0
        figures[Line.DOTS] += dots > 0 and dots % 3 == 0
        if b == 0xE2 and i + 2 < end and data[i + 1] == 0x80 and data[i + 2] == 0xA6:
            figures[Line.DOTS] += 1


@njit(cache=True)
def _lines(data, start, end, table, final, short, keys, stamps, stamp, figures):  # type: ignore[no-untyped-def]
    i = start
    while i < end:
        value = SEED
        length = dots = 0
        first = last = closing = 0  # first and last character that is no space; the very last one
        spaced = True
        while i < end and data[i] != 0x0A:
            c, width = decode(data, i)
            i += width
            value = mixed(value, c)
            length += 1
            closing = c
            if table[c] & SPACE:
                spaced = True
            else:
                if first == 0:
                    first = c
                dots = dots * (not spaced) + 1 if c == 0x2E else 0
                last = c
                spaced = False
        i += 1
        figures[Line.LINES] += 1
        figures[Line.LONGEST] = max(figures[Line.LONGEST], length)
        if first == 0:
            continue
        figures[Line.BULLETS] += first == 0x2022 or first == 0x2D
        figures[Line.ELLIPSES] += last == 0x2026 or dots >= 3
        figures[Line.FILLED] += 1
        figures[Line.FINAL] += final[closing]
        figures[Line.SHORT] += length <= short
        _, new = slot_of(keys, stamps, stamp, value)
        if not new:
            figures[Line.REPEATED_CHARACTERS] += length


@njit(cache=True)
def _pieces(data, start, end, keys, stamps, stamp, figures):  # type: ignore[no-untyped-def]
    """Pieces between runs of line feeds; a run at a border of the text leaves an empty piece there."""
    i = start
    while True:
        value = SEED
        length = 0
        while i < end and data[i] != 0x0A:
            value = mixed(value, np.int64(data[i]))
            length += data[i] & 0xC0 != 0x80
            i += 1
        figures[Line.PIECES] += 1
        _, new = slot_of(keys, stamps, stamp, value)
        if not new:
            figures[Line.REPEATED_PIECES] += 1
            figures[Line.REPEATED_PIECE_CHARACTERS] += length
        if i >= end:
            return
        while i < end and data[i] == 0x0A:
            i += 1


@njit(cache=True)
def _paragraphs(data, start, end, keys, stamps, stamp, figures):  # type: ignore[no-untyped-def]
    """Paragraphs between two or more line feeds."""
    i = start
    while True:
        value = SEED
        length = 0
        while i < end and not (data[i] == 0x0A and i + 1 < end and data[i + 1] == 0x0A):
            value = mixed(value, np.int64(data[i]))
            length += data[i] & 0xC0 != 0x80
            i += 1
        figures[Line.PARAGRAPHS] += 1
        _, new = slot_of(keys, stamps, stamp, value)
        if not new:
            figures[Line.REPEATED_PARAGRAPHS] += 1
            figures[Line.REPEATED_PARAGRAPH_CHARACTERS] += length
        if i >= end:
            return
        while i < end and data[i] == 0x0A:
            i += 1


@njit(cache=True)
def stripped(data, start, end, table):  # type: ignore[no-untyped-def]
    """The borders of a text without white space at its ends."""
    while start < end:
        c, width = decode(data, start)
        if not table[c] & SPACE:
            break
        start += width
    while end > start:
        last = end - 1
        while last > start and data[last] & 0xC0 == 0x80:
            last -= 1
        c, _ = decode(data, last)
        if not table[c] & SPACE:
            break
        end = last
    return start, end
