"""Lines to paragraphs, list items and headings, across columns and pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from pipelines.extract.pdf.lines import Line
from pipelines.extract.pdf.pages import Laid
from pipelines.extract.pdf.tables import Table
from pipelines.extract.prose import (
    Numbered,
    bullet,
    ends_sentence,
    is_contents_line,
    is_unfinished,
    is_wide,
    numbering,
    ordered,
    width,
)
from pipelines.extract.result import BlockKind

MAX_HEADING = 160  # narrow characters of a heading that its size tells
MAX_BOLD_HEADING = 110  # ... that bold type or a number tells
_CAPTION = re.compile(r"(?:fig(?:ure|\.)?|table|tab\.|图|表|圖)\s{0,3}[0-9A-Z一二三四五六七八九十]", re.I)
_NOTE = re.compile(r"(?:[0-9]{1,3}|[*†‡§¶]|[①-⑳]|\[[0-9]{1,3}\]|[⁰¹²³⁴-⁹]{1,3})\s{0,3}\S")
_LETTER = re.compile(r"[^\W\d_]{2}|[\u4e00-\u9fff]")


@dataclass(slots=True)
class Paragraph:
    kind: BlockKind
    lines: list[Line]
    level: int = 0
    marker: int = 0  # length of the bullet or number of a list item

    @property
    def page(self) -> int:
        return self.lines[0].page

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


Item = Paragraph | Table


class Style:
    """What is usual in a document: its type size, whether it is bold, how far its lines are apart."""

    def __init__(self, lines: Sequence[Line]) -> None:
        sizes: Counter[float] = Counter()
        bold: Counter[bool] = Counter()
        for line in lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
            bold[line.bold] += len(line.text)
        self.size = max(sizes.items(), key=lambda s: (s[1], -s[0]))[0] if sizes else 10.0
        self.bold = bold[True] > bold[False]
        steps = [
            b.y1 - a.y1 for a, b in pairwise(lines)
            if a.page == b.page and 0 < b.y1 - a.y1 < 4 * a.height and abs(a.size - b.size) < 0.6
        ]  # fmt: skip
        self.step = median(steps) if steps else 1.2 * self.size


def items(pages: Sequence[Laid]) -> tuple[list[Item], dict[int, list[Paragraph]]]:
    """Paragraphs and tables in order, and the footnotes of each page."""
    found: list[list[Line | Table]] = []  # columns, notes taken out
    notes: dict[int, list[Paragraph]] = {}
    everything = [each for page in pages for column in page.columns for each in column if isinstance(each, Line)]
    style = Style(everything)
    for page in pages:
        columns = [list(column) for column in page.columns]
        if columns:
            columns[-1], tail = _without_notes(columns[-1], style)
            notes[page.number] = _paragraphs(tail, style) if tail else []
        found += [column for column in columns if column]
    out: list[Item] = []
    for column in found:
        fresh = _column(column, style)
        _join(out, fresh, style)
        out += fresh
    texts = [item for item in out if isinstance(item, Paragraph)]
    _headings(texts, style)
    _list_levels(out)
    return out, notes


def _without_notes(column: list[Line | Table], style: Style) -> tuple[list[Line | Table], list[Line]]:
    """A page's last column and the footnotes under it: lines in small type, the first with a mark."""
    at = len(column)
    while at and isinstance(each := column[at - 1], Line) and each.size <= 0.9 * style.size:
        at -= 1
    while at < len(column) and not _NOTE.match(column[at].text):  # type: ignore[union-attr]
        at += 1
    tail = [each for each in column[at:] if isinstance(each, Line)]
    return (column[:at], tail) if at else (column, [])


def _column(column: Sequence[Line | Table], style: Style) -> list[Item]:
    out: list[Item] = []
    run: list[Line] = []
    for each in column:
        if isinstance(each, Table):
            out += _paragraphs(run, style)
            run = []
            out.append(each)
        else:
            run.append(each)
    return out + _paragraphs(run, style)


