"""Read files out of tar archives that nobody vouches for, without ever unpacking them.

Nothing is written here and no path of an archive is used as a path of this machine: the caller gets clean relative
names and bytes. Links, devices and directories are passed over.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol, Self

MAX_MEMBER_BYTES = 2_000_000  # longer files are passed over
MAX_ARCHIVE_BYTES = 600_000_000  # of the unpacked archive: more is taken for a decompression bomb
MAX_MEMBERS = 200_000

_PLAIN_NAME = re.compile(r"[A-Za-z0-9._+@~-]+(?:/[A-Za-z0-9._+@~-]+)*")


class HostileArchiveError(ValueError):
    """The archive is broken or beyond the limits; nothing of it should be used."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Limited:
    """A stream that refuses to give more than ``limit`` bytes."""

    def __init__(self, stream: _Readable, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise HostileArchiveError("the archive unpacks to more than the limit")
        return block


class _StrictInfo(tarfile.TarInfo):
    """Headers as they are written; a bad one is an error.

    Python's reader takes a bad header after the first for the end, silently. And in a GNU archive it takes a file whose
    long name has a slash as its 100th character for a directory, so that the file's data become the next, bad header.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        if info.type == tarfile.DIRTYPE and buf[156:157] == tarfile.AREGTYPE and buf[257:262] == b"ustar":
            info.type = tarfile.REGTYPE
        return info

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as problem:  # type: ignore[attr-defined]
            raise HostileArchiveError(f"a bad header at byte {tarfile_.offset}: {problem}") from problem


def safe_name(name: str) -> str | None:
    """The member's name as a clean relative path, or None: absolute, climbing, hidden or with odd characters."""
    name = name.removeprefix("./")
    if len(name) > 400 or not _PLAIN_NAME.fullmatch(name):
        return None
    if any(part.startswith(".") for part in name.split("/")):
        return None
    return name


@contextmanager
def _stream(path: Path) -> Iterator[_Readable]:
    """The plain tar stream inside a ``.deb`` (by dpkg-deb) or a ``.tar.gz``."""
    if path.suffix != ".deb":
        with gzip.open(path) as unpacked:
            yield unpacked
        return
    command = ["dpkg-deb", "--fsys-tarfile", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
            if process.wait() != 0:
                raise HostileArchiveError(f"{path.name} is broken: dpkg-deb ended with code {process.returncode}")
        finally:
            process.kill()  # a reader that stopped early must not leave it waiting for the pipe


def read_members(
    path: Path, wanted: re.Pattern[str], *, max_bytes: int = MAX_ARCHIVE_BYTES, max_members: int = MAX_MEMBERS
) -> Iterator[tuple[str, bytes]]:
    """Yield (clean name, bytes) of the regular files whose whole name ``wanted`` matches, in the archive's order.

    Raises HostileArchiveError for a broken archive and for one beyond the limits.
    """
    try:
        with _stream(path) as raw:
            limited: IO[bytes] = _Limited(raw, max_bytes)  # type: ignore[assignment]  # tarfile only calls read()
            with tarfile.open(fileobj=limited, mode="r|", tarinfo=_StrictInfo) as archive:
                for count, member in enumerate(archive):
                    if count >= max_members:
                        raise HostileArchiveError(f"the archive holds more than {max_members} members")
                    name = safe_name(member.name)
                    if name is None or not member.isreg() or member.size > MAX_MEMBER_BYTES:
                        continue
                    if not wanted.fullmatch(name):
                        continue
                    body = archive.extractfile(member)
                    if body is not None:
                        yield name, body.read()
            while limited.read(1 << 16):  # beyond the end mark: a broken stream shows only at its end
                pass
    except HostileArchiveError:
        raise
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError, OverflowError) as problem:
        raise HostileArchiveError(f"{path.name} cannot be read as an archive: {problem}") from problem
