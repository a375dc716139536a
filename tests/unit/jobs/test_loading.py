"""nightmill.load: batches, rows, a place to go on from, and clear errors."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nights import day

import jobs.writer as writer
import nightmill
from jobs.datasets import Version
from jobs.errors import UsageError
from jobs.loading import Loaded
from jobs.snapshots import Published
from jobs.storage import LocalStorage, MemoryStorage
from jobs.writer import write_version
from pipelines.schemas import DEDUP_INDEX

REPOSITORY = Path(__file__).resolve().parents[3]


def test_load_by_name_digest_and_snapshot(made_lake):
    published = Published(LocalStorage(made_lake))
    first = published.snapshot(published.pointer().days[day(0)])
    loaded = nightmill.load("corpus", lake=made_lake)
    assert loaded.digest == published.head().datasets["corpus"].digest and loaded.version.startswith("corpus@")
    assert len(loaded) == len(list(loaded)) > 1
    for reference in (f"corpus@{first.id}", first.datasets["corpus"].version):
        assert nightmill.load(reference, lake=str(made_lake)).digest == first.datasets["corpus"].digest
    assert nightmill.load("corpus", lake=f"file://{made_lake}").digest == loaded.digest


def test_rows_are_those_of_the_version_in_order(made_lake):
    loaded = nightmill.load("corpus", lake=made_lake)
    rows = list(loaded)
    assert rows == Published(LocalStorage(made_lake)).find("corpus").table().to_pylist()
    assert [r["doc_id"] for r in rows] == sorted(r["doc_id"] for r in rows)
    assert list(loaded) == rows  # once more from the beginning


def test_columns(made_lake):
    loaded = nightmill.load("corpus", lake=made_lake, columns=["text", "doc_id"])
    assert loaded.schema.names == ["text", "doc_id"] == list(next(iter(loaded)))
    (batch,) = loaded.batches(columns=["tokens"], batch_size=100)
    assert batch.schema.names == ["tokens"]


@pytest.mark.parametrize("reference", ["nothing", "corpus@ffff", "corpus@2020-01-01", "", "tombstones"])
def test_unknown_versions(made_lake, reference):
    with pytest.raises(UsageError, match="no published"):
        nightmill.load(reference, lake=made_lake)


def test_unknown_columns(made_lake):
    with pytest.raises(UsageError, match="corpus has no column 'nose'; it has doc_id"):
        nightmill.load("corpus", lake=made_lake, columns=["text", "nose"])
    with pytest.raises(UsageError, match="has no column 'nose'"):
        list(nightmill.load("corpus", lake=made_lake).batches(columns=["nose"]))


def test_no_lake(tmp_path):
    with pytest.raises(UsageError, match="no published dataset"):
        nightmill.load("corpus", lake=tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def version_of(count, group_rows):
    before, writer.GROUP_ROWS = writer.GROUP_ROWS, group_rows
    try:
        storage = MemoryStorage()
        table = {"doc_id": [f"{i:032x}" for i in range(count)], "shingles": list(range(count))}
        return Version(storage, write_version(storage, DEDUP_INDEX, [writer.pa.table(table)]))
    finally:
        writer.GROUP_ROWS = before


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 12), st.integers(1, 5), st.integers(1, 5), st.integers(0, 13), st.booleans(), st.booleans())
def test_stopping_anywhere_and_going_on_loses_and_repeats_nothing(count, group, batch, stop, by_rows, then_rows):
    version = version_of(count, group)

    def read(loaded, rows):
        if rows:
            yield from ([row["shingles"]] for row in loaded)
        else:
            for found in loaded.batches(batch_size=batch):
                assert 1 <= found.num_rows <= batch
                yield found["shingles"].to_pylist()

    loaded, seen = Loaded(version), []
    stream = read(loaded, by_rows)
    for _ in range(stop):
        part = next(stream, None)
        if part is None:
            break
        seen += part
    if 0 < len(seen) < count:
        place = json.loads(json.dumps(loaded.state_dict()))
        fresh = Loaded(version)
        fresh.load_state_dict(place)
        assert seen + [n for part in read(fresh, then_rows) for n in part] == list(range(count))
    assert [n for part in read(Loaded(version), then_rows) for n in part] == list(range(count))


def test_a_place_of_another_version_is_refused(made_lake):
    loaded = nightmill.load("corpus", lake=made_lake)
    with pytest.raises(UsageError, match="belongs to"):
        loaded.load_state_dict({"digest": "0" * 32 + ".1", "behind": None})
    with pytest.raises(UsageError, match="belongs to"):
        loaded.load_state_dict({})


def test_going_on_in_another_process(made_lake):
    loaded = nightmill.load("corpus", lake=made_lake, columns=["doc_id"])
    rows = iter(loaded)
    first = next(rows)["doc_id"]
    script = (
        "import json, sys, nightmill\n"
        "loaded = nightmill.load('corpus', lake=sys.argv[1], columns=['doc_id'])\n"
        "loaded.load_state_dict(json.loads(sys.argv[2]))\n"
        "print(json.dumps([r['doc_id'] for r in loaded]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(made_lake), json.dumps(loaded.state_dict())],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert [first, *json.loads(done.stdout)] == [r["doc_id"] for r in nightmill.load("corpus", lake=made_lake)]


def test_to_huggingface_without_the_package_says_what_to_install(made_lake, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UsageError, match="needs the package `datasets`"):
        nightmill.load("corpus", lake=made_lake).to_huggingface()


def test_the_public_names():
    assert callable(nightmill.load)
    with pytest.raises(AttributeError):
        _ = nightmill.nothing


def test_a_training_script_can_ask_for_the_gate(made_lake):
    head = Published(LocalStorage(made_lake)).head()
    verdict = nightmill.gate("corpus", lake=made_lake)
    assert verdict["passed"] is True and verdict["reasons"] == [] and verdict["snapshot"] == head.id
    assert verdict["content"] == {"corpus": head.datasets["corpus"].digest}
    with pytest.raises(UsageError):
        nightmill.gate("corpus@ffffffff", lake=made_lake)
