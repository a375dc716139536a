"""CSV and TSV: one record per row, named by the header.

RFC 4180 with what is found in the wild: byte order marks, legacy encodings, `;` and tabs, line ends of every system,
quoted line ends, doubled headers. A row that does not fit its header or breaks the rules of quoting is refused.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

from pipelines.acquire.items import Item, Refused
from pipelines.acquire.records import BadRow, Row, items
from pipelines.acquire.textfile import Text
from pipelines.extract.decode import Undecodable
from pipelines.params import SourceParams

MAX_COLUMNS = 10_000
_DELIMITERS = ",\t;|"


def read(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """The rows of a table as items; the first row that is not empty is the header."""
    try:
        text = Text(stream)
    except Undecodable as error:
        yield Refused(name, "undecodable", error.value, detail=error.rule, lost=True)
        return
    yield from items(rows(text, name.lower().endswith((".tsv", ".tab")), source.max_item_bytes), name, source)


def rows(text: Text, tabs: bool, limit: int) -> Iterator[Row | BadRow]:
    """The rows of a table; no row may have more than `limit` characters."""
    lines = _Lines(text, limit)
    header: list[str] | None = None
    for number, cells in _cells(lines, "\t" if tabs else _delimiter(lines.peek()), limit):
        if isinstance(cells, BadRow):
            yield cells
        elif text.damaged("".join(cells)):
            yield BadRow(number, "undecodable", detail=text.charset)
            if header is None:
                return
        elif header is None:
            header = column_names(cells)
            if len(header) > MAX_COLUMNS:
                yield BadRow(0, "too_many_columns", len(header), MAX_COLUMNS, lost=True)
                return
        elif len(cells) != len(header):
            yield BadRow(number, "row_width", len(cells), len(header))
        else:
            yield Row(number, dict(zip(header, cells, strict=True)))
    if header is None:
        yield BadRow(0, "empty_file")


def column_names(cells: Sequence[object]) -> list[str]:
    """A header's names, each once: an empty one is `column_3` by its place, a second `a` is `a_2`."""
    names = [str(cell).strip() if cell is not None else "" for cell in cells]
    names = [name or f"column_{at}" for at, name in enumerate(names, 1)]
    taken, seen, out = set(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        new, count = name, seen[name]
        while seen[name] > 1 and new in taken:
            new, count = f"{name}_{count}", count + 1
        taken.add(new)
        out.append(new)
    return out


def _delimiter(line: str) -> str:
    """What stands most often between the names of the header; a comma where none does."""
    bare = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=lambda mark: (bare.count(mark), -_DELIMITERS.index(mark)))


class _TooLong(Exception):
    pass


class _Lines:
    """Lines with their ends for the csv module, which counts on them; no row may have more than `limit` characters."""

    def __init__(self, text: Text, limit: int) -> None:
        self._text, self._limit = text, limit
        self._held = ""
        self.row = 0  # characters since the last finished row
        self.count = 0

    def peek(self) -> str:
        self._held = self._held or self._text.readline(self._limit + 1)
        return self._held

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line, self._held = self.peek(), ""
        if not line:
            raise StopIteration
        self.row += len(line)
        long = len(line) > self._limit
        while long and line[-1] not in "\r\n" and (line := self._text.readline(1 << 20)):
            pass
        self.count += 1
        if self.row > self._limit:
            raise _TooLong
        return line


def _cells(lines: _Lines, delimiter: str, limit: int) -> Iterator[tuple[int, list[str] | BadRow]]:
    """Number and cells of each row that is not empty; a BadRow for what is no row."""
    csv.field_size_limit(max(limit, csv.field_size_limit()))  # of the process; ours only ever goes up, `limit` decides
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 0
    while True:
        lines.row, first = 0, lines.count + 1
        number += 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except (_TooLong, csv.Error) as error:
            rule, size = ("too_large", limit) if isinstance(error, _TooLong) else ("bad_quoting", None)
            last = lines.count
            where = f"line {first}" if last == first else f"lines {first} to {last}"
            yield number, BadRow(number, rule, threshold=size, detail=where, lost=last > first)
            continue
        if any(cells):
            yield number, cells
