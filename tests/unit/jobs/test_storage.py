"""One conformance suite over every storage: what publishing relies on, with threads and (on disk) processes."""

import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest

from jobs.errors import Terminal, UsageError
from jobs.storage import LocalStorage, MemoryStorage, storage_at


@pytest.fixture(params=["local", "memory"])
def storage(request, tmp_path):
    return LocalStorage(tmp_path / "lake") if request.param == "local" else MemoryStorage()


def test_put_and_read(storage):
    storage.put("a/b/c.json", b"one")
    assert storage.read("a/b/c.json") == b"one" and storage.size("a/b/c.json") == 3
    storage.put("a/b/c.json", b"")
    assert storage.read("a/b/c.json") == b"" and storage.exists("a/b/c.json")
    with storage.open("a/b/c.json") as handle:
        assert handle.read() == b""


def test_put_keeps_a_copy(storage):
    data = bytearray(b"one")
    storage.put("x", data)
    data[0] = 0
    assert storage.read("x") == b"one"


def test_large_objects(storage):
    data = os.urandom((1 << 20) + 17)
    storage.put("big", data)
    assert storage.read("big") == data
    with storage.open("big") as handle:
        handle.seek(1 << 20)
        assert handle.read() == data[1 << 20 :]


def test_what_is_missing(storage):
    for look in (storage.read, storage.size, storage.open):
        with pytest.raises(FileNotFoundError):
            look("no/such")
    assert not storage.exists("no/such")
    storage.delete("no/such")
    assert storage.list("no") == []


def test_put_if_absent(storage):
    assert storage.put_if_absent("x/y", b"first")
    assert not storage.put_if_absent("x/y", b"second")
    assert storage.read("x/y") == b"first"
    storage.delete("x/y")
    assert storage.put_if_absent("x/y", b"third") and storage.read("x/y") == b"third"


def test_compare_and_set(storage):
    assert not storage.compare_and_set("p", b"", b"x")  # absent is not empty
    assert storage.compare_and_set("p", None, b"")
    assert not storage.compare_and_set("p", None, b"x")
    assert storage.compare_and_set("p", b"", b"a")
    assert not storage.compare_and_set("p", b"A", b"b")
    assert storage.compare_and_set("p", b"a", b"a") and storage.read("p") == b"a"


def test_list_is_sorted_and_of_a_folder(storage):
    for path in ("a/z", "a/b/c", "a/b-c", "ab/d", "a/b/c2"):
        storage.put(path, b"")
    assert storage.list("a") == ["a/b-c", "a/b/c", "a/b/c2", "a/z"]
    assert storage.list("a/b") == ["a/b/c", "a/b/c2"]
    storage.delete("a/b/c")
    assert storage.list("a/b") == ["a/b/c2"] and not storage.exists("a/b/c")


def test_adopt_takes_the_file_over(storage):
    for content in (b"one", b"two"):
        local = storage.scratch() / "made"
        local.write_bytes(content)
        storage.adopt(local, "data/x.parquet")
        assert not local.exists()
    assert storage.read("data/x.parquet") == b"one"  # content-named: the second is the same by its name
    assert storage.list("data") == ["data/x.parquet"]


def test_scratch_is_a_folder_beside_the_objects(storage):
    assert storage.scratch().is_dir() and storage.scratch() == storage.scratch()
    storage.put("a/b", b"")
    assert [p for p in storage.list("a") if "scratch" in p] == []


BAD = ["", "/", "/etc/passwd", "a//b", "a/", "../x", "a/../b", ".", "a/./b", "a\0b"]


@pytest.mark.parametrize("path", BAD)
def test_bad_paths(storage, path):
    local = storage.scratch() / "made"
    local.write_bytes(b"")
    for use in (
        lambda: storage.read(path),
        lambda: storage.put(path, b""),
        lambda: storage.put_if_absent(path, b""),
        lambda: storage.compare_and_set(path, None, b""),
        lambda: storage.adopt(local, path),
        lambda: storage.list(path),
        lambda: storage.delete(path),
        lambda: storage.exists(path),
        lambda: storage.size(path),
        lambda: storage.open(path),
    ):
        with pytest.raises(Terminal, match="not a storage path"):
            use()


