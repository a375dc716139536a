"""A page as block elements and segments of text.

Inline elements do not become nodes. A segment is the text between two block borders; its spans are character offsets in
the page. Implied end tags (p, li, td, ...) and mis-nested end tags are treated nearly as in the HTML Standard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

from pipelines.extract import scan
from pipelines.extract.hints import LISTS
from pipelines.extract.markup import words

_BLOCKS = (
    "html body div p section article main header footer nav aside ul ol li dl dt dd table thead tbody tfoot tr td th "
    "caption form fieldset legend h1 h2 h3 h4 h5 h6 pre blockquote figure figcaption address details summary dialog "
    "menu center hgroup search head noscript template svg math select option optgroup button object audio video canvas "
    "picture map label listing plaintext frameset"
)
_KINDS = {
    **dict.fromkeys(words(_BLOCKS), scan.BLOCK),
    **dict.fromkeys(words("meta link base"), scan.HEAD),
    **dict.fromkeys(words("br hr"), scan.BREAK),
    **dict.fromkeys(words("script style textarea title iframe noembed noframes xmp"), scan.RAW),
    **dict.fromkeys(words("img embed source area"), scan.INLINE),
    "a": scan.LINK,
}
#: Elements whose tags begin and end a segment.
DIVIDING = frozenset(name for name, kind in _KINDS.items() if kind in (scan.BLOCK, scan.BREAK, scan.HEAD))
#: Never shown, or shown as a control: their text belongs to no text of the page.
UNSEEN = words("head noscript template svg math select option optgroup button object audio video canvas map")
_PLAYERS = words("video audio object")  # what they hold is shown only where they cannot be
_MEDIA = words("img video audio iframe embed object source picture")
_MARKED = _MEDIA | words("a area base link meta html script")
_TABLE = words("table thead tbody tfoot tr td th caption")
_CLOSES_P = words(_BLOCKS) - UNSEEN - words("html body picture label")
# A start tag on the left ends an open element on the right, if only elements of the third column lie between.
_IMPLIED = {
    "li": (frozenset(("li",)), frozenset(("p", "div", "address"))),
    "dt": (frozenset(("dt", "dd")), frozenset(("p", "div", "address"))),
    "dd": (frozenset(("dt", "dd")), frozenset(("p", "div", "address"))),
    "option": (frozenset(("option",)), frozenset()),
    "optgroup": (frozenset(("optgroup",)), frozenset(("option",))),
    "td": (frozenset(("td", "th")), _CLOSES_P - _TABLE),
    "th": (frozenset(("td", "th")), _CLOSES_P - _TABLE),
    "tr": (frozenset(("tr",)), _CLOSES_P - frozenset(("table", "tr"))),
    "tbody": (frozenset(("tbody", "thead", "tfoot")), _CLOSES_P - frozenset(("table",))),
    "tfoot": (frozenset(("tbody", "thead", "tfoot")), _CLOSES_P - frozenset(("table",))),
    "body": (frozenset(("head",)), frozenset(("noscript", "template"))),
}
MAX_NODES = 200_000  # bounds memory; the largest pages of real sites have some 50,000
_MAX_SOURCES = 10_000  # characters of attributes from which no further <source> is taken


@dataclass(slots=True)
class Segment:
    """Text between two block borders. Weights are UTF-8 bytes: a Chinese character says as much as three letters."""

    node: int
    spans: list[tuple[int, int]]
    characters: int
    weight: int
    link_weight: int


@dataclass(slots=True)
class Mark:
    """A media element in its place: offsets of its start tag, the node around it, its lower-case name, attributes.

    Attributes of a <source> or <embed> inside follow the element's own: of a name that comes twice, the first counts.
    """

    start: int
    end: int
    node: int
    name: str
    attributes: str


@dataclass(slots=True)
class Page:
    """Node i is inside node parents[i] < i; node 0 is the page. Raw elements and head tags are kept by name."""

    source: str
    found: scan.Found
    names: list[str] = field(default_factory=lambda: [""])
    parents: list[int] = field(default_factory=lambda: [-1])
    attributes: list[str] = field(default_factory=lambda: [""])
    segments: list[Segment] = field(default_factory=list)
    media: list[Mark] = field(default_factory=list)  # img, video, audio, iframe, embed, object; in order
    unscripted: int = 0  # number of media up to the last one from <noscript>
    metas: list[tuple[str, str]] = field(default_factory=list)  # (name of tag, its attributes)
    title: tuple[int, int] | None = None
    data: list[tuple[int, int]] = field(default_factory=list)  # places of JSON-LD


def _names() -> tuple[list[str], scan.Names]:
    """Element names by number, and what the scanner must know of them."""
    names = ["", *sorted(_KINDS)]
    count = len(names)
    number = {name: at for at, name in enumerate(names)}
    relations = np.zeros((count, count), np.uint8)
    for name, (ends, between) in _IMPLIED.items():
        relations[number[name], [number[inner] for inner in between]] = scan.BETWEEN
        relations[number[name], [number[inner] for inner in ends]] = scan.ENDS
    traits = [(_KINDS.get(name, scan.INLINE), name in _MARKED, name in _CLOSES_P, name in _IMPLIED) for name in names]
    return names, scan.Names(np.array(traits, np.uint8), relations, number["p"], number["title"], number["svg"])


NAMES, _NUMBERS = _names()
_LINKS = np.array([name in ("a", "area") for name in NAMES])
_WORDS = scan.table({scan.ELEMENTS: {name: at for at, name in enumerate(NAMES)}, **LISTS})


def _scan(source: str, max_depth: int) -> scan.Found:
    codes = np.frombuffer(source.encode("utf-32-le", "surrogatepass"), np.uint32)
    return scan.Found(*scan.scan(codes, _NUMBERS, _WORDS, max_depth, MAX_NODES))


@cache
def _numbered(names: frozenset[str]) -> npt.NDArray[np.bool_]:
    """Which element numbers are among `names`."""
    return np.array([name in names for name in NAMES])


def start_tags(source: str, wanted: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Name and attributes of the start tags of a page that are `wanted`: a, area, base, link, meta, media; in order."""
    found = _scan(source, 0).tags
    for name, _, _, start, end, *_ in found[_numbered(wanted)[found[:, 0]]].tolist():
        yield NAMES[name], source[start:end]


