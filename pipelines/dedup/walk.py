"""The walk along the order key: judges rows block by block and follows what changes (see leader.py for the meaning).

Everything here is arrays by row of an index; nothing knows of Arrow or of documents' names.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.dedup.buckets import I32, I64, Buckets, Index, all_buckets, buckets_of
from pipelines.dedup.kernels import inlined, kernel
from pipelines.dedup.minhash import least_agreement
from pipelines.dedup.shingles import U64
from pipelines.params import DedupParams

CACHE_BYTES = 256 << 20
_BLOCK_ROWS, _BLOCK_SHINGLES = 2048, 4 << 20  # judged at a time: bounds memory, and the batches in which texts are read
_PARTIAL_ROUNDS, _PARTIAL_SHARE = 2, 0.25  # rounds, and share of rows, up to which only the mates of some are sought
NONE, GONE = -1, -2  # no kept twin; one that is no longer there
_OUT, _KEPT = 0, 1  # states of a row: rejected or not judged yet; kept
_OPEN, _PRESUMED = 2, 3  # while its block is judged: may be kept; so close to another that it will be rejected

RowSets = Callable[[I64], Sequence[U64]]


@dataclass
class Outcome:
    """For n rows: the kept twin's row (-1 where kept) and the similarity to it (NaN), and which rows were judged."""

    leader: I32
    similarity: npt.NDArray[np.float64]
    judged: npt.NDArray[np.bool_]
    counts: dict[str, int] = field(default_factory=dict)


def walk(
    index: Index,
    known: I32,
    dirty: npt.NDArray[np.bool_],
    row_sets: RowSets,
    params: DedupParams,
    cache_bytes: int = CACHE_BYTES,
) -> Outcome:
    """Judge the rows marked in `dirty` and all that this touches; `known` is each other row's kept twin (-1: kept).

    `row_sets(rows)` gives the shingle sets of rows.
    """
    run = _Run(index, known, dirty, row_sets, params, cache_bytes)
    pending = np.flatnonzero(dirty)
    while len(pending):
        pending = run.round(pending)
    return run.outcome