def in_threads(count, work):
    """Run work(i) in `count` threads that start together; returns the results in order."""
    start, results = threading.Barrier(count), [None] * count

    def body(i):
        start.wait()
        results[i] = work(i)

    threads = [threading.Thread(target=body, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_thread_wins_put_if_absent(storage):
    for turn in range(20):
        won = in_threads(8, lambda i, turn=turn: storage.put_if_absent(f"p/{turn}", b"%d" % i))
        assert won.count(True) == 1
        assert storage.read(f"p/{turn}") == b"%d" % won.index(True)


def increments(storage, times):
    """Count up by compare-and-set; returns how often another one was faster."""
    lost = 0
    for _ in range(times):
        while True:
            now = storage.read("counter") if storage.exists("counter") else None
            if storage.compare_and_set("counter", now, b"%d" % (int(now or 0) + 1)):
                break
            lost += 1
    return lost


def test_no_update_is_lost_between_threads(storage):
    in_threads(6, lambda i: increments(storage, 15))
    assert storage.read("counter") == b"90"


def test_readers_see_whole_objects(storage):
    storage.put("x", b"a" * 100_000)
    stop = threading.Event()

    def write(i):
        for turn in range(60):
            storage.put("x", (b"a" if turn % 2 else b"b") * 100_000)
            storage.put(f"more/{turn}", b"")
        stop.set()

    def read(i):
        seen = set()
        while not stop.is_set():
            data = storage.read("x")
            seen.add((len(data), len(set(data))))
            storage.list("more")
        return seen

    results = in_threads(3, lambda i: write(i) if i == 0 else read(i))
    assert results[1] | results[2] <= {(100_000, 1)}


def count_in_process(root):
    increments(LocalStorage(root), 25)


def put_in_process(root, mark, results):
    storage = LocalStorage(root)
    while not storage.exists("go"):
        time.sleep(0.001)
    results.put([turn for turn in range(30) if storage.put_if_absent(f"p/{turn}", b"%d" % mark)])


def test_processes_on_one_folder(tmp_path):
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    workers = [fork.Process(target=count_in_process, args=(tmp_path,)) for _ in range(2)]
    workers += [fork.Process(target=put_in_process, args=(tmp_path, i, results)) for i in range(2)]
    for worker in workers:
        worker.start()
    storage = LocalStorage(tmp_path)
    storage.put("go", b"")
    won = [results.get(timeout=60) for _ in range(2)]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert sorted(won[0] + won[1]) == list(range(30))
    assert storage.read("counter") == b"50"
    assert list((tmp_path / ".scratch").iterdir()) == []


def test_a_failed_write_leaves_the_old_object(tmp_path, monkeypatch):
    storage = LocalStorage(tmp_path)
    storage.put("x", b"old")

    def full(handle, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for use in (
            lambda: storage.put("x", b"new"),
            lambda: storage.compare_and_set("x", b"old", b"new"),
            lambda: storage.put_if_absent("y", b"new"),
        ):
            with pytest.raises(OSError, match="No space"):
                use()
    assert storage.read("x") == b"old" and not storage.exists("y")


def test_an_object_that_is_used_again_is_young_again(tmp_path):
    """Garbage collection goes by age: a content-named object that a new run relies on must not look old."""
    storage = LocalStorage(tmp_path)
    for name in ("data/a", "manifests/b"):
        storage.put(name, b"x")
        os.utime(tmp_path / name, (1, 1))
    local = storage.scratch() / "made"
    local.write_bytes(b"x")
    storage.adopt(local, "data/a")
    assert not storage.put_if_absent("manifests/b", b"x")
    for name in ("data/a", "manifests/b"):
        assert (tmp_path / name).stat().st_mtime > 1000


def test_storage_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert storage_at("lake").uri == str(tmp_path / "lake")
    assert storage_at("lake", base=Path("/base")).uri == "/base/lake"
    assert storage_at(str(tmp_path / "x"), base=Path("/base")).uri == str(tmp_path / "x")
    assert storage_at(f"file://{tmp_path}/with%20space").uri == str(tmp_path / "with space")
    assert storage_at("with space#1?").uri == str(tmp_path / "with space#1?")
    assert storage_at("memory://one") is storage_at("memory://one") is not storage_at("memory://two")
    assert not (tmp_path / "lake").exists()  # looking makes no folder


@pytest.mark.parametrize("uri", ["s3://bucket/lake", "gs://b", "hdfs://n/x"])
def test_other_storages_are_refused(uri):
    with pytest.raises(UsageError, match="no compare-and-set"):
        storage_at(uri)