class TooManyBlocks(Exception):
    """A page of more segments than allowed: it is made by no author, and each would cost memory at every later step."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} segments of text")
        self.count = count


def parse(source: str, max_depth: int = 2_000, max_blocks: int = 100_000) -> Page:
    """Nodes and segments of a page. Elements nested deeper than `max_depth`, or beyond the first MAX_NODES, get no node
    of their own: their text belongs to the element around them. Raises TooManyBlocks."""
    found = _scan(source, max_depth)
    if len(found.segments) > max_blocks:
        raise TooManyBlocks(len(found.segments))
    page = Page(source, found)
    numbers, page.parents, *places = found.nodes[:, :4].T.tolist()
    page.names = [NAMES[name] for name in numbers]
    page.attributes = [source[start:end] for start, end in zip(*places, strict=True)]
    spans = list(zip(*found.spans.T.tolist(), strict=True))
    page.segments = [
        Segment(node, spans[first:behind], characters, weight, link_weight)
        for node, first, behind, characters, weight, link_weight in zip(*found.segments.T.tolist(), strict=True)
    ]
    page.title = found.title if found.title[0] >= 0 else None
    _place_all(page)
    return page


def _place_all(page: Page) -> None:
    """Media, statements of the head and machine-readable data from the marked tags."""
    names, source = page.names, page.source
    sources = ""  # attributes of the <source> elements of an open <picture>
    tags = page.found.tags[~_LINKS[page.found.tags[:, 0]]]
    for number, start, end, first, behind, node, text_end, content_end in zip(*tags.T.tolist(), strict=True):
        name = NAMES[number]
        said = source[first:behind]
        if name == "script":
            if "ld+json" in said.lower():
                page.data.append((end, content_end))
        elif name not in _MEDIA:
            page.metas.append((name, said))
        elif name == "picture":
            sources = ""
        elif names[node] in _PLAYERS and (name == "source" or name == "embed"):
            if page.media and len(page.media[-1].attributes) < _MAX_SOURCES:
                page.media[-1].attributes += " " + said
        elif name == "img":
            _place(page, Mark(start, end, node, name, said + sources), text_end)
            sources = ""
        elif name != "source":
            _place(page, Mark(start, end, node, name, said), text_end)
        elif names[node] == "picture" and len(sources) < _MAX_SOURCES:
            sources += " " + said


def _place(page: Page, mark: Mark, text_end: int) -> None:
    """Add a media element unless another one stands for it: an element around it, or a picture that scripts load later
    beside the same one in <noscript>."""
    names, media = page.names, page.media
    around = names[mark.node]
    if around in _PLAYERS or len(media) >= MAX_NODES:
        return
    unscripted = around == "noscript"
    if unscripted:
        mark.node = page.parents[mark.node]
        if mark.name != "img":
            return
    if media and mark.name == media[-1].name == "img" and media[-1].end >= text_end:
        before = page.unscripted == len(media)  # the last one stood in <noscript>
        if unscripted and not before:
            return
        if before and not unscripted:
            media.pop()
    media.append(mark)
    if unscripted:
        page.unscripted = len(media)
