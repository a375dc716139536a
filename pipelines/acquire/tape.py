"""The bytes of an archive of records, plain or with a gzip member per record, and where in the file they stand.

Python's readers take the end of a cut file for its end. Here a member counts as read when its check sum was seen.
"""

from __future__ import annotations

import re
import zlib
from typing import IO

GZIP = b"\x1f\x8b\x08"
_CHUNK = 1 << 16
_RECORD = re.compile(rb"\nWARC/[01]\.\d{1,2}\r?\n")
_RECORD_BYTES = 16  # more than the longest match
_TRIED = 1_024  # bytes of a gzip member that are tried
_BLANK = re.compile(rb"\n\r?\n")
_BEGINS = (b"WARC/", b"filedesc://", b"http://", b"https://", b"dns:", b"ftp://")


class Broken(Exception):
    """The bytes end or break here. `rule` is truncated, bad_gzip, bad_record, length_mismatch or too_large."""

    def __init__(
        self,
        rule: str,
        detail: str | None = None,
        value: float | None = None,
        threshold: float | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(rule)
        self.rule, self.detail, self.value, self.threshold, self.url = rule, detail, value, threshold, url


class Tape:
    """A plain file. `section` goes to the next part that is compressed on its own: here there is one."""

    def __init__(self, stream: IO[bytes], begun: bytes = b"") -> None:
        self._stream = stream
        self._ahead, self._used = begun, 0  # bytes that were read, and how many of them were used
        self._given = 0  # bytes taken out of this section
        self._opened = False

    @property
    def place(self) -> str:
        """Where the next byte stands, for the name of a record."""
        return str(self._given)

    @property
    def member(self) -> str:
        """Where the section begins."""
        return "0"

    def section(self) -> bool:
        """Go to the first or next section; false at the end. Raises Broken."""
        self._opened, again = True, self._opened
        return not again

    def resync(self) -> bool:
        """After damage: skip to what looks like the next WARC record, without reading all of it to memory."""
        while True:
            found = _RECORD.search(self._ahead, self._used)
            if found:
                self._drop(found.start() + 1 - self._used)
                self._opened = False
                return True
            self._drop(max(self._left - _RECORD_BYTES, 0))
            if not self._fill():
                self._drop(self._left)
                return False

    def line(self, limit: int) -> bytes:
        """Up to and with the next line feed; what there is within `limit` bytes where none comes."""
        searched = 0
        while True:
            at = self._ahead.find(b"\n", self._used + searched, self._used + limit)
            if at >= 0:
                return self._drop(at + 1 - self._used)
            searched = self._left
            if searched >= limit or not self._fill():
                return self._drop(min(limit, searched))

    def block(self, limit: int) -> bytes | None:
        """Up to and with the next blank line; null where there is none within `limit` bytes or before the end."""
        searched = 0
        while True:
            found = _BLANK.search(self._ahead, self._used + max(searched - 3, 0), self._used + limit)
            if found:
                return self._drop(found.end() - self._used)
            searched = self._left
            if searched >= limit or not self._fill():
                return None

    def take(self, count: int) -> bytes:
        """The next `count` bytes; fewer at the end of the section."""
        parts = []
        while count and (self._left or self._fill()):
            parts.append(self._drop(min(count, self._left)))
            count -= len(parts[-1])
        return b"".join(parts)

    def skip(self, count: int) -> bool:
        """Go past `count` bytes; false where the section ends before."""
        while count and (self._left or self._fill()):
            count -= len(self._drop(min(count, self._left)))
        return not count

    def peek(self, count: int) -> bytes:
        while self._left < count and self._fill():
            pass
        return self._ahead[self._used : self._used + count]

    def untake(self, data: bytes) -> None:
        """Give back what was taken last."""
        self._add(b"", before=data)
        self._given -= len(data)

    @property
    def _left(self) -> int:
        return len(self._ahead) - self._used

    def _drop(self, size: int) -> bytes:
        taken = self._ahead[self._used : self._used + size]
        self._used += size
        self._given += size
        return taken

    def _add(self, data: bytes, before: bytes = b"") -> None:
        self._ahead, self._used = before + self._ahead[self._used :] + data, 0

    def _fill(self) -> bool:
        data = self._stream.read(_CHUNK)
        self._add(data)
        return bool(data)


class GzipTape(Tape):
    """A gzip file; a section is a member. The end of a section is believed only with its check sum."""

    def __init__(self, stream: IO[bytes], begun: bytes = b"") -> None:
        super().__init__(stream)
        self._raw = begun  # compressed bytes that were read and not used
        self._at = 0  # where in the file they begin
        self._behind = b""  # the last ones that were used: a damaged member may have run on into the next
        self._member = 0  # where the section begins
        self._unzip: zlib._Decompress | None = None

    @property
    def place(self) -> str:
        return f"{self._member}+{self._given}" if self._given else str(self._member)

    @property
    def member(self) -> str:
        return str(self._member)

    def section(self) -> bool:
        self._ahead, self._used, self._given = b"", 0, 0
        while True:
            if len(self._raw) < len(GZIP) and not self._refill():
                break
            if self._raw[:1] == b"\0":  # padding of tapes and disks
                self._use(len(self._raw) - len(self._raw.lstrip(b"\0")))
            elif len(self._raw) >= len(GZIP):
                break
        self._member, self._behind = self._at, b""
        if not self._raw:
            return False
        self._unzip = zlib.decompressobj(31)
        if not self._raw.startswith(GZIP):
            raise Broken("truncated" if GZIP.startswith(self._raw) else "bad_gzip", "no gzip member begins here")
        return True

    def resync(self) -> bool:
        """Skip to the next member that begins as a record does; the compressed bytes alone are searched."""
        self._ahead, self._used, self._given, self._unzip = b"", 0, 0, None
        self._raw, self._at, self._behind = self._behind + self._raw, self._at - len(self._behind), b""
        if self._at == self._member:
            self._use(1)
        at = 0
        while True:
            at = self._raw.find(GZIP, at)
            if at < 0 or len(self._raw) - at < _TRIED:
                self._use(at if at >= 0 else max(len(self._raw) - len(GZIP) + 1, 0))
                at, more = 0, self._refill()
                if not more and len(self._raw) < len(GZIP):
                    self._use(len(self._raw))
                    return False
                if more:
                    continue
            if _is_record(self._raw[at : at + _TRIED]):
                self._use(at)
                return True
            at += 1

    def _fill(self) -> bool:
        if self._unzip is None:
            return False
        while not self._unzip.eof:
            if not self._raw and not self._refill():
                raise Broken("truncated", "the file ends within a gzip member")
            fed = self._raw[:_CHUNK]
            try:
                data = self._unzip.decompress(fed, _CHUNK)
            except zlib.error:
                raise Broken("bad_gzip", "the member is damaged") from None
            rest = self._unzip.unused_data if self._unzip.eof else self._unzip.unconsumed_tail
            self._raw = rest + self._raw[_CHUNK:]
            self._at += len(fed) - len(rest)
            self._behind = (self._behind + fed[: len(fed) - len(rest)])[-_CHUNK:]
            if data:
                self._add(data)
                return True
        return False

    def _refill(self) -> bool:
        data = self._stream.read(_CHUNK)
        self._raw += data
        return bool(data)

    def _use(self, count: int) -> None:
        self._raw = self._raw[count:]
        self._at += count


def _is_record(raw: bytes) -> bool:
    try:
        head = zlib.decompressobj(31).decompress(raw, 16).lstrip()
    except zlib.error:
        return False
    return head.startswith(_BEGINS)
