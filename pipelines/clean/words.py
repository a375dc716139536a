"""Words of a batch as offset arrays, found once and read by every rule that asks for words.

Spaced scripts are cut by one compiled pass in the manner of spaCy's rule-based English tokeniser, which the published
filters are calibrated on: white space first, then punctuation, quotes, currency and symbols off both ends of a piece,
then infixes (hyphens, slashes, missing spaces behind a full stop), with contractions, abbreviations and addresses kept
as they are. Chinese is cut by rjieba (a port of jieba: dictionary words, hidden Markov model for the rest).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import rjieba
from numba import njit
from numpy.typing import NDArray

from pipelines.characters import Kind, decode, kinds
from pipelines.texts import Texts

# What a character is to the tokeniser.
EDGE = 1  # split off both ends of a piece
LETTER = 2
LOWER = 4  # lower case or of a script without cases
UPPER = 8
DIGIT = 16
HYPHEN = 32
QUOTE = 64
SPACE = 128
MARK = 256  # punctuation or control character: a word of these alone is no word
CURRENCY = 512

_EDGES = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧§%=—–"
_CURRENCY = "$£€¥฿₽﷼₴"
_QUOTES = "'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧"
#: Punctuation of the languages of the web; with control characters, what no word consists of.
_MARKS = "!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»"
#: A full stop behind these belongs to them.
_ABBREVIATIONS = """mr mrs ms dr prof st jr inc ltd co corp gen gov rep sen rev adm bros jan feb mar apr jun jul aug sep
    sept oct nov dec ala ariz ark calif colo conn del fla ga ia id ill ind kan kans ky la mass md mich minn miss mo mont
    neb nebr nev okla ore pa tenn va wash wis messrs mt"""
_NEGATED = "do does did is are was were have has had ca wo could should would might must need ai sha dare may ought"
_SUBJECTS = """i you he she it we they who what where when why how that this there these those could should would might
    must not let"""
_UNITS = "km m dm cm mm nm ha kg g mg t lb oz mph mb kb gb tb kmh"
_ENDINGS = "ll re ve d m"
_WHOLE = "cannot and/or"  # the one is cut behind its third letter, the other not at all


@dataclass(frozen=True)
class Words:
    """Words of a batch: byte offsets into the texts, lengths in characters, 64-bit hashes, and what they consist of.

    The words of text i are those from `offsets[i]` to `offsets[i + 1]`.
    """

    offsets: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    characters: NDArray[np.int32]
    hashes: NDArray[np.uint64]
    flags: NDArray[np.uint16]  # the union of LETTER, MARK, ... over the characters; MARK only where all are marks

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)


def find(texts: Texts, chinese: NDArray[np.bool_], skip: NDArray[np.bool_]) -> Words:
    """The words of each text; those of texts in `skip` are not looked for."""
    cuts, cut_offsets = _segmented(texts, np.flatnonzero(chinese & ~skip).tolist())
    found = _find(
        texts.data, texts.offsets, skip, cuts, cut_offsets, classes(), names(_ABBREVIATIONS), names(_NEGATED),
        names(_SUBJECTS), names(_UNITS), names(_ENDINGS), names(_WHOLE),
    )  # fmt: skip
    return Words(*found)


def _segmented(texts: Texts, rows: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths in characters of the pieces that rjieba cuts the texts `rows` into, and where those of a text begin."""
    pieces = [np.fromiter(map(len, rjieba.cut(texts.text(row))), np.int64) for row in rows]
    sizes = np.zeros(len(texts) + 1, np.int64)
    sizes[np.array(rows, np.int64) + 1] = [len(piece) for piece in pieces]
    return np.concatenate(pieces) if pieces else np.empty(0, np.int64), np.cumsum(sizes)


def distinct(texts: Texts, words: Words, among: NDArray[np.uint64]) -> NDArray[np.float64]:
    """How many different words of `among` (see names()) each text holds, in small letters."""
    return _distinct(texts.data, words.offsets, words.starts, words.ends, among)


