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
from pipelines.extract.phrases import LONGEST_LABEL, LONGEST_NOTICE, is_head_line, is_label, is_tail_line
from pipelines.extract.tree import UNSEEN, Page, Segment

_CHROME = words("nav footer aside header form dialog menu search address figcaption")
_TOO_MUCH = 0.5  # share of the page's text above which a subtree is not taken out on a hint
_COMMENTS_SHARE = 0.95  # the same for comments, which are often longer than what they comment on
_BODIES = words("article main")
_NEVER = words("html body article main")
_FULL = 80  # weight of a segment that counts as a paragraph
_BODY_SHARE = 0.3  # of the page's greatest gain that a hinted body must have
_INNER_SHARE = 0.7  # of an outer body's gain that an inner one must hold to be the better root
_STRAY = -8  # gain of a short line outside lists, tables and headings
_MORE_TEXT = 0.5  # an ancestor is the better root if it adds this share of text
_FEW_LINKS = 0.25  # ... with at most this much link text per text
_ITEMS = words("p pre li dd dt blockquote h2 h3 h4 h5 h6")
_OUT = BOILERPLATE | HIDDEN | COMMENTS
_CELLS = words("td th")
_HEADINGS = words("h1 h2 h3 h4 h5 h6")


@dataclass(slots=True)
class Choice:
    """Indices of the kept segments, in order; characters kept and visible. Nodes root to last are the element with the
    main text; out[i] tells whether node i is never shown or was taken out."""

    kept: list[int]
    characters: int
    visible: int
    root: int
    last: int
    out: list[bool]

    def holds(self, node: int) -> bool:
        """Whether a node is in the main text: what stands directly in it, such as an image, is part of it."""
        return self.root <= node <= self.last and not self.out[node]


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
    ends = _ends(page)
    root = _root(page, segments, hints, ends)
    kept = _filter(page, [(k, s) for k, s in segments if root <= s.node <= ends[root]])
    if sum(page.segments[k].weight for k in kept) < _FULL:
        root = 0
        kept = [k for k, s in segments if names[s.node] != "h1"] or [k for k, _ in segments]
    out = [gone or hidden for gone, hidden in zip(out, unseen, strict=True)]
    return Choice(kept, sum(page.segments[k].characters for k in kept), visible, root, ends[root], out)


def _ends(page: Page) -> list[int]:
    """The last node of each subtree: nodes stand in document order."""
    ends = list(range(len(page.names)))
    parents = page.parents
    for i in range(len(ends) - 1, 0, -1):
        if ends[i] > ends[parents[i]]:
            ends[parents[i]] = ends[i]
    return ends


def _sums(page: Page, amounts: list[tuple[int, int]]) -> list[int]:
    """Sums over subtrees."""
    sums = [0] * len(page.names)
    for node, amount in amounts:
        sums[node] += amount
    parents = page.parents
    for i in range(len(sums) - 1, 0, -1):
        sums[parents[i]] += sums[i]
    return sums


def _root(page: Page, segments: list[tuple[int, Segment]], hints: list[int], ends: list[int]) -> int:
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
            if gains[i] >= gains[first] * _INNER_SHARE and first < i <= ends[first]:
                first = i
        if not any(i > ends[first] or ends[i] < first for i in bodies):
            return first
    return _climb(page, segments, best)


def _climb(page: Page, segments: list[tuple[int, Segment]], node: int) -> int:
    """Up from `node` as long as that adds much text and few links: many short lines are a text, too."""
    texts = _sums(page, [(s.node, s.weight - s.link_weight) for _, s in segments])
    links = _sums(page, [(s.node, s.link_weight) for _, s in segments])
    top, up = node, page.parents[node]
    while up >= 0:
        more = texts[up] - texts[top]
        if more >= texts[top] * _MORE_TEXT and links[up] - links[top] <= more * _FEW_LINKS:
            top = up
        up = page.parents[up]
    return top


def _gain(page: Page, segment: Segment) -> int:
    text = segment.weight - segment.link_weight
    if segment.link_weight * 2 > segment.weight and page.names[segment.node] != "pre":
        return -5 - segment.link_weight // 4
    if text >= _FULL:
        return text
    name = page.names[segment.node]
    if name in _ITEMS:
        return text // 2
    return 0 if name in _CELLS else _STRAY


def _filter(page: Page, segments: list[tuple[int, Segment]]) -> list[int]:
    """The segments of the root that are text: no title, link lists, labels, byline above, notices or headings below."""
    rows = _rows(page, segments)
    kept: list[tuple[int, Segment]] = []
    full = 0  # paragraphs kept so far
    for k, segment in segments:
        name = page.names[segment.node]
        if name == "h1" or _is_link(name, *rows.get(_row(page, segment.node), (segment.weight, segment.link_weight))):
            continue
        if segment.weight <= LONGEST_LABEL:
            text = text_of(page, segment)
            if is_label(text) or (not full and is_head_line(text)):
                continue
        full += segment.weight - segment.link_weight >= _FULL
        kept.append((k, segment))
    while len(kept) > 1:
        segment = kept[-1][1]
        if page.names[segment.node] not in _HEADINGS and (
            segment.weight > LONGEST_NOTICE or not is_tail_line(text_of(page, segment))
        ):
            break
        kept.pop()
    return [k for k, _ in kept]


def _row(page: Page, node: int) -> int:
    """The table row of a cell, or of a block directly in a cell, else -1."""
    for _ in range(2 if node else 0):
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
