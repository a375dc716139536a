"""Shingles: what two texts are compared by. This page is the definition; the test suite holds it in plain Python.

The text is taken as cleaning and scrubbing left it; in particular it is not brought into a Unicode normal form here.
A media key (pipelines.atoms) counts as a space: another address of an image makes no other text.

Profile. `characters` where the language (primary subtag, any case) is zh, ja or ko, otherwise `words`. Without a
language the script decides: `characters` where at least one Han, kana or hangul character stands in the text and
there are at least as many of them as words of other scripts.

Tokens. `words`: maximal runs of letters, digits and underscores, by the Unicode property of each code point
(`str.isalnum`, as in the regular expression `\\w`), every code point replaced by its own lower case (`str.lower`; of
İ, the only one with a longer lower case, the first code point; ς as σ, since which of the two stands is a matter of
position). `characters`: every code point that is not white space (`str.isspace`), as it is.

Shingles. The set of all runs of n successive tokens (5 unless configured). A text with fewer tokens than n, but at
least one, has one shingle: all its tokens. A text without tokens has none.

Hash. A word is the polynomial of its code points to the base _LETTER, then mixed; a character is its code point + 1.
A shingle is the polynomial of its tokens to the base _TOKEN, xor the profile's salt, mixed; all modulo 2^64. Sets of
different profiles are thus disjoint, so documents of different profiles never count as similar. The hash is stable but
not cryptographic: two shingles of one corpus of 10^9 share a hash with a probability of about 0.03.

The tables follow the Unicode version of the interpreter (UNICODE), which is part of the stage's version.
Malformed UTF-8 does not occur in valid Arrow strings; where it does, a stray byte counts as U+FFFD and nothing is read
outside the text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.atoms import MEDIA_KEY
from pipelines.dedup.kernels import kernel, mix
from pipelines.params import DedupParams

UNICODE = unicodedata.unidata_version
CHARACTER_LANGUAGES = frozenset({"zh", "ja", "ko"})
WORDS, CHARACTERS, BY_SCRIPT = 0, 1, 2

U64 = npt.NDArray[np.uint64]
_PLANES = 0x40000  # no letter, digit or white space lies beyond plane 3
_FINAL_SIGMA, _SIGMA = 0x3C2, 0x3C3
_LETTER = np.uint64(0xD6E8FEB86659FD93)
_TOKEN = np.uint64(0x9E3779B97F4A7C15)
_SALTS = np.array([0x243F6A8885A308D3, 0x13198A2E03707344], np.uint64)  # digits of pi
_REPLACEMENT = 0xFFFD
_SORT_ABOVE = 1 << 20  # a hash table for more shingles than this would take more memory than it saves time
_ZERO, _ONE = np.uint64(0), np.uint64(1)


class Texts(NamedTuple):
    """A column of strings as the kernels see it: text i is `data[offsets[i]:offsets[i + 1]]` (UTF-8)."""

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]


@cache
def tables() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """(fold, marks) by code point below _PLANES.

    `fold` is the lower-cased code point of a letter, digit or underscore and 0 for all else; `marks` has bit 1 for
    white space and bit 2 for Han, kana and hangul.
    """
    every = "".join(map(chr, range(_PLANES)))
    fold = np.zeros(_PLANES, np.uint32)
    marks = np.zeros(_PLANES, np.uint8)
    for run in re.finditer(r"\w+", every):
        fold[run.start() : run.end()] = [ord(c.lower()[0]) for c in run[0]]
    fold[_FINAL_SIGMA] = _SIGMA
    for run in re.finditer(r"\s+", every):
        marks[run.start() : run.end()] |= 1
    for first, last in _CJK:
        marks[first : last + 1] |= 2
    return fold, marks


#: Blocks of Han, kana and hangul letters.
_CJK = (
    (0x1100, 0x11FF),
    (0x3005, 0x3007),
    (0x3041, 0x30FF),
    (0x3130, 0x318F),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFFDC),
    (0x20000, 0x3FFFF),
)


def as_texts(column: pa.Array | pa.ChunkedArray) -> Texts:
    """View a column of strings without copying its characters (unless it has several chunks); null counts as empty."""
    if isinstance(column, pa.ChunkedArray):
        # 32-bit offsets could not hold the characters of several chunks together
        column = column.chunk(0) if column.num_chunks == 1 else column.cast(pa.large_string()).combine_chunks()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        column = column.cast(pa.large_string())
    if column.null_count:
        column = column.fill_null("")
    column = _without_media(column)
    _, offsets, data = column.buffers()
    kind = np.int64 if pa.types.is_large_string(column.type) else np.int32
    if not len(column) or offsets is None:
        return Texts(np.zeros(0, np.uint8), np.zeros(len(column) + 1, np.int64))
    bounds = np.frombuffer(offsets, kind)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    return Texts(np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8), bounds)


_MEDIA_KEY = re.compile(MEDIA_KEY)


def _without_media(column: pa.Array) -> pa.Array:
    """The column with a space for each media key. Only texts that have one are looked at."""
    found = pc.match_substring(column, "⟦")
    if not pc.any(found).as_py():
        return column
    texts = column.filter(found).cast(pa.large_binary()).to_pylist()
    # a byte that is no UTF-8 stays what it is
    spaced = [_MEDIA_KEY.sub(" ", t.decode(errors="surrogateescape")).encode(errors="surrogateescape") for t in texts]
    new = pa.array(spaced, pa.large_binary())
    whole = pc.replace_with_mask(column.cast(pa.large_binary()), found, new)
    return pa.Array.from_buffers(pa.large_string(), len(whole), whole.buffers(), offset=whole.offset)


def profiles(languages: pa.Array | pa.ChunkedArray | None, rows: int) -> npt.NDArray[np.int8]:
    """WORDS or CHARACTERS by language, BY_SCRIPT where it is missing."""
    if languages is None:
        return np.full(rows, BY_SCRIPT, np.int8)
    if isinstance(languages, pa.ChunkedArray):
        languages = languages.combine_chunks()
    coded = languages.cast(pa.string()).dictionary_encode()
    known = [_profile(name) for name in coded.dictionary.to_pylist()] + [BY_SCRIPT]
    at = coded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
    return np.array(known, np.int8)[at]


def _profile(language: str) -> int:
    primary = language.replace("_", "-").split("-")[0].strip().lower()
    return BY_SCRIPT if not primary else CHARACTERS if primary in CHARACTER_LANGUAGES else WORDS


def shingle_sets(texts: pa.Array | pa.ChunkedArray, languages: Any, params: DedupParams) -> list[U64]:
    """The shingle hashes of each text, sorted and unique."""
    view = as_texts(texts)
    fold, marks = tables()
    lengths = np.diff(view.offsets)
    scratch = np.empty(int(lengths.max(initial=0)) + 2, np.uint64)
    out = []
    for i, profile in enumerate(profiles(languages, len(lengths))):
        found = shingle(
            view.data,
            view.offsets[i],
            view.offsets[i + 1],
            profile,
            params.shingle_words,
            params.shingle_characters,
            fold,
            marks,
            scratch,
        )
        # numpy's sort is vectorised and several times faster than a compiled one
        hashes = np.sort(scratch[:found])
        out.append(hashes[np.concatenate(([True], hashes[1:] != hashes[:-1]))] if found else hashes)
    return out


@kernel
def decode(data: Any, at: int, end: int) -> Any:
    """The code point at `at`, which holds a byte above 127, and the position after it."""
    lead = np.int64(data[at])
    if 0xC2 <= lead < 0xE0 and at + 1 < end:
        return ((lead & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F), at + 2
    if 0xE0 <= lead < 0xF0 and at + 2 < end:
        return ((lead & 0x0F) << 12) | ((np.int64(data[at + 1]) & 0x3F) << 6) | (np.int64(data[at + 2]) & 0x3F), at + 3
    if 0xF0 <= lead < 0xF5 and at + 3 < end:
        high = ((lead & 0x07) << 18) | ((np.int64(data[at + 1]) & 0x3F) << 12)
        return high | ((np.int64(data[at + 2]) & 0x3F) << 6) | (np.int64(data[at + 3]) & 0x3F), at + 4
    return _REPLACEMENT, at + 1


@kernel
def by_script(data: Any, start: int, end: int, fold: Any, marks: Any) -> int:
    """WORDS or CHARACTERS, by what the text holds more of."""
    characters, words, inside, at = 0, 0, False, start
    while at < end:
        code: Any = np.int64(data[at])
        if code < 128:
            at += 1
        else:
            code, at = decode(data, at, end)
        if code >= _PLANES or fold[code] == 0:
            inside = False
        elif marks[code] & 2:
            characters += 1
            inside = False
        else:
            words += not inside
            inside = True
    return CHARACTERS if characters and characters >= words else WORDS


@kernel
def _words(data: Any, fold: Any, out: Any) -> int:
    # No branch hangs on where a word ends: the value is stored at every step and kept only at a border, because a
    # branch that is mispredicted once per word would cost more than all the rest. A word's value is never 0 inside it
    # (up to a chance of 2^-64), so it doubles as the mark of being inside.
    value, found, at, end = _ZERO, 0, 0, len(data)
    while at < end:
        code: Any = np.int64(data[at])
        if code < 128:
            at += 1
        else:
            code, at = decode(data, at, end)
            if code >= _PLANES:
                code = 0
        folded = np.uint64(fold[code])
        out[found] = value
        found += (folded == _ZERO) & (value != _ZERO)
        value = value * _LETTER + folded if folded != _ZERO else _ZERO
    out[found] = value
    found += value != _ZERO
    for i in range(found):
        out[i] = mix(out[i])
    return found


@kernel
def _characters(data: Any, marks: Any, out: Any) -> int:
    found, at, end = 0, 0, len(data)
    while at < end:
        code: Any = np.int64(data[at])
        if 0xE4 <= code < 0xEA and at + 2 < end:  # U+4000 to U+9FFF, most of a Chinese text: no white space there
            code = ((code & 0x0F) << 12) | ((np.int64(data[at + 1]) & 0x3F) << 6) | (np.int64(data[at + 2]) & 0x3F)
            out[found] = np.uint64(code + 1)
            found += 1
            at += 3
            continue
        if code < 128:
            at += 1
        else:
            code, at = decode(data, at, end)
        out[found] = np.uint64(code + 1)
        found += int(code >= _PLANES or not marks[code] & 1)
    return found


@kernel
def shingle(
    data: Any, start: int, end: int, profile: int, by_words: int, by_characters: int, fold: Any, marks: Any, out: Any
) -> int:
    """Write the shingle hashes of one text, in order and with repetitions, to `out`; return how many.

    `out` needs room for one more than the text has bytes.
    """
    if profile == BY_SCRIPT:
        profile = by_script(data, start, end, fold, marks)
    if profile == CHARACTERS:
        tokens, size = _characters(data[start:end], marks, out), by_characters
    else:
        tokens, size = _words(data[start:end], fold, out), by_words
    salt = _SALTS[profile]
    if tokens == 0:
        return 0
    size = min(size, tokens)
    last = _ONE
    for _ in range(size):
        last *= _TOKEN
    value = _ZERO
    for i in range(size):
        value = value * _TOKEN + out[i]
    # Shingle i overwrites token i, which the next step has to take out of the polynomial: `leaving` keeps it.
    for i in range(tokens - size):
        leaving = out[i]
        out[i] = mix(value ^ salt)
        value = value * _TOKEN + out[i + size] - leaving * last
    out[tokens - size] = mix(value ^ salt)
    return tokens - size + 1


@kernel
def distinct(hashes: Any, count: int, table: Any) -> int:
    """Move the distinct ones of `hashes[:count]` to its front; return how many.

    `table` is scratch of a power of two of at least twice `count`, or anything where count is above _SORT_ABOVE.
    """
    kept = 0
    if count > _SORT_ABOVE:
        hashes[:count].sort()
        for i in range(count):
            if i == 0 or hashes[i] != hashes[kept - 1]:
                hashes[kept] = hashes[i]
                kept += 1
        return kept
    size = 2
    while size < 2 * count:
        size *= 2
    mask = np.uint64(size - 1)
    table[:size] = _ZERO
    zero = False
    for i in range(count):
        value = hashes[i]
        if value == _ZERO:  # the mark of a free place
            if zero:
                continue
            zero = True
        else:
            at = value & mask
            while table[at] != _ZERO and table[at] != value:
                at = (at + _ONE) & mask
            if table[at] == value:
                continue
            table[at] = value
        hashes[kept] = value
        kept += 1
    return kept
