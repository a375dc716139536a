"""What paragraph styles mean: headings with levels, lists, quotations, tables of contents (ECMA-376 part 1, 17.7)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pipelines.extract.office.numbering import W, integer

#: Names of heading styles; Word writes the English ones whatever its language, other programs do not.
_HEADING = re.compile(
    r"(?:heading|标题|標題|見出し|제목|überschrift|titre|título|titolo|заголовок|kop|rubrik)\s{0,3}([1-9])\b", re.I
)
_TITLE = ("title", "标题", "標題", "文档标题")
_QUOTE = re.compile(r"(?:intense )?quote|(?:明显)?引用", re.I)
_CONTENTS = re.compile(r"(?:toc|目录|目錄)(?:\s{0,3}[1-9]|\s{1,3}heading|标题)?|table of (?:figures|contents)", re.I)


class Style(NamedTuple):
    heading: int = 0  # 1–6, 0: none
    quote: bool = False
    contents: bool = False  # an entry of a table of contents
    number: str | None = None  # numId
    depth: int = 0
    hidden: bool = False


def styles(root: Any | None) -> dict[str, Style]:
    """Style id → meaning, that of the styles it is based on included."""
    if root is None:
        return {}
    elements = {each.get(f"{W}styleId", ""): each for each in root.iter(f"{W}style")}
    return {name: _style(name, elements) for name in elements}


def _style(name: str, elements: dict[str, Any]) -> Style:
    found = Style()
    seen: set[str] = set()
    while name in elements and name not in seen and len(seen) < 20:
        seen.add(name)
        element = elements[name]
        said = _said(element)
        found = Style(
            found.heading or said.heading,
            found.quote or said.quote,
            found.contents or said.contents,
            found.number if found.number is not None else said.number,
            found.depth or said.depth,
            found.hidden or said.hidden,
        )
        based = element.find(f"{W}basedOn")
        name = based.get(f"{W}val", "") if based is not None else ""
    return found


def _said(element: Any) -> Style:
    label = element.find(f"{W}name")
    name = " ".join((label.get(f"{W}val", "") if label is not None else "").split())
    heading = _HEADING.fullmatch(name)
    level = int(heading[1]) if heading else int(name.lower() in _TITLE)
    properties = element.find(f"{W}pPr")
    number, depth = list_of(properties)
    vanish = element.find(f"{W}rPr/{W}vanish")
    return Style(
        min(level or outline(properties), 6),
        bool(_QUOTE.fullmatch(name)),
        bool(_CONTENTS.fullmatch(name)),
        number,
        depth,
        vanish is not None and vanish.get(f"{W}val", "1") not in ("0", "false"),
    )


def outline(properties: Any | None) -> int:
    """The level of a paragraph in the outline, from 1; 0 for body text."""
    found = properties.find(f"{W}outlineLvl") if properties is not None else None
    level = integer(found.get(f"{W}val"), 9) if found is not None else 9
    return level + 1 if 0 <= level < 9 else 0


def list_of(properties: Any | None) -> tuple[str | None, int]:
    """Id of the list that a paragraph belongs to ("0": expressly none) and its depth in it from 0."""
    found = properties.find(f"{W}numPr") if properties is not None else None
    if found is None:
        return None, 0
    number, depth = found.find(f"{W}numId"), found.find(f"{W}ilvl")
    level = integer(depth.get(f"{W}val"), 0) if depth is not None else 0
    return (number.get(f"{W}val") if number is not None else None), min(max(level, 0), 8)
