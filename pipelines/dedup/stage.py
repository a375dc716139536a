"""The map stage that computes what documents are compared by, and de-duplication of one plain file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.buckets import I64, Index
from pipelines.dedup.leader import EXACT, NEAR, halves
from pipelines.dedup.minhash import as_column, exact_hashes, features
from pipelines.dedup.shingles import U64, UNICODE, shingle_sets
from pipelines.dedup.walk import walk
from pipelines.params import DedupParams
from pipelines.schemas import REJECT
from pipelines.stage import Context, Emitted, MapStage, Verdict, replace_columns

_REJECTS = pa.schema([pa.field(name, kind) for name, kind in REJECT])


def _setup(context: Context) -> DedupParams:
    params: DedupParams = context.params
    return params


def _apply(params: DedupParams, batch: pa.Table) -> Emitted:
    found = features(batch["text"], batch["lang"], params)
    columns = {
        "exact": exact_hashes(batch["text"]),
        "shingles": pa.array(found.shingles, pa.int64()),
        "signature": as_column(found.signatures),
    }
    return Emitted(replace_columns(batch, columns), _REJECTS.empty_table())


#: exact: string; shingles: int64, distinct ones; signature: binary, bands x rows little-endian uint32.
FEATURES = MapStage(
    name="dedup_features",
    version=f"2+unicode{UNICODE}",
    scope="row",
    needs=("doc_id", "text", "lang"),
    adds=("exact", "shingles", "signature"),
    setup=_setup,
    apply=_apply,
)


def verdict(kept_id: str, rule: str, similarity: float, params: DedupParams) -> Verdict:
    """A leader's verdict in the form of a reject: the link to the kept twin is direct."""
    return Verdict(
        rule=rule,
        value=similarity,
        threshold=1.0 if rule == EXACT else params.threshold,
        kept_id=kept_id,
        via_id=kept_id,
        similarity=similarity,
        similarity_kept=similarity,
    )


class Deduplicated(NamedTuple):
    """`kept` by row; for each row that is not, in order, its verdict; counters as in leader.Decisions."""

    kept: npt.NDArray[np.bool_]
    verdicts: list[Verdict]
    counts: dict[str, int]


def deduplicate(table: pa.Table, params: DedupParams) -> Deduplicated:
    """De-duplicate the rows of one table (columns id, text and optionally lang) in their order: the first one stays.

    Texts that are candidates are read twice; beside the table this holds what leader.py says per row.
    """
    rows = table.num_rows
    text = table["text"]
    lang = table["lang"] if "lang" in table.column_names else None
    found = features(text, lang, params)
    high, low = halves(exact_hashes(text))
    index = Index(
        rank=np.arange(rows, dtype=np.int32),
        tenant=np.zeros(rows, np.int32),
        salt=np.zeros(1, np.uint64),
        high=high,
        low=low,
        shingles=found.shingles,
        signatures=found.signatures,
    )

    def sets(at: I64) -> Sequence[U64]:
        taken = pa.array(at)
        return shingle_sets(text.take(taken), None if lang is None else lang.take(taken), params)

    outcome = walk(index, np.full(rows, -1, np.int32), np.ones(rows, bool), sets, params)
    kept = outcome.leader < 0
    ids = table["id"].cast(pa.string())
    out = np.flatnonzero(~kept)
    twins = outcome.leader[out]
    equal = (high[out] == high[twins]) & (low[out] == low[twins])
    names = ids.take(pa.array(twins)).to_pylist()
    likeness = outcome.similarity[out].round(6).tolist()
    verdicts = [
        verdict(name, EXACT if same else NEAR, value, params)
        for name, same, value in zip(names, equal.tolist(), likeness, strict=True)
    ]
    return Deduplicated(kept, verdicts, outcome.counts)
