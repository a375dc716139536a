import asyncio
import errno
import os
from pathlib import Path

import pytest

from jobs.effects import journal as module
from jobs.effects.journal import Journal, JournalCorrupt, JournalStats, JournalUnavailable


def write(path: Path, count: int = 4) -> None:
    async def run(journal: Journal) -> None:
        for n in range(count):
            await journal.intent(f"k{n}")
            await journal.record(f"k{n}", {"n": n, "text": "\ud800é中\n"}, b"body %d " % n * 10 if n % 2 else None)

    with Journal(path) as journal:
        asyncio.run(run(journal))


def state(path: Path) -> dict[str, tuple[int, bytes | None]]:
    with Journal(path) as journal:
        return {key: (outcome["n"], journal.blob(key)) for key, outcome in journal.replayed().items()}


def test_outcomes_and_blobs_come_back(tmp_path: Path) -> None:
    write(tmp_path)
    with Journal(tmp_path) as journal:
        assert list(journal.replayed()) == ["k0", "k1", "k2", "k3"]
        assert journal.get("k1") == {"n": 1, "text": "\ud800é中\n"}
        assert journal.blob("k1") == b"body 1 " * 10
        assert (journal.blob("k0"), journal.blob("?"), journal.get("?")) == (None, None, None)
        assert "k0" in journal and "?" not in journal
        assert journal.stats == JournalStats(outcomes=4, intents=4)
        with pytest.raises(KeyError):
            journal.replayed()["?"]


def test_the_first_outcome_of_a_key_wins(tmp_path: Path) -> None:
    async def run(journal: Journal) -> None:
        first, second = await asyncio.gather(journal.record("k", {"n": 1}, b"1"), journal.record("k", {"n": 2}, b"2"))
        assert first == second == {"n": 1}
        assert await journal.record("k", {"n": 3}) == {"n": 1}

    with Journal(tmp_path) as journal:
        asyncio.run(run(journal))
        assert journal.blob("k") == b"1"
    assert state(tmp_path) == {"k": (1, b"1")}


def test_calls_that_may_have_repeated_are_counted(tmp_path: Path) -> None:
    async def killed(journal: Journal) -> None:
        await journal.intent("a")
        await journal.record("a", {})
        await journal.intent("b")

    async def restarted(journal: Journal) -> None:
        await journal.intent("b")
        await journal.record("b", {})

    with Journal(tmp_path) as journal:
        asyncio.run(killed(journal))
    with Journal(tmp_path) as journal:
        assert (journal.stats.in_flight, journal.stats.repeated) == (1, 0)
        asyncio.run(restarted(journal))
        assert journal.stats.repeated == 1
    with Journal(tmp_path) as journal:
        assert (journal.stats.in_flight, journal.stats.repeated) == (0, 1)


@pytest.mark.parametrize("file", ["journal.log", "blobs.bin"])
def test_cut_at_every_byte(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log cut anywhere opens with the whole records before the cut; a record never outlives its blob unnoticed."""
    monkeypatch.setattr(module, "_force", lambda file: None)  # for speed
    whole = tmp_path / "whole"
    write(whole)
    log, blobs = (whole / "journal.log").read_bytes(), (whole / "blobs.bin").read_bytes()
    expected, cut = state(whole), tmp_path / "cut"
    cut.mkdir()
    for size in range(len(log if file == "journal.log" else blobs)):
        (cut / "journal.log").write_bytes(log[:size] if file == "journal.log" else log)
        (cut / "blobs.bin").write_bytes(blobs[:size] if file == "blobs.bin" else blobs)
        if file == "blobs.bin":
            with pytest.raises(JournalCorrupt, match="shorter"):
                Journal(cut)
            continue
        found = state(cut)
        complete = log[:size].count(b'"kind":"outcome"') - (b'"kind":"outcome"' in log[:size].rpartition(b"\n")[2])
        assert list(found.items()) == list(expected.items())[:complete]
        write(cut)
        assert state(cut) == expected


def test_torn_ends_are_reported_and_cut(tmp_path: Path) -> None:
    write(tmp_path)
    sizes = {name: (tmp_path / name).stat().st_size for name in ("journal.log", "blobs.bin")}
    for name in sizes:
        with open(tmp_path / name, "ab") as file:
            file.write(b"12345")
    with Journal(tmp_path) as journal:
        assert journal.stats.torn_bytes == 10
    assert {name: (tmp_path / name).stat().st_size for name in sizes} == sizes


def test_a_damaged_middle_is_an_error_at_every_byte(tmp_path: Path) -> None:
    write(tmp_path, 2)
    log = (tmp_path / "journal.log").read_bytes()
    last = log.rstrip(b"\n").rfind(b"\n") + 1
    for at in range(last - 1):
        (tmp_path / "journal.log").write_bytes(log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :])
        with pytest.raises(JournalCorrupt, match=r"journal\.log"):
            Journal(tmp_path)
        assert (tmp_path / "journal.log").stat().st_size == len(log)


def test_a_damaged_blob_is_an_error_when_read(tmp_path: Path) -> None:
    write(tmp_path, 2)
    blobs = (tmp_path / "blobs.bin").read_bytes()
    (tmp_path / "blobs.bin").write_bytes(blobs[:-1] + bytes([blobs[-1] ^ 1]))
    with Journal(tmp_path) as journal, pytest.raises(JournalCorrupt, match="damaged"):
        journal.blob("k1")


def test_two_processes_cannot_share_a_journal(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(JournalUnavailable, match="another process"):
        Journal(tmp_path)
    Journal(tmp_path).close()


def test_nothing_is_used_that_the_disk_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(journal: Journal) -> None:
        await journal.record("a", {"n": 1})
        with monkeypatch.context() as patch:
            patch.setattr(module, "_write_all", refuse)
            for result in await asyncio.gather(*(journal.record(k, {"n": 2}) for k in "bcd"), return_exceptions=True):
                assert isinstance(result, JournalUnavailable)
        with pytest.raises(JournalUnavailable):
            await journal.record("e", {"n": 3})

    def refuse(file: int, data: bytes) -> None:
        os.write(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with Journal(tmp_path) as journal:
        asyncio.run(run(journal))
        assert "b" not in journal
    assert state(tmp_path)["a"] == (1, None)  # and whole lines of the half batch, which a new run may use


def test_an_outcome_that_is_no_json_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    async def run(journal: Journal) -> None:
        with pytest.raises(TypeError):
            await journal.record("a", {"n": b"bytes"})
        await journal.record("a", {"n": 1})

    with Journal(tmp_path) as journal:
        asyncio.run(run(journal))
    assert state(tmp_path) == {"a": (1, None)}


def test_calls_at_one_time_share_a_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = []
    monkeypatch.setattr(module, "_force", syncs.append)

    async def run(journal: Journal) -> None:
        syncs.clear()
        await asyncio.gather(*(journal.record(f"k{n}", {"n": n}) for n in range(100)))

    with Journal(tmp_path) as journal:
        asyncio.run(run(journal))
        assert len(journal) == 100
    assert len(syncs) < 10
