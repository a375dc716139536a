"""MinHash signatures, band keys and the exact hash of texts, straight from Arrow buffers.

Signature (Broder 1997). Position k of P = bands x rows is the least of (a_k * x + b_k) mod 2^32 over the shingle
hashes' upper 32 bits x, with a_k odd, both from NumPy's PCG64 seeded with `seed` (whose stream NumPy keeps stable);
stored as P little-endian uint32. A text without shingles has 0xFFFFFFFF everywhere. Two signatures agree in each
position with a probability near the Jaccard similarity of their shingle sets.

Band keys (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", 3.4). Band b is the positions b*rows to
(b+1)*rows - 1; its key mixes them and b into 64 bits. Two documents are candidates iff they share a key.

Why 32 bands x 4 rows at threshold 0.8. A pair of similarity s shares a key with a probability of 1 - (1 - s^r)^b:

    bands x rows   s = 0.80     s = 0.85     s = 0.5   s = 0.3   keys per document
       9 x 13       0.399        0.686        0.001     0.000            9
      16 x  8       0.947        0.994        0.061     0.001           16
      25 x  5       1 - 5e-5     1 - 4.3e-7   0.548     0.059           25
      32 x  4       1 - 5e-8     1 - 5.5e-11  0.873     0.229           32

A candidate costs one comparison of two signatures (about 10 ns, 512 bytes), and only those that agree in enough
positions (see `least_agreement`) cost a reading of both texts. A missed pair costs a duplicate in the corpus for good.
Candidates being that much cheaper than errors, the rows are chosen so few that the bands lose fewer pairs at the
threshold (5e-8) than the agreement does (1e-6), at the same 128 positions; more bands at fewer rows would only add
keys and candidates. Settings such as 9 x 13, which minimise the mean of both error rates over all similarities, lose
more than half of the pairs at the threshold itself.

Exact hash: BLAKE2b-128 (as `schemas.hash128`) of the text with every run of white space replaced by one space, and
none at its ends; case and form are kept. Equal exact hashes of one profile therefore imply equal shingle sets.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.kernels import kernel, mix
from pipelines.dedup.shingles import U64, Texts, as_texts, decode, distinct, profiles, shingle, tables
from pipelines.params import DedupParams
from pipelines.schemas import hash128

U32 = npt.NDArray[np.uint32]
EMPTY = np.uint32(0xFFFFFFFF)
LOSS = 1e-6  # the share of pairs at exactly the threshold that the comparison of signatures may lose
_BAND = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


class Features(NamedTuple):
    """What the index keeps of n texts: number of distinct shingles, int64[n]; signatures, uint32[n, P]."""

    shingles: npt.NDArray[np.int64]
    signatures: U32


@lru_cache(maxsize=16)
def permutations(count: int, seed: int) -> tuple[U32, U32]:
    """The multipliers (odd) and addends of `count` positions."""
    draws = np.random.Generator(np.random.PCG64(seed)).integers(0, 1 << 32, (2, count), dtype=np.uint32)
    return draws[0] | np.uint32(1), draws[1]


@lru_cache(maxsize=16)
def least_agreement(threshold: float, positions: int) -> int:
    """The number of equal positions below which a pair is not similar by definition, whatever its texts say.

    The greatest number that a pair at exactly the threshold stays below with a probability of at most LOSS (binomial;
    pairs above it, with less). At 0.8 and 128 positions: 79.
    """
    missed = 0.0
    for agree in range(positions + 1):
        missed += comb(positions, agree) * threshold**agree * (1 - threshold) ** (positions - agree)
        if missed > LOSS:
            return agree
    return positions


def features(texts: pa.Array | pa.ChunkedArray, languages: Any, params: DedupParams) -> Features:
    """Signature and number of distinct shingles of each text, in one pass."""
    view = as_texts(texts)
    rows = len(view.offsets) - 1
    factors, addends = permutations(params.bands * params.rows, params.seed)
    out = Features(np.zeros(rows, np.int64), np.full((rows, len(factors)), EMPTY, np.uint32))
    kinds = profiles(languages, rows)
    _features(*view, kinds, params.shingle_words, params.shingle_characters, *tables(), factors, addends, *out)
    return out


@kernel
def _features(
    data: Any,
    offsets: Any,
    kinds: Any,
    by_words: int,
    by_characters: int,
    fold: Any,
    marks: Any,
    factors: Any,
    addends: Any,
    counts: Any,
    signatures: Any,
) -> None:
    longest = 0
    for i in range(len(kinds)):
        longest = max(longest, offsets[i + 1] - offsets[i])
    hashes = np.empty(longest + 2, np.uint64)
    places = 2
    while places < 2 * longest and places < 1 << 21:
        places *= 2
    table = np.empty(places, np.uint64)
    for i in range(len(kinds)):
        found = shingle(data, offsets[i], offsets[i + 1], kinds[i], by_words, by_characters, fold, marks, hashes)
        counts[i] = distinct(hashes, found, table)
        sign(hashes, counts[i], factors, addends, signatures[i])


@kernel
def sign(hashes: Any, count: int, factors: Any, addends: Any, out: Any) -> None:
    """Lower `out` to the least value of each position over `hashes[:count]`.

    Eight hashes at a time, so that a position is loaded and stored once for eight; the inner loop is vectorised.
    """
    at = 0
    while at + 8 <= count:
        h0, h1 = np.uint32(hashes[at] >> _HALF), np.uint32(hashes[at + 1] >> _HALF)
        h2, h3 = np.uint32(hashes[at + 2] >> _HALF), np.uint32(hashes[at + 3] >> _HALF)
        h4, h5 = np.uint32(hashes[at + 4] >> _HALF), np.uint32(hashes[at + 5] >> _HALF)
        h6, h7 = np.uint32(hashes[at + 6] >> _HALF), np.uint32(hashes[at + 7] >> _HALF)
        for k in range(len(out)):
            a, b = factors[k], addends[k]
            least = min(out[k], np.uint32(np.uint32(a * h0) + b))
            least = min(least, np.uint32(np.uint32(a * h1) + b))
            least = min(least, np.uint32(np.uint32(a * h2) + b))
            least = min(least, np.uint32(np.uint32(a * h3) + b))
            least = min(least, np.uint32(np.uint32(a * h4) + b))
            least = min(least, np.uint32(np.uint32(a * h5) + b))
            least = min(least, np.uint32(np.uint32(a * h6) + b))
            out[k] = min(least, np.uint32(np.uint32(a * h7) + b))
        at += 8
    while at < count:
        h0 = np.uint32(hashes[at] >> _HALF)
        for k in range(len(out)):
            out[k] = min(out[k], np.uint32(np.uint32(factors[k] * h0) + addends[k]))
        at += 1


@kernel
def band_key(signatures: Any, at: int, band: int, rows: int) -> Any:
    """The key of one band of signature `at`. (A view of that signature would cost more than the key.)"""
    key, k, end = np.uint64(band + 1) * _BAND, band * rows, (band + 1) * rows
    while k + 1 < end:
        key = mix(key ^ (np.uint64(signatures[at, k]) << _HALF | np.uint64(signatures[at, k + 1]))) * _BAND
        k += 2
    if k < end:
        key = mix(key ^ np.uint64(signatures[at, k])) * _BAND
    return mix(key)


@kernel
def _band_keys(signatures: Any, rows: int, out: Any) -> None:
    for i in range(out.shape[0]):
        for band in range(out.shape[1]):
            out[i, band] = band_key(signatures, i, band, rows)


def band_keys(signatures: U32, bands: int, rows: int) -> U64:
    """The keys, uint64[n, bands], of signatures, uint32[n, bands * rows]."""
    out = np.empty((len(signatures), bands), np.uint64)
    _band_keys(signatures, rows, out)
    return out


def as_column(signatures: U32) -> pa.Array:
    """Signatures as a binary column of little-endian uint32."""
    rows, positions = signatures.shape
    data = np.ascontiguousarray(signatures, "<u4")
    if data.nbytes >= 1 << 31:
        raise ValueError(f"{rows} signatures of {positions * 4} bytes do not fit one array; use smaller batches")
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(positions * 4)
    return pa.Array.from_buffers(pa.binary(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def from_column(column: pa.Array | pa.ChunkedArray, positions: int) -> U32:
    """The inverse of as_column: uint32[n, positions]. Raises ValueError where a value has another length or is null."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    views = []
    for chunk in chunks:
        wide = pa.types.is_large_binary(chunk.type)
        _, offsets, data = chunk.buffers()
        if not len(chunk):
            continue
        bounds = np.frombuffer(offsets, np.int64 if wide else np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        if chunk.null_count or (np.diff(bounds) != positions * 4).any():
            raise ValueError(f"a signature is not {positions * 4} bytes long: it was made with other parameters")
        raw = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]]
        views.append(raw.view("<u4").reshape(len(chunk), positions))
    if not views:
        return np.empty((0, positions), np.uint32)
    return views[0] if len(views) == 1 else np.concatenate(views)


