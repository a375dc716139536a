"""One compiled pass over a batch that counts, per text, everything the row rules ask for.

Counts are over the normalised text without media keys and Markdown marks (what leads in a line, fences, the pipes and
rules of tables), and white space counts nowhere, so that they do not depend on how a text is laid out. A word is a
piece between white space that holds a letter or digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipelines.characters import Kind, decode, kinds, media_end
from pipelines.clean.marks import lead
from pipelines.clean.normalise import BREAK, DELETE, Marked
from pipelines.texts import Texts

Values = NDArray[np.float64]

#: English function words that the other large languages in Latin script do not share.
_FUNCTION_WORDS = """and are be been but by can could for from his how if into is it its may not of only or our she
    should than that the their them then there these they this to use used were what when which with would you
    your"""
_HTML = """a abbr article aside b body br button code dd div dl dt em figure font footer form h1 h2 h3 h4 h5 h6 head
    header hr html i iframe img input label li link main meta nav ol option p pre script section select small
    span strong style sub sup svg table tbody td textarea tfoot th thead title tr u ul video"""
_ENTITIES = """amp apos bull copy gt hellip laquo ldquo lsquo lt mdash middot nbsp ndash quot raquo rdquo reg rsquo
    times trade"""
#: What UTF-8 becomes when read as GBK ("的" → "鐨勬"), and what fills uninitialised memory read as GBK.
_GARBLED_CHARACTERS = "鐨銆锛鈥鍦鏄"
_GARBLED_PAIRS = ("锟斤", "斤拷", "拷锟", "烫烫", "屯屯")


class Extra(IntEnum):
    """Columns of the counts behind those of Kind."""

    WORDS = len(Kind)
    LATIN_WORDS = len(Kind) + 1
    FUNCTION = len(Kind) + 2  # Latin words that are English function words
    LINES = len(Kind) + 3  # that are not empty
    DUPLICATE_LINES = len(Kind) + 4  # seen before in the same text
    GARBLED = len(Kind) + 5  # characters that look like text read in a wrong encoding
    MARKUP = len(Kind) + 6  # characters of HTML tags and entities


WIDTH = len(Kind) + len(Extra)


@dataclass(frozen=True)
class Counts:
    """int64[texts, WIDTH], and per text the number of control characters that normalisation removed."""

    table: NDArray[np.int64]
    removed: NDArray[np.int64]

    def of(self, *columns: int) -> Values:
        total: Values = self.table[:, list(columns)].sum(axis=1).astype(np.float64)
        return total

    @property
    def characters(self) -> Values:
        """Characters that are not white space."""
        total: Values = self.table[:, : len(Kind)].sum(axis=1).astype(np.float64)
        return total - self.table[:, Kind.SPACE]


def count(texts: Texts, marked: Marked) -> Counts:
    """Counts of the normalised texts, read from the texts before and what `mark` says of their bytes."""
    table = np.zeros((len(texts), WIDTH), np.int64)
    lines = np.empty(_most_lines(texts.data, texts.offsets, marked.actions), np.uint64)
    words, tags, entities = _word_set(_FUNCTION_WORDS), _word_set(_HTML), _word_set(_ENTITIES)
    _count(texts.data, texts.offsets, marked.actions, kinds(), words, tags, entities, _suspects(), lines, table)
    return Counts(table, marked.removed)


@cache
def _word_set(words: str) -> NDArray[np.uint64]:
    """An open-addressing table of words of up to 8 ASCII letters or digits, packed into one integer each."""
    table = np.zeros(512, np.uint64)
    for word in words.split():
        packed = np.uint64(int.from_bytes(word.encode(), "big"))
        at = int(_slot(packed))
        while table[at]:
            at = (at + 1) & 511
        table[at] = packed
    return table


@njit(cache=True, inline="always")
def _slot(packed):  # type: ignore[no-untyped-def]
    return (packed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(55)  # Fibonacci hashing: the upper 9 bits


@njit(cache=True, inline="always")
def _contains(table, packed):  # type: ignore[no-untyped-def]
    at = np.int64(_slot(packed))
    while table[at] != 0:
        if table[at] == packed:
            return True
        at = (at + 1) & 511
    return False


@njit(cache=True)
def _most_lines(data, offsets, actions):  # type: ignore[no-untyped-def]
    most = 1
    for row in range(len(offsets) - 1):
        lines = 1
        for i in range(offsets[row], offsets[row + 1]):
            lines += data[i] == 0x0A or actions[i] == BREAK
        most = max(most, lines)
    return most


@njit(cache=True, inline="always")
def _alphanumeric(b):  # type: ignore[no-untyped-def]
    return 0x30 <= b <= 0x39 or 0x41 <= b <= 0x5A or 0x61 <= b <= 0x7A


@njit(cache=True)
def _name(data, i, end):  # type: ignore[no-untyped-def]
    """An ASCII name of at most 8 characters at `i`, packed and lower-cased, and where it ends; 0 if there is none."""
    packed = np.uint64(0)
    start = i
    while i < end and i - start <= 8 and _alphanumeric(data[i]):
        b = data[i]
        packed = packed << np.uint64(8) | np.uint64(b | 0x20 if b >= 0x41 else b)
        i += 1
    return (packed if i - start <= 8 else np.uint64(0)), i


@njit(cache=True)
def _tag_length(data, i, end, tags):  # type: ignore[no-untyped-def]
    """Length of the HTML tag that begins at `i`, or 0. It ends before the next tag begins: the search is linear."""
    name, j = _name(data, i + 2 if i + 1 < end and data[i + 1] == 0x2F else i + 1, end)
    if name == 0 or j >= end or not _contains(tags, name):
        return 0
    if not (data[j] == 0x3E or data[j] == 0x2F or data[j] == 0x20 or data[j] == 0x0A):
        return 0
    while j < min(end, i + 1000):
        if data[j] == 0x3E:
            return j + 1 - i
        if data[j] == 0x3C:
            return 0
        j += 1
    return 0


@njit(cache=True)
def _entity_length(data, i, end, entities):  # type: ignore[no-untyped-def]
    """Length of a character reference (`&nbsp;`, `&#160;`, `&#xa0;`) at `i`, or 0."""
    numeric = i + 1 < end and data[i + 1] == 0x23
    name, j = _name(data, i + 2 if numeric else i + 1, end)
    if name == 0 or j >= end or data[j] != 0x3B or not (numeric or _contains(entities, name)):
        return 0
    return j + 1 - i


@cache
def _suspects() -> NDArray[np.int32]:
    """Per code point: 0, or the character before it that makes the two garbled (-1: any, -2: a UTF-8 lead byte)."""
    table = np.zeros(0x110000, np.int32)
    table[[ord(c) for c in _GARBLED_CHARACTERS]] = -1
    table[[*range(0x80, 0xC0), 0x20AC]] = -2  # a continuation byte read as Latin-1; the euro sign is 0x80 in CP1252
    for pair in _GARBLED_PAIRS:
        table[ord(pair[1])] = ord(pair[0])
    return table


@njit(cache=True)
def _count(  # type: ignore[no-untyped-def]
    data, offsets, actions, kind_of, words, tags, entities, suspects, lines, table
):
    for row in range(len(offsets) - 1):
        i, end = offsets[row], offsets[row + 1]
        counts = table[row]
        line_hash = np.uint64(0)
        n_lines = 0
        in_word = False  # of any script, between white space
        letters = 0  # of the current run of Latin letters
        packed = np.uint64(0)
        before = 0
        markup_until = i
        fresh = True  # at the beginning of a line
        table_row = False
        while i <= end:
            action = actions[i] if i < end else np.uint8(BREAK)  # a text ends like a line
            if action == DELETE:
                i += 1
                continue
            if fresh and i < end:
                i = lead(data, actions, i, end, True)
                fresh = False
                table_row = i < end and data[i] == 0x7C
                continue
            if action == BREAK:
                c, size = 0x0A, 1
            else:
                c, size = decode(data, i)
            if c == 0x7C and table_row and data[i - 1] != 0x5C:
                c = 0x20
            if c == 0x27E6:
                atom = media_end(data, i, end)
                if atom >= 0:
                    i = atom
                    before = 0
                    continue
            kind = kind_of[c]
            if i < end:
                counts[kind] += 1
            latin = kind == Kind.LATIN
            if letters and not latin:
                counts[Extra.LATIN_WORDS] += 1
                if letters <= 8 and _contains(words, packed):
                    counts[Extra.FUNCTION] += 1
                letters = 0
                packed = np.uint64(0)
            if kind == Kind.SPACE:
                counts[Extra.WORDS] += in_word
                in_word = False
                if c == 0x0A:
                    fresh = True
                    if line_hash:
                        lines[n_lines] = line_hash
                        n_lines += 1
                        line_hash = np.uint64(0)
            else:
                line_hash = (line_hash ^ np.uint64(c + 1)) * np.uint64(0x9E3779B97F4A7C15)
                line_hash ^= line_hash >> np.uint64(29)
                if latin:
                    letters += 1 if c < 0x80 else 9
                    packed = packed << np.uint64(8) | np.uint64(c | 0x20)
                    in_word = True
                elif kind <= Kind.DIGIT and kind != Kind.OTHER:
                    in_word = True
                if suspects[c] != 0:
                    suspect = suspects[c]
                    if suspect == -2:
                        counts[Extra.GARBLED] += 2 * (0xC2 <= before <= 0xF4)
                    else:
                        counts[Extra.GARBLED] += suspect == -1 or suspect == before
                if (c == 0x3C or c == 0x26) and i >= markup_until:
                    length = _tag_length(data, i, end, tags) if c == 0x3C else _entity_length(data, i, end, entities)
                    counts[Extra.MARKUP] += length
                    markup_until = i + length
            before = c
            i += size
        lines[:n_lines].sort()
        counts[Extra.LINES] = n_lines
        for k in range(1, n_lines):
            counts[Extra.DUPLICATE_LINES] += lines[k] == lines[k - 1]