@njit(cache=True)
def _distinct(data, offsets, starts, ends, among):  # type: ignore[no-untyped-def]
    out = np.zeros(len(offsets) - 1)
    seen = np.zeros(len(among), np.int64)
    for row in range(len(out)):
        for k in range(offsets[row], offsets[row + 1]):
            if ends[k] - starts[k] > 12 or data[starts[k]] < 0x61:
                continue
            value = _name(data, starts[k], ends[k])
            at = np.searchsorted(among, value)
            if at < len(among) and among[at] == value and seen[at] <= row:
                seen[at] = row + 1
                out[row] += 1
    return out


@cache
def classes() -> NDArray[np.uint16]:
    """The flags of every code point, uint16[0x110000]."""
    kind = kinds()
    table = np.zeros(0x110000, np.uint16)
    letters = ((kind >= Kind.LATIN) & (kind <= Kind.LETTER)).nonzero()[0]
    table[letters] |= LETTER | LOWER
    upper = [c for c in letters.tolist() if chr(c).isupper()]
    table[upper] = LETTER | UPPER
    table[(kind == Kind.SYMBOL) & (np.arange(0x110000) > 0x7F)] |= EDGE
    table[0x30:0x3A] |= DIGIT
    table[[ord(c) for c in _EDGES]] |= EDGE
    table[[ord(c) for c in _CURRENCY]] |= EDGE | CURRENCY
    table[0x20A0:0x20C0] |= EDGE | CURRENCY
    table[[ord(c) for c in _QUOTES]] |= QUOTE
    table[[ord(c) for c in "-–—~"]] |= HYPHEN
    table[[ord(c) for c in _MARKS]] |= MARK
    table[0x00:0x20] |= MARK
    table[0x7F:0xA0] |= MARK
    table[np.flatnonzero(kind == Kind.SPACE)] |= SPACE
    table.flags.writeable = False
    return table


@cache
def names(words: str) -> NDArray[np.uint64]:
    """Sorted hashes of the ASCII words of `words`, without regard to case."""
    return np.array(sorted(_name(np.frombuffer(w.encode(), np.uint8), 0, len(w)) for w in words.split()), np.uint64)


@njit(cache=True)
def _name(data, start, end):  # type: ignore[no-untyped-def]
    """A hash of ASCII bytes without regard to case."""
    value = np.uint64(end - start)
    for i in range(start, end):
        b = data[i]
        value = (value ^ np.uint64(b | 0x20 if 0x41 <= b <= 0x5A else b)) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(29)
    return value


@njit(cache=True)
def _among(names, data, start, end):  # type: ignore[no-untyped-def]
    if end <= start or end - start > 12:
        return False
    value = _name(data, start, end)
    at = np.searchsorted(names, value)
    return at < len(names) and names[at] == value


SEED = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, inline="always")
def mixed(value, c):  # type: ignore[no-untyped-def]
    """The hash of a word and one more character."""
    value = (value ^ np.uint64(c + 1)) * np.uint64(0xD6E8FEB86659FD93)
    return value ^ value >> np.uint64(32)


@njit(cache=True)
def _before(data, start, i):  # type: ignore[no-untyped-def]
    """Where the character before `i` begins."""
    i -= 1
    while i > start and data[i] & 0xC0 == 0x80:
        i -= 1
    return i


@njit(cache=True)
def _class_at(data, i, table):  # type: ignore[no-untyped-def]
    c, _ = decode(data, i)
    return table[c]


@njit(cache=True)
def _is_address(data, i, end, table):  # type: ignore[no-untyped-def]
    """Whether a piece is a URL, a host name or an e-mail address: labels with dots, the last one of small letters."""
    for j in range(i, end - 2):
        if data[j] == 0x3A and data[j + 1] == 0x2F and data[j + 2] == 0x2F:
            return j > i + 1 and data[i] > 0x40
    for j in range(i, end):
        if data[j] == 0x40:
            if j > i:
                i = j + 1
            break
    label = i
    dots = 0
    small = 0
    j = i
    while j < end:
        b = data[j]
        if b == 0x2E:
            if j == label:
                return False
            dots += 1
            label = j + 1
            small = 0
        elif 0x61 <= b <= 0x7A:
            small += 1
        elif b == 0x2F or b == 0x3F or b == 0x23 or b == 0x3A:
            break
        elif not (0x30 <= b <= 0x39 or 0x41 <= b <= 0x5A or b == 0x2D or b == 0x5F):
            return False
        j += 1
    return dots > 0 and small >= 2 and small == j - label


