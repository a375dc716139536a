"""Where a page says who wrote it and when: the lines around its heading, before and after its main text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from pipelines.extract.markup import words
from pipelines.extract.tree import Page, Segment

_BEFORE, _AFTER = 8, 8  # lines beside the heading and beside the beginning of the main text
_BEGINNING = 12  # lines of the main text
_REACH = 40  # lines between the heading and the main text
_INSIDE, _BEHIND = 6, 8  # lines of the main text's end, and after it
_LINE = 400  # characters of a line that are looked at
_MARKUP = 12_000  # characters of markup
_LEAD = 400  # characters of markup before the first line: the tags it stands in
_HEADINGS = words("h1 h2 h3")


@dataclass(frozen=True, slots=True)
class Around:
    """Lines of text, one per segment. `heading`: place of the page's heading in `head`, or of the text's beginning.

    `markup` is the source around the heading, with what inline elements state in their attributes.
    """

    head: list[str]
    heading: int
    tail: list[str]
    markup: str


def around(page: Page, kept: Sequence[int], title: str | None = None) -> Around:
    """The surroundings of the main text, given by the places of its segments; bounded, whatever the page's size.

    The heading is the nearest one that reads like the title, else the nearest h1, else the nearest at all.
    """
    segments = page.segments
    if not kept:
        return Around([], 0, [], "")
    first, last = kept[0], kept[-1]
    lines: dict[int, str] = {}

    def line(at: int) -> str:
        if at not in lines:
            lines[at] = _line(page, segments[at])
        return lines[at]

    start, stop = max(first - _BEFORE, 0), min(first + _AFTER, len(segments))
    up = [at for at in range(start - 1, max(start - _REACH, 0) - 1, -1) if page.names[segments[at].node] in _HEADINGS]
    inside = [at for at in range(stop - 1, start - 1, -1) if page.names[segments[at].node] in _HEADINGS]
    near = (*range(stop - 1, start - 1, -1), *up) if title else ()
    heading = next((at for at in near if line(at) == title), None)
    if heading is None:
        heading = next((at for at in near if _most_of(line(at), title)), None)
    if heading is None:
        heads = inside or up
        heading = next((at for at in heads if page.names[segments[at].node] == "h1"), heads[0] if heads else first)
    if heading < start:
        chosen = [*range(max(heading - _BEFORE, 0), min(heading + _AFTER, start)), *range(start, stop)]
    else:
        chosen = list(range(max(min(heading, first) - _BEFORE, 0), stop))
    chosen += [at for at in kept[:_BEGINNING] if at >= stop]
    begin = max(segments[chosen[0]].spans[0][0] - _LEAD, 0)
    end = segments[chosen[-1]].spans[-1][1]
    if end - begin > _MARKUP:
        begin = max(begin, segments[heading].spans[0][0] - _MARKUP // 3)
        end = min(end, begin + _MARKUP)
    tail = range(max(last - _INSIDE + 1, stop), min(last + _BEHIND + 1, len(segments)))
    return Around(
        head=[line(at) for at in chosen],
        heading=chosen.index(heading),
        tail=[line(at) for at in tail if at not in chosen],
        markup=page.source[begin:end],
    )


def _most_of(line: str, title: str | None) -> bool:
    """Whether a line is most of the title, or begins with it."""
    return title is not None and len(line) * 2 > len(title) > 3 and (line in title or line.startswith(title))


def _line(page: Page, segment: Segment) -> str:
    pieces: list[str] = []
    room = _LINE
    for start, end in segment.spans:
        pieces.append(page.source[start : min(end, start + room)])
        room -= len(pieces[-1])
        if room <= 0:
            break
    return " ".join(unescape("".join(pieces)).split())
