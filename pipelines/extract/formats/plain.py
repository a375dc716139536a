"""Plain text: paragraphs, headings and list items told by blank lines, numbers and the width of lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipelines.extract.building import Builder, Built
from pipelines.extract.decode import Undecodable
from pipelines.extract.prose import bullet, ends_sentence, glue, is_contents_line, numbering, ordered, width
from pipelines.extract.result import Extracted
from pipelines.extract.textfile import decoded, refusal, too_little
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

_LINE = re.compile(r"[^\r\n\x0b\x0c\x85\u2028\u2029]+|\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_RULER = re.compile(r"([=\-~_*#+])\1{2,}\s*\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufeff]+")
MAX_HEADING = 60  # characters
MIN_WRAP, MAX_WRAP = 40, 132  # columns at which editors wrap lines


class Line(NamedTuple):
    """Where a line stands, white space at its borders aside, and the width of its indent in columns."""

    start: int
    end: int
    indent: int
    text: str


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """The decoded file. Raises Undecodable."""
    return decoded(body, content_type, max_bytes).text


def read(body: bytes, content_type: str | None, params: ExtractParams, url: str | None = None) -> Extracted | Verdict:
    """Paragraphs, headings and list items of a text file."""
    try:
        found = decoded(body, content_type, params.max_page_bytes)
    except Undecodable as error:
        return refusal(error, params)
    built = build(found.text, params.structure)
    verdict = too_little(built, params)
    if verdict:
        return verdict
    title = next((built.text[b.start : b.end].lstrip("# ") for b in built.blocks if b.kind == "heading"), None)
    return Extracted(title, built.text, found.charset, None, 1.0, built.edits, kind="plain", blocks=built.blocks)


def build(source: str, structure: bool = True) -> Built:
    """Blocks of a text."""
    builder = Builder(source, structure)
    groups = _groups(source)
    levels = _heading_levels(groups)
    for group in groups:
        _group(builder, group, levels)
    return builder.finish()


def _groups(source: str) -> list[list[Line]]:
    """Lines between blank ones."""
    groups: list[list[Line]] = [[]]
    blank = True
    for found in _LINE.finditer(source):
        raw = found[0]
        if raw[0] in "\r\n\x0b\x0c\x85\u2028\u2029":
            if blank and groups[-1]:
                groups.append([])
            blank = True
            continue
        text = raw.strip().strip("\x00\ufeff").strip()
        if text:
            start = found.start() + raw.index(text)
            indent = width(raw[: start - found.start()].expandtabs(4))
            groups[-1].append(Line(start, start + len(text), indent, text))
            blank = False
    return [g for g in groups if g]


def _is_wrapped(group: Sequence[Line]) -> bool:
    """Whether an editor broke a paragraph into lines of about one width."""
    inner = [width(line.text) + line.indent for line in group[:-1]]
    if not inner or not MIN_WRAP <= max(inner) <= MAX_WRAP:
        return False
    ends = sum(ends_sentence(line.text) for line in group[:-1])
    return sum(w >= max(inner) * 0.75 for w in inner) >= 0.8 * len(inner) and ends <= 0.5 * len(inner)


def _heading(group: Sequence[Line], at: int) -> tuple[str, int] | None:
    """Family and depth of the heading that stands on line `at`, None where it is none."""
    line = group[at]
    text = line.text
    if len(text) > MAX_HEADING or is_contents_line(text):
        return None
    number = numbering(text)
    alone = len(group) == 1 or (len(group) == 2 and at == 0 and bool(_RULER.match(group[1].text)))
    ruled = at + 1 < len(group) and _is_underline(group[at + 1].text, text)
    if ruled:
        return ("ruled " + group[at + 1].text[0], 1)
    if ends_sentence(text):
        return None
    if number and number.family == "chapter":
        return (number.family, number.depth)
    if number and _title_like(text) and (alone or (number.family == "decimal" and number.depth > 1)):
        return (number.family, number.depth)
    if alone and text.isupper() and len(text) > 3 and not line.indent:
        return ("capitals", 1)
    return None


def _title_like(text: str) -> bool:
    """`1. Introduction` but not `1. buy milk, bread and butter`."""
    rest = text.lstrip("0123456789.．、()（）一二三四五六七八九十 \t")
    return len(rest) <= 40 and (not rest[:1].isalpha() or not rest[:1].islower()) and not set(rest) & set(",，;；:：")


def _is_underline(ruler: str, text: str) -> bool:
    found = _RULER.match(ruler)
    return bool(found) and ruler[0] in "=-~#*+" and len(ruler) >= 0.6 * width(text) and not _RULER.match(text)


def _heading_levels(groups: Sequence[Sequence[Line]]) -> dict[tuple[str, int], int]:
    """Level of each way of numbering that occurs: chapters above decimals above Chinese numerals."""
    found = {h for group in groups for at in range(len(group)) if (h := _heading(group, at))}
    families = (
        "ruled =",
        "ruled #",
        "ruled *",
        "chapter",
        "capitals",
        "ruled -",
        "ruled ~",
        "ruled +",
        "han",
        "decimal",
    )
    ranked = sorted(found, key=lambda h: (families.index(h[0]), h[1]))
    return {h: min(level, 6) for level, h in enumerate(ranked, 1)}


def _group(builder: Builder, group: Sequence[Line], levels: dict[tuple[str, int], int]) -> None:
    body = [line for at, line in enumerate(group) if not _heading(group, at) and not _RULER.match(line.text)]
    joined = bool(body) and (_is_hanging(body) or _is_wrapped(body))
    before: Line | None = None
    for at, line in enumerate(group):
        if _RULER.match(line.text):
            before = None
            continue
        heading = _heading(group, at)
        if heading:
            builder.block("heading", levels[heading])
            builder.mark("#" * levels[heading] + " ")
            _copy(builder, line)
            before = None
            continue
        listed = bullet(line.text) or ordered(line.text)
        if listed:
            builder.block("list_item", 1 + min(line.indent, 40) // 4)
        elif before is None or _parts(before, line, joined):
            builder.block("paragraph")
        else:
            builder.join(glue(before.text, line.text) if joined or line.indent > before.indent else "\n")
        _item(builder, line)
        before = line


def _parts(before: Line, line: Line, joined: bool) -> bool:
    """Whether a paragraph ends between two lines; short lines without final marks are verse or an address."""
    if (bullet(before.text) or ordered(before.text)) and line.indent > before.indent:
        return False
    if joined:
        return line.indent >= before.indent + 2 and ends_sentence(before.text)
    return ends_sentence(before.text) or line.indent > before.indent or width(before.text) > MIN_WRAP


def _is_hanging(group: Sequence[Line]) -> bool:
    """A list item whose further lines are indented under its text."""
    first = group[0]
    return bool(bullet(first.text) or ordered(first.text)) and all(line.indent > first.indent for line in group[1:])


def _item(builder: Builder, line: Line) -> None:
    length = bullet(line.text)
    if length and line.text[0] not in "-*+":
        builder.mark("- ")
        line = Line(line.start + length, line.end, line.indent, line.text[length:])
    _copy(builder, line)


def _copy(builder: Builder, line: Line) -> None:
    at = 0
    for found in _CONTROL.finditer(line.text):
        builder.copy(line.start + at, line.start + found.start())
        at = found.end()
    builder.copy(line.start + at, line.end)
