"""Content-Encoding undone with limits, piece by piece (RFC 9110 section 8.4; br is RFC 7932, zstd RFC 8878)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli
from backports import zstd

ACCEPTED = "gzip, deflate, br, zstd"  # what requests ask for; each can be stopped at any size

_PIECE = 65_536  # bytes that a coding puts out at one time (brotli: half as many more), however small its input
_SLICE = 16_384  # bytes of input that a coding takes at one time
_MOST = 4  # codings on top of each other
_MEMBERS = 1_000  # of one body: a megabyte of empty ones would cost seconds and put out nothing
_WINDOW_LOG = 23  # zstd: 8 MB, the most that a server may ask of a client (RFC 9659)
_BRANCHES = 2  # a coding below another may put out so many times the limit: data that do not shrink grow a little
#: Words that servers put here and that change nothing; browsers pass such bodies on as they are.
_NO_CODING = frozenset(("", "identity", "none", "binary", "7bit", "8bit", "utf-8", "utf8", "gbk", "gb2312", "gb18030"))


class BadEncoding(ValueError):
    """An encoding that was not asked for, damaged data, or data that ends too early."""


class TooMuch(ValueError):
    """The decoded body passes the limit."""


class _Coding(Protocol):
    """Undoes one coding. `complete`: the input so far may end here."""

    complete: bool

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What `data` (1 to _SLICE bytes) adds, about _PIECE bytes at a time. Raises BadEncoding."""


class Decoder:
    """Decodes one body to at most `limit` bytes; holds no more than one piece over it.

    Codings may lie on top of each other. Raises BadEncoding, and TooMuch beyond the limit; with `cut` the rest is
    dropped instead, and `full` becomes true.
    """

    def __init__(self, content_encoding: str, limit: int, cut: bool = False) -> None:
        names = [name for part in content_encoding.lower().split(",") if (name := part.strip()) not in _NO_CODING]
        if len(names) > _MOST or not set(names) <= _CODINGS.keys():
            raise BadEncoding("content encoding")
        self.encoded = bool(names)
        self._codings = [_CODINGS[name]() for name in reversed(names)]  # the last one applied comes off first
        self._rooms = [_BRANCHES * limit + _PIECE] * (len(names) - 1)
        self._room = limit
        self._cut = cut
        self.full = False

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes that `data` adds."""
        if not self.encoded:
            return self._within(data)
        out = bytearray()
        for at in range(0, len(data), _SLICE):
            for piece in self._undone(data[at : at + _SLICE], 0):
                out += self._within(piece)
                if self.full:
                    return bytes(out)
        return bytes(out)

    def finish(self) -> None:
        """Call after the last chunk. An encoded body may be empty, but must not end in the middle."""
        if not self.full and not all(coding.complete for coding in self._codings):
            raise BadEncoding("cut short")

    def _undone(self, data: bytes, level: int) -> Iterator[bytes]:
        for piece in self._codings[level].pieces(data):
            if level + 1 == len(self._codings):
                yield piece
                continue
            self._rooms[level] -= len(piece)
            if self._rooms[level] < 0:
                raise TooMuch("decoded size")
            for at in range(0, len(piece), _SLICE):
                yield from self._undone(piece[at : at + _SLICE], level + 1)

    def _within(self, data: bytes) -> bytes:
        if len(data) > self._room:
            if not self._cut:
                raise TooMuch("decoded size")
            self.full = True
            data = data[: self._room]
        self._room -= len(data)
        return data


class _Gzip:
    """RFC 1952: members one after the other. What follows the last one and is none is padding."""

    def __init__(self) -> None:
        self.complete = True
        self._stream: zlib._Decompress | None = None
        self._members = 0

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream is None:
                if self._members and (self._members < 0 or data[:1] != b"\x1f"):
                    self._members = -1
                    return
                self._stream, self.complete = zlib.decompressobj(16 + zlib.MAX_WBITS), False
            yield from _inflated(self._stream, data)
            if not self._stream.eof:
                return
            data, self._stream, self.complete = self._stream.unused_data, None, True
            self._members += 1
            if self._members > _MEMBERS:
                raise BadEncoding("members")


class _Deflate:
    """Servers send `deflate` with the zlib header (RFC 1950), as the RFC says, or without it (RFC 1951)."""

    def __init__(self) -> None:
        self.complete = True
        self._stream: zlib._Decompress | None = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS)
        if not self._stream.eof:
            yield from _inflated(self._stream, data)
            self.complete = self._stream.eof


def _inflated(stream: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    try:
        part = stream.decompress(data, _PIECE)
        while part:
            yield part
            part = stream.decompress(stream.unconsumed_tail, _PIECE) if not stream.eof else b""
    except zlib.error:
        raise BadEncoding("damaged") from None


class _Brotli:
    """One stream. Bytes after it are an error, since its decoder does not tell where it ended."""

    def __init__(self) -> None:
        self.complete = True
        self._stream = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        try:
            if self._stream.is_finished():
                raise BadEncoding("bytes after the end")
            part = self._stream.process(data, output_buffer_limit=_PIECE)
            while part:
                yield part
                more = len(part) >= _PIECE or not self._stream.can_accept_more_data()
                part = self._stream.process(b"", output_buffer_limit=_PIECE) if more else b""
        except brotli.error:
            raise BadEncoding("damaged") from None
        self.complete = self._stream.is_finished()


class _Zstd:
    """Frames one after the other, skippable ones too. What follows the last one and is none is padding."""

    def __init__(self) -> None:
        self.complete = True
        self._stream: zstd.ZstdDecompressor | None = None
        self._frames = 0

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream is None:
                if self._frames and (self._frames < 0 or data[0] not in (0x28, *range(0x50, 0x60))):
                    self._frames = -1
                    return
                limits = {int(zstd.DecompressionParameter.window_log_max): _WINDOW_LOG}
                self._stream, self.complete = zstd.ZstdDecompressor(options=limits), False
            try:
                part = self._stream.decompress(data, max_length=_PIECE)
                while part:
                    yield part
                    more = not (self._stream.eof or self._stream.needs_input)
                    part = self._stream.decompress(b"", max_length=_PIECE) if more else b""
            except zstd.ZstdError:
                raise BadEncoding("damaged") from None
            if not self._stream.eof:
                return
            data, self._stream, self.complete = self._stream.unused_data, None, True
            self._frames += 1
            if self._frames > _MEMBERS:
                raise BadEncoding("frames")


_CODINGS: dict[str, type[_Coding]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
