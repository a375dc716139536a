"""Plans: what would run, on what, and why – and that looking changes nothing."""

from types import SimpleNamespace

import pytest
from nights import STAGES, Capture, Lake, day

from jobs.declared import JOBS
from jobs.errors import UsageError
from jobs.planning import _still_published, plan
from jobs.runner import Options, run_job
from jobs.runs import Record
from jobs.snapshots import Published
from jobs.storage import MemoryStorage


def actions(found):
    return {step.job: step.action for step in found.steps}


def planned(lake, on):
    before = {
        p: lake.storage.read(p)
        for top in ("data", "runs", "refs", "snapshots", "manifests")
        for p in lake.storage.list(top)
    }
    found = plan(lake.config, lake.storage, on)
    after = {
        p: lake.storage.read(p)
        for top in ("data", "runs", "refs", "snapshots", "manifests")
        for p in lake.storage.list(top)
    }
    assert before == after
    return found


@pytest.fixture
def one():
    lake = Lake(MemoryStorage())
    lake.night(day(0), {day(0): [Capture(i, text=2 * i) for i in range(3)]})
    return lake


def test_the_first_night_runs_everything_in_full():
    found = planned(Lake(MemoryStorage()), day(0))
    assert [step.job for step in found.steps] == list(JOBS)
    assert found.parent is None and found.notes == []
    assert {actions(found)[s] for s in STAGES} == {"run in full"}
    extract = found.steps[1]
    assert extract.why == "crawl will run; there is no base: first night" and extract.last_seconds is None


def test_the_next_night_builds_on_the_last(one):
    found = planned(one, day(1))
    assert found.parent == one.night(day(0), {day(0): [Capture(i, text=2 * i) for i in range(3)]}).id
    assert {actions(found)[s] for s in STAGES} == {"run on increment"}
    clean = next(s for s in found.steps if s.job == "clean")
    assert clean.input_rows == 3 and clean.last_seconds >= 0


def test_what_ran_is_up_to_date_and_what_follows_says_why(one):
    one.captured(day(1), {day(1): [Capture(9, text=10)]}, Options())
    run_job("extract", day(1), config=one.config, storage=one.storage)
    found = planned(one, day(1))
    assert actions(found)["crawl"] == actions(found)["extract"] == "up to date"
    assert actions(found)["clean"] == "run on increment" and actions(found)["publish"] == "run"
    why = {s.job: s.why for s in found.steps}
    assert why["clean"] == "it has not run yet" and why["scrub"] == "clean will run"
    one.captured(day(1), {day(1): [Capture(9, text=8)]}, Options())
    found = planned(one, day(1))
    assert actions(found)["extract"] == "run on increment"
    assert next(s.why for s in found.steps if s.job == "extract") == "its input or parameters changed"


@pytest.mark.req("VER-06")
def test_a_changed_parameter_is_named_and_the_stage_runs_in_full(one):
    one.config = Lake(overrides=["clean.min_characters=123"]).config
    found = planned(one, day(1))
    assert actions(found)["extract"] == "run on increment" and actions(found)["clean"] == "run in full"
    clean = next(s for s in found.steps if s.job == "clean")
    assert "changed since the parent: min_characters: " in clean.why and "→ 123" in clean.why


def test_a_run_that_is_pinned_to_another_configuration_is_noted(one):
    one.captured(day(1), {}, Options())
    one.config = Lake(overrides=["clean.min_characters=123"]).config
    assert any("--as-recorded" in note for note in planned(one, day(1)).notes)


def test_a_gap_and_stale_nights_are_noted(one):
    found = planned(one, day(5))
    assert any(f"{day(4)} is not published" in note for note in found.notes) and found.parent is not None


def test_a_published_night_says_so(one):
    found = planned(one, day(0))
    assert any(f"{day(0)} is published as" in note for note in found.notes)
    assert {actions(found)[s] for s in STAGES} == {"up to date"}


@pytest.mark.parametrize("date", ["", "tomorrow", "2026-1-1", "2026-02-30"])
def test_bad_dates(one, date):
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        plan(one.config, one.storage, date)
    with pytest.raises(UsageError, match="run name"):
        plan(one.config, one.storage, day(1), "a/b")


def test_plain_data(one):
    value = planned(one, day(1)).as_dict()
    assert value["date"] == day(1) and value["steps"][0]["job"] == "crawl"


def test_a_night_that_was_rolled_back_or_published_otherwise_would_be_published_again(one):
    published = Published(one.storage)
    ctx = SimpleNamespace(published=published, pins=SimpleNamespace(date=day(0)))
    ours = published.pointer().days[day(0)]
    assert _still_published(ctx, Record("publish", {}, "", {}, {"snapshot": ours}))
    assert not _still_published(ctx, Record("publish", {}, "", {}, {"snapshot": "another"}))
    assert _still_published(ctx, Record("clean", {}, "", {}, {}))
