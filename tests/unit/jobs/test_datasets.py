"""Versions against a plain dictionary: random histories with tiny files and row groups, then damage."""

import json
from contextlib import contextmanager
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jobs.datasets as datasets
import jobs.writer as writer
from jobs import manifest as manifests
from jobs.datasets import HASH, KEY, SEQ, Version, changes, fresh_rows
from jobs.digest import Digest, digest_of, row_hashes
from jobs.errors import Terminal, UsageError
from jobs.manifest import Manifest, Provenance
from jobs.storage import LocalStorage, MemoryStorage
from jobs.writer import VersionWriter, compact, write_version
from pipelines.schemas import DEDUP_INDEX, PAGES

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@contextmanager
def tiny(group_rows=2, flush_bytes=150, max_deltas=24):
    """Small files and row groups, so that few rows make many of both."""
    before = writer.GROUP_ROWS, writer.FLUSH_BYTES, writer.MAX_DELTAS
    writer.GROUP_ROWS, writer.FLUSH_BYTES, writer.MAX_DELTAS = group_rows, flush_bytes, max_deltas
    try:
        yield
    finally:
        writer.GROUP_ROWS, writer.FLUSH_BYTES, writer.MAX_DELTAS = before


def key(number):
    return f"{number:032x}"


def index_table(rows):
    """Rows of DEDUP_INDEX from doc_id → number."""
    return pa.table({"doc_id": list(rows), "tenant_id": ["t"] * len(rows), "shingles": list(rows.values())})


def model_table(model):
    ordered = {k: model[k] for k in sorted(model)}
    return DEDUP_INDEX.conform(pa.table(index_table(ordered), schema=None)) if ordered else None