class _Run:
    """The state of one walk. Kept apart from `walk` because rounds share the buckets and the cache."""

    def __init__(
        self,
        index: Index,
        known: I32,
        dirty: npt.NDArray[np.bool_],
        row_sets: RowSets,
        params: DedupParams,
        cache_bytes: int,
    ) -> None:
        rows = len(index.rank)
        self.index, self.params, self.cache_bytes = index, params, cache_bytes
        positions = params.bands * params.rows
        self.needed = least_agreement(params.threshold, positions)
        self.sure = ceil(positions * (1 + params.threshold) / 2)
        self.state = np.where((known == NONE) & ~dirty, _KEPT, _OUT).astype(np.int8)
        self.outcome = Outcome(known.copy(), np.full(rows, np.nan), np.zeros(rows, bool))
        self.outcome.leader[dirty] = NONE
        self.seen = np.full(rows, -1, np.int32)
        self.steps = np.zeros(3, np.int64)  # stamp of `seen`, compared, verified
        self.sets = _Sets(row_sets, cache_bytes)
        self.rounds = 0
        self.complete = False
        self.scanned = np.zeros(rows, bool)

    def round(self, pending: I64) -> I64:
        """Judge `pending` once; return the rows to judge next."""
        self.rounds += 1
        self._scan(pending)
        before = self.state[pending] == _KEPT
        self.state[pending] = _OUT
        pending, before = _sorted(pending, before, self.index.rank)
        heads = _heads(self.index, pending)
        own = heads == pending
        self._judge(pending[own])
        self._follow(pending[~own], heads[~own])
        self.outcome.judged[pending] = True
        after = self.state[pending] == _KEPT
        judged = int(self.outcome.judged.sum())
        names = ("judged", "rounds", "compared", "verified", "fetched")
        counts = (judged, self.rounds, int(self.steps[1]), int(self.steps[2]), self.sets.fetched)
        self.outcome.counts = dict(zip(names, counts, strict=True))
        return self._touched(pending, pending[before & ~after], pending[after & ~before])

    def _scan(self, pending: I64) -> None:
        """Make sure that the buckets of `pending` are at hand."""
        if self.complete or self.scanned[pending].all():
            return
        self.scanned[pending] = True
        wanted = np.flatnonzero(self.scanned)
        # A chain of verdicts may move on through many rounds: soon one complete scan serves them all.
        self.complete = self.rounds > _PARTIAL_ROUNDS or len(wanted) > _PARTIAL_SHARE * len(self.scanned)
        bands = self.params.bands
        self.buckets: Buckets = (
            all_buckets(self.index, bands) if self.complete else buckets_of(self.index, bands, wanted)
        )
        self.listed = np.zeros(len(self.scanned), bool)
        self.lists = np.empty_like(self.buckets.members)
        self.sizes = np.zeros(len(self.buckets.start) - 1, np.int32)
        _list_kept(*self.buckets, self.state, self.listed, self.lists, self.sizes)

    def _judge(self, rows: I64) -> None:
        """Judge rows, in their order, block by block."""
        load = np.cumsum(self.index.shingles[rows])
        begin, size = 0, _BLOCK_ROWS
        while begin < len(rows):
            limit = (load[begin - 1] if begin else 0) + _BLOCK_SHINGLES
            end = min(begin + size, max(begin + 1, int(np.searchsorted(load, limit, "right"))), len(rows))
            block = rows[begin:end]
            pairs = self._propose(block)
            while len(block) > 1 and 8 * int(self.index.shingles[_needed(pairs)].sum()) > self.cache_bytes:
                self._withdraw(block)
                block = block[: len(block) // 2]
                pairs = self._propose(block)
            decided = self._decide(block, pairs)
            begin += decided
            size = min(2 * size, _BLOCK_ROWS) if decided == len(block) else max(16, size // 2)

    def _propose(self, block: I64) -> I32:
        """The pairs (row, earlier row that may be its kept twin), int32[n, 2], in the order in which they are tried."""
        pairs: I32 = np.empty((4 * len(block) + 64, 2), np.int32)
        found, at = 0, 0
        while True:
            found, at = _propose(
                block, at, found, self.needed, self.sure, self.params.threshold, *self.index, *self.buckets,
                self.state, self.listed, self.lists, self.sizes, self.seen, self.steps, pairs,
            )  # fmt: skip
            if at == len(block):
                return pairs[:found]
            pairs = np.concatenate((pairs, np.empty_like(pairs)))

    def _withdraw(self, block: I64) -> None:
        self.state[block] = _OUT
        _unlist(block, *self.buckets, self.state, self.listed, self.lists, self.sizes)

    def _decide(self, block: I64, pairs: I32) -> int:
        """Judge a block up to the first row that was wrongly presumed to go; return how many rows that is."""
        needed = _needed(pairs[~_equal(self.index, pairs)])
        places = np.zeros(0, np.int64) if not len(needed) else np.searchsorted(needed, pairs.ravel()).reshape(-1, 2)
        sets = self.sets.get(needed)
        bounds = np.concatenate(([0], np.cumsum([len(s) for s in sets]))).astype(np.int64)
        hashes = np.concatenate(sets) if sets else np.zeros(0, np.uint64)
        decided: int = _decide(
            block, pairs, places.reshape(-1, 2), hashes, bounds, self.params.threshold,
            self.index.high, self.index.low, self.state, self.outcome.leader, self.outcome.similarity, self.steps,
        )  # fmt: skip
        self._withdraw(block[decided:])
        lists = (*self.buckets, self.state, self.listed, self.lists, self.sizes)
        _unlist(block[:decided], *lists)
        _list(block[decided - 1 : decided], *lists)
        return decided

    def _follow(self, rows: I64, heads: I64) -> None:
        """Give exact twins the verdict that follows from their head's."""
        kept = self.state[heads] == _KEPT
        self.outcome.leader[rows] = np.where(kept, heads, self.outcome.leader[heads])
        self.outcome.similarity[rows] = np.where(kept, 1.0, self.outcome.similarity[heads])

    def _touched(self, judged: I64, fallen: I64, risen: I64) -> I64:
        """The rows whose verdict may change because of the `judged` some ceased to be kept or became so."""
        touched = np.zeros(len(self.state), bool)
        if len(judged) == len(touched):
            return np.zeros(0, np.int64)
        if len(fallen):
            mark = np.zeros(len(self.state), bool)
            mark[fallen] = True
            behind = self.outcome.leader != NONE
            touched[behind] = mark[self.outcome.leader[behind]]
        touched[judged] = True  # seen already: a round has decided all earlier ones of its own when it comes to a row
        if len(risen):
            _later_mates(
                risen, self.needed, self.params.threshold, *self.index, *self.buckets,
                self.outcome.leader, self.seen, self.steps, touched,
            )  # fmt: skip
        touched[judged] = False
        return np.flatnonzero(touched)


class _Sets:
    """Shingle sets by row: the latest used ones, at most `limit` bytes beside those in use."""

    def __init__(self, fetch: RowSets, limit: int) -> None:
        self.fetch, self.limit = fetch, limit
        self.held: OrderedDict[int, U64] = OrderedDict()
        self.bytes = self.fetched = 0

    def get(self, rows: I64) -> list[U64]:
        missing = [r for r in rows.tolist() if r not in self.held]
        if missing:
            found = self.fetch(np.array(missing, np.int64))
            if len(found) != len(missing):
                raise ValueError(f"{len(missing)} shingle sets were asked for, {len(found)} came")
            self.fetched += len(missing)
            for row, hashes in zip(missing, found, strict=True):
                self.held[row] = hashes
                self.bytes += hashes.nbytes
        out = []
        for row in rows.tolist():
            self.held.move_to_end(row)
            out.append(self.held[row])
        while self.bytes > self.limit and self.held:
            self.bytes -= self.held.popitem(last=False)[1].nbytes
        return out


def _needed(pairs: I32) -> I64:
    return np.unique(pairs).astype(np.int64)


def _equal(index: Index, pairs: I32) -> npt.NDArray[np.bool_]:
    a, b = pairs[:, 0], pairs[:, 1]
    return (index.high[a] == index.high[b]) & (index.low[a] == index.low[b])


def _sorted(rows: I64, flags: npt.NDArray[np.bool_], rank: I32) -> tuple[I64, npt.NDArray[np.bool_]]:
    order = np.argsort(rank[rows])
    return rows[order], flags[order]


def _heads(index: Index, rows: I64) -> I64:
    """For each of `rows` (in the order key) the first one of the same tenant, exact hash and signature."""
    heads = rows.copy()
    order = np.lexsort((index.low[rows], index.high[rows], index.tenant[rows]))  # stable: ranks ascend within a group
    _collapse(rows, order, index.tenant, index.high, index.low, index.signatures, heads)
    return heads


@kernel
def _collapse(rows: Any, order: Any, tenant: Any, high: Any, low: Any, signatures: Any, heads: Any) -> None:
    begin = 0
    for i in range(1, len(order)):
        row, first = rows[order[i]], rows[order[begin]]
        if tenant[row] != tenant[first] or high[row] != high[first] or low[row] != low[first]:
            begin = i
            continue
        # one text has at most two signatures, one per profile: the first head that fits is found at once
        for j in range(begin, i):
            other = rows[order[j]]
            if heads[order[j]] == other and (signatures[row] == signatures[other]).all():
                heads[order[i]] = other
                break


@inlined
def _agreement(
    a: int, b: int, threshold: float, tenant: Any, high: Any, low: Any, shingles: Any, signatures: Any, steps: Any
) -> int:
    """In how many positions two rows that share a key agree: all for exact twins, -1 where they cannot be similar."""
    agree, positions = -1, signatures.shape[1]
    if tenant[a] == tenant[b]:
        if high[a] == high[b] and low[a] == low[b]:
            agree = positions
        else:
            small, large = min(shingles[a], shingles[b]), max(shingles[a], shingles[b])
            if small > 0 and small / large >= threshold:  # otherwise no intersection could reach the threshold
                steps[1] += 1
                agree = 0
                for k in range(positions):
                    agree += signatures[a, k] == signatures[b, k]
    return agree


@kernel
def _list_kept(start: Any, members: Any, first: Any, of: Any, state: Any, listed: Any, lists: Any, sizes: Any) -> None:
    """Fill the empty lists of buckets with the rows that are kept."""
    for bucket in range(len(sizes)):
        for i in range(start[bucket], start[bucket + 1]):
            row = members[i]
            if state[row] == _KEPT:
                listed[row] = True
                lists[start[bucket] + sizes[bucket]] = row
                sizes[bucket] += 1


@kernel
def _propose(
    block: Any,
    at: int,
    found: int,
    needed: int,
    sure: int,
    threshold: float,
    rank: Any,
    tenant: Any,
    salt: Any,
    high: Any,
    low: Any,
    shingles: Any,
    signatures: Any,
    start: Any,
    members: Any,
    first: Any,
    of: Any,
    state: Any,
    listed: Any,
    lists: Any,
    sizes: Any,
    seen: Any,
    steps: Any,
    pairs: Any,
) -> Any:
    """Write the pairs of block[at:] behind pairs[:found]; stop early where `pairs` is full. Returns (found, at).

    A row that agrees in `sure` positions with a listed one is presumed to be rejected and not listed: a block of
    similar documents would otherwise be compared all with all. `_decide` stops where that was wrong.
    """
    for i in range(at, len(block)):
        row, begin, presumed = block[i], found, False
        steps[0] += 1
        for j in range(first[row], first[row + 1]):
            bucket = of[j]
            for k in range(start[bucket], start[bucket] + sizes[bucket]):
                other = lists[k]
                if seen[other] == steps[0]:
                    continue
                seen[other] = steps[0]
                if (state[other] != _KEPT and state[other] != _OPEN) or rank[other] >= rank[row]:
                    continue
                agree = _agreement(row, other, threshold, tenant, high, low, shingles, signatures, steps)
                if agree < needed:
                    continue
                presumed |= agree >= sure
                if found == len(pairs):
                    return begin, i
                pairs[found, 0], pairs[found, 1] = row, other
                found += 1
        for j in range(begin + 1, found):  # insertion sort: there are few, and mostly in order
            other, k = pairs[j, 1], j
            while k > begin and rank[pairs[k - 1, 1]] > rank[other]:
                pairs[k, 1] = pairs[k - 1, 1]
                k -= 1
            pairs[k, 1] = other
        state[row] = _PRESUMED if presumed else _OPEN
        if not presumed and not listed[row]:
            listed[row] = True
            for j in range(first[row], first[row + 1]):
                lists[start[of[j]] + sizes[of[j]]] = row
                sizes[of[j]] += 1
    return found, len(block)


@kernel
def _list(
    rows: Any, start: Any, members: Any, first: Any, of: Any, state: Any, listed: Any, lists: Any, sizes: Any
) -> None:
    """Put those of `rows` that are kept, and not there yet, into their buckets' lists."""
    for row in rows:
        if state[row] == _KEPT and not listed[row]:
            listed[row] = True
            for j in range(first[row], first[row + 1]):
                lists[start[of[j]] + sizes[of[j]]] = row
                sizes[of[j]] += 1


@kernel
def _unlist(
    block: Any, start: Any, members: Any, first: Any, of: Any, state: Any, listed: Any, lists: Any, sizes: Any
) -> None:
    """Take the rejected rows of a block out of their buckets' lists."""
    for i in range(len(block) - 1, -1, -1):  # backwards, since the last listed is the first found
        row = block[i]
        if state[row] != _OUT or not listed[row]:
            continue
        listed[row] = False
        for j in range(first[row], first[row + 1]):
            sizes[of[j]] -= 1
            last = start[of[j]] + sizes[of[j]]
            k = last
            while lists[k] != row:
                k -= 1
            lists[k] = lists[last]


@kernel
def _decide(
    block: Any,
    pairs: Any,
    places: Any,
    hashes: Any,
    bounds: Any,
    threshold: float,
    high: Any,
    low: Any,
    state: Any,
    leader: Any,
    similarity: Any,
    steps: Any,
) -> int:
    at = 0
    for i in range(len(block)):
        row = block[i]
        presumed = state[row] == _PRESUMED
        state[row], leader[row], similarity[row] = _KEPT, NONE, np.nan
        while at < len(pairs) and pairs[at, 0] == row:
            other = pairs[at, 1]
            if state[row] == _KEPT and state[other] == _KEPT:
                value = 1.0
                if high[row] != high[other] or low[row] != low[other]:
                    steps[2] += 1
                    a, b = places[at]
                    value = jaccard(hashes[bounds[a] : bounds[a + 1]], hashes[bounds[b] : bounds[b + 1]])
                if value >= threshold:
                    state[row], leader[row], similarity[row] = _OUT, other, value
            at += 1
        if presumed and state[row] == _KEPT:  # later rows of the block do not know it
            return i + 1
    return len(block)


@kernel
def jaccard(a: Any, b: Any) -> float:
    """The Jaccard similarity of two sorted, unique arrays; 0 where both are empty."""
    i, j, shared = 0, 0, 0
    while i < len(a) and j < len(b):
        x, y = a[i], b[j]
        shared += x == y
        i += x <= y
        j += y <= x
    union = len(a) + len(b) - shared
    return shared / union if union else 0.0


@kernel
def _later_mates(
    risen: Any,
    needed: int,
    threshold: float,
    rank: Any,
    tenant: Any,
    salt: Any,
    high: Any,
    low: Any,
    shingles: Any,
    signatures: Any,
    start: Any,
    members: Any,
    first: Any,
    of: Any,
    leader: Any,
    seen: Any,
    steps: Any,
    touched: Any,
) -> None:
    """Mark the rows after each of `risen` that may be similar to it and are kept, or have a later kept twin."""
    for row in risen:
        steps[0] += 1
        for j in range(first[row], first[row + 1]):
            for k in range(start[of[j]], start[of[j] + 1]):
                other = members[k]
                if touched[other] or seen[other] == steps[0] or rank[other] <= rank[row]:
                    continue
                seen[other] = steps[0]
                if leader[other] != NONE and rank[leader[other]] <= rank[row]:
                    continue
                if _agreement(row, other, threshold, tenant, high, low, shingles, signatures, steps) >= needed:
                    touched[other] = True
