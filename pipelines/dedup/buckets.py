"""Who shares a key with whom: the rows of an index, grouped by band key and by exact hash.

A bucket is a key that at least two rows have. A row has bands + 1 keys: its band keys, and one of its exact hash; all
are mixed with the tenant, so tenants never meet. Only rows with shingles have band keys.

Buckets come from one linear pass over the signatures (about 0.2 to 0.4 s per million rows), either restricted to the
keys of given rows, so that memory follows what changed, or complete, where a filter of two bits per place first sets
aside the keys that occur once. Memory: 24 bytes per entry of a bucket, while sorting 40.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.dedup.kernels import kernel, mix
from pipelines.dedup.minhash import band_key
from pipelines.dedup.shingles import U64

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
_CHUNK = 1 << 15  # rows scanned at a time
_ZERO, _ONE, _THREE, _SIX, _LOW = np.uint64(0), np.uint64(1), np.uint64(3), np.uint64(6), np.uint64(63)
_EXACT = np.uint64(0xA4093822299F31D0)


class Index(NamedTuple):
    """The n rows of an index as arrays. `rank` is the position in the order key, `high` and `low` the exact hash."""

    rank: I32
    tenant: I32  # number of the tenant within this index
    salt: U64  # of the tenant, the same in every index; one per number in `tenant`
    high: U64
    low: U64
    shingles: I64
    signatures: npt.NDArray[np.uint32]


class Buckets(NamedTuple):
    """Rows of bucket i: `members[start[i]:start[i + 1]]`. Buckets of row r: `of[first[r]:first[r + 1]]`."""

    start: I64
    members: I32
    first: I64
    of: I32


def buckets_of(index: Index, bands: int, wanted: I64) -> Buckets:
    """The buckets in which the rows `wanted` are (with all other members)."""
    places = _power(4 * max(1, len(wanted)) * (bands + 1))
    table = np.zeros(places, np.uint64)
    filter_ = np.zeros(max(1, places >> 4), np.uint64)
    _note_keys(*index, bands, wanted, filter_, table)
    return _group(*_entries(index, bands, filter_, table), len(index.rank))


def all_buckets(index: Index, bands: int) -> Buckets:
    """Every bucket of the index."""
    places = _power(4 * max(1, len(index.rank)) * (bands + 1))
    once, twice = np.zeros(max(1, places >> 6), np.uint64), np.zeros(max(1, places >> 6), np.uint64)
    _note_repeated(*index, bands, once, twice)
    return _group(*_entries(index, bands, twice, np.zeros(1, np.uint64)), len(index.rank))


def _power(least: int) -> int:
    return 1 << max(6, (least - 1).bit_length())


def _entries(index: Index, bands: int, filter_: U64, table: U64) -> tuple[U64, I32]:
    keys, rows = [], []
    scratch = np.empty(_CHUNK * (bands + 1), np.uint64), np.empty(_CHUNK * (bands + 1), np.int32)
    for begin in range(0, len(index.rank), _CHUNK):
        found = _scan(*index, bands, begin, min(begin + _CHUNK, len(index.rank)), filter_, table, *scratch)
        keys.append(scratch[0][:found].copy())
        rows.append(scratch[1][:found].copy())
    return np.concatenate(keys or [scratch[0][:0]]), np.concatenate(rows or [scratch[1][:0]])


def _group(keys: U64, rows: I32, total: int) -> Buckets:
    order = np.argsort(keys)
    keys, rows = keys[order], rows[order]
    fresh = np.ones(len(keys), bool)
    fresh[1:] = keys[1:] != keys[:-1]
    bounds = np.append(np.flatnonzero(fresh), len(keys))
    sizes = np.diff(bounds)
    shared = sizes > 1
    rows = rows[np.repeat(shared, sizes)]
    sizes = sizes[shared]
    start = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    first, of = _transpose(start, rows, total)
    return Buckets(start, rows, first, of)


@kernel
def _transpose(start: Any, members: Any, total: int) -> Any:
    first = np.zeros(total + 1, np.int64)
    for row in members:
        first[row + 1] += 1
    for row in range(total):
        first[row + 1] += first[row]
    of = np.empty(len(members), np.int32)
    at = first.copy()
    for bucket in range(len(start) - 1):
        for i in range(start[bucket], start[bucket + 1]):
            of[at[members[i]]] = bucket
            at[members[i]] += 1
    return first, of


@kernel
def _keys_of(
    row: int, bands: int, tenant: Any, salt: Any, high: Any, low: Any, shingles: Any, signatures: Any, out: Any
) -> int:
    """Write the keys of a row, none of them 0, to `out`; return how many. Without shingles it has its exact key alone.

    All at once, because a call with arrays costs more than a key.
    """
    of_tenant, count, rows = salt[tenant[row]], 0, signatures.shape[1] // bands
    if shingles[row] > 0:
        count = bands
        for band in range(bands):
            out[band] = mix(band_key(signatures, row, band, rows) ^ of_tenant)
    out[count] = mix(mix(high[row] ^ mix(low[row] ^ _EXACT)) ^ of_tenant)
    count += 1
    for i in range(count):
        out[i] += np.uint64(out[i] == _ZERO)
    return count


@kernel
def _note_keys(
    rank: Any,
    tenant: Any,
    salt: Any,
    high: Any,
    low: Any,
    shingles: Any,
    signatures: Any,
    bands: int,
    wanted: Any,
    filter_: Any,
    table: Any,
) -> None:
    mask, bits = np.uint64(len(table) - 1), np.uint64(len(filter_) * 64 - 1)
    keys = np.empty(bands + 1, np.uint64)
    for row in wanted:
        for i in range(_keys_of(row, bands, tenant, salt, high, low, shingles, signatures, keys)):
            key = keys[i]
            bit = key & bits
            filter_[bit >> _SIX] |= _ONE << (bit & _LOW)
            at = (key >> _THREE) & mask
            while table[at] != _ZERO and table[at] != key:
                at = (at + _ONE) & mask
            table[at] = key


@kernel
def _note_repeated(
    rank: Any,
    tenant: Any,
    salt: Any,
    high: Any,
    low: Any,
    shingles: Any,
    signatures: Any,
    bands: int,
    once: Any,
    twice: Any,
) -> None:
    bits = np.uint64(len(once) * 64 - 1)
    keys = np.empty(bands + 1, np.uint64)
    for row in range(len(rank)):
        for i in range(_keys_of(row, bands, tenant, salt, high, low, shingles, signatures, keys)):
            bit = keys[i] & bits
            mark = _ONE << (bit & _LOW)
            twice[bit >> _SIX] |= once[bit >> _SIX] & mark
            once[bit >> _SIX] |= mark


@kernel
def _scan(
    rank: Any,
    tenant: Any,
    salt: Any,
    high: Any,
    low: Any,
    shingles: Any,
    signatures: Any,
    bands: int,
    begin: int,
    end: int,
    filter_: Any,
    table: Any,
    keys: Any,
    rows: Any,
) -> int:
    # Most keys fail at the filter, which fits the processor's cache; the table is exact. A table of one place: none.
    found = 0
    mask, bits = np.uint64(len(table) - 1), np.uint64(len(filter_) * 64 - 1)
    own = np.empty(bands + 1, np.uint64)
    for row in range(begin, end):
        for i in range(_keys_of(row, bands, tenant, salt, high, low, shingles, signatures, own)):
            key = own[i]
            bit = key & bits
            if not (filter_[bit >> _SIX] >> (bit & _LOW)) & _ONE:
                continue
            if len(table) > 1:
                at = (key >> _THREE) & mask
                while table[at] != _ZERO and table[at] != key:
                    at = (at + _ONE) & mask
                if table[at] != key:
                    continue
            keys[found] = key
            rows[found] = row
            found += 1
    return found
