"""Content-Encoding undone with limits, chunk by chunk (RFC 9110 section 8.4)."""

from __future__ import annotations

import zlib

ACCEPTED = "gzip, deflate"  # what requests ask for; the decoders of the standard library can be stopped at a limit


class BadEncoding(ValueError):
    """An encoding that was not asked for, damaged data, or data that ends too early."""


class TooMuch(ValueError):
    """The decoded body passes the limit."""


class Decoder:
    """Decodes one body to at most `limit` bytes; never holds more than one byte over it.

    Raises BadEncoding, and TooMuch beyond the limit; with `cut` the rest is dropped instead, and `full` becomes true.
    """

    def __init__(self, content_encoding: str, limit: int, cut: bool = False) -> None:
        names = [name for part in content_encoding.lower().split(",") if (name := part.strip()) not in ("", "identity")]
        self.encoded = bool(names)
        if len(names) > 1 or not set(names) <= {"gzip", "x-gzip", "deflate"}:
            raise BadEncoding("content encoding")
        self._name = names[0].removeprefix("x-") if names else ""
        self._room = limit
        self._cut = cut
        self.full = False
        self._stream: zlib._Decompress | None = None
        self._finished = False
        self._members = 0

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes that `data` adds."""
        if not self.encoded:
            return self._within(data)
        out = b""
        while data and not self._finished and not self.full:
            if self._stream is None:
                if self._members and data[:1] != b"\x1f":
                    self._finished = True  # bytes after the last member: padding
                    break
                self._stream = zlib.decompressobj(self._window(data[0]))
            try:
                part = self._stream.decompress(data, self._room + 1)
            except zlib.error:
                raise BadEncoding("damaged") from None
            out += self._within(part)
            data = b""
            if self._stream.eof:
                data, self._stream = self._stream.unused_data, None
                self._members += 1
                self._finished = self._name == "deflate"
        return out

    def finish(self) -> None:
        """Call after the last chunk. An encoded body may be empty, but must not end in the middle."""
        if self._stream is not None and not self.full:
            raise BadEncoding("cut short")

    def _within(self, data: bytes) -> bytes:
        if len(data) > self._room:
            if not self._cut:
                raise TooMuch("decoded size")
            self.full = True
            data = data[: self._room]
        self._room -= len(data)
        return data

    def _window(self, first: int) -> int:
        if self._name == "gzip":
            return 16 + zlib.MAX_WBITS
        # Servers send `deflate` with the zlib header, as the RFC says, or without it
        return zlib.MAX_WBITS if first & 0x0F == 8 else -zlib.MAX_WBITS
