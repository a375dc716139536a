"""Running a job: pins, what is up to date, and the outcome that is left behind however it ends."""

import sys
import types
from dataclasses import replace

import pytest
from nights import Capture, Lake, day

from jobs import declared
from jobs.context import Result
from jobs.declared import Job
from jobs.engines.local_engine import LocalEngine
from jobs.engines.shuffle_engine import ShuffleEngine
from jobs.errors import GateRefused, NotEnoughData, Terminal, Transient, UsageError
from jobs.runner import Options, check_date, default_run, make_engine, pin, run_job
from jobs.runs import Run
from jobs.snapshots import Published
from jobs.storage import MemoryStorage


@pytest.fixture
def job(monkeypatch):
    """A declared job `probe` whose behaviour the test sets: job.run = lambda ctx: …"""
    module = types.ModuleType("probe_job")
    module.run = lambda ctx: Result(result={"ran": True})
    monkeypatch.setitem(sys.modules, "probe_job", module)
    monkeypatch.setitem(declared.JOBS, "probe", Job("probe", "", "relate", "probe_job:run", section="clean"))
    return module


FIRST = day(0)


class Here:
    """A lake and how its jobs are run."""

    def __init__(self, *overrides):
        self.lake = Lake(MemoryStorage(), overrides)

    def run(self, name="probe", date=FIRST, **more):
        return run_job(name, date, config=self.lake.config, storage=self.lake.storage, engine=LocalEngine(1), **more)

    def outcome(self, name="probe", run=None):
        return Run(self.lake.storage, run or default_run(day(0))).read(f"outcome/{name}.json")


@pytest.mark.req("OBS-09")
def test_a_job_is_running_then_done(job):
    here, seen = Here(), []
    job.run = lambda ctx: (seen.append(here.outcome()), Result())[1]
    done = here.run(options=Options(attempt="try-7"))
    assert (seen[0]["class"], seen[0]["state"], seen[0]["exit_code"]) == ("running", "RUNNING", None)
    outcome = here.outcome()
    assert (outcome["class"], outcome["state"], outcome["exit_code"]) == ("done", "SUCCESS", 0)
    assert (outcome["job"], outcome["run"], outcome["attempt"]) == ("probe", default_run(day(0)), "try-7")
    assert outcome["seconds"] >= 0 and outcome["at"].endswith("+00:00") and not done.skipped


class Private(Exception):
    pass


@pytest.mark.req("OBS-09")
@pytest.mark.parametrize(
    ("error", "known", "state", "code", "message"),
    [
        (Transient("server down"), "transient", "FAILED", 1, "server down"),
        (Terminal("bad file"), "terminal", "FAILED", 4, "bad file"),
        (UsageError("no such"), "usage", "FAILED", 2, "no such"),
        (GateRefused("too few"), "refused", "FAILED", 3, "too few"),
        (NotEnoughData("none"), "not_enough_data", "FAILED", 5, "none"),
        (Private("text of a document"), "transient", "FAILED", 1, "Private in job probe"),
        (MemoryError(), "transient", "FAILED", 1, "MemoryError in job probe"),
        (KeyboardInterrupt(), "cancelled", "CANCELLED", 1, "interrupted"),
    ],
)
def test_every_end_leaves_an_outcome(job, error, known, state, code, message):
    def fail(ctx):
        raise error

    here, job.run = Here(), fail
    with pytest.raises(type(error)):
        here.run()
    outcome = here.outcome()
    assert (outcome["class"], outcome["state"], outcome["exit_code"]) == (known, state, code)
    assert outcome["message"] == message and outcome["seconds"] is not None
    assert Run(here.lake.storage, default_run(day(0))).record("probe") is None
    job.run = lambda ctx: Result()
    assert not here.run().skipped and here.outcome()["class"] == "done"


@pytest.mark.parametrize(
    "date", ["", "today", "2026-1-1", "20260101", "2026-02-30", "2026-01-01T00:00", "2026-01-01\n", "２０２６-01-01"]
)
def test_bad_dates(job, date):
    here = Here()
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        here.run(date=date)
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        check_date(date)
    assert here.lake.storage.list("runs") == []


def test_good_dates():
    check_date("2024-02-29")
    check_date("1970-01-01")


def test_unknown_jobs_and_bad_run_names(job):
    here = Here()
    with pytest.raises(UsageError, match=r"no job 'extrakt'; did you mean extract\?"):
        here.run("extrakt")
    with pytest.raises(UsageError, match=r"no job 'zzzz' Jobs: crawl, extract"):
        here.run("zzzz")
    with pytest.raises(UsageError, match="run name"):
        here.run(run="a/b")


def test_what_was_not_written_yet_is_named():
    here = Here()
    with pytest.raises(UsageError, match=f"run `nightmill run crawl --date {day(0)}` first"):
        here.run("extract")
    assert here.outcome("extract")["class"] == "usage"
    with pytest.raises(UsageError, match="publish reads corpus"):
        here.run("publish")


