"""Text put together from pieces of a page in their order, with its edits and blocks.

White space collapses as in a browser. Marks (of lists, headings, tables …) are text that the page does not have.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

from pipelines.edits import Edit, normalise
from pipelines.extract.building import parents_of
from pipelines.extract.result import Block, BlockKind

_ENTITY = r"(?P<entity>&(?:\#[0-9]{1,8};?|\#[xX][0-9a-fA-F]{1,8};?|[a-zA-Z][a-zA-Z0-9]{1,31}+;?))"
_SPACE = r"(?:[^\S ]|&(?:nbsp|ensp|emsp|thinsp|\#160|\#[xX][aA]0|\#12288|\#x3000|NewLine|Tab|\#10|\#13|\#9|\#32);)"
_SPECIAL = re.compile(
    rf"(?P<space>(?:\ *+{_SPACE}|\ \ )(?:\ |{_SPACE})*)|{_ENTITY}|(?P<control>[\x00-\x08\x0e-\x1f\x7f]+)", re.X
)
_SPECIAL_IN_CELL = re.compile(rf"{_SPECIAL.pattern}|(?P<pipe>\|)", re.X)
_PRE = re.compile(rf"{_ENTITY}|(?P<control>[\x00-\x08\x0b-\x1f\x7f]+)", re.X)
# Between two of these a line break of the source is no space (CSS Text 3, segment break transformation rules).
_IDEOGRAPHIC = re.compile("[\u2e80-\u30ff\u31c0-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")


class Written(NamedTuple):
    text: str
    edits: list[Edit]  # from the page to `text`
    blocks: list[Block]


class Writer:
    """Collects text copied from the page and text put in its place."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0  # everything of the page before this is copied or replaced
        self.length = 0
        self.gap = (
            ""  # what stands between the text so far and the next character; "\r": a space, unless ideographs meet
        )
        self.escaped = False  # "|" gets a backslash
        self._parts: list[str] = []
        self._edits: list[Edit] = []
        self._begun: list[tuple[BlockKind, int, int]] = []  # blocks: kind, level, start
        self._ends: list[int] = []
        self._opened: tuple[BlockKind, int] | None = None
        self._fresh = True  # nothing of the current line is written yet

    @property
    def waiting(self) -> bool:
        """Whether the block that was begun has no character yet."""
        return self._opened is not None

    def begin(self, kind: BlockKind, level: int, separator: str, marks: str = "") -> None:
        """Begin a block with the next character; `separator` divides it from the one before, `marks` lead it in."""
        self._end()
        self.gap = separator + marks if self._parts else marks
        self._fresh = True
        self._opened = (kind, level)

    def line(self, marks: str) -> None:
        """A line break within the block; a space that is due goes."""
        if self._opened is not None:
            return
        self.gap = "\n" + marks
        self._fresh = True

    def mark(self, text: str) -> None:
        """Marks in front of what comes next; a space that is due goes."""
        self.gap = (self.gap if self.gap not in (" ", "\r") else "") + text

    def flush(self) -> None:
        """Write the marks that are due now."""
        if self.gap:
            self._put(self.at, self.at, "", True)

    def space(self, broken: bool = False) -> None:
        if self._parts and (not self.gap or (broken and self.gap == " ")):
            self.gap = "\r" if broken else " "

    def replace(self, start: int, end: int, new: str) -> None:
        self._put(start, end, new, False)

    def flow(self, start: int, end: int) -> None:
        """A piece of running text: entities decoded, white space collapsed."""
        source = self.source
        piece = source[start:end]
        if piece.isprintable() and "&" not in piece and "  " not in piece and not (self.escaped and "|" in piece):
            if piece:
                self._words(start, end)
            return
        at = start
        for found in (_SPECIAL_IN_CELL if self.escaped else _SPECIAL).finditer(source, start, end):
            here, there = found.span()
            kind = found.lastgroup
            if kind == "entity":
                text = unescape(found[0])
                if text == found[0]:
                    continue
            if at < here:
                self._words(at, here)
            at = there
            if kind == "space":
                self.space("\n" in found[0] or "\r" in found[0])
            elif kind == "entity":
                if text.isspace():
                    self.space()
                elif text:
                    self.replace(here, there, text.replace("|", "\\|") if self.escaped else text)
            elif kind == "pipe":
                self.replace(here, there, "\\|")
        if at < end:
            self._words(at, end)

    def verbatim(self, start: int, end: int, marks: str = "") -> None:
        """A piece of preformatted text; `marks` lead in each of its lines but the first, and blank borders wait."""
        source = self.source
        at = start
        for found in _PRE.finditer(source, start, end):
            here, there = found.span()
            text = unescape(found[0]) if found.lastgroup == "entity" else ""
            if text == found[0]:
                continue
            self._lines(at, here, marks)
            at = there
            if text.isspace():
                self._white(" " if text == "\xa0" else text, marks)
            elif text:
                self.replace(here, there, text)
        self._lines(at, end, marks)

    def finish(self) -> Written:
        self._end()
        if self.at < len(self.source):
            self._edits.append(Edit(self.at, len(self.source), 0))
        return Written("".join(self._parts), normalise(self._edits), self._blocks())

    def _blocks(self) -> list[Block]:
        above = parents_of(level if kind == "heading" else 0 for kind, level, _ in self._begun)
        return [
            Block(kind, level, start, end, None, parent)
            for (kind, level, start), end, parent in zip(self._begun, self._ends, above, strict=True)
        ]

    def _end(self) -> None:
        if self._opened is None and len(self._ends) < len(self._begun):
            self._ends.append(self.length)
        self._opened = None

    def _put(self, start: int, end: int, text: str, same: bool) -> None:
        gap = self.gap
        if gap == "\r":
            wide = _IDEOGRAPHIC.match(text) and _IDEOGRAPHIC.match(self._parts[-1][-1])
            gap = "" if wide else " "
        self.gap = ""
        self._fresh = False
        if self._opened is not None:
            kind, level = self._opened
            self._begun.append((kind, level, self.length + len(gap) - len(gap.lstrip())))
            self._opened = None
        if self.source[self.at : start] != gap:
            self._edits.append(Edit(self.at, start, len(gap)))
        if gap:
            self._parts.append(gap)
            self.length += len(gap)
        if not same:
            self._edits.append(Edit(start, end, len(text)))
        if text:
            self._parts.append(text)
            self.length += len(text)
        self.at = end

    def _words(self, start: int, end: int) -> None:
        """Copy a piece without the spaces at its borders: what stands beside it may go."""
        source = self.source
        first, last = start, end
        if source[first] == " ":
            first += 1  # the expression leaves single spaces only
            self.space()
        if last > first and source[last - 1] == " ":
            last -= 1
        if first < last:
            self._put(first, last, source[first:last], True)
        if last < end:
            self.space()

    def _lines(self, start: int, end: int, marks: str) -> None:
        source = self.source
        text = source[start:end]
        stripped = text.lstrip()
        lead = len(text) - len(stripped)
        if lead:
            self._white(text[:lead], marks)
        if not stripped:
            return
        inner = stripped.rstrip()
        at = start + lead
        for number, line in enumerate(inner.split("\n") if marks else (inner,)):
            if number:
                self._break(marks)
            if line:
                self._put(at, at + len(line), line, True)
            at += len(line) + 1
        if len(inner) < len(stripped):
            self._white(stripped[len(inner) :], marks)

    def _white(self, white: str, marks: str) -> None:
        if not self._parts and not self.gap:
            return
        breaks = 0 if self._fresh else white.count("\n")
        for _ in range(breaks):
            self._break(marks)
        self.gap += white[white.rfind("\n") + 1 :]

    def _break(self, marks: str) -> None:
        if marks and self.gap.endswith("\n" + marks):
            self.gap = self.gap[: -len(marks)] + marks.rstrip()
        self.gap += "\n" + marks
