"""Canonical records as text: the JSON with everything but its values replaced, and the edits that say so.

Strings of the JSON stay where they are; keys and punctuation give way to Markdown marks. So each character of the text
leads back to the field of the record that it came from.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pipelines.edits import Edit, apply_edits
from pipelines.extract.result import Block, BlockKind

MAX_DEPTH = 16
_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)")
_FENCE = re.compile(r"[ ]{0,3}(```+|~~~+)")

Path = tuple[str | int, ...]


class BadRecord(ValueError):
    """A value that no canonical record holds."""


class Layout:
    """Blocks that are written one after the other from the strings of a canonical record.

    `source` is the record's canonical JSON. A string is known by its path, such as `("turns", 0, "text")`. Write
    strings in the order in which they stand there, or their edits are wider than need be. Call `finish` last.
    """

    def __init__(self, value: Any) -> None:
        self.spans: dict[Path, tuple[int, int]] = {}
        self.sizes: dict[Path, int] = {}
        parts: list[str] = []
        self._encode(value, (), parts, 0)
        self.source = "".join(parts)
        self._replacements: list[tuple[int, int, str]] = []
        self._at = 0  # characters of the source that are settled
        self._pending = ""  # what is written in place of the characters that follow
        self._length = 0  # of the text so far, `_pending` included
        self.blocks: list[Block] = []
        self._headings: list[tuple[int, int]] = []  # level and place of those that are open

    def _encode(self, value: Any, path: Path, parts: list[str], at: int) -> int:
        """Write canonical JSON and note where each string's inside stands; returns the offset behind it."""
        if len(path) > MAX_DEPTH:
            raise BadRecord("too deep")
        if isinstance(value, dict | list):
            named = isinstance(value, dict)
            self.sizes[path] = len(value)
            opening, closing = "{}" if named else "[]"
            members = value.items() if isinstance(value, dict) else enumerate(value)
            for number, (key, each) in enumerate(members):
                start = ("," if number else opening) + (f"{_json(key)}:" if named else "")
                parts.append(start)
                at = self._encode(each, (*path, key), parts, at + len(start))
            end = closing if value else opening + closing
            parts.append(end)
            return at + len(end)
        text = _json(value)
        if isinstance(value, str) and value.strip():
            self.spans[path] = (at + 1, at + len(text) - 1)
        parts.append(text)
        return at + len(text)

    # what there is

    def has(self, *path: str | int) -> bool:
        """Whether there is a string, and not a blank one."""
        return path in self.spans

    def count(self, *path: str | int) -> int:
        return self.sizes.get(path, 0)

    def value(self, *path: str | int) -> str:
        """The string itself; empty where there is none."""
        start, end = self.spans.get(path, (0, 0))
        return _ESCAPE.sub(_unescaped, self.source[start:end])

    # writing

    def _literal(self, text: str) -> None:
        self._pending += text
        self._length += len(text)

    def _string(self, path: Path) -> str:
        """Copy a string of the source, its escapes undone; returns it."""
        start, end = self.spans[path]
        text = self.value(*path)
        if start < self._at:  # out of order: written, but not as a copy
            self._literal(text)
            return text
        self._replacements.append((self._at, start, self._pending))
        self._pending = ""
        inside = self.source[start:end]
        for match in _ESCAPE.finditer(inside):
            self._replacements.append((start + match.start(), start + match.end(), _unescaped(match)))
        self._at = end
        self._length += len(text)
        return text

    def block(self, kind: BlockKind, level: int, *pieces: str | Path) -> None:
        """One block from marks (text) and strings (paths). Strings that are not there are left out."""
        if self._length:
            close = kind == "list_item" and bool(self.blocks) and self.blocks[-1].kind == "list_item"
            self._literal("\n" if close else "\n\n")
        start = self._length
        self._write(pieces)
        self._add(kind, level, start, self._length)

    def _write(self, pieces: tuple[str | Path, ...]) -> None:
        for piece in pieces:
            if isinstance(piece, str):
                self._literal(piece)
            elif self.has(*piece):
                self._string(piece)

    def heading(self, level: int, *pieces: str | Path) -> None:
        self.block("heading", level, "#" * level + " ", *pieces)

    def paragraphs(self, path: Path, *before: str | Path) -> None:
        """A string that may have several paragraphs and code blocks, behind marks and other strings."""
        if not self.has(*path):
            return
        pieces = _pieces(self.value(*path))
        if before and pieces[0][0] == "code":  # a fence stands at the beginning of its line
            self.block("paragraph", 0, *before)
            before = ()
        if self._length:
            self._literal("\n\n")
        start = self._length
        self._write(before)
        inner = self._length
        self._string(path)
        for number, (kind, low, high) in enumerate(pieces):
            self._add(kind, 0, inner + low if number else start, inner + high)

    def _add(self, kind: BlockKind, level: int, start: int, end: int) -> None:
        if kind == "heading":
            while self._headings and self._headings[-1][0] >= level:
                self._headings.pop()
        parent = self._headings[-1][1] if self._headings else None
        if kind == "heading":
            self._headings.append((level, len(self.blocks)))
        self.blocks.append(Block(kind, level, start, end, None, parent))

    def finish(self) -> tuple[str, list[Edit], list[Block]]:
        """Text, edits over `source`, and blocks."""
        self._replacements.append((self._at, len(self.source), self._pending))
        text, edits = apply_edits(self.source, self._replacements)
        return text, edits, self.blocks


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _unescaped(match: re.Match[str]) -> str:
    return str(json.loads(f'"{match[0]}"'))


def _pieces(text: str) -> list[tuple[BlockKind, int, int]]:
    """Kind, start and end of the paragraphs and fenced code of a text; blank lines lie between."""
    out: list[tuple[BlockKind, int, int]] = []
    start, end, at, fence = -1, -1, 0, ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            end = at + len(line)
            if mark and mark[1].startswith(fence):
                out.append(("code", start, end))
                start, fence = -1, ""
        elif mark or not line.strip():
            if start >= 0:
                out.append(("paragraph", start, end))
            start, fence = (at, mark[1]) if mark else (-1, "")
            end = at + len(line)
        else:
            start = at if start < 0 else start
            end = at + len(line)
        at += len(line) + 1
    if start >= 0:
        out.append(("code" if fence else "paragraph", start, end))
    return out
