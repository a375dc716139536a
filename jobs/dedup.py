"""The `dedup` job: scrubbed → corpus, the first of every set of exact or near duplicates."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.context import JobContext, Result
from jobs.datasets import Changes, Version, changes, fresh_rows
from jobs.funnel import funnel
from jobs.mapping import small, stage_fingerprint, task_of
from jobs.writer import VersionWriter
from pipelines.dedup.leader import resolve
from pipelines.dedup.shingles import shingle_sets
from pipelines.dedup.stage import FEATURES, verdict
from pipelines.schemas import DEDUP_INDEX
from pipelines.stage import rejects, replace_columns
from pipelines.tokens import TOKENIZER, count_tokens

VERSION = "1"
LOOKUP = 256  # verdicts applied at once: their texts are in memory
OUTPUTS = ("corpus", "dedup_index", "rejects_dedup")
_FEATURE_COLUMNS = ["doc_id", "tenant_id", "since", "text", "lang"]


def fingerprint(ctx: JobContext) -> str:
    return f"{stage_fingerprint(ctx, FEATURES)}/{VERSION}"


def run(ctx: JobContext) -> Result:
    mark = fingerprint(ctx)
    source = ctx.input("scrubbed")
    began = time.perf_counter()
    bases = {name: ctx.base(name, mark) for name in OUTPUTS}
    old = ctx.previous("scrubbed")
    whole = old is None or any(base is None for base in bases.values())
    if whole:
        bases = dict.fromkeys(OUTPUTS)
    delta = None if whole else changes(old, source)
    writers = {name: ctx.writer(name, bases[name]) for name in OUTPUTS}
    provenance = ctx.provenance(mark, {"scrubbed": source}, seed=ctx.parameters().seed)

    if old is None or delta is None:
        pieces = source.scan(_FEATURE_COLUMNS)
    else:
        pieces = fresh_rows(old, source, delta, _FEATURE_COLUMNS)
    _features(ctx, pieces, writers["dedup_index"])
    if delta is not None:
        writers["dedup_index"].remove(delta.removed, "retracted")
    index_manifest = writers["dedup_index"].finish(provenance)
    index = Version(ctx.storage, index_manifest).table(DEDUP_INDEX.schema.names)
    decisions = resolve(index, _verdicts(bases), _touched(delta, index), _Sets(source, ctx), ctx.parameters())
    rules = _apply(ctx, source, decisions.verdicts, writers)
    if delta is not None:
        for name in ("corpus", "rejects_dedup"):
            writers[name].remove(delta.removed, "retracted")

    night = _funnel(source, delta, decisions.verdicts, rules)
    timings = {"seconds": round(time.perf_counter() - began, 3)}
    corpus = writers["corpus"].finish(provenance)
    refused = writers["rejects_dedup"].finish(provenance)
    tokens = {"tokenizer": TOKENIZER, "count": _tokens(Version(ctx.storage, corpus))}
    outputs = {
        "corpus": corpus.with_provenance(funnel=night, timings=timings, tokens=tokens),
        "dedup_index": index_manifest.with_provenance(timings=timings),
        "rejects_dedup": refused.with_provenance(funnel=night, timings=timings),
    }
    return Result(outputs, night | {"comparisons": decisions.counts})


def _features(ctx: JobContext, pieces: Iterator[pa.Table], writer: VersionWriter) -> None:
    """Bring the index of signatures up to date; rows that did not change are not computed again."""
    for emitted in ctx.engine.map(task_of(ctx, "pipelines.dedup.stage:FEATURES"), small(pieces)):
        writer.upsert(emitted.rows)
        ctx.report(emitted.rows.num_rows)


def _verdicts(bases: dict[str, Version | None]) -> pa.Table | None:
    """doc_id and kept_id of last night, or None where everything is judged anew."""
    corpus, refused = bases["corpus"], bases["rejects_dedup"]
    if corpus is None or refused is None:
        return None
    kept = corpus.table(["doc_id"])
    kept = kept.append_column("kept_id", pa.nulls(kept.num_rows, pa.string()))
    return pa.concat_tables([kept, refused.table(["doc_id", "kept_id"])])


def _touched(delta: Changes | None, index: pa.Table) -> pa.Array:
    if delta is None:
        return index["doc_id"].combine_chunks()
    return pa.concat_arrays([delta.added, delta.changed, delta.removed])


class _Sets:
    """Shingle sets by document, read from the scrubbed texts in the order asked for."""

    def __init__(self, source: Version, ctx: JobContext) -> None:
        self.source, self.params = source, ctx.parameters()

    def __call__(self, ids: Sequence[str]) -> Sequence[np.ndarray]:
        found = self.source.get(ids, ["doc_id", "text", "lang"])
        found = found.take(pc.index_in(pa.array(ids, pa.string()), value_set=found["doc_id"].combine_chunks()))
        return shingle_sets(found["text"], found["lang"], self.params)


def _apply(ctx: JobContext, source: Version, verdicts: pa.Table, writers: dict[str, VersionWriter]) -> Counter[str]:
    """Write every new verdict: a corpus row or a reject, never both."""
    rules: Counter[str] = Counter()
    for piece in _by_key(verdicts):
        rows = source.get(piece["doc_id"].to_pylist())
        rows = replace_columns(
            rows, {"characters": pc.utf8_length(rows["text"]).cast(pa.int64()), "tokens": count_tokens(rows["text"])}
        )
        kept = piece["kept_id"].is_null()
        at = [i for i, stays in enumerate(kept.to_pylist()) if not stays]
        doubles = piece.take(pa.array(at, pa.int64())).to_pylist()
        found = [verdict(d["kept_id"], d["rule"], d["similarity"], ctx.parameters()) for d in doubles]
        rules.update(v.rule for v in found)
        unique = rows.filter(kept)
        writers["corpus"].upsert(unique)
        writers["corpus"].remove([d["doc_id"] for d in doubles], "duplicate")
        writers["rejects_dedup"].upsert(rejects("dedup", rows, at, found))
        writers["rejects_dedup"].remove(unique["doc_id"], "accepted")
        ctx.report(piece.num_rows)
    return rules


def _by_key(verdicts: pa.Table) -> Iterator[pa.Table]:
    ordered = verdicts.sort_by("doc_id")
    for at in range(0, ordered.num_rows, LOOKUP):
        yield ordered.slice(at, LOOKUP)


def _tokens(corpus: Version) -> int:
    return sum(pc.sum(piece["tokens"]).as_py() or 0 for piece in corpus.scan(["tokens"]))


def _funnel(source: Version, delta: Changes | None, verdicts: pa.Table, rules: Counter[str]) -> dict[str, Any]:
    """Beside what changed, documents are judged again whose kept twin moved."""
    looked_at = source.rows
    if delta is not None:
        new = pa.concat_arrays([delta.added, delta.changed])
        again = pc.invert(pc.is_in(verdicts["doc_id"], value_set=new))
        looked_at = len(new) + (pc.sum(again).as_py() or 0)
    return funnel(source.rows, delta, looked_at, verdicts["kept_id"].null_count, rules)
