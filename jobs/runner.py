"""Running one job of one night: pin, check what is up to date, run, record, and leave an outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import date as Date
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from jobs import errors
from jobs.components import available
from jobs.config import Config
from jobs.context import JobContext, Result, declared, store_outputs, up_to_date, workspace
from jobs.declared import JOBS, NIGHTLY, Job, upstream
from jobs.engines.base import Engine, lean_memory
from jobs.errors import NightmillError, UsageError
from jobs.progress import Progress
from jobs.runs import Pins, Record, Run, code_version, image, parent_of
from jobs.snapshots import Published, digest
from jobs.storage import Storage
from jobs.trace import Trace


@dataclass(frozen=True)
class Options:
    """How to treat a run that exists: `repin` pins it anew to today's parent, configuration and code.

    `attempt` is any text by which whoever starts the job knows the outcome of this attempt from an earlier one's.
    """

    repin: bool = False
    as_recorded: bool = False
    allow_gap: bool = False
    attempt: str = ""


@dataclass(frozen=True)
class Finished:
    job: str
    record: Record
    skipped: bool
    seconds: float


def default_run(date: str) -> str:
    return f"{NIGHTLY}-{date}"


def run_job(
    name: str,
    date: str,
    *,
    config: Config,
    storage: Storage,
    run: str | None = None,
    options: Options = Options(),
    engine: Engine | None = None,
    quiet: bool = True,
) -> Finished:
    """Run the job for the night `date` (YYYY-MM-DD). Raises NightmillError; the outcome is written either way."""
    job = declared(name)
    check_date(date)
    space = Run(storage, run or default_run(date))
    began = time.perf_counter()
    outcome = partial(_outcome, space, job, options.attempt)
    outcome("running")
    try:
        finished = _run(job, date, config, storage, space, options, engine, quiet)
    except NightmillError as error:
        outcome(error.outcome, error.exit_code, str(error), began)
        raise
    except KeyboardInterrupt:
        outcome("cancelled", errors.FAILED, "interrupted", began)
        raise
    except Exception as error:
        outcome("transient", errors.FAILED, f"{type(error).__name__} in job {name}", began)
        raise
    outcome("done", errors.DONE, "up to date" if finished.skipped else "", began)
    return finished


def _run(
    job: Job,
    date: str,
    config: Config,
    storage: Storage,
    space: Run,
    options: Options,
    engine: Engine | None,
    quiet: bool,
) -> Finished:
    lean_memory()
    pins = pin(space, date, config, Published(storage), options)
    module = import_module(job.entry.partition(":")[0])
    began = time.perf_counter()
    with (
        closing(engine or make_engine(config)) as used,
        Progress(job.name, quiet=quiet or job.kind == "control") as bar,
    ):
        ctx = JobContext(job, config, storage, space, pins, used, available(config), bar.advance)
        inputs = {name: f"{name}@{ctx.input(name).manifest.digest}" for name in job.reads}
        _check_upstream(job, space, date)
        mark = _fingerprint(module, ctx)
        known = space.record(job.name)
        if not getattr(module, "ALWAYS", False) and known is not None and up_to_date(known, inputs, mark):
            return Finished(job.name, known, True, time.perf_counter() - began)
        trace = Trace(workspace(storage, space) / "trace.jsonl", space.name, job.name)
        with trace.span(job.name) as span:
            result: Result = module.run(ctx)
            span.rows_in = result.result.get("input_rows")
            span.rows_out = sum(m.rows for m in result.outputs.values()) if result.outputs else None
        record = Record(job.name, inputs, mark, store_outputs(storage, result.outputs), result.result)
        space.finish(record)
    return Finished(job.name, record, False, time.perf_counter() - began)


def _fingerprint(module: ModuleType, ctx: JobContext) -> str:
    own: Callable[[JobContext], str] | None = getattr(module, "fingerprint", None)
    return own(ctx) if own else ""


def pin(space: Run, date: str, config: Config, published: Published, options: Options) -> Pins:
    """The run's pins. A run that exists keeps them; where they differ from today's, the user has to choose."""
    found = space.pins()
    if found is not None and found.date != date:
        raise UsageError(f"run {space.name} belongs to {found.date}, not to {date}; choose another --run")
    if found is not None and not options.repin:
        if found.configuration != config.digest() and not options.as_recorded:
            raise UsageError(
                f"run {space.name} is pinned to configuration {found.configuration[:12]}, and params.yaml now gives "
                f"{config.digest()[:12]}; pass --as-recorded to go on with the recorded one, --current to pin anew "
                "(jobs it touches run again), or another --run"
            )
        return found
    parent = parent_of(published, date, allow_gap=options.allow_gap)
    if found is not None:
        _forget_captures(space, published, found.parent, parent)
    fresh = Pins(
        run=space.name,
        date=date,
        parent=parent,
        configuration=config.digest(),
        parameters=config.as_dict(),
        code_version=code_version(),
        image=image(),
        tombstone_epoch=published.snapshot(parent).tombstone_epoch if parent else 0,
        head=published.pointer().head,
    )
    return space.pin(fresh, replace=found is not None)


def _forget_captures(space: Run, published: Published, old: str | None, new: str | None) -> None:
    """Captures lie on top of the parent's: on a parent with others they have to be written again, from the journal."""
    before, after = (published.snapshot(s).datasets if s else {} for s in (old, new))
    for job in JOBS.values():
        if job.kind == "effect" and any(digest(before, n) != digest(after, n) for n in job.writes):
            space.forget(job.name)


def _check_upstream(job: Job, space: Run, date: str) -> None:
    for name in upstream(job):
        if space.record(name) is None:
            raise UsageError(f"{job.name} needs {name}; run `nightmill run {name} --date {date}` first")


def check_date(date: str) -> None:
    """Raises UsageError unless `date` is a day written as YYYY-MM-DD."""
    try:
        day = Date.fromisoformat(date).isoformat()
    except ValueError:
        day = None
    if day != date:
        raise UsageError(f"--date {date!r}: give a day as YYYY-MM-DD")


def _outcome(
    space: Run,
    job: Job,
    attempt: str,
    state: str,
    code: int | None = None,
    message: str = "",
    began: float | None = None,
) -> None:
    """outcome/<job>.json: launchers read it, since cluster submitters lose exit codes."""
    value: Mapping[str, Any] = {
        "job": job.name,
        "run": space.name,
        "attempt": attempt,
        "class": state,
        "state": {"running": "RUNNING", "done": "SUCCESS", "cancelled": "CANCELLED"}.get(state, "FAILED"),
        "exit_code": code,
        "message": message,
        "seconds": None if began is None else round(time.perf_counter() - began, 3),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    space.write(f"outcome/{job.name}.json", value)


def make_engine(config: Config) -> Engine:
    from jobs.engines.local_engine import LocalEngine
    from jobs.engines.shuffle_engine import ShuffleEngine

    name = config.settings.engine.name
    if name == "local":
        return LocalEngine(config.settings.engine.workers)
    if name == "shuffle":
        return ShuffleEngine()
    raise UsageError(f"engine.name {name!r}: local or shuffle")
