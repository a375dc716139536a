"""Paragraphs and tables of a PDF to its source text, and to the text with blocks and edits.

The source text holds all that the pages show, in reading order: a line per line or row, cells divided by tabs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pipelines.extract.building import Builder, Built
from pipelines.extract.pdf.pages import Laid, laid_out
from pipelines.extract.pdf.paragraphs import Item, Paragraph, items
from pipelines.extract.pdf.spans import Page
from pipelines.extract.pdf.tables import Table
from pipelines.extract.prose import glue

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LAST = re.compile(r"[^\W\d_]+-\Z")
_FIRST = re.compile(r"[a-zß-ÿ]+")


class Piece(NamedTuple):
    """An item, or lines that are left out, with the source they take."""

    item: Item | None
    source: str
    page: int


def arranged(pages: Sequence[Page]) -> list[Piece]:
    """Everything that pages show, in order. Notes and what is left out follow the paragraph that their page ends in.

    What OCR read comes after what the same page has as text, and has no part in what is made of that: the source text
    does not depend on OCR.
    """
    laid = laid_out(pages)
    out = [
        piece for recognised in (False, True) for piece in _arranged([p for p in laid if p.recognised == recognised])
    ]
    return sorted(out, key=lambda piece: piece.page)


def _arranged(pages: Sequence[Laid]) -> list[Piece]:
    found, notes = items(pages)
    out: list[Piece] = []
    place = 0
    for page in pages:
        while place < len(found) and found[place].page <= page.number:
            out.append(Piece(found[place], _source(found[place]), page.number))
            place += 1
        out += [Piece(note, _source(note), page.number) for note in notes.get(page.number, ())]
        out += [Piece(None, text + "\n", page.number) for text in page.dropped if not page.recognised]
    return out


def _source(item: Item) -> str:
    if isinstance(item, Table):
        return "" if item.recognised else "".join("\t".join(row) + "\n" for row in item.rows)
    return "" if item.lines[0].recognised else "".join(line.text + "\n" for line in item.lines)


def source_of(pieces: Iterable[Piece]) -> str:
    return "".join(piece.source for piece in pieces)


def build(pieces: Sequence[Piece], structure: bool = True) -> Built:
    """The text without what is left out: lines joined, words that a line's end divided made whole, tables as pipes."""
    builder = Builder(source_of(pieces), structure)
    words = _words(pieces)
    at = 0
    for piece in pieces:
        if isinstance(piece.item, Table):
            _table(builder, piece.item, at, bool(piece.source))
        elif piece.item is not None:
            _paragraph(builder, piece.item, at, words, bool(piece.source))
        at += len(piece.source)
    return builder.finish()


def _words(pieces: Iterable[Piece]) -> set[str]:
    """Words with or without hyphens that stand within lines, in small letters."""
    return {
        word.lower()
        for piece in pieces
        if isinstance(piece.item, Paragraph)
        for line in piece.item.lines
        for word in _WORD.findall(line.text)
    }


def _paragraph(builder: Builder, item: Paragraph, at: int, words: set[str], sourced: bool) -> None:
    builder.block(item.kind, item.level, item.page)
    if item.kind == "code":
        _code(builder, item, at, sourced)
        return
    if item.kind == "heading":
        builder.mark("#" * item.level + " ")
    texts = [line.text for line in item.lines]
    skip = 0
    if item.kind == "list_item":
        number = texts[0][: item.marker].rstrip()
        bulleted = not any(c.isalnum() for c in number)
        builder.mark("  " * (item.level - 1) + ("- " if bulleted else ""))
        skip = item.marker if bulleted else 0
    for place, text in enumerate(texts):
        start, end = skip, len(text)
        if place + 1 < len(texts):
            joint, cut = _joint(text, texts[place + 1], words)
            end -= cut
        else:
            joint = ""
        if sourced:
            builder.copy(at + start, at + end)
        else:
            builder.insert(text[start:end])
        builder.join(joint)
        at += len(text) + 1 if sourced else 0
        skip = 0


def _code(builder: Builder, item: Paragraph, at: int, sourced: bool) -> None:
    """Lines of code as they stand, between fences; indents are told by places."""
    longest = max(map(len, re.findall("`{3,}", "\n".join(line.text for line in item.lines))), default=2)
    fence = "`" * (longest + 1)
    left = min(line.x0 for line in item.lines)
    builder.mark(fence + "\n")
    for place, line in enumerate(item.lines):
        character = (line.x1 - line.x0) / max(len(line.text), 1)
        builder.join(("\n" if place else "") + " " * min(round((line.x0 - left) / max(character, 1.0)), 80))
        if sourced:
            builder.copy(at, at + len(line.text))
            at += len(line.text) + 1
        else:
            builder.insert(line.text)
    builder.mark("\n" + fence)


def _joint(before: str, after: str, words: set[str]) -> tuple[str, int]:
    """What stands between two lines of a paragraph, and how much goes from the end of the first."""
    last, first = _LAST.search(before[-60:]), _FIRST.match(after[:60])
    if last and first:
        whole, divided = (last[0][:-1] + first[0]).lower(), (last[0] + first[0]).lower()
        return "", 0 if divided in words and whole not in words else 1
    if before.endswith("-") and len(before) > 1 and before[-2].isalnum():
        return "", 0
    return glue(before, after), 0


def _table(builder: Builder, table: Table, at: int, sourced: bool) -> None:
    builder.block("table", 0, table.page)

    def put(row: int, column: int) -> None:
        nonlocal at
        for count, part in enumerate(table.rows[row][column].split("|")):
            if count and sourced:
                builder.replace(at, at + 1, "\\|" if builder.structure else "|")
                at += 1
            elif count:
                builder.insert("\\|" if builder.structure else "|")
            if sourced:
                builder.copy(at, at + len(part))
                at += len(part)
            else:
                builder.insert(part)
        at += int(sourced)

    builder.table(list(map(len, table.rows)), put)
