"""The sections of a document, from its blocks: what heading a place stands under, and on which page."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pipelines.edits import Edit, map_forward
from pipelines.extract.result import Block

_MARKS = re.compile(r"\A(?:> |\s)*(?:(?:- |: |[0-9A-Za-z]{1,9}\. ))*#{1,6} ")
_SPACE = re.compile(r"\s+")


class Section(NamedTuple):
    """A heading with all that it governs. Section 0 is the document: level 0, it governs everything.

    `place` counts from 0 in the order of the text, `number` says the place in the tree ("2.1"; "" of the document).
    `parent` is null for the document; `ancestors` begin with the document. `start`, `end` are character offsets of
    heading and content, subsections included; `page` is that of the heading.
    """

    place: int
    number: str
    title: str
    level: int
    parent: int | None
    children: tuple[int, ...]
    ancestors: tuple[int, ...]
    page: int | None
    start: int
    end: int


class Location(NamedTuple):
    """Where a span of text stands: pages, places of its blocks in the list, titles of the headings above its start."""

    pages: tuple[int, ...]
    blocks: tuple[int, ...]
    path: tuple[str, ...]


def from_rows(rows: Iterable[Mapping[str, Any]] | None) -> list[Block]:
    """Blocks from their stored form."""
    return [Block(*(row[name] for name in Block._fields)) for row in rows or ()]


def title_of(block: Block, text: str) -> str:
    """What a heading says, on one line and without its marks."""
    return _SPACE.sub(" ", _MARKS.sub("", text[block.start : block.end])).strip()


def outline(blocks: Sequence[Block], text: str, title: str | None = None) -> list[Section]:
    """The sections in the order of the text, the document first. `text` is the one that the blocks point into."""
    headings = [(at, block) for at, block in enumerate(blocks) if block.kind == "heading"]
    index_of = {at: index for index, (at, _) in enumerate(headings, 1)}
    parents: list[int] = [-1]
    children: list[list[int]] = [[]]
    for index, (_, block) in enumerate(headings, 1):
        parent = index_of.get(block.parent, 0) if block.parent is not None else 0
        parents.append(parent)
        children[parent].append(index)
        children.append([])
    last_page = next((block.page for block in blocks if block.page is not None), None)
    out = [Section(0, "", title or "", 0, None, tuple(children[0]), (), last_page, 0, len(text))]
    ends = _ends([block for _, block in headings], parents, len(text))
    for index, (_, block) in enumerate(headings, 1):
        above = out[parents[index]]
        nth = bisect_left(children[above.place], index) + 1
        out.append(
            Section(
                place=index,
                number=f"{above.number}.{nth}" if above.number else str(nth),
                title=title_of(block, text),
                level=block.level,
                parent=above.place,
                children=tuple(children[index]),
                ancestors=(*above.ancestors, above.place),
                page=block.page,
                start=block.start,
                end=ends[index],
            )
        )
    return out


def _ends(headings: Sequence[Block], parents: Sequence[int], length: int) -> list[int]:
    """Each section ends where the next one begins that does not stand under it."""
    ends = [length] * (len(headings) + 1)
    open_: list[int] = []
    for index, block in enumerate(headings, 1):
        while open_ and open_[-1] != parents[index]:
            ends[open_.pop()] = block.start
        open_.append(index)
    return ends


class Locator:
    """Says of spans of a text where they stand."""

    def __init__(self, blocks: Sequence[Block], text: str) -> None:
        self._blocks = blocks
        self._text = text
        self._starts = [block.start for block in blocks]
        self._ends = [block.end for block in blocks]

    def at(self, start: int, end: int) -> Location:
        """Where the characters `start:end` stand. White space between two blocks belongs to the section before it."""
        first = bisect_right(self._ends, start)
        inside = range(first, max(first, bisect_left(self._starts, max(end, start + 1))))
        pages = tuple(sorted({page for at in inside if (page := self._blocks[at].page) is not None}))
        at: int | None = inside[0] if inside else first - 1
        path: list[str] = []
        while at is not None and at >= 0:
            block = self._blocks[at]
            if block.kind == "heading":
                path.append(title_of(block, self._text))
            at = block.parent
        return Location(pages, tuple(inside), tuple(reversed(path)))


def locate(blocks: Sequence[Block], text: str, start: int, end: int) -> Location:
    """Where one span stands; for many spans of a text keep a Locator."""
    return Locator(blocks, text).at(start, end)


def carry(blocks: Sequence[Block], edits: Sequence[Edit], text: str) -> list[Block]:
    """The blocks of a text in the text that its edits lead to. Blocks of which nothing is left go; what stood under a
    heading that went stands under the next higher one."""
    places = map_forward(edits, [(block.start, block.end) for block in blocks])
    new_place: list[int | None] = []
    out: list[Block] = []
    behind = 0
    for block, (start, end) in zip(blocks, places, strict=True):
        parent = new_place[block.parent] if block.parent is not None else None
        start = max(start, behind)
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        if start >= end:
            new_place.append(parent)
            continue
        new_place.append(len(out))
        out.append(block._replace(start=start, end=end, parent=parent))
        behind = end
    return out
