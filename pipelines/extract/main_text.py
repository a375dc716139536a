"""Which segments of a page are its main text.

Every segment earns or costs its ancestors something (text that reads like sentences earns its weight, links and labels
cost); the element with the greatest sum is the root of the main text, in the manner of maximum subsequence segmentation
(Pasternack and Roth, WWW 2009) over the element tree. Element names and class hints take whole subtrees out, unless
they hold most of the page. Inside the root, link lists and stray labels go.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.extract.hints import BOILERPLATE, COMMENTS, CONTENT, HIDDEN, hint_of
from pipelines.extract.markup import words
from pipelines.extract.meta import text_of
from pipelines.extract.phrases import is_head_line, is_label, is_tail_line
from pipelines.extract.tree import UNSEEN, Page, Segment

_CHROME = words("nav footer aside header form dialog menu search address figcaption")
_TOO_MUCH = 0.5  # share of the page's text above which a subtree is not taken out on a hint
_COMMENTS_SHARE = 0.95  # the same for comments, which are often longer than what they comment on
_BODIES = words("article main")
_NEVER = words("html body article main")
_FULL = 80  # weight of a segment that counts as a paragraph
_BODY_SHARE = 0.3  # of the page's greatest gain that a hinted body must have
LP, SP = 4, 8
_ITEMS = words("p pre li dd dt blockquote h2 h3 h4 h5 h6")
_OUT = BOILERPLATE | HIDDEN | COMMENTS
_CELLS = words("td th")
_HEADINGS = words("h1 h2 h3 h4 h5 h6")


@dataclass(slots=True)
class Choice:
    """Indices of the kept segments, in order; characters kept and visible."""

    kept: list[int]
    characters: int
    visible: int


def choose(page: Page) -> Choice:
    """The main text of a page; without one, all its text outside navigation, header and footer."""
    names, parents = page.names, page.parents
    count = len(names)
    cache: dict[str, int] = {"": 0}
    hints = [0] * count
    for i, source in enumerate(page.attributes):
        if source:
            found = cache.get(source)
            if found is None:
                found = cache[source] = hint_of(source)
            hints[i] = found

    # Never shown at all.
    unseen = [False] * count
    for i in range(1, count):
        unseen[i] = unseen[parents[i]] or names[i] in UNSEEN
    segments = [(k, s) for k, s in enumerate(page.segments) if not unseen[s.node]]
    visible = sum(s.characters for _, s in segments)
    plain = _sums(page, [(s.node, s.weight - s.link_weight) for _, s in segments])
    total = plain[0]

    # Taken out on a hint, unless that takes most of the page, or of the body around it.
    out = [False] * count
    bodies = [0] * count
    quoting = _sums(page, [(i, 1) for i, name in enumerate(names) if name == "blockquote"])
    for i in range(1, count):
        outer = parents[i]
        body = bodies[outer]
        bodies[i] = i if hints[i] & CONTENT or names[i] in _BODIES else body
        if out[outer]:
            out[i] = True
        elif names[i] in _CHROME or hints[i] & _OUT:
            if names[i] in _NEVER or (quoting[i] and body and not hints[i] & COMMENTS):
                continue
            share = _COMMENTS_SHARE if hints[i] & COMMENTS else _TOO_MUCH
            out[i] = plain[i] <= total * share and (not body or plain[i] <= plain[body] * share)
    segments = [(k, s) for k, s in segments if not out[s.node]]
    root = _root(page, segments, hints)
    inside = [False] * count
    inside[root] = True
    for i in range(root + 1, count):
        inside[i] = inside[parents[i]]
    kept = _filter(page, [(k, s) for k, s in segments if inside[s.node]])
    if sum(page.segments[k].weight for k in kept) < _FULL:
        kept = [k for k, s in segments if names[s.node] != "h1"] or [k for k, _ in segments]
    return Choice(kept, sum(page.segments[k].characters for k in kept), visible)


def _sums(page: Page, amounts: list[tuple[int, int]]) -> list[int]:
    """Sums over subtrees."""
    sums = [0] * len(page.names)
    for node, amount in amounts:
        sums[node] += amount
    parents = page.parents
    for i in range(len(sums) - 1, 0, -1):
        sums[parents[i]] += sums[i]
    return sums


def _root(page: Page, segments: list[tuple[int, Segment]], hints: list[int]) -> int:
    """The node with the greatest gain; a hinted body inside it that outweighs every other hinted body comes first."""
    single = [(s.node, _gain(page, s)) for _, s in segments]
    gains = _sums(page, single)
    best = max(range(len(gains)), key=lambda i: (gains[i], i))
    gains = _sums(page, [(node, max(gain, 0)) for node, gain in single])
    floor = gains[best] * _BODY_SHARE
    bodies = [
        i
        for i, gain in enumerate(gains)
        if gain > 0 and gain >= floor and (hints[i] & CONTENT or page.names[i] in ("article", "main"))
    ]
    # Bodies inside bodies: the innermost that holds nearly all of the outer one.
    bodies.sort(key=lambda i: (-gains[i], -i))
    if bodies:
        first = bodies[0]
        for i in bodies[1:]:
            if gains[i] >= gains[first] * 0.7 and _within(page, i, first):
                first = i
        rivals = [i for i in bodies if not _within(page, i, first) and not _within(page, first, i)]
        if not rivals:
            return first
    return best


def _within(page: Page, inner: int, outer: int) -> bool:
    while inner > outer:
        inner = page.parents[inner]
    return inner == outer


def _gain(page: Page, segment: Segment) -> int:
    text = segment.weight - segment.link_weight
    if segment.link_weight * 2 > segment.weight and page.names[segment.node] != "pre":
        return -5 - segment.link_weight // LP
    if text >= _FULL:
        return text
    name = page.names[segment.node]
    if name in _ITEMS:
        return text // 2
    return 0 if name in _CELLS else -SP


def _filter(page: Page, segments: list[tuple[int, Segment]]) -> list[int]:
    """The segments of the root that are text: no title, link lists, labels, byline above, notices or headings below."""
    rows = _rows(page, segments)
    kept: list[tuple[int, Segment, str]] = []
    full = 0  # paragraphs kept so far
    for k, segment in segments:
        name = page.names[segment.node]
        if name == "h1" or _is_link(name, *rows.get(_row(page, segment.node), (segment.weight, segment.link_weight))):
            continue
        text = ""
        if segment.weight < _FULL or not full:
            text = text_of(page, segment)
            if is_label(text) or (not full and is_head_line(text, segment.weight)):
                continue
        full += segment.weight - segment.link_weight >= _FULL
        kept.append((k, segment, text))
    while kept:
        k, segment, text = kept[-1]
        heading = page.names[segment.node] in _HEADINGS and len(kept) > 1
        if not heading and (len(kept) == 1 or not is_tail_line(text or text_of(page, segment), segment.weight)):
            break
        kept.pop()
    return [k for k, _, _ in kept]


def _row(page: Page, node: int) -> int:
    """The table row of a cell, or of a block directly in a cell, else -1."""
    for _ in range(2):
        if page.names[node] in _CELLS:
            return page.parents[node]
        node = page.parents[node]
    return -1


def _rows(page: Page, segments: list[tuple[int, Segment]]) -> dict[int, tuple[int, int]]:
    """Weight and link weight of table rows: a cell with a link beside cells with text is no navigation."""
    rows: dict[int, tuple[int, int]] = {}
    for _, segment in segments:
        row = _row(page, segment.node)
        if row >= 0:
            weight, link_weight = rows.get(row, (0, 0))
            rows[row] = weight + segment.weight, link_weight + segment.link_weight
    return rows


def _is_link(name: str, weight: int, link_weight: int) -> bool:
    """Whether a block is links rather than text. In running text and code links are part of it."""
    if name == "p":
        return link_weight * 10 > weight * 9
    return link_weight * 2 > weight and name != "pre"
