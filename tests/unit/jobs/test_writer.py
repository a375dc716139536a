"""What a writer writes, and what it refuses."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jobs.writer as writer
from jobs.datasets import Version, changes
from jobs.digest import Digest, digest_of
from jobs.errors import Terminal
from jobs.manifest import Provenance
from jobs.storage import LocalStorage, MemoryStorage
from jobs.writer import VersionWriter, compact, write_version
from pipelines.schemas import DEDUP_INDEX, URL_ALIASES


def key(number):
    return f"{number:032x}"


def table(rows):
    return pa.table({"doc_id": [key(k) for k, _ in rows], "shingles": [n for _, n in rows]})


def made(base, *batches, remove=(), storage=None):
    """A finished writer and its version."""
    used = VersionWriter(storage or (base.storage if base else MemoryStorage()), DEDUP_INDEX, base, run="r")
    for batch in batches:
        used.upsert(table(batch))
    for reason, keys in remove:
        used.remove([key(k) for k in keys], reason)
    return used, Version(used.storage, used.finish(Provenance()))


@pytest.fixture
def flushing(monkeypatch):
    """Every upsert is a flush."""
    monkeypatch.setattr(writer, "FLUSH_BYTES", 1)


@pytest.fixture
def base():
    return made(None, [(i, i) for i in range(6)])[1]


def test_nothing_in_nothing_out():
    used, version = made(None)
    assert version.manifest.files == () and version.manifest.digest == Digest()
    used, version = made(None, [])
    assert used.storage.list("data") == []


def test_an_equal_row_writes_nothing(base):
    before = base.storage.list("data")
    used, version = made(base, [(3, 3), (5, 5)])
    assert used.counts == {"added": 0, "changed": 0, "unchanged": 2, "removed": 0}
    assert version.manifest.files == base.manifest.files and base.storage.list("data") == before
    assert version.manifest.digest == base.manifest.digest


def test_a_changed_row_writes_itself_and_hides_the_old_one(base):
    used, version = made(base, [(3, 30), (9, 9)], remove=[("gone", [0, 77])])
    assert used.counts == {"added": 1, "changed": 1, "unchanged": 0, "removed": 1}
    kinds = [(f.kind, f.seq, f.rows) for f in version.manifest.files]
    assert kinds == [("base", 0, 6), ("delta", 1, 2), ("delete", 1, 2)]
    assert version.table()["shingles"].to_pylist() == [1, 2, 30, 4, 5, 9]
    assert version.manifest.digest == digest_of([version.table()], DEDUP_INDEX)


def test_rows_of_any_order_make_a_sorted_file():
    _, version = made(None, [(5, 1), (1, 1)], [(3, 1), (2, 1)])
    (file,) = version.manifest.files
    assert (file.min_key, file.max_key, file.rows) == (key(1), key(5), 4)
    assert version.table()["doc_id"].to_pylist() == [key(k) for k in (1, 2, 3, 5)]


def test_removing_without_a_base_is_no_error():
    used, version = made(None, [(1, 1)], remove=[("gone", [1])])
    assert version.rows == 1 and used.counts["removed"] == 0


def test_removals_as_arrays_and_in_batches(base, monkeypatch):
    monkeypatch.setattr(writer, "REMOVALS_AT_ONCE", 2)
    used = VersionWriter(base.storage, DEDUP_INDEX, base)
    used.remove(pa.array([key(0), key(1), key(9)]), "a")
    used.remove(pa.chunked_array([[key(2)], [], [key(3)]], pa.string()), "b")
    used.remove([], "c")
    version = Version(base.storage, used.finish(Provenance()))
    assert version.table()["doc_id"].to_pylist() == [key(4), key(5)]
    assert version.deletes["reason"].to_pylist() == ["a", "a", "b", "b"]
    assert version.manifest.digest == digest_of([version.table()], DEDUP_INDEX)


@pytest.mark.parametrize(
    "batches",
    [
        [[(7, 1), (7, 2)]],  # within one flush
        [[(7, 1)], [(8, 1), (7, 1)]],  # across two
        [[(7, 1), (9, 1)], [(10, 1)], [(8, 1)], [(9, 2)]],
        [[(3, 30)], [(3, 31)]],  # changed twice
        [[(3, 30)], [(3, 3)]],  # changed, then as in the base
        [[(3, 3)], [(3, 30)]],  # as in the base, then changed
        [[(3, 3)], [(3, 3)]],
    ],
)
def test_a_key_that_comes_twice_is_refused(base, flushing, batches):
    with pytest.raises(Terminal, match="dedup_index: two rows with key"):
        made(base, *batches)


@pytest.mark.parametrize("row", [(3, 30), (3, 3)], ids=["changed", "unchanged"])
def test_a_key_that_is_written_and_removed_is_refused(base, row):
    with pytest.raises(Terminal, match="both written and removed"):
        made(base, [row], remove=[("gone", [3])])


def test_a_key_that_is_removed_for_two_reasons_is_refused(base):
    with pytest.raises(Terminal, match="removed twice"):
        made(base, remove=[("a", [3]), ("b", [3])])
    _, version = made(base, remove=[("a", [3, 3])])
    assert version.rows == 5


def test_a_row_without_a_key_is_refused():
    with pytest.raises(Terminal, match="1 rows have no key"):
        write_version(MemoryStorage(), DEDUP_INDEX, [pa.table({"doc_id": ["a", None]})])
    half = pa.table({"url_id": ["a"], "doc_id": pa.nulls(1, pa.string()), "kind": ["requested"]})
    with pytest.raises(Terminal, match="1 rows have no key"):
        write_version(MemoryStorage(), URL_ALIASES, [half])


def test_missing_key_columns_are_refused():
    with pytest.raises(KeyError, match="kind"):
        VersionWriter(MemoryStorage(), URL_ALIASES).upsert(pa.table({"url_id": ["a"], "doc_id": ["b"]}))


def test_row_groups_are_small(monkeypatch, tmp_path):
    monkeypatch.setattr(writer, "GROUP_ROWS", 4)
    storage = LocalStorage(tmp_path)
    _, version = made(None, [(i, i) for i in range(10)], storage=storage)
    file = pq.ParquetFile(tmp_path / version.manifest.files[0].path)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [4, 4, 2]
    monkeypatch.setattr(writer, "GROUP_BYTES", 1)
    _, version = made(None, [(i, i + 1) for i in range(3)], storage=storage)
    assert pq.ParquetFile(tmp_path / version.manifest.files[0].path).num_row_groups == 3
    assert list(storage.scratch().iterdir()) == []


def test_flushes_make_files_of_their_own(flushing):
    _, version = made(None, [(1, 1), (4, 4)], [(2, 2)], [(3, 3)])
    assert [(f.kind, f.seq, f.rows) for f in version.manifest.files] == [("base", 0, 2), ("base", 0, 1), ("base", 0, 1)]
    assert version.table()["shingles"].to_pylist() == [1, 2, 3, 4]


def nights(monkeypatch, most, change):
    """Versions on top of one another; `change` gives upserts and removals of a night."""
    monkeypatch.setattr(writer, "MAX_DELTAS", most)
    versions = [made(None, [(i, i) for i in range(40)])[1]]
    for night in range(1, 9):
        upserts, removals = change(night)
        versions.append(made(versions[-1], *([upserts] if upserts else []), remove=[("gone", removals)])[1])
        assert versions[-1].manifest.digest == digest_of([versions[-1].table()], DEDUP_INDEX)
        assert len(changes(versions[-2], versions[-1])) == len(upserts) + len(removals)
    return [[f.kind for f in v.manifest.files] for v in versions]


def test_many_deltas_are_compacted(monkeypatch):
    kinds = nights(monkeypatch, 3, lambda night: ([(night, night + 100)], []))
    assert kinds[3] == ["base", *["delta", "delete"] * 3] and kinds[4] == ["base"]
    assert kinds[8] == ["base"]


def test_many_nights_of_deletions_alone_are_compacted_too(monkeypatch):
    kinds = nights(monkeypatch, 3, lambda night: ([], [night]))
    assert kinds[3] == ["base"] + ["delete"] * 3 and kinds[4] == ["base"]


def test_a_large_base_is_not_rewritten_for_a_small_night(monkeypatch, flushing):
    """Only what was written since the last compaction counts: a base of many files is no reason to rewrite it."""
    monkeypatch.setattr(writer, "MAX_DELTAS", 3)
    base = made(None, *[[(i, i)] for i in range(8)])[1]
    _, version = made(base, [(9, 9)])
    assert [f.kind for f in version.manifest.files] == ["base"] * 8 + ["delta"]
    assert version.manifest.files[:8] == base.manifest.files


def test_compact_cuts_files(monkeypatch):
    base = made(None, [(i, i) for i in range(20)])[1]
    monkeypatch.setattr(writer, "FLUSH_BYTES", 1)
    monkeypatch.setattr(writer, "GROUP_ROWS", 5)
    again = made(base, [(2, 9)])[1]
    small = compact(base.storage, again)
    assert small.digest == again.manifest.digest and {f.kind for f in small.files} == {"base"}
    assert small.provenance == again.manifest.provenance and small.key == ("doc_id",)


def test_the_same_rows_give_the_same_file_names():
    first = write_version(MemoryStorage(), DEDUP_INDEX, [table([(2, 2), (1, 1)])])
    second = write_version(MemoryStorage(), DEDUP_INDEX, [table([(1, 1)]), table([(2, 2)])])
    assert first.files == second.files and first.digest == second.digest
