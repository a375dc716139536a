"""Formulas that a page states in TeX: MathML with `alttext` or a TeX annotation, scripts of type math/tex."""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

from pipelines.extract.markup import attributes

_LONGEST = 5_000  # characters of one formula's markup; a longer one is left out
_STYLE = re.compile(r"\{\\(?:displaystyle|textstyle)\s*(.*)\}", re.S)


class Formula(NamedTuple):
    start: int
    end: int
    text: str  # TeX between dollar signs, two where it stands alone


def formulas_of(source: str, start: int = 0, end: int | None = None) -> list[Formula]:
    """Those within `start:end`, in the order of the page, apart from each other. Time is linear in its length."""
    end = len(source) if end is None else end
    found: list[Formula] = []
    if source.find("<math", start, end) >= 0:
        found += _elements(source, "math", start, end)
    if source.find("math/tex", start, end) >= 0:
        found += _elements(source, "script", start, end)
    found.sort()
    return [f for i, f in enumerate(found) if not i or f.start >= found[i - 1].end]


def _elements(source: str, name: str, at: int, stop: int) -> list[Formula]:
    found = []
    end = -1  # of the element: the next end tag
    while (start := source.find(f"<{name}", at, stop)) >= 0:
        inner = source.find(">", start, start + _LONGEST) + 1
        if not inner:
            at = start + _LONGEST
            continue
        at = inner
        stated = attributes(source[start + len(name) + 1 : inner - 1])
        kind = stated.get("type", "").replace(" ", "").lower()
        if name == "script" and not kind.startswith("math/tex"):
            continue
        if end < inner:
            end = source.find(f"</{name}>", inner)
        if end < 0:
            break
        if end > inner + _LONGEST:
            continue
        if name == "script":
            tex, alone = source[inner:end], "mode=display" in kind
        else:
            tex = stated.get("alttext") or _annotation(source, inner, end)
            alone = stated.get("display", "").lower() == "block"
        at = end + len(name) + 3
        tex = _tidy(tex)
        if tex:
            found.append(Formula(start, at, f"$${tex}$$" if alone else f"${tex}$"))
    return found


def _annotation(source: str, at: int, end: int) -> str:
    """The content of a TeX annotation."""
    while (at := source.find("<annotation", at, end)) >= 0:
        inner = source.find(">", at, end) + 1
        if not inner:
            break
        if "application/x-tex" in source[at:inner]:
            return unescape(source[inner : max(inner, source.find("<", inner, end))])
        at = inner
    return ""


def _tidy(tex: str) -> str:
    tex = " ".join(tex.replace("\x00", "").split())
    style = _STYLE.fullmatch(tex)
    return (style[1] if style else tex).strip().strip("$")
