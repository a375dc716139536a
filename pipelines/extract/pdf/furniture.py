"""What stands on page after page and belongs to none: headers, footers, page numbers, watermarks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from pipelines.extract.pdf.lines import rows, text_of
from pipelines.extract.pdf.spans import Page, Span

ZONE = 0.14  # of a page's height, at its top and its bottom
ROWS = 4  # in each zone, the outermost ones
SAME_PLACE = 4.0  # points
_NUMBER = re.compile(r"\d{1,6}")
_EDGE = re.compile(r"(\d{1,5})\b(?![.,]\d).{0,200}\Z|.{0,200}[^\d.,](\d{1,5})\Z")
_ROMAN = re.compile(r"[-–—\s]*(?=[ivxlc])(c{0,3})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})[-–—\s]*")
_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_PAGE_NUMBER = re.compile(
    r"[\s\-–—·•|/~<>\[\]()]*(?:(?:page|p\.|pp\.|第|页码)[\s:：]*)?#\s*(?:页)?(?:\s*(?:of|/|／|共|,|，|\|)+\s*(?:共|第)?\s*#\s*页?)?"
    r"[\s\-–—·•|/~<>\[\]()]*",
    re.I,
)
_SURELY = re.compile(r"page|第.{0,3}页|[-–—]\s*#\s*[-–—]|#\s*(?:of|/)\s*#", re.I)


class _Row(NamedTuple):
    page: int  # place in the list of pages
    y: float  # of its middle, from the top or from the bottom
    numbers: tuple[int, ...]
    spans: list[Span]
    zone: str = ""
    place: int = 0  # in its zone, from 0 at the page's edge


def furniture(pages: Sequence[Page]) -> list[set[int]]:
    """For each page the places of the pieces (in `spans`) that are no part of the text."""
    out: list[set[int]] = [set() for _ in pages]
    for found in (*_zones(pages), *_watermarks(pages)):
        here = {id(span) for span in found.spans}
        out[found.page] |= {at for at, span in enumerate(pages[found.page].spans) if id(span) in here}
    return out


def _zones(pages: Sequence[Page]) -> list[_Row]:
    groups: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    counted: dict[tuple[str, int], list[_Row]] = defaultdict(list)
    for number, page in enumerate(pages):
        found = rows(page.spans)
        for zone, outer in (("top", found[:ROWS]), ("bottom", found[-ROWS:][::-1])):
            for place, row in enumerate(outer):
                middle = sum(s.y0 + s.y1 for s in row) / (2 * len(row))
                y = middle if zone == "top" else page.height - middle
                if y > ZONE * page.height:
                    continue
                text = text_of(row)
                roman = _ROMAN.fullmatch(text)
                if roman:
                    groups[zone, "# roman"].append(
                        _Row(number, y, (_value("".join(roman.groups())),), row, zone, place)
                    )
                    continue
                numbers = tuple(int(n) for n in _NUMBER.findall(text))
                groups[zone, _NUMBER.sub("#", text)].append(_Row(number, y, numbers, row, zone, place))
                if place == 0 and (edge := _EDGE.match(text)):
                    counted[zone, int(edge[1] or edge[2]) - number].append(_Row(number, y, numbers, row, zone, place))
    # Whatever they say, outermost lines at one height count the pages if they begin or end with the page's number.
    out = [row for group in counted.values() for rows_ in _clusters(group) if len(rows_) >= 3 for row in rows_]
    for (_, pattern), group in sorted(groups.items(), key=lambda g: g[0]):
        for cluster in _clusters(group):
            out += _repeated(cluster, pattern, len(pages))
    return _from_the_edge(out)


def _from_the_edge(found: list[_Row]) -> list[_Row]:
    """Rows with nothing but such rows between them and the edge: what stands within the text is text."""
    places = {(row.page, row.zone, row.place) for row in found}
    return [row for row in found if all((row.page, row.zone, at) in places for at in range(row.place))]


def _value(roman: str) -> int:
    """The value of a Roman numeral in small letters."""
    values = [_DIGITS[c] for c in roman]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def _clusters(group: list[_Row]) -> list[list[_Row]]:
    """Rows at the same height."""
    out: list[list[_Row]] = []
    for row in sorted(group, key=lambda r: (r.y, r.page)):
        if out and row.y - out[-1][-1].y <= SAME_PLACE:
            out[-1].append(row)
        else:
            out.append([row])
    return out


def _repeated(cluster: list[_Row], pattern: str, pages: int) -> list[_Row]:
    """The rows of a cluster that repeat: the same text, or numbers that count the pages."""
    counts_pages = pattern == "# roman" or bool(_PAGE_NUMBER.fullmatch(pattern))
    if counts_pages and _SURELY.search(pattern):
        return cluster
    needed = 2 if pages <= 3 or counts_pages else 3
    if len(cluster) < needed:
        return []
    same: dict[tuple[int | None, ...], list[_Row]] = defaultdict(list)
    for row in cluster:  # a number that counts pages keeps its distance to the page's own number
        same[tuple(n - row.page for n in row.numbers)].append(row)
        if row.numbers:
            for place in range(len(row.numbers)):
                key = [*row.numbers[:place], row.numbers[place] - row.page, *row.numbers[place + 1 :]]
                same[(None, place, *key)].append(row)
            same[None, None, *row.numbers].append(row)
    kept = {id(row) for rows_ in same.values() if len(rows_) >= needed for row in rows_}
    return [row for row in cluster if id(row) in kept]


def _watermarks(pages: Sequence[Page]) -> list[_Row]:
    """Large text at the same place on at least half of the pages, wherever it stands."""
    sizes = [span.size for page in pages for span in page.spans[:200]]
    if len(pages) < 3 or not sizes:
        return []
    large = 1.4 * median(sizes)
    groups: dict[tuple[str, int, int], list[_Row]] = defaultdict(list)
    for number, page in enumerate(pages):
        for span in page.spans:
            if span.size >= large:
                key = (span.text, round(span.x0 / SAME_PLACE), round(span.y0 / SAME_PLACE))
                groups[key].append(_Row(number, span.y0, (), [span]))
    needed = max(3, len(pages) / 2)
    return [row for group in groups.values() if len({r.page for r in group}) >= needed for row in group]
