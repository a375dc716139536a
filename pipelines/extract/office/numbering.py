"""Numbers that a word processor makes up: of lists and of headings (ECMA-376 part 1, 17.9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HAN = "零一二三四五六七八九"
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_CHINESE = ("chineseCounting", "chineseCountingThousand", "chineseLegalSimplified", "japaneseCounting",
            "taiwaneseCounting", "taiwaneseCountingThousand", "ideographDigital")  # fmt: skip
LEVELS = 9


class Level(NamedTuple):
    format: str  # w:numFmt
    text: str  # such as "%1.%2"
    start: int


class Numbering:
    """Counters of all lists of a document, in the order of its paragraphs."""

    def __init__(self, root: Any | None) -> None:
        abstract: dict[str, dict[int, Level]] = {}
        self._levels: dict[str, Mapping[int, Level]] = {}
        self._abstract: dict[str, str] = {}
        self._counters: dict[str, list[int | None]] = {}
        if root is None:
            return
        for each in root.iter(f"{W}abstractNum"):
            abstract[each.get(f"{W}abstractNumId", "")] = dict(_level(lvl) for lvl in each.iter(f"{W}lvl"))
        for each in root.iter(f"{W}num"):
            name = each.get(f"{W}numId", "")
            of = each.find(f"{W}abstractNumId")
            self._abstract[name] = of.get(f"{W}val", "") if of is not None else name
            own = dict(_level(lvl) for lvl in each.iter(f"{W}lvl"))
            self._levels[name] = {**abstract.get(self._abstract[name], {}), **own}

    def next(self, number: str, depth: int) -> str | None:
        """What stands before the next paragraph of a list at `depth` (from 0): "-" for a bullet, None without one."""
        level = self._levels.get(number, {}).get(depth)
        if level is None or level.format == "none":
            return None
        if level.format == "bullet":
            return "-"
        counters = self._counters.setdefault(self._abstract[number], [None] * LEVELS)
        before = counters[depth]
        counters[depth] = level.start if before is None else before + 1
        counters[depth + 1 :] = [None] * (LEVELS - depth - 1)

        def value(found: re.Match[str]) -> str:
            at = int(found[1]) - 1
            of = self._levels[number].get(at, level)
            count = counters[at] if at <= depth else None
            return formatted(of.start if count is None else count, of.format)

        return re.sub("%([1-9])", value, level.text).strip() or None


def _level(element: Any) -> tuple[int, Level]:
    def said(name: str, default: str) -> str:
        found = element.find(f"{W}{name}")
        return str(found.get(f"{W}val", default)) if found is not None else default

    depth = integer(element.get(f"{W}ilvl"), 0)
    return depth, Level(
        said("numFmt", "decimal"), said("lvlText", f"%{depth + 1}.")[:40], integer(said("start", "1"), 1)
    )


def integer(text: str | None, default: int) -> int:
    """A number that may be anything."""
    return int(text) if text and re.fullmatch(r"-?[0-9]{1,6}", text) else default


def formatted(number: int, style: str) -> str:
    """A number in the style of w:numFmt; styles of other scripts are written in digits."""
    if number > 0 and style in ("lowerLetter", "upperLetter") and number <= 26 * 20:
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if style == "upperLetter" else letter
    if style in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        return roman(number).upper() if style == "upperRoman" else roman(number)
    if style in _CHINESE and 0 <= number < 10_000:
        return chinese(number)
    if style.startswith("decimalEnclosedCircle") and 0 < number <= 20:
        return chr(0x2460 + number - 1)
    return str(number)


def roman(number: int) -> str:
    out = ""
    for value, letters in _ROMAN:
        out += letters * (number // value)
        number %= value
    return out


def chinese(number: int) -> str:
    """0–9999 in Chinese numerals, 12 as 十二."""
    out = ""
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            out += _HAN[digit] + name
        elif out and number and not out.endswith("零"):
            out += "零"
    return (out[1:] if out.startswith("一十") else out) or "零"
