"""The journal of effects: what a run was told by the outside, appended and on disk before anything uses it.

A journal is a folder with two files that only grow:

    journal.log   one line per record:  <length> <checksum> <json>\\n   (8 and 16 hexadecimal digits)
    blobs.bin     bodies, each a zstd frame, named by offset, length and BLAKE2b-128 in the outcome's line

Records are `intent` (a call is about to be made) and `outcome` (what came of it). Many calls share one write and one
fsync (group commit). A blob is on disk before the line that names it. After a kill the end of either file may be torn:
opening cuts it off and reports how much. Anything else that does not check out is a JournalCorrupt error.

One outcome per key: the first recorded one wins, and `record` returns it to whoever comes later. An intent without an
outcome is a call that was in flight at a kill; it may have reached the other side, and is counted when it is repeated.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import orjson
import pyarrow as pa

from jobs.errors import Terminal, Transient

FORMAT = 1
#: What orjson would write, and json would not: values whose type is lost
_AS_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_FRAME = 8 + 1 + 16 + 1  # bytes before the json of a line

_force = getattr(os, "fdatasync", os.fsync)  # content and size; macOS has only the other


class JournalCorrupt(Terminal):
    """A record in the middle of a journal, or a blob, is not what was written."""


class JournalUnavailable(Transient):
    """The journal cannot be written: another process has it open, or the disk refused."""


@dataclass
class JournalStats:
    """Counts over the journal's whole life, over all its runs."""

    outcomes: int = 0
    intents: int = 0
    repeated: int = 0  # intents for a key that already had one: the earlier call may have reached the other side
    in_flight: int = 0  # at opening: keys with an intent and no outcome
    torn_bytes: int = 0  # at opening: bytes cut off the ends of the two files


_Entry = tuple[int, int]  # offset and length of a line


@dataclass
class _Pending:
    key: str
    outcome: bytes | None  # its json; null for an intent
    blob: bytes | None
    done: asyncio.Future[None]
    counts: bool = False  # whether it is the first outcome of its key


