"""Kept segments to text and the edits that lead there from the decoded page."""

from __future__ import annotations

import re
from html import unescape

from pipelines.edits import Edit, normalise
from pipelines.extract.tree import Page

_SPACE = r"(?:[^\S ]|&(?:nbsp|ensp|emsp|thinsp|\#160|\#[xX][aA]0|\#12288|\#x3000|NewLine|Tab|\#10|\#13|\#9|\#32);)"
_SPECIAL = re.compile(
    rf"(?P<space>(?:\ *+{_SPACE}|\ \ )(?:\ |{_SPACE})*)"
    r"|(?P<entity>&(?:\#[0-9]{1,8};?|\#[xX][0-9a-fA-F]{1,8};?|[a-zA-Z][a-zA-Z0-9]{1,31}+;?))"
    r"|(?P<control>[\x00-\x08\x0e-\x1f\x7f]+)",
    re.X,
)
_PRE = re.compile(
    r"(?P<entity>&(?:\#[0-9]{1,8};?|\#[xX][0-9a-fA-F]{1,8};?|[a-zA-Z][a-zA-Z0-9]{1,31}+;?))"
    r"|(?P<control>[\x00-\x08\x0b-\x1f\x7f]+)",
    re.X,
)
# Between two of these a line break of the source is no space (CSS Text 3, segment break transformation rules).
_IDEOGRAPHIC = re.compile("[\u2e80-\u30ff\u31c0-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")


class Writer:
    """Collects text copied from the page and text put in its place."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.parts: list[str] = []
        self.edits: list[Edit] = []
        self.at = 0  # everything of the page before this is copied or replaced
        self.gap = ""  # what stands between the text so far and the next character

    def break_with(self, separator: str) -> None:
        self.gap = separator if self.parts else ""

    def space(self, broken: bool) -> None:
        if self.parts and (not self.gap or (broken and self.gap == " ")):
            self.gap = "\r" if broken else " "  # "\r" stands for a space that vanishes between ideographs

    def copy(self, start: int, end: int) -> None:
        self._put(start, end, self.source[start:end], True)

    def replace(self, start: int, end: int, new: str) -> None:
        self._put(start, end, new, False)

    def _put(self, start: int, end: int, text: str, same: bool) -> None:
        gap = self.gap
        if gap == "\r":
            wide = _IDEOGRAPHIC.match(text) and _IDEOGRAPHIC.match(self.parts[-1][-1])
            gap = "" if wide else " "
        self.gap = ""
        if self.source[self.at : start] != gap:
            self.edits.append(Edit(self.at, start, len(gap)))
        if gap:
            self.parts.append(gap)
        if not same:
            self.edits.append(Edit(start, end, len(text)))
        self.parts.append(text)
        self.at = end

    def finish(self) -> tuple[str, list[Edit]]:
        if self.at < len(self.source):
            self.edits.append(Edit(self.at, len(self.source), 0))
        return "".join(self.parts), normalise(self.edits)


def render(page: Page, kept: list[int]) -> tuple[str, list[Edit]]:
    """Text of the segments `kept`, one block per line, cells of a table row divided by tabs; and its edits."""
    writer = Writer(page.source)
    pre = _preformatted(page)
    before = -1
    for k in kept:
        segment = page.segments[k]
        cell = _cell(page, segment.node)
        writer.break_with("\t" if cell >= 0 and cell == before else "\n")
        before = cell
        for start, end in segment.spans:
            if pre[segment.node]:
                _verbatim(writer, start, end)
            else:
                _flow(writer, start, end)
    return writer.finish()


def _preformatted(page: Page) -> list[bool]:
    pre = [False] * len(page.names)
    for i in range(1, len(pre)):
        pre[i] = pre[page.parents[i]] or page.names[i] in ("pre", "listing")
    return pre


def _cell(page: Page, node: int) -> int:
    """The row of a table that a segment directly in a cell belongs to, else -1."""
    if page.names[node] in ("td", "th"):
        return page.parents[node]
    return -1


def _flow(writer: Writer, start: int, end: int) -> None:
    source = writer.source
    at = start
    for found in _SPECIAL.finditer(source, start, end):
        here, there = found.span()
        kind = found.lastgroup
        if kind == "entity":
            text = unescape(found[0])
            if text == found[0]:
                continue
        _words(writer, at, here)
        at = there
        if kind == "space":
            writer.space("\n" in found[0] or "\r" in found[0])
        elif kind == "entity":
            if text.isspace():
                writer.space(False)
            elif text:
                writer.replace(here, there, text)
    _words(writer, at, end)


def _words(writer: Writer, start: int, end: int) -> None:
    """Copy a piece without the spaces at its borders: what stands beside it may go."""
    source = writer.source
    first, last = start, end
    while first < last and source[first] == " ":
        first += 1
    while first < last and source[last - 1] == " ":
        last -= 1
    if first > start:
        writer.space(False)
    if first < last:
        writer.copy(first, last)
    if last < end:
        writer.space(False)


def _verbatim(writer: Writer, start: int, end: int) -> None:
    """Preformatted text: white space stays, except that lines end with "\\n" and blank borders go."""
    source = writer.source
    at = start
    for found in _PRE.finditer(source, start, end):
        here, there = found.span()
        text = unescape(found[0]) if found.lastgroup == "entity" else ""
        if text == found[0]:
            continue
        _lines(writer, at, here)
        at = there
        if text.isspace():
            _gap(writer, " " if text == "\xa0" else text)
        elif text:
            writer.replace(here, there, text)
    _lines(writer, at, end)


def _lines(writer: Writer, start: int, end: int) -> None:
    source = writer.source
    text = source[start:end]
    stripped = text.lstrip("\n \t")
    lead = len(text) - len(stripped)
    if lead:
        _gap(writer, text[:lead])
    if not stripped:
        return
    inner = stripped.rstrip("\n \t")
    writer.copy(start + lead, start + lead + len(inner))
    if len(inner) < len(stripped):
        _gap(writer, stripped[len(inner) :])


def _gap(writer: Writer, white: str) -> None:
    if writer.parts:
        before = "" if writer.gap == "\r" else writer.gap
        writer.gap = before + (white.lstrip("\n") if before.startswith("\n") and not before.strip("\n") else white)