@njit(cache=True)
def _prefix(data, i, end, table):  # type: ignore[no-untyped-def]
    """Bytes of what is split off the front, 0 if nothing is."""
    c, size = decode(data, i)
    if c == 0x2E:
        j = i + 1
        while j < end and data[j] == 0x2E:
            j += 1
        return j - i if j - i > 1 else 0
    if c == 0x2026 and i + 6 <= end and _code(data, i + 3) == 0x2026:
        return 6
    if c == 0x2B:
        return 0 if i + 1 < end and 0x30 <= data[i + 1] <= 0x39 else 1
    return size if table[c] & EDGE else 0


@njit(cache=True)
def _code(data, i):  # type: ignore[no-untyped-def]
    c, _ = decode(data, i)
    return c


@njit(cache=True)
def _suffix(data, i, end, table, units):  # type: ignore[no-untyped-def]
    """Bytes of what is split off the back, 0 if nothing is."""
    last = _before(data, i, end)
    c, size = decode(data, last)
    flags = table[c]
    if c == 0x2E:
        j = last
        while j > i and data[j - 1] == 0x2E:
            j -= 1
        if end - j > 1:
            return end - j
        if last == i:
            return 0
        p = _before(data, i, last)
        before = _class_at(data, p, table)
        if before & (LOWER | DIGIT | EDGE | QUOTE) or data[p] == 0x2D or data[p] == 0x2B:
            return 1
        if before & UPPER and p > i and _class_at(data, _before(data, i, p), table) & UPPER:
            return 1
        return 0
    if (c == 0x73 or c == 0x53) and last > i:
        p = _before(data, i, last)
        q = _code(data, p)
        if (q == 0x27 or q == 0x2019) and p > i:
            return end - p
    if flags & CURRENCY:
        return size if last > i and 0x30 <= data[last - 1] <= 0x39 else 0
    if c == 0x3D or c == 0xA7:
        return 0
    if flags & EDGE:
        if c == 0x2026 and last >= i + 3 and _code(data, last - 3) == 0x2026:
            return 6
        return size
    if c == 0x2B:
        return 1 if last > i and 0x30 <= data[last - 1] <= 0x39 else 0
    if flags & LETTER and c < 0x80:
        j = last
        while j > i and end - j < 4 and data[j - 1] >= 0x41 and table[data[j - 1]] & LETTER:
            j -= 1
        if j > i and 0x30 <= data[j - 1] <= 0x39 and _among(units, data, j, end):
            return end - j
    return 0


@njit(cache=True)
def _infix(data, i, end, at, table):  # type: ignore[no-untyped-def]
    """Bytes of the infix at `at`, 0 if there is none; `i` and `end` border the piece."""
    c, size = decode(data, at)
    flags = table[c]
    if c == 0x2E:
        j = at
        while j < end and data[j] == 0x2E:
            j += 1
        if j - at > 1:
            return j - at
        if at == i or j >= end:
            return 0
        before = _class_at(data, _before(data, i, at), table)
        after = _class_at(data, j, table)
        return 1 if before & (LOWER | QUOTE) and after & (UPPER | QUOTE) else 0
    if c == 0x2026 or (c > 0x7F and flags & EDGE and not flags & (QUOTE | CURRENCY | HYPHEN) and c >= 0x2100
                       and c < 0x3000):  # fmt: skip
        return size
    if at == i or at + size >= end:
        return 0
    if not (flags & HYPHEN or c == 0x2C or c == 0x3A or c == 0x3C or c == 0x3E or c == 0x3D or c == 0x2F
            or c == 0x2B or c == 0x2A or c == 0x5E):  # fmt: skip
        return 0
    before = _class_at(data, _before(data, i, at), table)
    after = _class_at(data, at + size, table)
    if c == 0x2C:
        return 1 if before & LETTER and after & LETTER else 0
    if c == 0x2B or c == 0x2A or c == 0x5E:
        return 1 if before & DIGIT and (after & DIGIT or data[at + 1] == 0x2D) else 0
    if c == 0x2D and before & DIGIT and (after & DIGIT or data[at + 1] == 0x2D):
        return 1
    if flags & HYPHEN:
        j = at + size
        while j < end and data[j] == 0x2D and c == 0x2D and j - at < 3:
            j += 1
        if j < end and before & (LETTER | DIGIT) and _class_at(data, j, table) & LETTER:
            return j - at
        return 0
    return size if before & (LETTER | DIGIT) and after & LETTER else 0


