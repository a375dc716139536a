"""Map jobs: a row-scope stage over the new and changed rows of its input, as an increment of last night's output."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import pyarrow as pa

from jobs.context import JobContext, Result, fingerprint
from jobs.datasets import changes, fresh_rows
from jobs.engines.base import Task
from jobs.funnel import Tally
from pipelines.schemas import rejects_of
from pipelines.stage import Context, MapStage

BATCH_ROWS = 128  # a unit of work; small, so that two workers share a small night


@dataclass(frozen=True)
class Mapping:
    """A map job: which stage, over which dataset, into which. `stage` is `module:NAME`."""

    stage: str
    source: str
    output: str

    @property
    def rejects(self) -> str:
        return rejects_of(Task(self.stage, Context(None)).load().name).name


def stage_fingerprint(ctx: JobContext, stage: MapStage) -> str:
    used = {name: path for name, path in ctx.components.items() if name in stage.components}
    keys = "".join(f"/{name}={key_id(value)}" for name, value in sorted(_secrets(ctx).items()))
    return fingerprint(f"{stage.name}/{stage.version}{keys}", ctx.parameters(), used)


def key_id(secret: str) -> str:
    """Names a key without telling it: 32 bits of a keyed hash, so that a new key starts a new fingerprint."""
    return blake2b(b"nightmill key id", key=secret.encode()[:64], digest_size=4).hexdigest()


def task_of(ctx: JobContext, reference: str) -> Task:
    """The stage with its parameters, components and secrets."""
    stage = Task(reference, Context(None)).load()
    used = {name: path for name, path in ctx.components.items() if name in stage.components}
    return Task(reference, Context(ctx.parameters(), used, _secrets(ctx)))


def _secrets(ctx: JobContext) -> dict[str, str]:
    """The secrets that the job's parameters name."""
    name = getattr(ctx.parameters(), "hash_key", "")
    return {name: ctx.config.secret(name)} if name else {}


def run_mapping(ctx: JobContext, mapping: Mapping) -> Result:
    """Emit rows and rejects for what changed in the source since the base, or for all of it without one."""
    task = task_of(ctx, mapping.stage)
    mark = stage_fingerprint(ctx, task.load())
    source = ctx.input(mapping.source)
    base, rejected = ctx.base(mapping.output, mark), ctx.base(mapping.rejects, mark)
    began = time.perf_counter()
    if base is None or rejected is None:
        delta, pieces, base, rejected = None, source.scan(), None, None
    else:
        old = ctx.previous(mapping.source)
        assert old is not None  # a base is only a base where the parent has its inputs
        delta = changes(old, source)
        pieces = fresh_rows(old, source, delta)
    rows, rejects = ctx.writer(mapping.output, base), ctx.writer(mapping.rejects, rejected)
    counts = Tally()
    for emitted in ctx.engine.map(task, counts.given(small(pieces))):
        rows.upsert(emitted.rows)
        rejects.upsert(emitted.rejects)
        rows.remove(emitted.rejects["doc_id"], "rejected")
        rejects.remove(emitted.rows["doc_id"], "accepted")
        ctx.report(counts.add(emitted))
    if delta is not None:
        for writer in (rows, rejects):
            writer.remove(delta.removed, "retracted")
    funnel = counts.funnel(delta, source.rows)
    timings = {"seconds": round(time.perf_counter() - began, 3)}
    provenance = ctx.provenance(mark, {mapping.source: source}, timings=timings, funnel=funnel)
    outputs = {mapping.output: rows.finish(provenance), mapping.rejects: rejects.finish(provenance)}
    return Result(outputs, funnel)


def small(pieces: Iterable[pa.Table], rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
    for piece in pieces:
        for at in range(0, piece.num_rows, rows):
            yield piece.slice(at, rows)
