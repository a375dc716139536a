"""Law 4: night N built on N−1 has the digests of a build from scratch over the same captures."""

import pytest
from hypothesis import HealthCheck, given, settings
from nights import Capture, Lake, day, digests
from strategies import visits

from jobs.runner import Options


def rebuilt(history: list[list[Capture]]) -> dict[str, str]:
    last = day(len(history) - 1)
    lake = Lake()
    return digests(lake.night(last, {day(i): v for i, v in enumerate(history)}).datasets)


def nightly(history: list[list[Capture]], lake: Lake | None = None) -> dict[str, str]:
    lake = lake or Lake()
    for i, found in enumerate(history):
        snapshot = lake.night(day(i), {day(i): found})
    return digests(snapshot.datasets)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(visits(days=5))
def test_increments_equal_a_rebuild(history):
    assert nightly(history) == rebuilt(history)


def test_a_removed_leader_promotes_its_twin_and_a_returning_one_goes_behind_it():
    history = [
        [Capture(0, text=0), Capture(1, text=4)],
        [Capture(2, text=1)],  # near-duplicate of document 0, which came first
        [Capture(0, status=404)],  # the leader goes: document 2 is promoted
        [Capture(0, text=0)],  # it comes back, as the younger one
    ]
    lake = Lake()
    kept = []
    for i, found in enumerate(history):
        snapshot = lake.night(day(i), {day(i): found})
        kept.append({row["url"].rpartition("/")[2] for row in lake.rows(snapshot, "corpus")})
    assert kept == [{"0", "1"}, {"0", "1"}, {"1", "2"}, {"1", "2"}]
    reject = lake.rows(snapshot, "rejects_dedup")[0]
    assert reject["url"].endswith("/0") and reject["rule"] == "near_duplicate" and reject["similarity"] >= 0.8
    assert digests(snapshot.datasets) == rebuilt(history)


def test_a_text_keeps_its_age_through_other_bytes_and_304_but_not_through_a_gap():
    history = [
        [Capture(0, text=0)],
        [Capture(0, text=0, wrapping=1)],
        [Capture(0, status=304)],
        [Capture(0, text=2)],
        [Capture(0, text=2), Capture(1, text=0)],
    ]
    lake = Lake()
    ages = []
    for i, found in enumerate(history):
        snapshot = lake.night(day(i), {day(i): found})
        ages.append(next(str(r["since"]) for r in lake.rows(snapshot, "documents") if r["url"].endswith("/0")))
    assert ages == [day(0), day(0), day(0), day(3), day(3)]


def test_an_unchanged_night_writes_no_new_file():
    lake = Lake()
    first = lake.night(day(0), {day(0): [Capture(0, text=0), Capture(1, text=3)]})
    second = lake.night(day(1), {day(1): [Capture(0, status=304), Capture(1, status=304)]})
    for name in ("documents", "clean", "scrubbed", "corpus", "rejects_dedup"):
        assert first.datasets[name].digest == second.datasets[name].digest, name


@pytest.mark.req("CLN-17")
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(visits(days=3))
def test_a_changed_threshold_is_evaluated_in_full(history):
    """The night after a change of parameters equals a rebuild with the new parameters."""
    lake = Lake()
    nightly(history, lake)
    lake.config = Lake(overrides=["clean.min_characters=300"]).config
    strict = Lake(overrides=["clean.min_characters=300"])
    after = lake.night(day(len(history)), {}, options=Options(allow_gap=True))
    expected = strict.night(day(len(history)), {day(i): v for i, v in enumerate(history)})
    assert digests(after.datasets) == digests(expected.datasets)
