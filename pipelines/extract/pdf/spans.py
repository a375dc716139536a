"""What a page of a PDF shows, before anything is made of it: pieces of text with their places, and ruled lines.

Places are in points (1/72 inch) from the page's upper left corner as it is shown, y downwards.
"""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A piece of one line without wide gaps. `size` is the type size, `y0` and `y1` are ascent and descent."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool
    mono: bool = False  # in a type whose characters all have one width


class Rule(NamedTuple):
    """A thin horizontal or vertical line."""

    x0: float
    y0: float
    x1: float
    y1: float


class Page(NamedTuple):
    number: int  # from 1
    width: float
    height: float
    spans: list[Span]
    rules: list[Rule]
    pictured: float  # share of the page that images cover, at most 1
    unmapped: int  # characters whose meaning the file does not state
    aside: list[str]  # text in another direction, outside the page, or without a meaning that the file states
    recognised: bool = False  # by OCR: the file has no such text


class Pdf(NamedTuple):
    pages: list[Page]
    title: str | None = None
    author: str | None = None
    created: str | None = None  # as the file writes it
    outline: tuple[tuple[int, int, str], ...] = ()  # bookmarks: level from 1, page from 1, title
