"""Tables of a page: by ruled lines, and by pieces that stand under each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from pipelines.extract.pdf.lines import Line, lines, rows, text_of
from pipelines.extract.pdf.spans import Page, Rule, Span
from pipelines.extract.prose import bullet, glue, is_contents_line, ordered, width

NEAR = 3.0  # points within which two lines meet or are the same
MAX_RULES = 600  # of a page, those in one line joined; a drawing has more
MAX_CELLS = 20_000
MIN_ROWS = 3  # of a table without lines; two are enough with three columns or more
MAX_COLUMNS = 30
_STAND_IN = "\x00"  # no text of a page has it


@dataclass(slots=True)
class Table:
    """Rows of cells, each cell a text of one or several lines."""

    rows: list[list[str]]
    x0: float
    y0: float
    x1: float
    y1: float
    page: int
    recognised: bool = False


def ruled(page: Page) -> tuple[list[Table], set[int]]:
    """Tables drawn with lines, and the places of the pieces that are in them."""
    rules = _joined(page.rules)
    if not 4 <= len(rules) <= MAX_RULES:
        return [], set()
    out: list[Table] = []
    used: set[int] = set()
    for group in _connected(rules):
        grid = _grid(group)
        if grid is None:
            continue
        xs, ys = grid
        inside = [
            at for at, s in enumerate(page.spans)
            if at not in used and xs[0] - NEAR < (s.x0 + s.x1) / 2 < xs[-1] + NEAR
            and ys[0] - NEAR < (s.y0 + s.y1) / 2 < ys[-1] + NEAR
        ]  # fmt: skip
        cells: dict[tuple[int, int], list[Span]] = {}
        for at in inside:
            span = page.spans[at]
            row = min(max(bisect_right(ys, (span.y0 + span.y1) / 2) - 1, 0), len(ys) - 2)
            column = min(max(bisect_right(xs, span.x0 + min(NEAR, (span.x1 - span.x0) / 2)) - 1, 0), len(xs) - 2)
            cells.setdefault((row, column), []).append(span)
        if len(cells) < 2 or len({column for _, column in cells}) < 2:
            continue
        texts = [[_cell(cells.get((row, column), [])) for column in range(len(xs) - 1)] for row in range(len(ys) - 1)]
        out.append(Table(_dense(texts), xs[0], ys[0], xs[-1], ys[-1], page.number))
        used.update(inside)
    return out, used


def _joined(rules: Sequence[Rule]) -> list[Rule]:
    """Lines, those that continue each other made one."""
    out: list[Rule] = []
    for level in (True, False):
        kept = [r for r in rules if (r.x1 - r.x0 >= r.y1 - r.y0) == level]
        # (place across, begin, end) of each, so that lines in one line follow each other
        sides = sorted(((r.y0 + r.y1) / 2, r.x0, r.x1) if level else ((r.x0 + r.x1) / 2, r.y0, r.y1) for r in kept)
        lanes: list[list[tuple[float, float, float]]] = []
        for side in sides:
            if lanes and side[0] - lanes[-1][0][0] <= NEAR / 2:
                lanes[-1].append(side)
            else:
                lanes.append([side])
        for lane in lanes:
            across = lane[0][0]
            begin, end = None, 0.0
            for _, a, b in [*sorted(lane, key=lambda side: side[1]), (0.0, float("inf"), 0.0)]:
                if begin is not None and a > end + NEAR:
                    out.append(Rule(begin, across, end, across) if level else Rule(across, begin, across, end))
                    begin = None
                begin, end = (a, b) if begin is None else (begin, max(end, b))
    return out


def _connected(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Lines that touch, directly or through others."""
    parent = list(range(len(rules)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    order = sorted(range(len(rules)), key=lambda at: rules[at].x0)
    open_: list[int] = []
    for at in order:
        rule = rules[at]
        open_ = [o for o in open_ if rules[o].x1 + NEAR >= rule.x0]
        for other in open_:
            if rules[other].y0 - NEAR <= rule.y1 and rule.y0 - NEAR <= rules[other].y1:
                parent[root(at)] = root(other)
        open_.append(at)
    groups: dict[int, list[Rule]] = {}
    for at in range(len(rules)):
        groups.setdefault(root(at), []).append(rules[at])
    return sorted(groups.values(), key=lambda g: (min(r.y0 for r in g), min(r.x0 for r in g)))


def _grid(group: Sequence[Rule]) -> tuple[list[float], list[float]] | None:
    """Borders of columns and rows, None where lines make no table: it has two of each at least."""
    upright = [r for r in group if r.y1 - r.y0 > r.x1 - r.x0]
    level = [r for r in group if r.y1 - r.y0 <= r.x1 - r.x0]
    xs = _merged([(r.x0 + r.x1) / 2 for r in upright])
    ys = _merged([(r.y0 + r.y1) / 2 for r in level])
    if len(xs) < 3 or len(ys) < 2 or len(xs) > MAX_COLUMNS + 1 or (len(xs) - 1) * (len(ys) - 1) > MAX_CELLS:
        return None
    return (xs, ys) if len(ys) > 2 or len(xs) > 3 else None


def _merged(places: list[float]) -> list[float]:
    out: list[float] = []
    for place in sorted(places):
        if not out or place - out[-1] > NEAR:
            out.append(place)
    return out


def _cell(spans: Sequence[Span]) -> str:
    text = ""
    for row in rows(spans):
        line = text_of(row)
        text += glue(text, line) + line
    return text


def _dense(texts: list[list[str]]) -> list[list[str]]:
    """Without rows and columns in which nothing stands."""
    texts = [row for row in texts if any(row)]
    columns = [at for at in range(len(texts[0])) if any(row[at] for row in texts)] if texts else []
    return [[row[at] for at in columns] for row in texts]


def aligned(found: Sequence[Line]) -> list[Line | Table]:
    """The lines of a column, with those that are rows of a table made one."""
    out: list[Line | Table] = []
    at = 0
    while at < len(found):
        end, columns = _run(found, at)
        if columns:
            out.append(_table(found[at:end], columns))
        else:
            out += found[at:end]
        at = end
    return out


def _around_code(found: Sequence[Line]) -> list[Line | Table]:
    """Tables among lines that are no code: programs have columns too."""
    out: list[Line | Table] = []
    for mono, group in groupby(found, key=lambda line: line.mono):
        run = list(group)
        out += run if mono else aligned(run)
    return out


Column = tuple[float, float]


def cells_of(line: Line) -> list[list[Span]]:
    """Pieces of a line that stand apart by more than a space."""
    out: list[list[Span]] = []
    for span in line.spans:
        if out and span.x0 - out[-1][-1].x1 <= 1.1 * min(line.height, span.y1 - span.y0):
            out[-1].append(span)
        else:
            out.append([span])
    return out


def _run(found: Sequence[Line], first: int) -> tuple[int, list[Column]]:
    """The end of the table that begins with line `first`, and its columns; without columns it is none."""
    columns: list[Column] = []
    end, full, at = first, 0, first
    while at < len(found):
        line = found[at]
        if at > first and line.y0 - found[at - 1].y1 > 2.0 * line.height:
            break
        cells = cells_of(line) if _may_be_row(line) else []
        joined = _fitted(columns, cells) if cells else None
        if joined is None or (len(cells) < 2 and (at == first or not _continues(line, columns))):
            break
        columns = joined
        at += 1
        if len(cells) > 1:
            full += 1
            end = at
    if full >= MIN_ROWS or (full >= 2 and len(columns) >= 3):
        texts = [text_of(cell) for line in found[first:end] for cell in cells_of(line)]
        if sum(width(text) for text in texts) < 28 * len(texts) and full >= 0.5 * (end - first):
            return end, columns
    return max(at, first + 1) if not full or at == end else max(end, first + 1), []


def _may_be_row(line: Line) -> bool:
    cells = cells_of(line)
    first = cells[0]
    if len(cells) > MAX_COLUMNS:
        return False
    marker = text_of(first) + " x"
    is_list = len(first) == 1 and len(first[0].text) <= 4 and (bullet(marker) or ordered(marker))
    return not is_list and not is_contents_line(line.text)


def _continues(line: Line, columns: Sequence[Column]) -> bool:
    """Whether a line with one piece is the second line of a cell: it stands in one of several columns."""
    return len(columns) > 1 and sum(line.x0 < b and a < line.x1 for a, b in columns) == 1


def _fitted(columns: list[Column], cells: Sequence[Sequence[Span]]) -> list[Column] | None:
    """The columns, widened by a row's cells; None where a cell lies in two of them or two cells in one."""
    out = list(columns)
    taken: set[int] = set()
    fresh: list[Column] = []
    for cell in cells:
        a, b = cell[0].x0, cell[-1].x1
        hit = [at for at, (left, right) in enumerate(out) if a < right and left < b]
        if len(hit) > 1 or (hit and hit[0] in taken):
            return None
        if hit:
            taken.add(hit[0])
            out[hit[0]] = (min(a, out[hit[0]][0]), max(b, out[hit[0]][1]))
        else:
            fresh.append((a, b))
    if columns and len(fresh) > max(1, len(columns) // 2):
        return None
    out = sorted([*out, *fresh])
    if any(right > left for (_, right), (left, _) in pairwise(out)) or len(out) > MAX_COLUMNS:
        return None
    return out


def _table(found: Sequence[Line], columns: Sequence[Column]) -> Table:
    starts = [a for a, _ in columns]
    texts: list[list[str]] = []
    for line in found:
        cells = cells_of(line)
        row = [""] * len(columns)
        for cell in cells:
            row[max(bisect_right(starts, cell[0].x0 + 0.1) - 1, 0)] = text_of(cell)
        if len(cells) == 1 and texts and not row[0]:  # a further line of a cell
            at = next(i for i, text in enumerate(row) if text)
            texts[-1][at] += glue(texts[-1][at], row[at]) + row[at]
        else:
            texts.append(row)
    first, last = found[0], found[-1]
    left, right = min(line.x0 for line in found), max(line.x1 for line in found)
    return Table(texts, left, first.y0, right, last.y1, first.page, first.recognised)


def column(spans: Sequence[Span], tables: Sequence[Table], page: int, recognised: bool = False) -> list[Line | Table]:
    """The lines of a column with its tables, from top to bottom. Ruled tables stand among the pieces as `stand_in`s."""
    out = _around_code(lines((s for s in spans if not s.text.startswith(_STAND_IN)), page, recognised))
    for span in spans:
        if span.text.startswith(_STAND_IN):
            middle = (span.y0 + span.y1) / 2
            at = next((i for i, each in enumerate(out) if (each.y0 + each.y1) / 2 > middle), len(out))
            out.insert(at, tables[int(span.text[1:])])
    return out


def stand_in(table: Table, number: int) -> Span:
    """A piece that takes a ruled table's place while columns are told apart."""
    return Span(f"{_STAND_IN}{number}", table.x0, table.y0, table.x1, table.y1, 0.0, False)