def _paragraphs(lines: Sequence[Line], style: Style) -> list[Paragraph]:
    """The paragraphs of lines that stand under each other."""
    out: list[Paragraph] = []
    for line in lines:
        before = out[-1] if out else None
        if line.mono:
            if before is None or before.kind != "code" or line.y1 - before.lines[-1].y1 > 3 * line.height:
                out.append(Paragraph("code", [line]))
            else:
                before.lines.append(line)
            continue
        if before is not None and before.kind == "code":
            before = None
        begins = before is None or _begins(before, line, style)
        marker = bullet(line.text)
        if not marker and (numbered := ordered(line.text)):
            last = before.lines[-1].text if before else ""
            follows = before is None or before.kind == "list_item" or ends_sentence(last) or is_unfinished(last)
            marker = numbered if begins or follows else 0
        if marker:
            out.append(Paragraph("list_item", [line], marker=marker))
        elif before is None or begins:
            out.append(Paragraph("paragraph", [line]))
        else:
            before.lines.append(line)
    return out


def _begins(paragraph: Paragraph, line: Line, style: Style) -> bool:
    """Whether a line begins a new paragraph."""
    last = paragraph.lines[-1]
    height = min(last.height, line.height)
    if _unlike(last, line) and (ends_sentence(last.text) or not line.text[0].islower()):
        return True
    step = line.y1 - last.y1
    usual = style.step * line.size / style.size
    if step > max(1.4 * usual, 1.15 * line.height) or step < 0:
        return True
    if paragraph.kind == "list_item":
        inside = paragraph.lines[1].x0 if len(paragraph.lines) > 1 else paragraph.lines[0].x0
        closed = ends_sentence(last.text) and not line.text[0].islower()
        return line.x0 < inside - 0.3 * height or (closed and _falls_short(last, line))
    if line.size >= 1.12 * style.size and abs(line.x0 + line.x1 - last.x0 - last.x1) < 0.5 * height:
        return False  # a centred heading of several lines
    if _falls_short(last, line) and (ends_sentence(last.text) or not line.text[0].islower()):
        return True
    first = paragraph.lines[0]
    if line.x0 - line.left <= 0.8 * height:
        return False
    if len(paragraph.lines) > 1 or first.x0 - first.left < 1:
        return line.x0 > last.x0 + 0.8 * height
    return abs(line.x0 - first.x0) < 0.5 * height and ends_sentence(last.text)


def _unlike(a: Line, b: Line) -> bool:
    return abs(a.size - b.size) > 0.08 * max(a.size, b.size) or (a.bold != b.bold and len(a.text) > 3 < len(b.text))


def _falls_short(last: Line, line: Line) -> bool:
    """Whether the first word of a line would have fitted into the line before it."""
    word = line.text.split(" ", 1)[0]
    if is_wide(word[0]):
        word = word[:3]
    room = last.right - last.x1
    each = (line.x1 - line.x0) / max(width(line.text), 1)
    return room > (width(word) + 3) * each


def _join(out: list[Item], fresh: list[Item], style: Style) -> None:
    """Continue over a column's or page's end what the last one left open: a paragraph, a list item, a table."""
    last = next((item for item in reversed(out)), None)
    if last is None or not fresh:
        return
    first = fresh[0]
    if isinstance(last, Paragraph) and isinstance(first, Paragraph) and last.kind == first.kind == "code":
        last.lines += fresh.pop(0).lines  # type: ignore[union-attr]
        return
    if isinstance(last, Table) and isinstance(first, Table):
        if last.page != first.page and _same_columns(last, first):
            header = last.rows[0]
            last.rows += first.rows[1:] if first.rows[0] == header else first.rows
            fresh.pop(0)
        return
    if isinstance(last, Paragraph) and isinstance(first, Paragraph) and _continues(last, first, style):
        last.lines += first.lines
        fresh.pop(0)


def _same_columns(a: Table, b: Table) -> bool:
    return len(a.rows[0]) == len(b.rows[0]) and abs(a.x0 - b.x0) < 12 and abs(a.x1 - b.x1) < 0.2 * (a.x1 - a.x0) + 12


