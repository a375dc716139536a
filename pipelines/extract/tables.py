"""Which tables of a page hold data, and the grid of their cells. The others lay out the page: their text is flowing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import unescape
from typing import NamedTuple

from pipelines.extract.markup import attributes, words
from pipelines.extract.tree import Page, Segment

_CELLS = words("td th")
_LONG_CELL = 600  # weight of text in a cell that is no datum
_FEW = 0.34  # share of the grid that must be cells: rows of few cells are no rows of data
_RECORDS = 0.5  # share of the rows that must have text in two cells or more
_BLANK = 60  # weight up to which a text may be nothing but character references of spaces
_WIDEST = 64  # columns
_LAYOUT = re.compile(r"""role\s*=\s*["']?(?:presentation|none)\b""", re.I)
_SPANS = re.compile("span", re.I)


class Table(NamedTuple):
    """`rows` hold as many cells each: nodes, 0 where a span covers the place or the row has ended."""

    node: int
    rows: list[list[int]]


class Tables:
    """The data tables among the tables that kept segments stand in."""

    def __init__(self, page: Page, kept: Sequence[int]) -> None:
        self._page = page
        self._cell_of: list[int] = []
        self._found: dict[int, Table | None] = {}
        if "table" in page.names:
            self._find(kept)

    def of(self, node: int) -> tuple[Table, int] | None:
        """The data table and the cell that a node stands in."""
        if not self._cell_of:
            return None
        cell = self._cell_of[node]
        table = self._found.get(self._table_of[cell]) if cell else None
        return (table, cell) if table else None

    def _find(self, kept: Sequence[int]) -> None:
        page = self._page
        names, parents = page.names, page.parents
        table_of = [0] * len(names)
        cell_of = [0] * len(names)
        rows: dict[int, dict[int, list[int]]] = {}
        for node in range(1, len(names)):
            name, around = names[node], parents[node]
            if name == "table":
                table_of[node] = node
                continue
            table_of[node] = table = table_of[around]
            if name in _CELLS and table and not cell_of[around]:
                cell_of[node] = node
                rows.setdefault(table, {}).setdefault(around, []).append(node)
            else:
                cell_of[node] = cell_of[around]
        self._table_of, self._cell_of = table_of, cell_of

        texts: dict[int, dict[int, list[Segment]]] = {}
        outer: set[int] = set()  # tables with text in a table inside
        for k in kept:
            segment = page.segments[k]
            table = table_of[segment.node]
            if table:
                texts.setdefault(table, {}).setdefault(cell_of[segment.node], []).append(segment)
                table = table_of[parents[table]]
                while table and table not in outer:
                    outer.add(table)
                    table = table_of[parents[table]]
        for table, cells in texts.items():
            grid = None if table in outer else self._grid(table, rows.get(table, {}).values(), cells)
            self._found[table] = Table(table, grid) if grid else None

    def _grid(self, table: int, rows: Iterable[list[int]], texts: dict[int, list[Segment]]) -> list[list[int]] | None:
        """The places of the cells, or None where the table is no table of data."""
        page = self._page
        if _LAYOUT.search(page.attributes[table]) or _mixed(texts):
            return None
        for cell, segments in texts.items():
            if cell and sum(s.weight for s in segments) > _LONG_CELL:
                return None
            if any(page.names[s.node] == "pre" and _lines(page, s) > 1 for s in segments):
                return None
        filled = {cell for cell, segments in texts.items() if any(_has_text(page, s) for s in segments)}
        with_text = [row for row in rows if not filled.isdisjoint(row)]
        records = sum(len(filled.intersection(row)) > 1 for row in with_text)
        headed = any(page.names[cell] == "th" for row in with_text for cell in row)
        if len(with_text) < 2 or records < (1 if headed else 2) or records < len(with_text) * _RECORDS:
            return None
        order = [cell for row in with_text for cell in row]
        if order != sorted(order):
            return None
        grid = _places(page, with_text)
        width = max(map(len, grid))
        cells = sum(map(len, with_text))
        if not 2 <= width <= _WIDEST or cells < width * len(grid) * _FEW:
            return None
        return [row + [0] * (width - len(row)) for row in grid]


def _mixed(texts: dict[int, list[Segment]]) -> bool:
    """Whether text that is in no cell (a caption is in none) stands among the cells."""
    seen = list(texts)  # in the order of the page
    return 0 in texts and (seen[0] != 0 or texts[0][-1].node > min(seen[1:], default=1 << 60))


def _places(page: Page, rows: Iterable[list[int]]) -> list[list[int]]:
    """Cells by row and column: a cell that spans several places stands in the first of them."""
    grid: list[list[int]] = []
    covered: dict[int, int] = {}  # column → rows still covered from above
    for cells in rows:
        line: list[int] = []
        below: dict[int, int] = {}
        for cell in cells:
            while covered.get(len(line)):
                line.append(0)
            down = across = 1
            source = page.attributes[cell]
            if _SPANS.search(source):
                stated = attributes(source)
                across = min(_span(stated.get("colspan")), _WIDEST + 1)
                down = _span(stated.get("rowspan"))
            if down > 1:
                below.update(dict.fromkeys(range(len(line), len(line) + across), down))
            line += [cell] + [0] * (across - 1)
            if len(line) > _WIDEST:
                break
        covered = {column: left - 1 for column, left in covered.items() if left > 1}
        covered.update({column: left - 1 for column, left in below.items()})
        grid.append(line)
    return grid


def _span(text: str | None) -> int:
    digits = (text or "").strip()[:5]
    return max(1, int(digits)) if digits.isascii() and digits.isdigit() else 1


def _has_text(page: Page, segment: Segment) -> bool:
    return segment.weight > _BLANK or bool(unescape("".join(page.source[a:b] for a, b in segment.spans)).strip())


def _lines(page: Page, segment: Segment) -> int:
    return sum(page.source.count("\n", *span) for span in segment.spans) + 1
