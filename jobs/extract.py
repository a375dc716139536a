"""The `extract` job: pages → documents, one row for the latest live capture of each document."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from jobs.context import JobContext, Result
from jobs.datasets import KEY, Changes, Version, changes, fresh_rows
from jobs.funnel import Tally
from jobs.mapping import BATCH_ROWS, stage_fingerprint, task_of
from pipelines.extract.live import PRIOR, STAGE

DOCUMENTS_AT_ONCE = 256
LOOKUP = 8192  # documents whose captures are looked up at once


def fingerprint(ctx: JobContext) -> str:
    return stage_fingerprint(ctx, STAGE)


def run(ctx: JobContext) -> Result:
    mark = fingerprint(ctx)
    pages = ctx.input("pages")
    base, rejected = ctx.base("documents", mark), ctx.base("rejects_extract", mark)
    old = ctx.previous("pages")
    began = time.perf_counter()
    if base is None or rejected is None or old is None:
        delta, batches, base, rejected = None, _with_prior(whole_documents(pages.scan()), None), None, None
    else:
        delta = changes(old, pages)
        batches = _increment(old, pages, delta, base, rejected)
    rows, rejects = ctx.writer("documents", base), ctx.writer("rejects_extract", rejected)
    tally = Tally()
    for emitted in ctx.engine.map(task_of(ctx, "pipelines.extract.live:STAGE"), tally.given(batches)):
        rows.upsert(emitted.rows)
        rejects.upsert(emitted.rejects)
        rows.remove(emitted.rejects["doc_id"], "rejected")
        rejects.remove(emitted.rows["doc_id"], "accepted")
        assert emitted.others is not None
        gone = sorted(
            _retracted(emitted.others) - {*emitted.rows["doc_id"].to_pylist(), *emitted.rejects["doc_id"].to_pylist()}
        )
        for writer in (rows, rejects):
            writer.remove(gone, "retracted")
        ctx.report(tally.add(emitted))
    if delta is not None:
        orphans = _orphans(pages, delta)
        for writer in (rows, rejects):
            writer.remove(orphans, "retracted")
    funnel = tally.funnel(delta, pages.rows)
    seconds = round(time.perf_counter() - began, 3)
    provenance = ctx.provenance(mark, {"pages": pages}, timings={"seconds": seconds}, funnel=funnel)
    outputs = {"documents": rows.finish(provenance), "rejects_extract": rejects.finish(provenance)}
    return Result(outputs, funnel)


def _retracted(others: pa.Table) -> set[str]:
    return set(others.filter(pc.equal(others["disposition"], "retracted"))["doc_id"].to_pylist())


def whole_documents(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Batches that never split the captures of a document."""
    held: pa.Table | None = None
    for piece in pieces:
        for at in range(0, piece.num_rows, BATCH_ROWS):
            part = piece.slice(at, BATCH_ROWS)
            held = part if held is None else pa.concat_tables([held, part])
            ids = held["doc_id"]
            first_of_last = pc.index(ids, ids[-1]).as_py()
            if first_of_last:
                yield held.slice(0, first_of_last)
                held = held.slice(first_of_last)
    if held is not None and held.num_rows:
        yield held


def _with_prior(batches: Iterable[pa.Table], prior: pa.Table | None) -> Iterator[pa.Table]:
    for batch in batches:
        if prior is None:
            for name, kind in PRIOR:
                batch = batch.append_column(name, pa.nulls(batch.num_rows, kind))
        else:
            at = pc.index_in(batch["doc_id"], value_set=prior["doc_id"].combine_chunks())
            for name, kind in PRIOR:
                batch = batch.append_column(name, prior[name].combine_chunks().cast(kind).take(at.combine_chunks()))
        yield batch


def _doc_ids(keys: pa.Array) -> list[str]:
    return sorted({key.partition("\0")[0] for key in keys.to_pylist()})


def _orphans(pages: Version, delta: Changes) -> list[str]:
    """Documents that lost their last capture."""
    touched = _doc_ids(delta.removed)
    left = set(pages.get(touched, ["doc_id"])["doc_id"].to_pylist()) if touched else set()
    return [doc for doc in touched if doc not in left]


def _increment(old: Version, pages: Version, delta: Changes, base: Version, rejected: Version) -> Iterator[pa.Table]:
    """The new captures of touched documents with what is known of them.

    Where a capture vanished or came late, the document is folded anew from all its captures.
    """
    anew = sorted({*_doc_ids(delta.removed), *_late(pages, delta)})
    folded_anew = pa.array(anew, pa.string())
    for piece in whole_documents(fresh_rows(old, pages, delta)):
        wanted = piece.filter(pc.invert(pc.is_in(piece["doc_id"], value_set=folded_anew)))
        if wanted.num_rows:
            yield from _with_prior([wanted], _prior(wanted["doc_id"].to_pylist(), base, rejected))
    for at in range(0, len(anew), DOCUMENTS_AT_ONCE):
        yield from _with_prior(whole_documents([pages.get(anew[at : at + DOCUMENTS_AT_ONCE])]), None)


def _late(pages: Version, delta: Changes) -> list[str]:
    """Documents with a new capture that is not later than all their old ones."""
    new = pa.concat_arrays([delta.added, delta.changed])
    touched = _doc_ids(new)
    late: list[str] = []
    for at in range(0, len(touched), LOOKUP):
        captures = pages.get(touched[at : at + LOOKUP], ["doc_id", "capture"], extras=True)
        late += _out_of_order(captures, pc.is_in(captures[KEY], value_set=new))
    return late


def _out_of_order(captures: pa.Table, fresh: pa.ChunkedArray) -> list[str]:
    newest_old: dict[str, str] = {}
    oldest_new: dict[str, str] = {}
    rows = zip(captures["doc_id"].to_pylist(), captures["capture"].to_pylist(), fresh.to_pylist(), strict=True)
    for doc, capture, is_new in rows:
        if is_new:
            oldest_new[doc] = min(oldest_new.get(doc, capture), capture)
        else:
            newest_old[doc] = max(newest_old.get(doc, capture), capture)
    return [doc for doc, capture in oldest_new.items() if capture <= newest_old.get(doc, "")]


def _prior(ids: list[str], base: Version, rejected: Version) -> pa.Table:
    """doc_id and PRIOR columns of the documents among `ids` that last night's output knows."""
    texts = base.get(ids, ["doc_id", "capture", "text_hash", "since"])
    refused = rejected.get(ids, ["doc_id", "capture"])
    refused = refused.append_column("text_hash", pa.nulls(refused.num_rows, pa.string()))
    refused = refused.append_column("since", pa.nulls(refused.num_rows, pa.date32()))
    names = ["doc_id", *(name for name, _ in PRIOR)]
    return pa.concat_tables([texts.rename_columns(names), refused.rename_columns(names)])
