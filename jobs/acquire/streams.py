"""Decompressed bytes with limits: a bomb or a broken file ends in Damaged, never in a full disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, cast

import pyarrow as pa

from pipelines.acquire.items import Damaged

FREE_BYTES = 256 << 20  # what any file may unpack to
MAX_RATIO = 200  # beyond FREE_BYTES: decompressed bytes per byte read; text seldom reaches 50
XZ_MEMORY = 128 << 20  # bytes; the highest preset takes 65 MiB
_CHUNK = 1 << 16

#: What decompressors raise for bytes that are none of theirs, and for too few of them.
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


class Spent:
    """Counts what a file unpacks to, over all its members. `taken` says how many of its bytes were read so far."""

    def __init__(self, taken: Callable[[], int]) -> None:
        self._taken, self._given = taken, 0

    def add(self, count: int) -> None:
        """Raises Damaged beyond the limit."""
        self._given += count
        if self._given > FREE_BYTES and self._given > MAX_RATIO * max(self._taken(), 1):
            raise Damaged("decompression_limit", value=self._given)


class Forward(io.RawIOBase):
    """What `source` reads, from front to back; whatever it raises becomes Damaged, after the bytes before it."""

    def __init__(self, source: Any, spent: Spent | None = None) -> None:
        self._source, self._spent = source, spent
        self._given = 0
        self._broken: Damaged | None = None

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._given

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; only the end or damage leaves it short."""
        at = 0
        while at < len(buffer) and self._broken is None:
            try:
                data = self._source.read(min(len(buffer) - at, _CHUNK))
                if self._spent is not None:
                    self._spent.add(len(data))
            except Damaged as error:
                self._broken = error
            except BROKEN as error:
                self._broken = Damaged(*_said(error))
            else:
                if not data:
                    break
                buffer[at : at + len(data)] = data
                at += len(data)
        if at == 0 and self._broken is not None:
            raise self._broken
        self._given += at
        return at


def _said(error: Exception) -> tuple[str, str]:
    text = str(error)
    if isinstance(error, EOFError) or "runcated" in text:
        return "truncated", "the file ends too early"
    return "damaged", type(error).__name__


def decompressed(kind: str, stream: IO[bytes]) -> IO[bytes]:
    """The one file in a gz, bz2, xz or zst stream."""
    opened: Any
    if kind == "gz":
        opened = gzip.GzipFile(fileobj=stream)
    elif kind == "zst":
        opened = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
    else:
        opened = _Blocks(stream, bz2.BZ2Decompressor if kind == "bz2" else _xz)
    return buffered(Forward(opened, Spent(stream.tell)))


def buffered(raw: io.RawIOBase) -> IO[bytes]:
    return cast(IO[bytes], io.BufferedReader(raw, _CHUNK))


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=XZ_MEMORY)


class _Blocks:
    """One or more bz2 or xz streams in a row, decompressed a piece at a time."""

    def __init__(self, stream: IO[bytes], make: Callable[[], Any]) -> None:
        self._stream, self._make = stream, make
        self._now: Any = None
        self._ahead = b""

    def read(self, count: int) -> bytes:
        while True:
            if self._now is None or self._now.eof:
                data = (self._now.unused_data if self._now else b"") or self._stream.read(_CHUNK)
                if not data.strip(b"\0"):
                    return b""  # the end, or the padding that xz allows
                self._now, self._ahead = self._make(), data
            elif self._now.needs_input and not self._ahead:
                self._ahead = self._stream.read(_CHUNK)
                if not self._ahead:
                    raise EOFError
            out, self._ahead = self._now.decompress(self._ahead, count), b""
            if out:
                return cast(bytes, out)
