"""Garbage collection keeps what a snapshot or a recent run needs, and takes the rest."""

import os
import time

import pyarrow as pa
import pytest
from nights import Capture, Lake, day

from jobs.collection import collect
from jobs.datasets import Version
from jobs.runner import Options, run_job
from jobs.snapshots import Published
from jobs.storage import LocalStorage, MemoryStorage
from jobs.writer import VersionWriter
from pipelines.schemas import DEDUP_INDEX

LONG_AGO = time.time() - 30 * 86_400
WEEK = 7 * 86_400.0


def age(root, when=LONG_AGO):
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (when, when))


def content(storage):
    return {top: storage.list(top) for top in ("data", "manifests", "snapshots", "runs", "refs")}


def check_readable(storage):
    published = Published(storage)
    for snapshot in published.snapshots():
        for name in snapshot.datasets:
            published.open(snapshot, name).check()
            published.open(snapshot, name).table()


@pytest.mark.req("VER-07")
def test_what_is_published_stays_whatever_its_age(lake):
    age(lake.storage.root)
    before = content(lake.storage)
    found = collect(lake.storage, keep_seconds=0, delete=True)
    assert found.files == 0 and found.bytes == 0 and found.kept > 20
    assert content(lake.storage) == before
    check_readable(lake.storage)


def failed_night(lake):
    """A third night that is never published: what its crawl captured, and what only its `extract` needs."""
    before = content(lake.storage)
    lake.captured(day(2), {day(2): [Capture(9, text=10)]}, Options())
    captured = _new(before, content(lake.storage))
    run_job("extract", day(2), config=lake.config, storage=lake.storage)
    derived = [p for p in _new(before, content(lake.storage)) if p not in captured]
    return captured, derived


def _new(before, after):
    return [p for top in after for p in after[top] if p not in before[top]]


def test_an_old_failed_night_goes_but_not_what_it_captured(lake):
    """The past cannot be fetched again."""
    age(lake.storage.root)
    captured, derived = failed_night(lake)
    assert any(p.startswith("data/pages/") for p in captured) and any(p.startswith("data/documents/") for p in derived)
    young = collect(lake.storage, keep_seconds=WEEK, delete=True)
    assert young.files == 0
    age(lake.storage.root)
    sizes = [lake.storage.size(p) for p in derived]
    counted = collect(lake.storage, keep_seconds=WEEK, delete=False)
    assert counted.files >= len(derived) and counted.bytes >= sum(sizes)
    assert all(lake.storage.exists(p) for p in derived)  # counting deletes nothing
    assert collect(lake.storage, keep_seconds=WEEK, delete=True) == counted
    assert not any(lake.storage.exists(p) for p in derived)
    assert all(lake.storage.exists(p) for p in captured)
    check_readable(lake.storage)
    assert collect(lake.storage, keep_seconds=WEEK, delete=True).files == 0
    run_job("extract", day(2), config=lake.config, storage=lake.storage)  # from what was captured


def test_a_recent_run_keeps_old_files_that_it_relies_on(lake):
    extra = [path for part in failed_night(lake) for path in part]
    age(lake.storage.root)
    for path in extra:
        if path.startswith("runs/"):
            os.utime(lake.storage.root / path)
    assert collect(lake.storage, keep_seconds=WEEK, delete=True).files == 0
    assert all(lake.storage.exists(p) for p in extra)


def test_a_file_that_is_written_again_just_now_stays(lake):
    """A run that has not recorded its output yet may rely on an old file of the same content."""

    def write():
        writer = VersionWriter(lake.storage, DEDUP_INDEX)
        writer.upsert(pa.table({"doc_id": ["0" * 32]}))
        from jobs.manifest import Provenance

        return writer.finish(Provenance())

    write()
    age(lake.storage.root)
    again = write()
    collect(lake.storage, keep_seconds=WEEK, delete=True)
    assert Version(lake.storage, again).table().num_rows == 1


def test_scratch_files_of_the_killed_go(tmp_path):
    storage = LocalStorage(tmp_path)
    old, young = storage.scratch() / "old", storage.scratch() / "young"
    for path in (old, young):
        path.write_bytes(b"12345")
    os.utime(old, (LONG_AGO, LONG_AGO))
    found = collect(storage, keep_seconds=WEEK, delete=True)
    assert (found.files, found.bytes) == (1, 5) and not old.exists() and young.exists()


def test_a_storage_without_times():
    lake = Lake(MemoryStorage())
    lake.night(day(0), {day(0): [Capture(0, text=0)]})
    lake.storage.put("data/corpus/x.parquet", b"12345678")
    (lake.storage.scratch() / "runs").mkdir(exist_ok=True)  # a run's local folder is no leftover
    assert collect(lake.storage, keep_seconds=0, delete=True).files == 1
    check_readable(lake.storage)


def test_an_empty_lake(tmp_path):
    assert collect(LocalStorage(tmp_path), keep_seconds=0, delete=True).files == 0