class Journal:
    """Append-only journal in the folder `path` (created where missing). Not for use by two processes at once.

    Raises JournalCorrupt or JournalUnavailable. Close it, or use it as a context manager.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.stats = JournalStats()
        self._index: dict[str, _Entry] = {}
        self._intended: set[str] = set()
        self._queue: list[_Pending] = []
        self._flusher: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self.path.mkdir(parents=True, exist_ok=True)
        self._log = os.open(self.path / "journal.log", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._log)
            raise JournalUnavailable(f"{self.path}: another process has this journal open; wait for it") from None
        self._blobs = os.open(self.path / "blobs.bin", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    # reading

    def __contains__(self, key: str) -> bool:
        return key in self._index

    def __len__(self) -> int:
        return len(self._index)

    def get(self, key: str) -> dict[str, Any] | None:
        """The recorded outcome of `key`, read back from disk; null where there is none."""
        record = self._read(key)
        return cast(dict[str, Any], record["outcome"]) if record else None

    def blob(self, key: str) -> bytes | None:
        """The blob that was recorded with the outcome of `key`; null where there is none."""
        record = self._read(key)
        if record is None or record["blob"] is None:
            return None
        offset, length, size, digest = record["blob"]
        try:
            data = pa.decompress(os.pread(self._blobs, length, offset), size, "zstd", asbytes=True)
        except (OSError, pa.ArrowInvalid):
            data = b""
        if blake2b(data, digest_size=16).hexdigest() != digest:
            raise JournalCorrupt(f"{self.path}/blobs.bin: the blob at byte {offset} is damaged; restore the file")
        return cast(bytes, data)

    def _read(self, key: str) -> dict[str, Any] | None:
        if key not in self._index:
            return None
        offset, length = self._index[key]
        record = _payload(os.pread(self._log, length, offset))
        if record is None:
            raise JournalCorrupt(f"{self.path}/journal.log: the record at byte {offset} has changed since opening")
        return record

    def replayed(self) -> Mapping[str, dict[str, Any]]:
        """A view key -> outcome over what is recorded, in the order of recording; outcomes stay on disk."""
        return _Replayed(self)

    # writing

    async def intent(self, key: str) -> None:
        """Say, durably, that the call named `key` is about to be made."""
        await self._append(_Pending(key, None, None, asyncio.get_running_loop().create_future()))

    async def record(self, key: str, outcome: Mapping[str, Any], blob: bytes | None = None) -> dict[str, Any]:
        """Record what came of a call; returns, once on disk, the outcome that counts: the first one of its key.

        Raises TypeError where `outcome` is no JSON and JournalUnavailable where the disk refuses; nothing may be used
        then, and the journal takes no more records until it is opened again.
        """
        data = _json(dict(outcome))
        pending = _Pending(key, data, blob, asyncio.get_running_loop().create_future())
        await self._append(pending)
        return dict(outcome) if pending.counts else cast(dict[str, Any], self.get(key))

    def close(self) -> None:
        self._writer.shutdown()
        for file in (self._log, getattr(self, "_blobs", -1)):
            if file >= 0:
                os.close(file)
        self._log = self._blobs = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._log >= 0:
            self.close()

    async def _append(self, pending: _Pending) -> None:
        if self._failure is not None:
            raise JournalUnavailable(f"{self.path}: not writable since an earlier failure: {self._failure}")
        self._queue.append(pending)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await asyncio.shield(pending.done)

    async def _flush(self) -> None:
        """Write what has queued up, in one go, until nothing is left. One flusher runs at a time."""
        while self._queue:
            batch, self._queue = self._queue, []
            try:
                loop = asyncio.get_running_loop()
                entries = await loop.run_in_executor(self._writer, self._write, batch)
            except BaseException as error:
                self._failure = error
                for pending in (*batch, *self._queue):
                    if not pending.done.done():
                        pending.done.set_exception(
                            JournalUnavailable(f"{self.path}: {error}; run again when it is fixed")
                        )
                        pending.done.exception()  # its caller may be gone; asyncio need not complain about that
                self._queue = []
                if isinstance(error, asyncio.CancelledError):
                    raise
                return
            for pending, entry in zip(batch, entries, strict=True):
                pending.counts = self._learn(pending.key, pending.outcome is not None, entry)
                if not pending.done.done():
                    pending.done.set_result(None)

    def _write(self, batch: list[_Pending]) -> list[_Entry]:
        """Append a batch to both files and force it to disk: the blobs first."""
        frames, lines, entries = [], [], []
        at, offset = os.fstat(self._blobs).st_size, os.fstat(self._log).st_size
        for pending in batch:
            if pending.outcome is None:
                line = _frame(b'{"kind":"intent","key":%s}' % _json(pending.key))
            else:
                place = None
                if pending.blob is not None and pending.key not in self._index:
                    frame = pa.compress(pending.blob, "zstd", asbytes=True)
                    place = [at, len(frame), len(pending.blob), blake2b(pending.blob, digest_size=16).hexdigest()]
                    frames.append(frame)
                    at += len(frame)
                parts = _json(pending.key), _json(place), pending.outcome
                line = _frame(b'{"kind":"outcome","key":%s,"blob":%s,"outcome":%s}' % parts)
            lines.append(line)
            entries.append((offset, len(line)))
            offset += len(line)
        if frames:
            _write_all(self._blobs, b"".join(frames))
        _write_all(self._log, b"".join(lines))
        return entries

    def _learn(self, key: str, is_outcome: bool, entry: _Entry) -> bool:
        """Whether the record counts: an outcome whose key had none."""
        if not is_outcome:
            self.stats.intents += 1
            self.stats.repeated += key in self._intended
            self._intended.add(key)
        elif key not in self._index:
            self._index[key] = entry
            self.stats.outcomes += 1
            return True
        return False

    # opening

    def _load(self) -> None:
        good, blob_end = 0, 0
        with open(self.path / "journal.log", "rb") as file:
            for line in file:
                record = _payload(line)
                if record is None:
                    break
                if good == 0 and record.get("format") != FORMAT:
                    raise JournalCorrupt(f"{self.path}/journal.log: format {record.get('format')}, expected {FORMAT}")
                if good:
                    self._learn(record["key"], record["kind"] == "outcome", (good, len(line)))
                    offset, length, *_ = record.get("blob") or (0, 0)
                    blob_end = max(blob_end, offset + length)
                good += len(line)
            if any(_payload(line) is not None for line in file):
                raise JournalCorrupt(
                    f"{self.path}/journal.log: the record at byte {good} is damaged and sound ones follow; restore the"
                    " file from a backup, or delete the folder and run again (finished calls will repeat)"
                )
        self.stats.in_flight = len(self._intended - self._index.keys())
        if blob_end > os.fstat(self._blobs).st_size:
            raise JournalCorrupt(f"{self.path}/blobs.bin: shorter than the {blob_end} bytes that the journal names")
        self.stats.torn_bytes = _cut(self._log, good) + _cut(self._blobs, blob_end)
        if good == 0:
            _write_all(self._log, _frame(_json({"format": FORMAT})))
            _sync_folder(self.path)


class _Replayed(Mapping[str, dict[str, Any]]):
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getitem__(self, key: str) -> dict[str, Any]:
        outcome = self._journal.get(key)
        if outcome is None:
            raise KeyError(key)
        return outcome

    def __iter__(self) -> Iterator[str]:
        return iter(self._journal._index)

    def __len__(self) -> int:
        return len(self._journal)


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=_AS_JSON)
    except TypeError:  # lone surrogates, which URLs of hostile pages have; or what is no JSON
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _frame(data: bytes) -> bytes:
    return b"%08x %s %s\n" % (len(data), _checksum(data), data)


def _payload(line: bytes) -> dict[str, Any] | None:
    """The record of a whole and sound line, otherwise null."""
    data = line[_FRAME:-1]
    if line[-1:] != b"\n" or line[:_FRAME] != b"%08x %s " % (len(data), _checksum(data)):
        return None
    try:
        return cast(dict[str, Any], orjson.loads(data))
    except ValueError:
        return cast(dict[str, Any], json.loads(data))


def _checksum(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).hexdigest().encode()


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    _force(file)


def _cut(file: int, size: int) -> int:
    extra = os.fstat(file).st_size - size
    if extra:
        os.ftruncate(file, size)
        os.fsync(file)
    return extra


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
