"""A page as block elements and segments of text, in one pass and without recursion.

Inline elements do not become nodes. A segment is the text between two block borders; its spans are character offsets in
the page. Implied end tags (p, li, td, ...) and mis-nested end tags are treated nearly as in the HTML Standard.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from pipelines.extract.markup import TOKEN, words

_INLINE, _BLOCK, _BREAK, _LINK, _META, _IMAGE, _SOURCE = 1, 2, 3, 4, 5, 6, 7
_BLOCKS = (
    "html body div p section article main header footer nav aside ul ol li dl dt dd table thead tbody tfoot tr td th "
    "caption form fieldset legend h1 h2 h3 h4 h5 h6 pre blockquote figure figcaption address details summary dialog "
    "menu center hgroup search head noscript template svg math select option optgroup button object audio video canvas "
    "picture map label listing plaintext frameset"
)
_KINDS = {
    **dict.fromkeys(words(_BLOCKS), _BLOCK),
    **dict.fromkeys(words("meta link base"), _META),
    "br": _BREAK,
    "hr": _BREAK,
    "a": _LINK,
    "img": _IMAGE,
    "embed": _SOURCE,
    "source": _SOURCE,
}
KINDS = {form: kind for name, kind in _KINDS.items() for form in (name, name.upper(), name.capitalize())}
#: Never shown, or shown as a control: their text belongs to no text of the page.
UNSEEN = words("head noscript template svg math select option optgroup button object audio video canvas map")
_PLAYERS = words("video audio object")  # what they hold is shown only where they cannot be
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
_IMPLIED_REACH = 12  # open elements looked at
MAX_NODES = 200_000  # bounds memory; the largest pages of real sites have some 50,000
_MAX_SOURCES = 10_000  # characters of attributes from which no further <source> is taken
_PERMALINKS = frozenset(("¶", "#", "§", "&para;", "&sect;", "&#182;", "&#xB6;", "&#8203;"))  # anchors behind headings
_HREF = re.compile("href", re.I).search


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
    names: list[str] = field(default_factory=lambda: [""])
    parents: list[int] = field(default_factory=lambda: [-1])
    attributes: list[str] = field(default_factory=lambda: [""])
    segments: list[Segment] = field(default_factory=list)
    media: list[Mark] = field(default_factory=list)  # img, video, audio, iframe, embed, object; in order
    unscripted: int = 0  # number of media up to the last one from <noscript>
    metas: list[tuple[str, str]] = field(default_factory=list)  # (name of tag, its attributes)
    title: tuple[int, int] | None = None
    data: list[tuple[int, int]] = field(default_factory=list)  # places of JSON-LD


def parse(source: str, max_depth: int = 2_000) -> Page:
    """Nodes and segments of a page. Elements nested deeper than `max_depth`, or beyond the first MAX_NODES, get no node
    of their own: their text belongs to the element around them."""
    # One long function: it runs once for every tag of the corpus, and calls or shared cells would double its time.
    page = Page(source)
    names, parents, attributes, segments = page.names, page.parents, page.attributes, page.segments
    stack = [0]
    node = 0
    open_names: dict[str, int] = defaultdict(int)
    overflow: dict[str, int] = defaultdict(int)
    spans: list[tuple[int, int]] = []
    characters = weight = link_weight = 0
    sources = ""  # attributes of the <source> elements of an open <picture>
    link_depth = 0  # of the stack where the open link began; 0 outside links
    last = text_end = 0
    kind_of = KINDS.get
    for token in TOKEN.finditer(source):
        start, end = token.span()
        if start > last:
            text = source[last:start].strip()
            if not text:
                if spans:
                    spans.append((last, start))
            elif not link_depth or text not in _PERMALINKS:
                size = len(text)
                text_end = start
                spans.append((last, start))
                characters += size
                if not text.isascii():
                    size = len(text.encode("utf-8", "surrogatepass"))
                weight += size
                if link_depth:
                    link_weight += size
        last = end
        name = token[5]
        if name is None:
            raw = (token[1] or "").lower()
            if raw == "title":
                if page.title is None and not open_names["svg"]:
                    page.title = token.span(3)
            elif raw == "iframe":
                _place(page, Mark(start, token.start(3), node, raw, token[2]), text_end)
            elif raw == "script" and "ld+json" in token[2].lower():
                page.data.append(token.span(3))
            continue
        kind = kind_of(name)
        if kind is None:
            kind = kind_of(name.lower(), _INLINE)
        if kind == _INLINE:
            continue
        if kind == _LINK:
            link_depth = len(stack) if not token[4] and _HREF(token[6]) else 0
            continue
        if kind == _IMAGE:
            if not token[4]:
                _place(page, Mark(start, end, node, "img", token[6] + sources), text_end)
                sources = ""
            continue
        if kind == _SOURCE:
            if names[node] == "picture":
                if len(sources) < _MAX_SOURCES:
                    sources += " " + token[6]
            elif names[node] in _PLAYERS:
                if page.media and len(page.media[-1].attributes) < _MAX_SOURCES:
                    page.media[-1].attributes += " " + token[6]
            elif name.lower() == "embed" and not token[4]:
                _place(page, Mark(start, end, node, "embed", token[6]), text_end)
            continue
        if weight:
            segments.append(Segment(node, spans, characters, weight, link_weight))
            characters = weight = link_weight = 0
            spans = []
        elif spans:
            spans = []
        if kind == _BREAK:
            continue
        name = name.lower()
        if kind == _META:
            page.metas.append((name, token[6]))
        elif token[4]:
            if names[node] == name and not overflow[name]:
                stack.pop()
                open_names[name] -= 1
            elif overflow[name]:
                overflow[name] -= 1
            elif open_names[name]:
                depth = len(stack) - 1
                while names[stack[depth]] != name:
                    depth -= 1
                _close(names, stack, open_names, depth)
            node = stack[-1]
            if len(stack) < link_depth:
                link_depth = 0
        else:
            if names[node] == "p" and name in _CLOSES_P:
                _close(names, stack, open_names, len(stack) - 1)
            if name in _IMPLIED:
                depth = _implied(names, stack, name)
                if depth:
                    _close(names, stack, open_names, depth)
            if len(stack) < link_depth:
                link_depth = 0
            if name == "html":
                page.metas.append((name, token[6]))
            if len(stack) > max_depth or len(names) > MAX_NODES:
                overflow[name] += 1
                node = stack[-1]
                continue
            if name in _PLAYERS:
                _place(page, Mark(start, end, node, name, token[6]), text_end)
            elif name == "picture":
                sources = ""
            parents.append(stack[-1])
            node = len(names)
            names.append(name)
            attributes.append(token[6])
            stack.append(node)
            open_names[name] += 1
    rest = source[last:].strip()
    if rest:
        spans.append((last, len(source)))
        size = len(rest.encode("utf-8", "surrogatepass"))
        characters += len(rest)
        weight += size
        link_weight += size if link_depth else 0
    if weight:
        segments.append(Segment(node, spans, characters, weight, link_weight))
    return page


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


def _close(names: list[str], stack: list[int], open_names: dict[str, int], depth: int) -> None:
    """Close the open elements from `depth` on."""
    for closed in stack[depth:]:
        open_names[names[closed]] -= 1
    del stack[depth:]


def _implied(names: list[str], stack: list[int], name: str) -> int:
    """Depth of the open element that a start tag `name` ends, 0 if there is none."""
    ends, between = _IMPLIED[name]
    for depth in range(len(stack) - 1, max(0, len(stack) - 1 - _IMPLIED_REACH), -1):
        inner = names[stack[depth]]
        if inner in ends:
            return depth
        if inner not in between:
            break
    return 0
