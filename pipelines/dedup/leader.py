"""Leader clustering, incremental: which documents stay, and which one stays in a duplicate's stead.

The relation. Documents d and e are similar iff they have the same tenant and either equal exact hashes, or: both have
shingles, they share a band key, their signatures agree in at least `minhash.least_agreement` positions (at 0.8 and
128 positions: 79; a pair at the threshold misses that with a probability below 1e-6), and the exact Jaccard similarity
of their shingle sets reaches the threshold. It depends on the pair alone, so no verdict hangs on how a night was cut.

The verdict. Walking the order key (since, doc_id), a document is rejected iff it is similar to an earlier document
that was kept; `kept_id` is the earliest of these, `rule` exact_duplicate where the exact hashes are equal, otherwise
near_duplicate, `similarity` the exact Jaccard similarity to it (1.0 for an exact duplicate).

The increment. A verdict changes only where a document changed, where the kept twin changed, went or was itself
rejected, or where a new kept document came before. So the changed documents and the followers of changed or gone ones
are judged again; where one of them becomes kept or ceases to be, the documents that this touches are judged in the
next round, until nothing moves. A round judges in the order key and reads every other verdict as it stands. The end is
the only assignment that meets the definition (by induction over the order key: the earliest verdict depends on
nothing, each next one on earlier ones), which is what a walk over everything gives: increment = rebuild.

Exact twins are collapsed first: among documents of one tenant, exact hash and signature the earliest is judged, and
what is true of it is true of the others, since equal exact hashes of one profile imply equal shingle sets. A bucket's
rejected documents leave it, so a walk compares with kept ones alone, and a bucket of n documents that are nearly the
same costs n comparisons. A bucket of n documents that share a key and are all different still costs n^2 / 2
comparisons of signatures; only those that agree cost a comparison of texts.

State per document: 4 bytes x bands x rows of signature and 65 bytes of keys, ranks and verdicts; buckets and the
cache of shingle sets (at most `cache_bytes`) beside it; no text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dedup.buckets import I32, I64, Index
from pipelines.dedup.minhash import from_column
from pipelines.dedup.shingles import U64
from pipelines.dedup.walk import CACHE_BYTES, GONE, NONE, Outcome, walk
from pipelines.params import DedupParams

EXACT, NEAR = "exact_duplicate", "near_duplicate"
VERDICTS = pa.schema(
    [("doc_id", pa.string()), ("kept_id", pa.string()), ("rule", pa.string()), ("similarity", pa.float64())]
)
ShingleSets = Callable[[Sequence[str]], Sequence[U64]]


@dataclass(frozen=True)
class Decisions:
    """`verdicts` has the schema VERDICTS, in the order of the index; kept_id, rule and similarity are null where the
    document is kept. `counts`: judged (documents), rounds, compared (pairs of signatures), verified (pairs of shingle
    sets), fetched (shingle sets asked for).
    """

    verdicts: pa.Table
    counts: dict[str, int]


def resolve(
    index: pa.Table,
    previous: pa.Table | None,
    changed: Sequence[str] | pa.Array,
    shingle_sets: ShingleSets,
    params: DedupParams,
    cache_bytes: int = CACHE_BYTES,
) -> Decisions:
    """Bring the verdicts on all live documents up to date.

    `index`: all live documents, columns doc_id, tenant_id, since, exact, shingles, signature (schemas.DEDUP_INDEX), in
    any order. `previous`: the verdicts on the index before, columns doc_id and kept_id (null: kept), in any order; None
    for a fresh build. `changed`: ids of the documents that were added, changed (text, tenant or since) or removed since
    then. `shingle_sets(doc_ids)` gives the sorted, unique shingle hashes of live documents.

    The verdicts are those of all changed live documents, and of the others whose kept_id or similarity is new; a fresh
    build gives all. Raises ValueError where doc_id repeats, a key is null, or a signature has another length.
    """
    ids = _one(index["doc_id"])
    arrays = _arrays(index, ids, params)
    known, touched, followers = _before(ids, previous, changed)
    outcome = walk(
        arrays,
        known,
        touched | followers,
        lambda at: shingle_sets(ids.take(pa.array(at)).to_pylist()),
        params,
        cache_bytes,
    )
    report = touched.copy()
    report |= outcome.judged & (outcome.leader != known)
    behind = outcome.leader != NONE
    report[behind] |= touched[outcome.leader[behind]]
    return Decisions(_table(ids, arrays, outcome, np.flatnonzero(report)), outcome.counts)


def _before(
    ids: pa.Array, previous: pa.Table | None, changed: Sequence[str] | pa.Array
) -> tuple[I32, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """By row: kept twin so far (-1: kept or unknown, -2: gone), whether the row changed, whether its kept twin did."""
    rows = len(ids)
    known = np.full(rows, NONE, np.int32)
    touched: npt.NDArray[np.bool_] = np.ones(rows, bool)
    followers = np.zeros(rows, bool)
    if previous is None:
        return known, touched, followers
    changed = changed if isinstance(changed, pa.Array) else pa.array(list(changed), pa.string())
    touched = _numpy(pc.is_in(ids, changed))
    at = pc.index_in(ids, _one(previous["doc_id"]))
    touched |= _numpy(at.is_null())
    twins = _one(previous["kept_id"]).take(at)
    rejected = _numpy(twins.is_valid())
    rows_of_twins = pc.index_in(twins, ids)
    known = rows_of_twins.fill_null(NONE).to_numpy(zero_copy_only=False).astype(np.int32)
    known[~rejected] = NONE  # a null would otherwise be looked up as a value
    gone = rejected & _numpy(rows_of_twins.is_null())
    known[gone] = GONE
    behind = known >= 0
    followers[behind] = touched[known[behind]]
    followers |= gone
    return known, touched, followers


def _arrays(index: pa.Table, ids: pa.Array, params: DedupParams) -> Index:
    for name in ("doc_id", "tenant_id", "since", "exact", "shingles"):
        if index[name].null_count:
            raise ValueError(f"the index has {index[name].null_count} rows without {name}")
    rows = len(ids)
    days = _one(index["since"]).cast(pa.date32()).cast(pa.int32()).to_numpy()
    if _ascending(ids):
        order = np.argsort(days, kind="stable")
    else:
        by_id = pc.sort_indices(ids).to_numpy()
        sorted_ids = ids.take(pa.array(by_id))
        if not _ascending(sorted_ids):
            raise ValueError("a doc_id occurs twice in the index")
        order = by_id[np.argsort(days[by_id], kind="stable")]
    rank = np.empty(rows, np.int32)
    rank[order] = np.arange(rows, dtype=np.int32)
    tenants = _one(index["tenant_id"]).dictionary_encode()
    salt = np.array([_salt(name) for name in tenants.dictionary.to_pylist()], np.uint64)
    signatures = from_column(index["signature"], params.bands * params.rows)
    counts = _one(index["shingles"]).cast(pa.int64()).to_numpy()
    return Index(rank, tenants.indices.to_numpy(), salt, *halves(index["exact"]), counts, signatures)


def _ascending(ids: pa.Array) -> bool:
    return len(ids) < 2 or bool(pc.all(pc.less(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py())


def halves(exact: pa.Array | pa.ChunkedArray) -> tuple[U64, U64]:
    """Exact hashes (32 hexadecimal characters) as two columns of 64 bits. Raises ValueError for anything else."""
    column = _one(exact).cast(pa.large_string())
    if not len(column):
        return np.zeros(0, np.uint64), np.zeros(0, np.uint64)
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    if (np.diff(bounds) != 32).any():
        raise ValueError("an exact hash is not 32 hexadecimal characters long")
    both = np.frombuffer(
        bytes.fromhex(data.to_pybytes()[bounds[0] : bounds[-1]].decode("ascii", "replace")), ">u8"
    ).astype(np.uint64)
    return both[::2].copy(), both[1::2].copy()


def _salt(tenant: str) -> int:
    return int.from_bytes(blake2b(tenant.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _table(ids: pa.Array, index: Index, outcome: Outcome, rows: I64) -> pa.Table:
    twins = outcome.leader[rows]
    kept = twins == NONE
    at = pa.array(np.maximum(twins, 0), mask=kept)
    equal = (index.high[rows] == index.high[twins]) & (index.low[rows] == index.low[twins])
    rule = pc.if_else(pa.array(equal, mask=kept), EXACT, NEAR)
    similarity = pa.array(np.round(outcome.similarity[rows], 6), mask=kept)
    return pa.Table.from_arrays([ids.take(pa.array(rows)), ids.take(at), rule, similarity], schema=VERDICTS)


def _one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numpy(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.array(_one(column).to_numpy(zero_copy_only=False), bool)
