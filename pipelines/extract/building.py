"""Text with its blocks and edits, put together from pieces of a source in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pipelines.edits import Edit, normalise
from pipelines.extract.result import Block, BlockKind


class Built(NamedTuple):
    text: str
    edits: list[Edit]  # from the source to `text`
    blocks: list[Block]
    characters: int  # of content: neither marks nor keys


class Builder:
    """Copies pieces of `source` from its beginning to its end and puts marks between them.

    A blank line divides blocks, a line break the items of one list. A block without content leaves nothing behind.
    Without `structure` there are no marks, and every block is a line.
    """

    def __init__(self, source: str, structure: bool = True) -> None:
        self.source, self.structure = source, structure
        self.characters = 0
        self.length = 0
        self._parts: list[str] = []
        self._edits: list[Edit] = []
        self._at = 0  # what lies before is copied or replaced
        self._gap = ""  # inserted before the next piece
        self._wanted: tuple[BlockKind, int, int | None] | None = None
        self._marks = ""
        self._blocks: list[Block] = []

    def block(self, kind: BlockKind, level: int = 0, page: int | None = None) -> None:
        """Begin a block with the next piece."""
        self._end()
        self._wanted = (kind, level, page)

    def mark(self, text: str) -> None:
        """A mark of Markdown. Before the first piece of a block it comes only with that piece."""
        if self.structure:
            self.join(text)

    def join(self, text: str) -> None:
        """What the source does not have and the text needs anyway, such as a space where two lines are joined."""
        if self._wanted:
            self._marks += text
        else:
            self._gap += text

    def insert(self, text: str, counts: bool = True) -> None:
        """Content that the source does not have; the key of an image does not count as such."""
        if text:
            self._put(self._at, self._at, text)
            self.characters -= 0 if counts else len(text)

    def table(self, rows: Sequence[int], put: Callable[[int, int], None]) -> None:
        """A pipe table of rows with so many cells, or lines with tabs; `put(row, column)` writes a cell, in order."""
        columns = max(rows, default=0)
        for row, cells in enumerate(rows):
            self.mark("\n| " if row else "| ")
            if row and not self.structure:
                self.join("\n")
            for column in range(columns):
                if column:
                    self.join(" | " if self.structure else "\t")
                if column < cells:
                    put(row, column)
            self.mark(" |" + ("" if row else "\n|" + " --- |" * columns))

    def copy(self, start: int, end: int) -> None:
        if start < end:
            self._put(start, end, None)

    def replace(self, start: int, end: int, new: str) -> None:
        if new:
            self._put(start, end, new)

    def finish(self) -> Built:
        self._end()
        if self._at < len(self.source) or self._gap:
            self._edits.append(Edit(self._at, len(self.source), len(self._gap)))
            self._parts.append(self._gap)
        return Built("".join(self._parts), normalise(self._edits), with_parents(self._blocks), self.characters)

    def _end(self) -> None:
        if self._wanted is None and self._blocks:
            self._blocks[-1] = self._blocks[-1]._replace(end=self.length + len(self._gap))
        self._wanted, self._marks = None, ""

    def _put(self, start: int, end: int, new: str | None) -> None:
        if start < self._at:
            raise ValueError(f"piece {start}:{end} lies before {self._at}")
        if self._wanted is not None:
            self._begin()
        gap, self._gap = self._gap, ""
        if self.source[self._at : start] != gap:
            self._edits.append(Edit(self._at, start, len(gap)))
        piece = self.source[start:end] if new is None else new
        if new is not None:
            self._edits.append(Edit(start, end, len(new)))
        self._parts += (gap, piece)
        self._at = end
        self.length += len(gap) + len(piece)
        self.characters += len(piece)

    def _begin(self) -> None:
        assert self._wanted is not None
        kind, level, page = self._wanted
        if self._blocks:
            listed = kind == "list_item" and self._blocks[-1].kind == "list_item"
            self._gap += "\n" if listed or not self.structure else "\n\n"
        self._blocks.append(Block(kind, level, self.length + len(self._gap), 0, page))
        self._gap += self._marks
        self._wanted, self._marks = None, ""


def with_parents(blocks: list[Block]) -> list[Block]:
    """The blocks, each with the place of the heading that governs it."""
    parents = parents_of(block.level if block.kind == "heading" else 0 for block in blocks)
    return [block._replace(parent=parent) for block, parent in zip(blocks, parents, strict=True)]


def parents_of(levels: Iterable[int]) -> list[int | None]:
    """For each block the place of the heading that governs it, from the levels of headings; 0 for other blocks."""
    out: list[int | None] = []
    above: list[tuple[int, int]] = []  # (level, place) of the headings that are open, levels rising
    for place, level in enumerate(levels):
        while level and above and above[-1][0] >= level:
            above.pop()
        out.append(above[-1][1] if above else None)
        if level:
            above.append((level, place))
    return out