@njit(cache=True)
def _special(data, i, end, table, abbreviations, negated, subjects, endings, whole):  # type: ignore[no-untyped-def]
    """How a piece that is an exception is cut: 0 none, -1 whole, else the offset of its second part."""
    last = data[end - 1]
    if last == 0x2E and end - i > 1:
        if end - i == 2 and 0x61 <= data[i] <= 0x7A:
            return -1
        if data[i] < 0x5B and (end - i < 4 or data[i + 1] > 0x5A) and _among(abbreviations, data, i, end - 1):
            return -1
        if end - i > 3 and data[end - 3] == 0x2E:  # e.g. U.S. a.m.
            for j in range(i, end):
                letter = (j - i) % 2 == 0
                if letter != bool(table[data[j]] & LETTER) or (not letter and data[j] != 0x2E):
                    return 0
            return -1
        return 0
    if end - i == 6 and _among(whole, data, i, end):
        return 3 if last | 0x20 == 0x74 else -1
    for j in range(i + 1, end - 1):
        b = data[j]
        if b == 0x27 or (b == 0xE2 and j + 2 < end and data[j + 1] == 0x80 and data[j + 2] == 0x99):
            after = j + (1 if b == 0x27 else 3)
            if after == end - 1 and (last | 0x20) == 0x74 and (data[j - 1] | 0x20) == 0x6E \
                    and _among(negated, data, i, j - 1):  # fmt: skip
                return j - 1 - i
            if _among(endings, data, after, end) and _among(subjects, data, i, j):
                return j - i
            return 0
    return 0


@njit(cache=True)
def _most(data, offsets, skip, table):  # type: ignore[no-untyped-def]
    """No more words than this are found: pieces, what is cut off a contraction, and characters that are no letters."""
    most = 0
    for row in range(len(offsets) - 1):
        if skip[row]:
            continue
        inside = False
        i, end = offsets[row], offsets[row + 1]
        while i < end:
            b = data[i]
            if b < 0x80:
                space = b <= 0x20
                most += table[b] & LETTER == 0
                i += 1
            else:
                c, size = decode(data, i)
                space = table[c] & SPACE != 0
                most += 1
                i += size
            most += 0 if inside or space else 2
            inside = not space
    return most


@njit(cache=True)
def _cut(  # type: ignore[no-untyped-def]
    data, a, b, starts, ends, n, pending, table, abbreviations, negated, subjects, units, endings, whole
):
    """Cut the piece from `a` to `b` into words `n` and following; returns the number of words then."""
    held = 0
    special = 0
    dotted = quoted = False  # calls are dear here: most pieces need few of them
    for i in range(a, b):
        dotted = dotted or data[i] == 0x2E or data[i] == 0x3A
        quoted = quoted or data[i] == 0x27 or data[i] == 0xE2
    while a < b:
        if quoted or b - a == 6 or data[b - 1] == 0x2E:
            special = _special(data, a, b, table, abbreviations, negated, subjects, endings, whole)
            if special != 0:
                break
        size = 0 if data[a] < 0x80 and table[data[a]] & (LETTER | DIGIT) else _prefix(data, a, b, table)
        if size:
            starts[n], ends[n] = a, a + size
            n += 1
            a += size
            continue
        size = _suffix(data, a, b, table, units)
        if size == 0 or size == b - a or held == len(pending):
            break
        pending[held] = b
        held += 1
        b -= size
    if special > 0:
        starts[n], ends[n] = a, a + special
        starts[n + 1], ends[n + 1] = a + special, b
        n += 2
    elif a < b:
        if special == 0 and not (dotted and _is_address(data, a, b, table)):
            at = a
            while at < b:
                if data[at] < 0x80 and table[data[at]] & (LETTER | DIGIT):
                    at += 1
                    continue
                size = _infix(data, a, b, at, table)
                if size:
                    if at > a:
                        starts[n], ends[n] = a, at
                        n += 1
                    starts[n], ends[n] = at, at + size
                    n += 1
                    a = at + size
                    at = a
                else:
                    at += decode(data, at)[1]
        if a < b:
            starts[n], ends[n] = a, b
            n += 1
    while held:
        held -= 1
        starts[n], ends[n] = b, pending[held]
        b = pending[held]
        n += 1
    return n