def next_version(storage, base, upserts, removals, *, pieces=1):
    """A version on `base`, written in `pieces` and stored."""
    made = VersionWriter(storage, DEDUP_INDEX, base, run="r")
    items = list(upserts.items())
    size = max(1, -(-len(items) // pieces))
    for at in range(0, len(items), size):
        made.upsert(index_table(dict(items[at : at + size])))
    made.remove(sorted(removals), "gone")
    manifest = made.finish(Provenance())
    return Version.load(storage, manifests.save(storage, manifest)), made


KEYS = st.integers(0, 15).map(key)
STEP = st.tuples(
    st.dictionaries(KEYS, st.integers(0, 2), max_size=10),  # upserts, in any order of keys
    st.sets(KEYS, max_size=5),
    st.integers(1, 4),
)


def check_version(version, model):
    expected = model_table(model)
    scanned = version.table()
    assert scanned["doc_id"].to_pylist() == sorted(model)
    assert scanned["shingles"].to_pylist() == [model[k] for k in sorted(model)]
    assert version.manifest.digest == (digest_of([expected], DEDUP_INDEX) if model else Digest())
    assert version.rows == len(model)


def expected_changes(old, new):
    return (
        sorted(new.keys() - old.keys()),
        sorted(k for k in new.keys() & old.keys() if new[k] != old[k]),
        sorted(old.keys() - new.keys()),
    )


def as_lists(delta):
    return delta.added.to_pylist(), delta.changed.to_pylist(), delta.removed.to_pylist()


@settings(max_examples=40, suppress_health_check=SLOW)
@given(st.lists(STEP, min_size=1, max_size=5), st.data())
def test_versions_are_what_a_dictionary_says(steps, data):
    with tiny(max_deltas=data.draw(st.sampled_from([2, 24]))):
        storage, base, model = MemoryStorage(), None, {}
        history = []
        for upserts, removals, pieces in steps:
            removals -= set(upserts)
            before = dict(model)
            if base is not None:
                model = {k: v for k, v in model.items() if k not in removals}
            model = model | upserts
            base, made = next_version(storage, base, upserts, removals, pieces=pieces)
            check_version(base, model)
            added, changed, removed = expected_changes(before, model)
            assert made.counts == {
                "added": len(added),
                "changed": len(changed),
                "unchanged": len([k for k in upserts if before.get(k) == upserts[k]]),
                "removed": len(removed),
            }
            history.append((base, model))
        first, last = data.draw(st.sampled_from(history)), history[-1]
        check_pair(first, last)
        check_pair(last, first)
        check_get(*last, data.draw(st.lists(KEYS, max_size=6)))
        small = compact(storage, last[0])
        assert small.digest == last[0].manifest.digest and all(f.kind == "base" for f in small.files)
        check_version(Version(storage, small), last[1])
        check_pair(first, (Version(storage, small), last[1]))
        last[0].check()


def check_pair(first, second):
    """changes() by files (where there is a lineage) and by scan, and the rows that are new."""
    (old, before), (new, after) = first, second
    expected = expected_changes(before, after)
    delta = changes(old, new)
    assert as_lists(delta) == expected and len(delta) == sum(map(len, expected))
    assert as_lists(datasets._changes_by_scan(old, new)) == expected
    fresh = pa.concat_tables(
        [pa.table({"k": p["doc_id"], "n": p["shingles"]}) for p in fresh_rows(old, new, delta)]
        or [pa.table({"k": [], "n": []})]
    )
    assert dict(zip(*fresh.to_pydict().values(), strict=True)) == {k: after[k] for k in expected[0] + expected[1]}
    assert fresh.num_rows == len(expected[0]) + len(expected[1])


def check_get(version, model, wanted):
    found = version.get(wanted, ["shingles"], extras=True)
    live = sorted(set(wanted) & model.keys())
    assert found[KEY].to_pylist() == live and found["shingles"].to_pylist() == [model[k] for k in live]
    assert {KEY, HASH, SEQ} <= set(found.column_names)
    assert version.get(wanted, ["shingles"]).column_names == ["shingles"]


def test_changes_from_nothing():
    storage = MemoryStorage()
    version, _ = next_version(storage, None, {key(2): 1, key(1): 1}, set())
    assert as_lists(changes(None, version)) == ([key(1), key(2)], [], [])


def test_an_equal_beginning_is_not_a_lineage():
    """A rebuild may begin with the same file as the version before, and go on in the same sequence number."""
    storage = MemoryStorage()
    with tiny(flush_bytes=1):
        old, _ = next_version(storage, None, {key(1): 1}, set())
        new, _ = next_version(storage, None, {key(1): 1, key(2): 2}, set(), pieces=2)
    assert old.manifest.files[0].path == new.manifest.files[0].path
    delta = changes(old, new)
    assert as_lists(delta) == ([key(2)], [], [])
    assert [p["doc_id"].to_pylist() for p in fresh_rows(old, new, delta)] == [[key(2)]]


def test_a_row_that_goes_and_comes_back_shares_its_file():
    storage = MemoryStorage()
    first, _ = next_version(storage, None, {key(1): 1}, set())
    second, _ = next_version(storage, first, {}, {key(1)})
    third, _ = next_version(storage, second, {key(1): 1}, set())
    check_version(third, {key(1): 1})
    assert len({f.path for f in third.data_files}) == 1
    assert as_lists(changes(second, third)) == ([key(1)], [], [])
    assert as_lists(changes(first, third)) == ([], [], [])


def test_deletes_say_why_and_by_which_run():
    storage = MemoryStorage()
    first, _ = next_version(storage, None, {key(1): 1, key(2): 1}, set())
    second, _ = next_version(storage, first, {key(1): 2}, {key(2), key(9)})
    rows = second.deletes.select(["key", "reason", "run"]).to_pylist()
    assert rows == [{"key": key(1), "reason": "superseded", "run": "r"}, {"key": key(2), "reason": "gone", "run": "r"}]


def test_an_empty_version():
    version = Version(MemoryStorage(), write_version(MemoryStorage(), DEDUP_INDEX, []))
    assert version.rows == 0 and list(version.scan()) == []
    assert version.table().schema == DEDUP_INDEX.schema
    assert version.table(["shingles"]).column_names == ["shingles"]
    assert version.get([key(1)]).schema == DEDUP_INDEX.schema
    assert {KEY, HASH, SEQ, "doc_id"} <= set(version.get([key(1)], [], extras=True).column_names)
    assert Version(version.storage, compact(version.storage, version)).rows == 0


def page(number, day, status=200):
    return {
        "doc_id": key(number),
        "capture": f"2026-01-{day:02d}:x",
        "capture_day": date(2026, 1, day),
        "status": status,
        "hops": ["a", None],
        "subject_ids": [{"digest": "d", "key_id": "k"}],
    }


def test_composite_keys():
    storage = MemoryStorage()
    rows = [page(n, d) for d in (3, 1, 2) for n in (5, 1)]
    with tiny():
        first = Version(
            storage,
            write_version(
                storage, PAGES, [pa.Table.from_pylist(rows[i : i + 2], schema=PAGES.schema) for i in (0, 2, 4)]
            ),
        )
        made = VersionWriter(storage, PAGES, first)
        made.upsert(pa.Table.from_pylist([page(5, 2, 304), page(7, 1), page(1, 1)], schema=PAGES.schema))
        made.remove([f"{key(1)}\0002026-01-03:x", key(5)], "gone")  # a part of a key names no row
        second = Version(storage, made.finish(Provenance()))
    assert made.counts == {"added": 1, "changed": 1, "unchanged": 1, "removed": 1}
    found = [(int(r["doc_id"], 16), r["capture"][8:10], r["status"]) for r in second.table().to_pylist()]
    assert found == [(1, "01", 200), (1, "02", 200), (5, "01", 200), (5, "02", 304), (5, "03", 200), (7, "01", 200)]
    assert second.get([key(5)], ["capture"])["capture"].to_pylist() == [f"2026-01-0{d}:x" for d in (1, 2, 3)]
    delta = changes(first, second)
    assert as_lists(delta) == (
        [f"{key(7)}\0002026-01-01:x"],
        [f"{key(5)}\0002026-01-02:x"],
        [f"{key(1)}\0002026-01-03:x"],
    )
    assert as_lists(changes(second, first)) == (
        list(as_lists(delta)[2]),
        list(as_lists(delta)[1]),
        list(as_lists(delta)[0]),
    )
    assert second.manifest.digest == digest_of([second.table()], PAGES)


def test_the_stored_hash_is_that_of_the_row():
    storage = MemoryStorage()
    version, _ = next_version(storage, None, {key(i): i for i in range(5)}, set())
    table = next(version.scan(extras=True))
    assert table[HASH].to_pylist() == row_hashes(table, DEDUP_INDEX)


def test_a_scan_reads_one_row_group_at_a_time_and_get_only_those_it_needs(monkeypatch):
    storage = MemoryStorage()
    with tiny(group_rows=2, flush_bytes=1 << 20):
        version, _ = next_version(storage, None, {key(i): i for i in range(20)}, set())
    read, real = [], datasets.read_group

    def counted(version, file, group, columns):
        read.append(group)
        return real(version, file, group, columns)

    monkeypatch.setattr(datasets, "read_group", counted)
    scan = version.scan()
    assert next(scan).num_rows == 2 and len(read) == 1
    assert next(scan).num_rows == 2 and len(read) == 2
    read.clear()
    version.get([key(7), key(8)])
    assert read == [3, 4]
    version.get(["f" * 32])
    assert read == [3, 4]


@pytest.fixture
def on_disk(tmp_path):
    """A version with a base, a delta and a delete file."""
    storage = LocalStorage(tmp_path)
    first, _ = next_version(storage, None, {key(i): i for i in range(50)}, set())
    second, _ = next_version(storage, first, {key(1): 7}, {key(2)})
    return storage, second


def uses(version):
    yield lambda v: v.table()
    yield lambda v: v.get([key(1)])
    yield lambda v: v.check()
    yield lambda v: changes(None, v)
    yield lambda v: compact(v.storage, v)


@pytest.mark.req("GAT-10")
@pytest.mark.parametrize("kind", ["base", "delta", "delete"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "garbage", "flipped"])
def test_a_damaged_file_is_named(on_disk, kind, damage):
    storage, version = on_disk
    file = next(f for f in version.manifest.files if f.kind == kind)
    path = storage.root / file.path
    raw = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        harm = {
            "empty": b"",
            "cut": raw[: len(raw) // 2],
            "garbage": b"PAR1" + b"\xff" * 500 + b"PAR1",
            "flipped": raw[:4] + bytes(255 - b for b in raw[4:60]) + raw[60:],
        }
        path.write_bytes(harm[damage])
    for use in uses(version):
        fresh = Version.load(storage, version.path)
        with pytest.raises(Terminal) as failed:
            use(fresh)
        assert file.path in str(failed.value) and type(failed.value) is Terminal


def test_a_missing_or_damaged_manifest_is_named(tmp_path):
    storage = LocalStorage(tmp_path)
    with pytest.raises(Terminal, match=r"manifests/x\.json is missing"):
        Version.load(storage, "manifests/x.json")
    good = write_version(storage, DEDUP_INDEX, [index_table({key(1): 1})])
    value = json.loads(good.to_json())
    for broken in (b"", b"{", b"[]", b"null", b'{"format_version": 1}', json.dumps(value | {"digest": "x"}).encode()):
        storage.put("manifests/x.json", broken)
        with pytest.raises(Terminal, match=r"manifests/x\.json: not a manifest"):
            Version.load(storage, "manifests/x.json")
    storage.put("manifests/x.json", json.dumps(value | {"format_version": 99}).encode())
    with pytest.raises(UsageError, match="newer release"):
        Version.load(storage, "manifests/x.json")


@pytest.mark.req("VER-02", "VER-03", "LIN-01")
def test_a_manifest_keeps_how_it_came_to_be():
    storage = MemoryStorage()
    made = Provenance(
        job="clean",
        run="nightly-1",
        inputs={"documents": "documents@" + "0" * 32 + ".0"},
        fingerprint="f",
        parameters={"min_characters": 80},
        code_version="0.1.0+abc",
        components={"lid": "sha"},
        seed=7,
        owner="data-platform",
        timings={"seconds": 1.5},
        funnel={"inputs": 3},
        tokens={"tokenizer": "basic-1", "count": 9},
        tombstone_epoch=2,
    )
    manifest = write_version(storage, DEDUP_INDEX, [index_table({key(1): 1})], made)
    path = manifests.save(storage, manifest)
    assert manifests.load(storage, path) == manifest
    assert manifests.save(storage, manifest) == path and storage.list("manifests") == [path]
    assert manifest.version == f"dedup_index@{manifest.digest.prefix}"
    assert manifest.schema[0] == ("doc_id", "string", "identity")
    assert Manifest.from_json(manifest.to_json(), "x").provenance.inputs == made.inputs


def test_files_are_plain_sorted_parquet(on_disk):
    storage, version = on_disk
    for file in version.data_files:
        table = pq.read_table(storage.root / file.path)
        ids = table["doc_id"].to_pylist()
        assert ids == sorted(ids) and (file.min_key, file.max_key) == (ids[0], ids[-1])
        assert file.rows == table.num_rows and file.bytes == storage.size(file.path)
        assert pc.count_distinct(table["doc_id"]).as_py() == table.num_rows
