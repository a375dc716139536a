"""Which segments of a page are its main text.

Every segment earns or costs its ancestors something (text that reads like sentences earns its weight, links and labels
cost); the element with the greatest sum is the root of the main text, in the manner of maximum subsequence segmentation
(Pasternack and Roth, WWW 2009) over the element tree. Element names and class hints take whole subtrees out, unless
they hold most of the page. Inside the root, link lists and stray labels go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.extract import hints, weigh
from pipelines.extract.markup import words
from pipelines.extract.meta import text_of, tidy
from pipelines.extract.phrases import LONGEST_LABEL, LONGEST_NOTICE, is_head_line, is_label, is_tail_line
from pipelines.extract.tree import NAMES, UNSEEN, Page

_TRAITS = (
    (UNSEEN - {"noscript"}, weigh.UNSEEN),
    (words("noscript"), weigh.UNSCRIPTED),
    (words("nav footer aside header form dialog menu search address figcaption"), weigh.CHROME),
    (words("article main"), weigh.BODY),
    (words("html body article main"), weigh.WHOLE),
    (words("blockquote"), weigh.QUOTATION),
    (words("p pre li dd dt blockquote h2 h3 h4 h5 h6"), weigh.ITEM),
    (words("td th"), weigh.CELL),
    (words("pre"), weigh.PREFORMATTED),
    (words("p"), weigh.PARAGRAPH),
    (words("h2 h3 h4 h5 h6"), weigh.HEADING),
)
_NAME_TRAITS = np.array([sum(trait for names, trait in _TRAITS if name in names) for name in NAMES], np.int32)
_HINT_TRAITS = np.array(
    [
        weigh.HINTED * bool(flags & hints.BOILERPLATE)
        | weigh.HIDDEN * bool(flags & hints.HIDDEN)
        | weigh.COMMENTS * bool(flags & hints.COMMENTS)
        | weigh.BODY * bool(flags & hints.CONTENT)
        for flags in range(16)
    ],
    np.int32,
)
_HEADINGS = words("h1 h2 h3 h4 h5 h6")
_SEARCHED = 2_000  # characters of <title> that are looked at
_SHORTEST_TITLE = 4  # characters
_TITLE_SHARE = 0.4  # of <title>
_HEAD_LINES = 50  # segments from the beginning that can be bylines


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
    nodes, segments = page.found.nodes, page.found.segments
    traits = _NAME_TRAITS[nodes[:, 0]] | _HINT_TRAITS[hints.flags(nodes[:, 4])]
    root, last, out, inside, anywhere, visible = weigh.weigh(nodes, segments, traits)
    kept = _filter(page, np.flatnonzero(inside).tolist())
    if sum(page.segments[k].weight for k in kept) < weigh.FULL:
        root, last = 0, len(page.names) - 1
        rest = np.flatnonzero(anywhere).tolist()
        kept = [k for k in rest if page.names[page.segments[k].node] != "h1"] or rest
    return Choice(kept, sum(page.segments[k].characters for k in kept), visible, root, last, out.tolist())


def _is_title(text: str, title: str) -> bool:
    """Whether a line above the text is the page's title, without the name of its site."""
    return text in title and len(text) >= max(_SHORTEST_TITLE, len(title) * _TITLE_SHARE)


def _filter(page: Page, inside: list[int]) -> list[int]:
    """The segments that are text: no title, labels, byline above, notices or headings below."""
    kept: list[int] = []
    title = tidy(page.source[slice(*page.title)][:_SEARCHED]) if page.title else ""
    full = False  # whether a paragraph is among them
    for k in inside:
        segment = page.segments[k]
        if page.names[segment.node] == "h1":
            continue
        if segment.weight <= LONGEST_LABEL:
            text = text_of(page, segment)
            if is_label(text):
                continue
            if not full and len(kept) < _HEAD_LINES and (is_head_line(text) or _is_title(text, title)):
                continue
        full = full or segment.weight - segment.link_weight >= weigh.FULL
        kept.append(k)
    while len(kept) > 1:
        segment = page.segments[kept[-1]]
        if page.names[segment.node] not in _HEADINGS and (
            segment.weight > LONGEST_NOTICE or not is_tail_line(text_of(page, segment))
        ):
            break
        kept.pop()
    return kept