@njit(cache=True)
def _describe(data, starts, ends, characters, hashes, flags, first, last, table):  # type: ignore[no-untyped-def]
    for k in range(first, last):
        value = SEED
        length = 0
        union = np.uint16(0)
        marks = True
        at = starts[k]
        while at < ends[k]:
            c, size = decode(data, at)
            value = mixed(value, c)
            union |= table[c]
            marks = marks and table[c] & MARK != 0
            length += 1
            at += size
        characters[k], hashes[k] = length, value
        flags[k] = union if marks else union & ~np.uint16(MARK)


@njit(cache=True)
def _find(  # type: ignore[no-untyped-def]
    data, offsets, skip, cuts, cut_offsets, table, abbreviations, negated, subjects, units, endings, whole
):
    rows = len(offsets) - 1
    first = np.zeros(rows + 1, np.int64)
    most = _most(data, offsets, skip, table)
    starts, ends = np.empty(most, np.int64), np.empty(most, np.int64)
    characters, hashes, flags = np.empty(most, np.int32), np.empty(most, np.uint64), np.empty(most, np.uint16)
    pending = np.empty(64, np.int64)  # ends of the suffixes split off the current piece, the last one first
    n = 0
    for row in range(rows):
        first[row] = n
        if skip[row]:
            continue
        i, end = offsets[row], offsets[row + 1]
        if cut_offsets[row + 1] > cut_offsets[row]:
            n = _segments(data, i, cuts[cut_offsets[row] : cut_offsets[row + 1]], starts, ends, n, table)
            _describe(data, starts, ends, characters, hashes, flags, first[row], n, table)
            continue
        while i < end:
            a = i
            # Most pieces are ASCII letters, perhaps with one mark behind them.
            value = SEED
            union = np.uint16(0)
            while i < end and data[i] < 0x80 and table[data[i]] & LETTER:
                value = mixed(value, np.int64(data[i]))
                union |= table[data[i]]
                i += 1
            length = i - a
            tail = data[i] if i < end else np.uint8(0x20)
            mark = 0
            if length > 1 and (tail == 0x2C or (tail == 0x2E and data[i - 1] >= 0x61 and data[a] >= 0x61)):
                mark = 1
                tail = data[i + 1] if i + 1 < end else np.uint8(0x20)
            if (tail == 0x20 or tail == 0x0A) and not (length == 6 and data[a] | 0x20 == 0x63):
                if length:
                    starts[n], ends[n], characters[n], hashes[n], flags[n] = a, i, length, value, union
                    n += 1
                    if mark:
                        c = np.int64(data[i])
                        starts[n], ends[n], characters[n] = i, i + 1, 1
                        hashes[n], flags[n] = mixed(SEED, c), table[c]
                        n += 1
                i += mark + 1
                continue
            while i < end:
                c, size = decode(data, i)
                if table[c] & SPACE:
                    break
                i += size
            if i == a:
                i += size
                continue
            begin = n
            n = _cut(
                data, a, i, starts, ends, n, pending, table, abbreviations, negated, subjects, units, endings, whole
            )
            _describe(data, starts, ends, characters, hashes, flags, begin, n, table)
    first[rows] = n
    return first, starts[:n], ends[:n], characters[:n], hashes[:n], flags[:n]


@njit(cache=True)
def _segments(data, i, cuts, starts, ends, n, table):  # type: ignore[no-untyped-def]
    """The words of a text that a segmenter cut into pieces of `cuts` characters, without those of white space."""
    for size in cuts:
        a = i
        blank = True
        for _ in range(size):
            c, width = decode(data, i)
            blank = blank and table[c] & SPACE != 0
            i += width
        if not blank:
            starts[n], ends[n] = a, i
            n += 1
    return n