def _continues(last: Paragraph, first: Paragraph, style: Style) -> bool:
    """Whether a paragraph goes on at the top of the next column or page."""
    end, start = last.lines[-1], first.lines[0]
    if first.kind != "paragraph" or _unlike(end, start) or end.recognised != start.recognised:
        return False
    if end.page != start.page and start.page - end.page > 1:
        return False
    if abs(end.size - style.size) > 0.12 * style.size or _is_heading(first, style) or _is_heading(last, style):
        return False
    if ends_sentence(end.text):
        return False
    if end.text.endswith("-") or start.text[0].islower():
        return True
    if start.x0 - start.left > 0.8 * start.height and len(first.lines) > 1:
        return False  # indented: a new paragraph
    return is_unfinished(end.text) or end.x1 > end.right - 3 * end.height


def _is_heading(paragraph: Paragraph, style: Style) -> bool:
    text = paragraph.text
    line = paragraph.lines[0]
    if (
        paragraph.kind == "code"
        or len(text) > MAX_HEADING
        or len(paragraph.lines) > 4
        or not _LETTER.search(text)
        or bullet(text)
    ):
        return False
    if is_contents_line(text) or _CAPTION.match(text):
        return False
    wide = width(text)
    final = ends_sentence(text) and not text.endswith(("?", "？"))
    if line.size >= 1.12 * style.size and wide <= MAX_HEADING and not (final and wide > 80):
        return True
    number = numbering(text)
    if (
        wide > MAX_BOLD_HEADING
        or final
        or text.endswith((":", "：", ",", "，", ";", "；"))
        or line.size < 0.95 * style.size
    ):
        return False
    if line.bold and not style.bold and len(paragraph.lines) <= 2:
        return paragraph.kind == "paragraph" or number is not None
    if number is None or len(paragraph.lines) > 1 or wide > 70:
        return False
    return number.family == "chapter" or (number.family == "decimal" and number.depth > 1 and _titled(text))


def _titled(text: str) -> bool:
    """`2.1 Data sets`, not `2.1 of the runs failed`."""
    rest = text.lstrip("0123456789.．、 ")
    return bool(rest) and not rest[0].islower()


def _headings(found: Iterable[Paragraph], style: Style) -> None:
    """Make headings of the paragraphs that are, and give them levels by size, weight and number."""
    found = list(found)
    heads = _without_imprint([p for p in found if _is_heading(p, style)], found)

    def key(p: Paragraph) -> tuple[float, bool, int, int]:
        number = numbering(p.text) or Numbered("", 1)
        line = p.lines[0]
        family = {"chapter": 0, "han": 1}.get(number.family, 2 if number.family else 0)
        # Unnumbered headings rank with the first numbered ones of their kind.
        return (
            -round(line.size),
            not line.bold,
            family if number.depth > 1 or number.family == "han" else 0,
            number.depth,
        )

    ranks = {k: at for at, k in enumerate(sorted({key(p) for p in heads}), 1)}
    for p in heads:
        p.kind, p.marker, p.level = "heading", 0, min(ranks[key(p)], 6)


def _without_imprint(heads: list[Paragraph], found: Sequence[Paragraph]) -> list[Paragraph]:
    """Headings without authors, dates and addresses of a title page.

    They stand before the first long paragraph, are smaller than the title, and nothing later is set like them.
    """
    first = next((at for at, p in enumerate(found) if p.kind == "paragraph" and len(p.text) > 200), len(found))
    before = {id(p) for p in found[:first] if p.page == 1}
    later = {(round(p.lines[0].size), p.lines[0].bold) for p in heads if id(p) not in before}
    largest = max((p.lines[0].size for p in heads), default=0.0)
    return [
        p for p in heads
        if id(p) not in before or p.lines[0].size > largest - 0.5 or numbering(p.text)
        or (round(p.lines[0].size), p.lines[0].bold) in later
    ]  # fmt: skip


def _list_levels(found: Iterable[Item]) -> None:
    """Depths of list items by how far they are indented."""
    open_: list[float] = []
    for item in found:
        if not isinstance(item, Paragraph) or item.kind != "list_item":
            open_ = []
            continue
        line = item.lines[0]
        at = line.x0 - line.left
        while open_ and at < open_[-1] - 0.5 * line.height:
            open_.pop()
        if not open_ or at > open_[-1] + 0.5 * line.height:
            open_.append(at)
        item.level = len(open_)
