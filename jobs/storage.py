"""Where bytes live: one small interface over local disk and object stores, without rename.

An object appears whole or not at all. `put_if_absent` and `compare_and_set` are atomic between processes; they are
all that publishing needs. Paths are relative, with `/`, below the storage's root.
"""

from __future__ import annotations

import fcntl
import os
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from jobs.errors import Terminal, UsageError

_CHUNK = 1 << 20


class Storage(ABC):
    """Bytes by path. Missing paths raise FileNotFoundError."""

    uri: str

    @abstractmethod
    def read(self, path: str) -> bytes: ...

    @abstractmethod
    def open(self, path: str) -> pa.NativeFile:
        """The object for random access (Parquet)."""

    @abstractmethod
    def put(self, path: str, data: bytes) -> None:
        """Write or replace the object; durable on return."""

    @abstractmethod
    def put_if_absent(self, path: str, data: bytes) -> bool:
        """Write the object unless it exists; returns whether it was written."""

    @abstractmethod
    def compare_and_set(self, path: str, expected: bytes | None, new: bytes) -> bool:
        """Replace the object iff its bytes are `expected` (None: iff it is absent)."""

    @abstractmethod
    def adopt(self, local: Path, path: str) -> None:
        """Take over a finished local file as an immutable, content-named object; a no-op where it exists."""

    @abstractmethod
    def list(self, prefix: str) -> list[str]:
        """Every path below the folder `prefix`, sorted."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove the object; a missing one is no error."""

    @abstractmethod
    def exists(self, path: str) -> bool: ...

    @abstractmethod
    def size(self, path: str) -> int: ...

    @abstractmethod
    def scratch(self) -> Path:
        """A local folder for files on their way to adopt()."""


def _checked(path: str) -> str:
    parts = path.split("/")
    if not path or path.startswith("/") or any(p in ("", ".", "..") for p in parts) or "\0" in path:
        raise Terminal(f"not a storage path: {path!r}")
    return path


class LocalStorage(Storage):
    """A folder. Objects are written aside, flushed, and linked or moved into place."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).absolute()
        self.uri = str(self.root)

    def _path(self, path: str) -> Path:
        return self.root / _checked(path)

    def read(self, path: str) -> bytes:
        return self._path(path).read_bytes()

    def open(self, path: str) -> pa.NativeFile:
        return pa.OSFile(os.fspath(self._path(path)))

    def scratch(self) -> Path:
        folder = self.root / ".scratch"
        _make_folder(folder)
        return folder

    def _write_aside(self, data: bytes) -> Path:
        aside = self.scratch() / uuid.uuid4().hex
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view[:_CHUNK]) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        return aside

    def put(self, path: str, data: bytes) -> None:
        target = self._path(path)
        _make_folder(target.parent)
        os.replace(self._write_aside(data), target)
        _sync_folder(target.parent)

    def put_if_absent(self, path: str, data: bytes) -> bool:
        target = self._path(path)
        if _renewed(target):
            return False
        _make_folder(target.parent)
        return self._link(self._write_aside(data), target)

    def _link(self, aside: Path, target: Path) -> bool:
        try:
            os.link(aside, target)
        except FileExistsError:
            return False
        finally:
            os.unlink(aside)
        _sync_folder(target.parent)
        return True

    def compare_and_set(self, path: str, expected: bytes | None, new: bytes) -> bool:
        target = self._path(path)
        _make_folder(target.parent)
        with self._locked(path):
            current = target.read_bytes() if target.exists() else None
            if current != expected:
                return False
            os.replace(self._write_aside(new), target)
            _sync_folder(target.parent)
            return True

    @contextmanager
    def _locked(self, path: str) -> Iterator[None]:
        folder = self.root / ".locks"
        _make_folder(folder)
        handle = os.open(folder / path.replace("/", "%"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def adopt(self, local: Path, path: str) -> None:
        target = self._path(path)
        if _renewed(target):
            os.unlink(local)
            return
        _make_folder(target.parent)
        handle = os.open(local, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(local, target)
        _sync_folder(target.parent)

    def list(self, prefix: str) -> list[str]:
        top = self._path(prefix)
        found = (p for p in top.rglob("*") if p.is_file())
        return sorted(p.relative_to(self.root).as_posix() for p in found)

    def delete(self, path: str) -> None:
        self._path(path).unlink(missing_ok=True)

    def exists(self, path: str) -> bool:
        return self._path(path).is_file()

    def size(self, path: str) -> int:
        return self._path(path).stat().st_size


def _renewed(target: Path) -> bool:
    """Whether the file exists; if so it is young again, since garbage collection spares what is in use by its age."""
    try:
        os.utime(target)
    except FileNotFoundError:
        return False
    except PermissionError:
        pass  # another user's file, read-only for us
    return True


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    missing = [folder]
    while not missing[-1].parent.is_dir():
        missing.append(missing[-1].parent)
    for each in reversed(missing):
        try:
            os.mkdir(each)
        except FileExistsError:
            continue
        _sync_folder(each.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class MemoryStorage(Storage):
    """An object store within one process: conditional puts, no folders, no rename."""

    def __init__(self, name: str = "") -> None:
        self.uri = f"memory://{name}"
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._scratch: Path | None = None

    def read(self, path: str) -> bytes:
        try:
            return self._objects[_checked(path)]
        except KeyError:
            raise FileNotFoundError(path) from None

    def open(self, path: str) -> pa.NativeFile:
        return pa.BufferReader(self.read(path))

    def put(self, path: str, data: bytes) -> None:
        with self._lock:
            self._objects[_checked(path)] = bytes(data)

    def put_if_absent(self, path: str, data: bytes) -> bool:
        with self._lock:
            absent = _checked(path) not in self._objects
            if absent:
                self._objects[path] = bytes(data)
            return absent

    def compare_and_set(self, path: str, expected: bytes | None, new: bytes) -> bool:
        with self._lock:
            if self._objects.get(_checked(path)) != expected:
                return False
            self._objects[path] = bytes(new)
            return True

    def adopt(self, local: Path, path: str) -> None:
        self.put_if_absent(path, local.read_bytes())
        local.unlink()

    def list(self, prefix: str) -> list[str]:
        folder = _checked(prefix) + "/"
        return sorted(p for p in list(self._objects) if p.startswith(folder))  # a copy: others may write meanwhile

    def delete(self, path: str) -> None:
        with self._lock:
            self._objects.pop(_checked(path), None)

    def exists(self, path: str) -> bool:
        return _checked(path) in self._objects

    def size(self, path: str) -> int:
        return len(self.read(path))

    def scratch(self) -> Path:
        if self._scratch is None:
            self._scratch = Path(mkdtemp(prefix="nightmill-"))
        return self._scratch


_memory: dict[str, MemoryStorage] = {}


def storage_at(uri: str, *, base: Path | None = None) -> Storage:
    """The storage behind `uri`: a folder, `file://…`, or `memory://NAME` (this process only).

    A relative folder is taken from `base` (the folder of params.yaml), else from the working directory.
    """
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        folder = Path(unquote(parts.path) if parts.scheme else uri)
        return LocalStorage((base or Path.cwd()) / folder)
    if parts.scheme == "memory":
        return _memory.setdefault(parts.netloc, MemoryStorage(parts.netloc))
    raise UsageError(
        f"lake {uri!r}: storage {parts.scheme!r} has no compare-and-set here; use a folder (a path or file://…)"
    )