def test_a_second_time_is_up_to_date(job):
    here, calls = Here(), []
    job.run = lambda ctx: (calls.append(ctx), Result(result={"n": len(calls)}))[1]
    job.fingerprint = lambda ctx: str(ctx.parameters().min_characters)
    assert here.run().record.result == {"n": 1}
    again = here.run()
    assert again.skipped and again.record.result == {"n": 1} and len(calls) == 1
    assert here.outcome()["message"] == "up to date" and here.outcome()["exit_code"] == 0
    job.fingerprint = lambda ctx: "other"
    assert not here.run().skipped and len(calls) == 2
    job.ALWAYS = True
    assert not here.run().skipped and len(calls) == 3


def test_another_input_is_not_up_to_date():
    here = Here()
    here.lake.captured(day(0), {day(0): [Capture(0, text=0)]}, Options())
    assert not here.run("extract").skipped
    assert here.run("extract").skipped
    here.lake.captured(day(0), {day(0): [Capture(0, text=2)]}, Options())
    assert not here.run("extract").skipped


@pytest.mark.req("VER-06")
def test_a_changed_configuration_has_to_be_chosen(job):
    here = Here()
    first = here.run()
    other = Here("clean.min_characters=99")
    other.lake.storage = here.lake.storage
    with pytest.raises(UsageError, match=r"--as-recorded .* --current"):
        other.run()
    assert other.outcome()["class"] == "usage"
    kept = pin(
        Run(here.lake.storage, default_run(day(0))),
        day(0),
        other.lake.config,
        Published(here.lake.storage),
        Options(as_recorded=True),
    )
    assert kept.configuration == here.lake.config.digest()
    assert other.run(options=Options(as_recorded=True)).skipped
    assert other.run(options=Options(repin=True)).record.job == first.record.job
    fresh = Run(here.lake.storage, default_run(day(0))).pins()
    assert fresh.configuration == other.lake.config.digest() and fresh.parameters["clean"]["min_characters"] == 99
    with pytest.raises(UsageError, match="pinned to configuration"):
        here.run()


def test_engine_settings_are_no_change(job):
    here, other = Here(), Here("engine.workers=7", "logs.level=error")
    here.run()
    other.lake.storage = here.lake.storage
    assert other.run().skipped


def test_a_run_belongs_to_one_night(job):
    here = Here()
    here.run(run="mine")
    with pytest.raises(UsageError, match=f"run mine belongs to {day(0)}, not to {day(1)}"):
        here.run(run="mine", date=day(1))


@pytest.mark.req("VER-08")
def test_pins_say_what_a_run_saw(job):
    here = Here()
    snapshot = here.lake.night(day(0), {day(0): [Capture(0, text=0)]})
    here.run(date=day(1))
    pins = Run(here.lake.storage, default_run(day(1))).pins()
    assert (pins.parent, pins.date, pins.tombstone_epoch) == (snapshot.id, day(1), 0)
    assert pins.parameters == here.lake.config.as_dict() and pins.code_version
    assert pins.configuration == here.lake.config.digest()


def test_a_gap_is_refused_and_allowed(job):
    here = Here()
    here.lake.night(day(0), {day(0): [Capture(0, text=0)]})
    with pytest.raises(Transient, match=f"{day(1)} is not published"):
        here.run(date=day(2))
    assert here.outcome(run=default_run(day(2)))["class"] == "transient"
    assert not here.run(date=day(2), options=Options(allow_gap=True)).skipped


def test_a_new_parent_with_other_captures_lets_captures_be_written_again(job):
    """Night 2 was captured on night 0, then night 1 came: pages on top of night 0 would lose those of night 1."""
    here = Here()
    here.lake.night(day(0), {day(0): [Capture(0, text=0)]})
    here.lake.captured(day(2), {day(2): [Capture(2, text=4)]}, Options(allow_gap=True))
    run = Run(here.lake.storage, default_run(day(2)))
    here.run("extract", date=day(2))
    here.lake.night(day(1), {day(1): [Capture(1, text=2)]})
    assert run.record("crawl") is not None
    with pytest.raises(UsageError, match="nightmill run crawl"):
        here.run("extract", date=day(2), options=Options(repin=True))
    assert run.record("crawl") is None and run.record("extract") is not None


def test_a_new_parent_with_the_same_captures_keeps_them(job):
    here = Here()
    first = here.lake.night(day(0), {day(0): [Capture(0, text=0)]})
    here.lake.captured(day(1), {day(1): [Capture(1, text=4)]}, Options())
    Published(here.lake.storage).replace_head(replace(first, parent=first.id, note="again"))
    here.run(date=day(1), options=Options(repin=True))
    run = Run(here.lake.storage, default_run(day(1)))
    assert run.record("crawl") is not None and run.pins().parent != first.id


def test_engines_by_name():
    assert make_engine(Here("engine.workers=3").lake.config).workers == 3
    assert isinstance(make_engine(Here("engine.name=shuffle").lake.config), ShuffleEngine)


@pytest.mark.req("LIN-06")
def test_a_trace_says_how_long_a_job_took(job, tmp_path):
    from jobs.storage import LocalStorage

    here = Here()
    here.lake.storage = LocalStorage(tmp_path)
    here.run()
    assert '"probe"' in (tmp_path / "runs" / default_run(day(0)) / "trace.jsonl").read_text()
