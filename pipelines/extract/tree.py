"""A page as block elements and segments of text, in one pass and without recursion.

Inline elements do not become nodes. A segment is the text between two block borders; its spans are character offsets in
the page. Implied end tags (p, li, td, ...) and mis-nested end tags are treated nearly as in the HTML Standard.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from pipelines.extract.markup import TOKEN, words

_INLINE, _BLOCK, _BREAK, _LINK, _META = 1, 2, 3, 4, 5
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
}
KINDS = {form: kind for name, kind in _KINDS.items() for form in (name, name.upper(), name.capitalize())}
#: Never shown, or shown as a control: their text belongs to no text of the page.
UNSEEN = words("head noscript template svg math select option optgroup button object audio video canvas map")
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
_IMPLIED_REACH = 12


@dataclass(slots=True)
class Segment:
    """Text between two block borders. Weights are UTF-8 bytes: a Chinese character says as much as three letters."""

    node: int
    spans: list[tuple[int, int]]
    characters: int
    weight: int
    link_weight: int
    after_break: bool  # it follows a line break, not a block border


@dataclass(slots=True)
class Page:
    """Node i is inside node parents[i] < i; node 0 is the page. Raw elements and head tags are kept by name."""

    source: str
    names: list[str] = field(default_factory=lambda: [""])
    parents: list[int] = field(default_factory=lambda: [-1])
    attributes: list[str] = field(default_factory=lambda: [""])
    segments: list[Segment] = field(default_factory=list)
    metas: list[tuple[str, str]] = field(default_factory=list)  # (name of tag, its attributes)
    title: tuple[int, int] | None = None


def parse(source: str, max_depth: int = 2_000) -> Page:
    """Nodes and segments of a page. Elements nested deeper than `max_depth` are read as text of the deepest node."""
    page = Page(source)
    names, parents, attributes, segments = page.names, page.parents, page.attributes, page.segments
    stack = [0]
    open_names: dict[str, int] = defaultdict(int)
    overflow: dict[str, int] = defaultdict(int)
    spans: list[tuple[int, int]] = []
    characters = weight = link_weight = 0
    in_link = after_break = False
    link_depth = 0
    last = 0
    kind_of = KINDS.get
    node = 0

    def flush(breaks: bool) -> None:
        nonlocal spans, characters, weight, link_weight, after_break
        if weight:
            segments.append(Segment(node, spans, characters, weight, link_weight, after_break))
            characters = weight = link_weight = 0
            spans = []
            after_break = breaks
        else:
            if spans:
                spans = []
            after_break = after_break and breaks

    def close_to(depth: int) -> None:
        nonlocal node, in_link
        for closed in stack[depth:]:
            open_names[names[closed]] -= 1
        del stack[depth:]
        node = stack[-1]
        if in_link and depth <= link_depth:
            in_link = False

    for token in TOKEN.finditer(source):
        start, end = token.span()
        if start > last:
            text = source[last:start].strip()
            if text:
                size = len(text)
                spans.append((last, start))
                characters += size
                if not text.isascii():
                    size = len(text.encode("utf-8", "surrogatepass"))
                weight += size
                if in_link:
                    link_weight += size
            elif spans:
                spans.append((last, start))
        last = end
        name = token[5]
        if name is None:
            raw = token[1]
            if raw is not None:
                raw = raw.lower()
                if raw == "title" and page.title is None:
                    page.title = token.span(3)
            continue
        kind = kind_of(name)
        if kind is None:
            name = name.lower()
            kind = kind_of(name, _INLINE)
        if kind == _INLINE:
            continue
        if kind == _LINK:
            in_link = not token[4] and "href" in token[6].lower()
            link_depth = len(stack)
            continue
        if kind == _BREAK:
            flush(True)
            continue
        name = name.lower()
        if kind == _META:
            page.metas.append((name, token[6]))
            continue
        flush(False)
        if token[4]:
            if overflow[name]:
                overflow[name] -= 1
            elif open_names[name]:
                depth = len(stack) - 1
                while names[stack[depth]] != name:
                    depth -= 1
                close_to(depth)
            continue
        if name in _CLOSES_P and names[node] == "p":
            close_to(len(stack) - 1)
        implied = _IMPLIED.get(name)
        if implied is not None:
            ends, between = implied
            for depth in range(len(stack) - 1, max(0, len(stack) - 1 - _IMPLIED_REACH), -1):
                inner = names[stack[depth]]
                if inner in ends:
                    close_to(depth)
                    break
                if inner not in between:
                    break
        if name == "html":
            page.metas.append((name, token[6]))
        if len(stack) > max_depth:
            overflow[name] += 1
            continue
        parents.append(node)
        names.append(name)
        attributes.append(token[6])
        node = len(names) - 1
        stack.append(node)
        open_names[name] += 1
    if last < len(source):
        text = source[last:].strip()
        if text:
            size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
            spans.append((last, len(source)))
            characters += len(text)
            weight += size
            link_weight += size if in_link else 0
    flush(False)
    return page
