"""Rollback: old content as a new snapshot, without what was taken down since."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pyarrow as pa
import pytest
from nights import Capture, day

from jobs import manifest as manifests
from jobs import publish as publishing
from jobs.errors import Transient, UsageError
from jobs.inspection import snapshot_of
from jobs.rollback import rollback
from jobs.runner import Options
from jobs.runs import Run
from jobs.snapshots import Entry, Published
from jobs.writer import write_version
from pipelines.schemas import TOMBSTONES


def contents(snapshot):
    return {n: e.digest for n, e in snapshot.datasets.items()}


def nights(lake):
    published = Published(lake.storage)
    days = published.pointer().days
    return published, published.snapshot(days[day(0)]), published.snapshot(days[day(1)])


@pytest.mark.req("VER-07")
def test_the_old_content_becomes_a_new_snapshot(lake):
    published, first, second = nights(lake)
    found = rollback(lake.storage, published, day(0))
    assert published.head() == found and found.id not in (first.id, second.id)
    assert contents(found) == contents(first)
    assert (found.date, found.parent, found.run) == (day(1), second.id, first.run)
    assert first.id in found.note and second.id in found.note and found.gate == first.gate
    assert [s.id for s in published.history()] == [found.id, second.id, first.id]  # nothing is lost
    assert published.find("corpus").manifest.digest == published.open(first, "corpus").manifest.digest


def test_a_dry_run_publishes_nothing(lake):
    published, _, _ = nights(lake)
    before = published.pointer()
    found = rollback(lake.storage, published, day(0), dry_run=True)
    assert published.pointer() == before and found.id not in [s.id for s in published.snapshots()]


def test_there_and_back(lake):
    published, _, second = nights(lake)
    rollback(lake.storage, published, day(0))
    again = rollback(lake.storage, published, second.id)
    assert contents(again) == contents(second) and published.head() == again


def test_the_next_night_builds_on_it(lake):
    published, first, _ = nights(lake)
    found = rollback(lake.storage, published, first.id)
    third = lake.night(day(2), {day(2): [Capture(9, text=10)]}, options=Options())
    assert third.parent == found.id
    assert len(lake.rows(third, "pages")) == len(lake.rows(first, "pages")) + 1


def test_what_was_rolled_back_stays_readable_when_the_day_is_published_again(lake):
    published, first, second = nights(lake)
    found = rollback(lake.storage, published, first.id)
    lake.night(day(1), {day(1): [Capture(9, text=10)]}, options=Options())
    assert {first.id, second.id, found.id} < {s.id for s in published.snapshots()}


@pytest.mark.parametrize("reference", ["2020-01-01", "ffffffffffffffff", "", "corpus"])
def test_unknown_snapshots(lake, reference):
    with pytest.raises(UsageError, match="nightmill history"):
        rollback(lake.storage, Published(lake.storage), reference)


def test_the_head_itself(lake):
    published, first, second = nights(lake)
    for reference in ("head", day(1), second.id):
        with pytest.raises(UsageError, match="is the head already"):
            rollback(lake.storage, published, reference)
    rollback(lake.storage, published, first.id)
    with pytest.raises(UsageError, match="has the content of the head"):
        rollback(lake.storage, published, first.id)


def test_a_head_that_moves_meanwhile_is_not_overwritten(lake):
    published, first, second = nights(lake)
    stale = rollback(lake.storage, published, first.id, dry_run=True)
    lake.night(day(2), {day(2): []}, options=Options())
    head = published.pointer().head
    with pytest.raises(Transient, match="the head moved"):
        published.replace_head(stale)
    assert published.pointer().head == head != second.id


def taken_down(lake, doc_ids):
    """A head that has a tombstone for these documents."""
    published, _, second = nights(lake)
    table = pa.table(
        {
            "tombstone_id": ["0" * 32],
            "scope": ["url"],
            "target": ["x"],
            "doc_ids": [doc_ids],
            "requested_at": [datetime(2026, 1, 3, tzinfo=UTC)],
        }
    )
    manifest = write_version(lake.storage, TOMBSTONES, [table])
    entry = Entry(manifest.version, str(manifest.digest), manifests.save(lake.storage, manifest))
    head = replace(second, parent=second.id, datasets={**second.datasets, "tombstones": entry}, tombstone_epoch=1)
    return published.replace_head(head)


def test_what_was_taken_down_does_not_come_back(lake):
    published, first, _ = nights(lake)
    kept = lake.rows(first, "corpus")[0]["doc_id"]
    twins = [r["doc_id"] for r in lake.rows(first, "rejects_dedup") if r["kept_id"] == kept]
    doomed = [kept, *twins]
    head = taken_down(lake, doomed)
    found = rollback(lake.storage, published, first.id)
    assert found.datasets["tombstones"] == head.datasets["tombstones"] and found.tombstone_epoch == 1
    for name in set(found.datasets) - {"tombstones"}:
        left = {row["doc_id"] for row in lake.rows(found, name)}
        assert left.isdisjoint(doomed), name  # aliases too, though their key is another
        before = {row["doc_id"] for row in lake.rows(first, name)}
        assert left == before - set(doomed), name
        version = published.open(found, name)
        assert {"taken down"} >= set(version.deletes["reason"].to_pylist())
    assert snapshot_of(published, "head") == found


def test_tombstones_that_touch_nothing_change_no_version(lake):
    published, first, _ = nights(lake)
    taken_down(lake, ["f" * 32])
    found = rollback(lake.storage, published, first.id)
    assert {n: e for n, e in found.datasets.items() if n != "tombstones"} == dict(first.datasets)


def test_a_withdrawn_night_returns_only_when_asked(lake):
    """The command or a cleared task that publishes it again must not undo a rollback."""
    published = Published(lake.storage)
    withdrawn = published.head()
    pins = Run(lake.storage, withdrawn.run).pins()

    def publish(pinned):
        return publishing.refuse_withdrawn(SimpleNamespace(published=published, pins=pinned), withdrawn)

    publish(pins)
    back = rollback(lake.storage, published, day(0))
    with pytest.raises(UsageError, match=r"rolled back.*--current"):
        publish(pins)
    publish(replace(pins, head=back.id))  # what --current pins
