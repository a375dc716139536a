"""Pieces of text to lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.extract.pdf.spans import Span
from pipelines.extract.prose import is_wide


@dataclass(slots=True)
class Line:
    """Pieces that stand beside each other. `left` and `right` are the borders of the column that the line is in."""

    spans: list[Span]
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool
    page: int
    left: float = 0.0
    right: float = 0.0
    recognised: bool = False
    mono: bool = False

    @property
    def height(self) -> float:
        return max(self.y1 - self.y0, 0.1)


def rows(spans: Iterable[Span]) -> list[list[Span]]:
    """Pieces in rows from top to bottom, each row from left to right.

    A piece joins a row whose pieces it overlaps by more than half of the lower one's height.
    """
    out: list[list[Span]] = []
    top = bottom = 0.0  # of the row that is being filled: the overlap of its pieces
    for span in sorted(spans, key=lambda s: ((s.y0 + s.y1) / 2, s.x0)):
        shared = min(bottom, span.y1) - max(top, span.y0)
        if out and shared > 0.5 * min(bottom - top, span.y1 - span.y0):
            out[-1].append(span)
            if span.y1 - span.y0 > 0.6 * (bottom - top):  # an index does not narrow the row
                top, bottom = max(top, span.y0), min(bottom, span.y1)
        else:
            out.append([span])
            top, bottom = span.y0, span.y1
    return [sorted(row, key=lambda s: (s.x0, s.x1)) for row in out]


def lines(spans: Iterable[Span], page: int, recognised: bool = False) -> list[Line]:
    """The lines of one column, from top to bottom."""
    found = [line_of(row, page, recognised) for row in rows(spans)]
    left = min((line.x0 for line in found), default=0.0)
    right = max((line.x1 for line in found), default=0.0)
    for line in found:
        line.left, line.right = left, right
    return found


def line_of(row: Sequence[Span], page: int, recognised: bool = False) -> Line:
    letters = sum(len(s.text) for s in row)
    main = max(row, key=lambda s: len(s.text))
    bold = sum(len(s.text) for s in row if s.bold) > 0.8 * letters
    mono = all(s.mono for s in row)
    return Line(
        list(row), text_of(row), min(s.x0 for s in row), min(s.y0 for s in row), max(s.x1 for s in row),
        max(s.y1 for s in row), main.size, bold, page, recognised=recognised, mono=mono,
    )  # fmt: skip


def text_of(row: Sequence[Span]) -> str:
    """The text of a row of pieces: a space between two, unless they touch or ideographs meet."""
    out = ""
    before: Span | None = None
    for span in row:
        if before is not None:
            gap = span.x0 - before.x1
            height = min(span.y1 - span.y0, before.y1 - before.y0)
            near = 0.45 if is_wide(out[-1]) and is_wide(span.text[0]) else 0.12
            out += " " if gap > near * height else ""
        out += span.text
        before = span
    return out
