"""Large text files: their encoding from a sample, their lines with a limit, without holding more than a line."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import IO

from pipelines.extract.charsets import codecs_of
from pipelines.extract.decode import decode

SAMPLE_BYTES = 1 << 20


class Text:
    """A text file behind a byte stream. What its encoding does not know becomes lone surrogates (PEP 383), or U+FFFD in
    UTF-16 and UTF-32, so that a reader can refuse the one line. Raises Undecodable where it is no text at all.
    """

    def __init__(self, stream: IO[bytes], sample_bytes: int = SAMPLE_BYTES) -> None:
        head = _read(stream, sample_bytes)
        sample = head if len(head) < sample_bytes else head[: head.rfind(b"\n", -100_000) + 1] or head
        charset = decode(sample, None, sample_bytes, markup=False).charset if sample else "utf-8"
        self.charset = charset
        self.wide = charset.startswith(("utf-16", "utf-32"))
        errors = "replace" if self.wide else "surrogateescape"
        raw = io.BufferedReader(_Chained(head, stream), 1 << 16)
        codec = "utf-8" if charset == "utf-8" else codecs_of(charset)[0]
        self._text = io.TextIOWrapper(raw, codecs.lookup(codec).name, errors, newline="")
        self._first = True

    def read(self, size: int) -> str:
        return self._start(self._text.read(size))

    def readline(self, limit: int) -> str:
        return self._start(self._text.readline(limit))

    def _start(self, text: str) -> str:
        if self._first and text:
            self._first = False
            return text.removeprefix("\ufeff")
        return text

    def lines(self, limit: int) -> Iterator[tuple[int, str | None]]:
        """Number from 1 and text of each line, without its end; null for a line of more than `limit` characters."""
        number = 0
        while line := self.readline(limit + 1):
            number += 1
            if len(line) > limit and line[-1] not in "\r\n":
                while len(line := self.readline(1 << 20)) == 1 << 20 and line[-1] not in "\r\n":
                    pass
                yield number, None
            else:
                yield number, line.rstrip("\r\n")

    def damaged(self, text: str) -> bool:
        """Whether a piece of this file holds what its encoding does not know."""
        if text.isascii():
            return False
        if self.wide:
            return "\ufffd" in text
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return True
        return False


def _read(stream: IO[bytes], size: int) -> bytes:
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _Chained(io.RawIOBase):
    """What was read already, then the rest of the stream."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(part) :]
        buffer[: len(part)] = part
        return len(part)