def exact_hashes(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The exact hash of each text, 32 hexadecimal characters."""
    view: Texts = as_texts(texts)
    lengths = np.diff(view.offsets)
    scratch = np.empty(int(lengths.max(initial=0)) + 1, np.uint8)
    _, marks = tables()
    out = []
    for i in range(len(lengths)):
        size = collapse(view.data, view.offsets[i], view.offsets[i + 1], marks, scratch)
        out.append(hash128(scratch[:size].tobytes()))
    return pa.array(out, pa.string())


@kernel
def collapse(data: Any, start: int, end: int, marks: Any, out: Any) -> int:
    """Write a text with single spaces for runs of white space and none at its ends to `out`; return its bytes."""
    size, at, spaced = 0, start, True
    while at < end:
        code: Any = np.int64(data[at])
        if code < 128:
            space = (marks[code] & 1) != 0
            out[size] = np.uint8(32) if space else data[at]
            size += not (space and spaced)
            at += 1
        elif 0xE4 <= code < 0xEA and at + 2 < end:  # U+4000 to U+9FFF: no white space there
            out[size], out[size + 1], out[size + 2] = data[at], data[at + 1], data[at + 2]
            size += 3
            at += 3
            space = False
        else:
            code, behind = decode(data, at, end)
            space = code < len(marks) and (marks[code] & 1) != 0
            if space:
                out[size] = np.uint8(32)
                size += not spaced
            else:
                for i in range(at, behind):
                    out[size] = data[i]
                    size += 1
            at = behind
        spaced = space
    return size - 1 if size and spaced else size
