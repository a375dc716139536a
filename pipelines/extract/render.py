"""Kept segments to text with Markdown-like structure, its blocks, and the edits that lead there from the decoded page.

Headings `## `, lists `- ` and `1. `, quotations `> `, code between fences, data tables with pipes, formulas between
dollar signs, a blank line between paragraphs. Ordinary text is not escaped, except for pipes in tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import unescape
from typing import NamedTuple

from pipelines.extract.blocks import HEADINGS, Place, Places
from pipelines.extract.formulas import formulas_of
from pipelines.extract.markup import words
from pipelines.extract.media import Placed
from pipelines.extract.result import BlockKind
from pipelines.extract.tables import Table, Tables
from pipelines.extract.tree import DIVIDING, Page, Segment
from pipelines.extract.writer import Writer, Written

_CELLS = words("td th")
_PARAGRAPH = 80  # weight of a line that is a paragraph by itself, so that one <br> ends it
_INDENTED = re.compile(r"(?:\s|&nbsp;?|&#160;?|&emsp;)*(?:[\u3000\xa0\u2003]|&nbsp;?|&#160;?|&emsp;|&#12288;){2}", re.I)
_TAG = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_FENCE = re.compile("`{3,}")
_LANGUAGE = re.compile(
    r"""(?:\blanguage-|\blang-|\bhighlight-source-|\bbrush:\s*|\bsourceCode\s+)([a-zA-Z0-9+#_.-]{1,20})"""
)
_CODE = re.compile(r"<code\b|<samp\b|<kbd\b", re.I)
_PROSE = 0.5  # of the text: preformatted text that holds this share, without a sign of code, is no code
_NEAR = 5_000  # characters before and behind the main text in which a formula of its first or last line may stand
_INLINE_NAMES = words("svg math button picture label object map canvas audio video select option noscript template")


class Insert(NamedTuple):
    """Something that stands for an element of the page."""

    start: int
    end: int
    text: str
    node: int | None  # None: that of the text around it
    kind: BlockKind


def render(page: Page, kept: Sequence[int], *, structure: bool = True, media: Iterable[Placed] = ()) -> Written:
    """Text of the segments `kept`, with the keys of `media` in their places; without `structure` one block per line."""
    inserts = []
    if structure and kept:
        first, last = page.segments[kept[0]].spans[0][0], page.segments[kept[-1]].spans[-1][1]
        around = formulas_of(page.source, max(0, first - _NEAR), last + _NEAR)
        inserts = [Insert(f.start, f.end, f.text, None, "formula") for f in around]
    inserts += [Insert(m.start, m.end, m.media.key, m.node, "media") for m in media]
    inserts.sort(key=lambda i: i.start)
    places = Places(page)
    if not structure:
        return _Plain(page, kept, inserts, places).written()
    return _Structured(page, kept, inserts, places).written()


class _Renderer:
    def __init__(self, page: Page, kept: Sequence[int], inserts: Sequence[Insert], places: Places) -> None:
        self.page = page
        self.kept = kept
        self.writer = Writer(page.source)
        self.places = places
        self.inserts = inserts
        self.next = 0  # place of the next insert
        self.end = 0  # of the last segment's text in the page; 0 before the first

    def waiting(self, before: int) -> list[Insert]:
        """The inserts from here to a place of the page; those that something was written over are left out."""
        found = []
        while self.next < len(self.inserts) and self.inserts[self.next].start < before:
            insert = self.inserts[self.next]
            if insert.start >= self.writer.at:
                found.append(insert)
            self.next += 1
        return found

    def text(self, segment: Segment) -> None:
        """The running text of a segment with what stands inside it."""
        flow = self.writer.flow
        for start, end in segment.spans:
            if self.next < len(self.inserts) and self.inserts[self.next].start < start:
                for insert in self.waiting(start):
                    self.writer.replace(insert.start, insert.end, insert.text)
            if start >= self.writer.at:
                flow(start, end)
        self.end = segment.spans[-1][1]

    def heading_level(self, place: Place) -> int:
        return HEADINGS[self.page.names[place.heading]]


class _Plain(_Renderer):
    """One line per segment, cells of a table row divided by tabs."""

    def written(self) -> Written:
        page, writer = self.page, self.writer
        before = -1
        for k in self.kept:
            segment = page.segments[k]
            place = self.places.of(segment.node)
            for insert in self.waiting(segment.spans[0][0]):
                writer.begin("media", 0, "\n")
                writer.replace(insert.start, insert.end, insert.text)
                before = -1
            row = page.parents[segment.node] if page.names[segment.node] in _CELLS else -1
            if row >= 0 and row == before:
                writer.line("")
                writer.gap = "\t"
            else:
                writer.begin(*self.kind(place, row), "\n")
            before = row
            if place.pre:
                for start, end in segment.spans:
                    if start >= writer.at:
                        writer.verbatim(start, end)
            else:
                self.text(segment)
        for insert in self.waiting(len(page.source)):
            writer.begin("media", 0, "\n")
            writer.replace(insert.start, insert.end, insert.text)
        return writer.finish()

    def kind(self, place: Place, row: int) -> tuple[BlockKind, int]:
        if place.pre:
            return "code", 0
        if place.heading:
            return "heading", self.heading_level(place)
        if row >= 0:
            return "table", 0
        if place.item:
            return "list_item", place.depth
        return ("quote", place.quotes) if place.quotes else ("paragraph", 0)


class _Structured(_Renderer):
    def __init__(self, page: Page, kept: Sequence[int], inserts: Sequence[Insert], places: Places) -> None:
        super().__init__(page, kept, inserts, places)
        places.leave_out_frames(kept)
        self.tables = Tables(page, kept)
        self.before = Place()  # of the block before
        self.rest = ""  # marks of the block's further lines

    def written(self) -> Written:
        segments = self.page.segments
        at = 0
        last: Segment | None = None  # the segment just written, while its block may go on
        while at < len(self.kept):
            segment = segments[self.kept[at]]
            found = self.tables.of(segment.node)
            if found:
                self.between(segment.spans[0][0])
                at = self.table(found[0], at)
                last = None
                continue
            place = self.places.of(segment.node)
            if place.pre:
                self.between(segment.spans[0][0])
                at = self.code(place, at)
                last = None
                continue
            self.lead_in(last, segment, place)
            self.text(segment)
            last = segment
            at += 1
        self.between(len(self.page.source), last)
        return self.writer.finish()

    def begin(self, place: Place, kind: BlockKind, level: int = 0, marks: str = "") -> None:
        """Begin a block; what follows an item of the same list stands on the next line."""
        near = (
            place.listing != 0 and place.listing == self.before.listing and self.places.starts_item(place, self.before)
        )
        first, self.rest = self.places.marks(place)
        self.writer.begin(kind, level, "\n" if near else "\n\n", first + marks)
        self.before = place

    def lead_in(self, last: Segment | None, segment: Segment, place: Place) -> None:
        """What stands between the text so far and a segment of running text."""
        start = segment.spans[0][0]
        joint = self.joint(last, segment, place)
        if joint:
            for insert in self.waiting(start):
                self.writer.replace(insert.start, insert.end, insert.text)
            if joint == "\n":
                self.writer.line(self.rest)
            elif not self.writer.gap and self.writer.at == self.end:
                self.writer.space()
            return
        leading = self.between(start, last, segment)
        if place.heading:
            level = self.heading_level(place)
            self.begin(place, "heading", level, "#" * level + " ")
        elif self.places.starts_item(place, self.before):
            self.begin(place, "list_item", place.depth)
        elif place.quotes and not place.item:
            self.begin(place, "quote", place.quotes)
        else:
            self.begin(place, "paragraph")
        for insert in leading:
            self.writer.replace(insert.start, insert.end, insert.text)

    def joint(self, last: Segment | None, segment: Segment, place: Place) -> str:
        """How a segment goes on with the block of the last one: " ", "\\n", or "" where it does not."""
        if last is None:
            return ""
        if place.heading:
            return " " if place.heading == self.before.heading else ""
        if segment.node != last.node:
            return ""
        start = segment.spans[0][0]
        between = self.page.source[self.end : start].lower()
        breaks = between.count("<br")
        if not breaks:
            return " " if self.page.names[segment.node] == "p" or _inline(between, _INLINE_NAMES) else ""
        if breaks > 1 or last.weight >= _PARAGRAPH or not _inline(between, {"br"}):
            return ""
        return "" if _INDENTED.match(self.page.source, start, min(start + 60, segment.spans[-1][1])) else "\n"

    def between(self, before: int, last: Segment | None = None, following: Segment | None = None) -> list[Insert]:
        """Write what stands before the next segment, in blocks of its own; return what belongs into its first line."""
        leading: list[Insert] = []
        source = self.page.source
        for insert in self.waiting(before):
            if insert.kind == "formula":
                if not self.end:  # before the main text, unless in its first line
                    if following and _inline(source[insert.end : before]):
                        leading.append(insert)
                    continue
                if not insert.text.startswith("$$"):
                    if (
                        last is not None
                        and not leading
                        and _inline(source[max(self.end, self.writer.at) : insert.start])
                    ):
                        self.writer.replace(insert.start, insert.end, insert.text)
                        continue
                    if following and _inline(source[insert.end : before]):
                        leading.append(insert)
                        continue
                if before == len(source):  # behind the main text
                    continue
            if leading:
                continue
            place = self.places.of(insert.node) if insert.node is not None else self.before
            self.begin(place, insert.kind)
            self.writer.replace(insert.start, insert.end, insert.text)
            last = None
        return leading

    def code(self, place: Place, at: int) -> int:
        """Preformatted text from kept segment `at` on, in a fence unless it is prose; returns what comes next."""
        page, writer = self.page, self.writer
        inside = [page.segments[self.kept[at]]]
        while at + len(inside) < len(self.kept):
            segment = page.segments[self.kept[at + len(inside)]]
            if self.places.of(segment.node).pre != place.pre:
                break
            inside.append(segment)
        source = page.source
        start, end = inside[0].spans[0][0], inside[-1].spans[-1][1]
        # the start tags of <pre> and <code> lie just before its text
        opening = source[max(writer.at, start - 400) : start].rpartition("<pre")[2]
        language = _language(page, place.pre, opening)
        total = sum(page.segments[k].weight for k in self.kept)
        prose = not language and not _CODE.search(opening) and sum(s.weight for s in inside) > total * _PROSE
        fence = ""
        if not prose:
            ticks = (
                _FENCE.findall(unescape(source[start:end]))
                if "`" in source[start:end] or "&" in source[start:end]
                else ()
            )
            fence = "`" * max([3, *(len(t) + 1 for t in ticks)])
        self.begin(place, "paragraph" if prose else "code")
        if fence:
            writer.mark(f"{fence}{language}\n{self.rest}")
        for number, segment in enumerate(inside):
            if number:
                writer.line(self.rest)
            for a, b in segment.spans:
                if a >= writer.at:
                    writer.verbatim(a, b, self.rest)
        if fence and not writer.waiting:
            writer.line(f"{self.rest}{fence}")
            writer.flush()
        self.end = end
        return at + len(inside)

    def table(self, table: Table, at: int) -> int:
        """A data table from kept segment `at` on as rows with pipes; returns what comes next."""
        page, writer = self.page, self.writer
        cells: dict[int, list[Segment]] = {}
        while at < len(self.kept):
            segment = page.segments[self.kept[at]]
            found = self.tables.of(segment.node)
            if not found or found[0] is not table:
                break
            cells.setdefault(found[1], []).append(segment)
            at += 1
        self.begin(self.places.of(table.node), "table")
        writer.escaped = True
        for number, row in enumerate(table.rows):
            if number:
                writer.mark(f"\n{self.rest}")
            if number == 1:
                writer.mark("| --- " * len(row) + f"|\n{self.rest}")
            writer.mark("|")
            for cell in row:
                writer.mark(" ")
                self.cell(cells.get(cell, ()))
                writer.mark(" |")
        writer.escaped = False
        writer.flush()
        return at

    def cell(self, segments: Sequence[Segment]) -> None:
        last: Segment | None = None
        for segment in segments:
            start = segment.spans[0][0]
            if last is not None:
                if segment.node == last.node:
                    self.writer.space("<br" in self.page.source[self.end : start].lower())
                else:
                    self.writer.mark("; ")
            for insert in self.waiting(start):
                self.writer.replace(insert.start, insert.end, insert.text)
            self.text(segment)
            last = segment


def _inline(piece: str, more: Iterable[str] = ()) -> bool:
    """Whether no tag in a piece of a page begins or ends a block, those named `more` apart."""
    return all(name not in DIVIDING or name in more for name in (t[1].lower() for t in _TAG.finditer(piece)))


def _language(page: Page, pre: int, opening: str) -> str:
    """The language that <pre>, the <code> in it or the element around it names in its class."""
    for source in (opening, page.attributes[pre], page.attributes[page.parents[pre]]):
        found = _LANGUAGE.search(source)
        if found:
            return found[1].lower()
    return ""
