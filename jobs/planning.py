"""What a night would do, before it does it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any

from jobs.components import available
from jobs.config import Config
from jobs.context import JobContext
from jobs.declared import JOBS, Job
from jobs.errors import NightmillError, Transient
from jobs.manifest import Manifest
from jobs.manifest import load as load_manifest
from jobs.runner import check_date, default_run, make_engine
from jobs.runs import Pins, Record, Run, code_version, image, parent_of
from jobs.snapshots import Published, Snapshot
from jobs.storage import Storage


@dataclass(frozen=True)
class Step:
    """`action`: up to date | run | run on increment | run in full | wait."""

    job: str
    action: str
    why: str
    last_seconds: float | None = None
    input_rows: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    run: str
    date: str
    parent: str | None
    steps: list[Step]
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def plan(config: Config, storage: Storage, date: str, run_name: str | None = None) -> Plan:
    """Compare the run's records, the parent snapshot and today's configuration. Raises UsageError for a bad date."""
    check_date(date)
    published = Published(storage)
    space = Run(storage, run_name or default_run(date))
    pins, notes = _pins(config, published, space, date)
    parent = published.snapshot(pins.parent) if pins.parent else None
    pointer = published.pointer()
    if pointer.stale:
        notes.append(f"stale since an earlier day was published again: {', '.join(pointer.stale)}; run them --current")
    if date in pointer.days and pins.parent == published.snapshot(pointer.days[date]).parent:
        notes.append(f"{date} is published as {pointer.days[date]}")
    steps: list[Step] = []
    engine = make_engine(config)
    for job in JOBS.values():
        ctx = JobContext(job, config, storage, space, pins, engine, available(config))
        steps.append(_step(ctx, parent, {s.job for s in steps if s.action != "up to date"}))
    return Plan(space.name, date, pins.parent, steps, notes)


def _pins(config: Config, published: Published, space: Run, date: str) -> tuple[Pins, list[str]]:
    notes = []
    pins = space.pins()
    if pins is not None:
        if pins.configuration != config.digest():
            notes.append(
                "params.yaml changed since this run began: --as-recorded goes on as it was, --current pins it anew"
            )
        return pins, notes
    try:
        parent = parent_of(published, date, allow_gap=False)
    except Transient as error:
        notes.append(str(error))
        parent = published.pointer().before(date)
    return Pins(space.name, date, parent, config.digest(), {}, code_version(), image(), 0), notes


def _step(ctx: JobContext, parent: Snapshot | None, running: set[str]) -> Step:
    job = ctx.job
    before = _parent_manifest(ctx, parent)
    seconds = before.provenance.timings.get("seconds") if before else None
    rows = before.provenance.funnel.get("input_rows") if before else None
    module = import_module(job.entry.partition(":")[0])
    mark = module.fingerprint(ctx) if hasattr(module, "fingerprint") and job.kind != "control" else ""
    record = ctx.run.record(job.name)
    moved = [
        name for name in JOBS if name in running and (set(JOBS[name].writes) & set(job.reads) or name in job.after)
    ]
    if (
        record is not None
        and not moved
        and _same(ctx, job, dict(record.inputs))
        and record.fingerprint == (mark or record.fingerprint)
        and _still_published(ctx, record)
    ):
        return Step(job.name, "up to date", "its inputs and parameters are those of its last run", seconds, rows)
    why = (
        f"{', '.join(moved)} will run"
        if moved
        else "it has not run yet"
        if record is None
        else "another snapshot was published for this day since"
        if not _still_published(ctx, record)
        else "its input or parameters changed"
    )
    if job.kind not in ("map", "relate") or job.section == "profile":
        return Step(job.name, "run", why, seconds, rows)
    if before is None:
        return Step(job.name, "run in full", f"{why}; there is no base: first night", seconds, rows)
    if before.provenance.fingerprint != mark:
        return Step(job.name, "run in full", f"{why}; {_difference(ctx, before)}", seconds, rows)
    return Step(job.name, "run on increment", why, seconds, rows)


def _parent_manifest(ctx: JobContext, parent: Snapshot | None) -> Manifest | None:
    if parent is None or not ctx.job.writes or ctx.job.writes[0] not in parent.datasets:
        return None
    return load_manifest(ctx.storage, parent.datasets[ctx.job.writes[0]].manifest)


def _same(ctx: JobContext, job: Job, recorded: dict[str, str]) -> bool:
    try:
        return all(recorded.get(n) == f"{n}@{ctx.input(n).manifest.digest}" for n in job.reads)
    except NightmillError:
        return False


def _still_published(ctx: JobContext, record: Record) -> bool:
    """False where the record's snapshot is no longer that of its day: publishing again would bring it back."""
    snapshot = record.result.get("snapshot")
    return snapshot is None or ctx.published.pointer().days.get(ctx.pins.date) == snapshot


def _difference(ctx: JobContext, before: Manifest) -> str:
    """Which parameter, component or version differs from the parent's."""
    from jobs.context import as_plain, component_digests

    now, then = as_plain(ctx.parameters()), before.provenance.parameters
    changed = [f"{k}: {then.get(k)!r} → {v!r}" for k, v in now.items() if then.get(k) != v]
    parts = component_digests(ctx.components)
    changed += [f"component {k}" for k in parts if before.provenance.components.get(k) != parts[k]]
    return "changed since the parent: " + (", ".join(changed) or "the stage's version")
