"""JSON: one object per line, an array of objects, or an object that holds one; read as a stream.

NaN and the infinities, which JSON does not have but Python writes, are read as null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, Any

import orjson

from pipelines.acquire.items import Item, Refused
from pipelines.acquire.records import BadRow, Row, items
from pipelines.acquire.textfile import Text
from pipelines.extract.decode import Undecodable
from pipelines.params import SourceParams

CHUNK = 1 << 16
#: Names under which an object holds the records of a file (SQuAD: `data`).
CONTAINERS = frozenset(("data", "rows", "records", "examples", "documents", "数据"))
_SPACE = re.compile(r"[ \t\r\n]*")
_CUT = 16  # characters from the end within which an error may come from what was not read yet
_LINES = (".jsonl", ".ndjson", ".jsonlines")


def loads(text: str) -> Any:
    """The value of one JSON text. Raises ValueError or RecursionError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text, parse_constant=lambda _: None)


def read(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """The records of a file as items."""
    try:
        text = Text(stream)
    except Undecodable as error:
        yield Refused(name, "undecodable", error.value, detail=error.rule, lost=True)
        return
    limit = source.max_item_bytes
    bare = name.lower()
    for suffix in (".gz", ".bz2", ".xz", ".zst"):
        bare = bare.removesuffix(suffix)
    rows = lines(text, limit) if bare.endswith(_LINES) else _values(text, limit)
    yield from items(rows, name, source)


def lines(text: Text, limit: int) -> Iterator[Row | BadRow]:
    """One object per line; `limit` is in characters."""
    number = 0
    for number, line in text.lines(limit):
        if line is None:
            yield BadRow(number, "too_large", threshold=limit)
        elif line.strip():
            yield _row(number, line, text)
    if not number:
        yield BadRow(0, "empty_file")


def _row(number: int, line: str, text: Text) -> Row | BadRow:
    if text.damaged(line):
        return BadRow(number, "undecodable", detail=text.charset)
    try:
        value = loads(line)
    except (ValueError, RecursionError):
        return BadRow(number, "bad_json")
    return Row(number, value) if isinstance(value, dict) else BadRow(number, "not_an_object")


def _values(text: Text, limit: int) -> Iterator[Row | BadRow]:
    """Values one after the other: records, arrays of records, and objects that hold such an array."""
    scanner = _Scanner(text, limit)
    number = 0
    try:
        while (mark := scanner.peek()) != "":
            rows = scanner.array() if mark == "[" else _members(scanner) if mark == "{" else iter((scanner.value(),))
            for value in rows:
                number += 1
                yield Row(number, value) if isinstance(value, dict) else BadRow(number, "not_an_object")
        if not number:
            yield BadRow(0, "empty_file")
    except _TooLarge:
        yield BadRow(number + 1, "too_large", threshold=limit, lost=True)
    except (ValueError, RecursionError) as error:
        cut = isinstance(error, _Truncated) or scanner.peek() == ""
        rule = "undecodable" if scanner.damaged else "truncated" if cut else "bad_json"
        yield BadRow(number + 1, rule, detail="nothing behind it was read", lost=True)


def _members(scanner: _Scanner) -> Iterator[Any]:
    """An object's own value, or the records of the array that it holds under one of CONTAINERS."""
    own: dict[str, Any] = {}
    contained = False
    scanner.take("{")
    while scanner.peek() != "}":
        key = scanner.value()
        if not isinstance(key, str):
            raise ValueError("a key must be text")
        scanner.take(":")
        if key.casefold() in CONTAINERS and scanner.holds_objects():
            contained = True
            yield from scanner.array()
        else:
            own[key] = scanner.value()
        if scanner.peek() == ",":
            scanner.take(",")
        elif scanner.peek() != "}":
            raise ValueError("expected , or }")
    scanner.take("}")
    if not contained:
        yield own


class _TooLarge(Exception):
    pass


class _Truncated(ValueError):
    pass


class _Scanner:
    """JSON values from a text, each read whole, none larger than `limit` characters.

    A value that is not all there is tried again with twice the text, so that the work stays linear.
    """

    def __init__(self, text: Text, limit: int) -> None:
        self._text, self._limit = text, limit
        self._decoder = json.JSONDecoder(parse_constant=lambda _: None)
        self._buffer, self._at, self._end = "", 0, False
        self.damaged = False

    def _more(self, size: int) -> None:
        part = self._text.read(size)
        self._end = not part
        self.damaged = self.damaged or self._text.damaged(part)
        self._buffer = self._buffer[self._at :] + part
        self._at = 0

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._buffer) or self._end:
                return self._buffer[self._at : self._at + 1]
            self._more(CHUNK)

    def take(self, mark: str) -> None:
        if self.peek() != mark:
            raise ValueError(f"expected {mark}")
        self._at += 1

    def value(self) -> Any:
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
                if end < len(self._buffer) or self._end:  # a number at the very end may go on
                    break
            except json.JSONDecodeError as error:
                margin = 0 if self._end else _CUT
                cut = error.pos >= len(self._buffer) - margin or error.msg.startswith("Unterminated string")
                if self._end and cut:
                    raise _Truncated from None
                if not cut or self._end:
                    raise
            size = len(self._buffer) - self._at
            if size > self._limit:
                raise _TooLarge
            self._more(max(CHUNK, size))
        if self.damaged:
            raise ValueError("bytes that the encoding does not have")
        self._at = end
        return value

    def holds_objects(self) -> bool:
        """Whether an array whose first element is an object comes next."""
        if self.peek() != "[":
            return False
        while (ahead := _SPACE.match(self._buffer, self._at + 1).end()) == len(self._buffer) and not self._end:  # type: ignore[union-attr]
            if len(self._buffer) - self._at > self._limit:
                raise _TooLarge
            self._more(max(CHUNK, len(self._buffer) - self._at))
        return self._buffer[ahead : ahead + 1] == "{"

    def array(self) -> Iterator[Any]:
        self.take("[")
        while self.peek() != "]":
            yield self.value()
            if self.peek() == ",":
                self.take(",")
            elif self.peek() != "]":
                raise ValueError("expected , or ]")
        self.take("]")
