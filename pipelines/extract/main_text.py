"""Which segments of a page are its main text.

Every segment earns or costs its ancestors something (text that reads like sentences earns its weight, links and labels
cost); the element with the greatest sum is the root of the main text, in the manner of maximum subsequence segmentation
(Pasternack and Roth, WWW 2009) over the element tree. Element names and class hints take whole subtrees out, unless
they hold most of the page. Inside the root, link lists and stray labels go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.extract.hints import Hint, hint_of
from pipelines.extract.markup import words
from pipelines.extract.tree import UNSEEN, Page, Segment

_CHROME = words("nav footer aside header form dialog menu search address figcaption")
_TOO_MUCH = 0.5  # share of the page's text above which a subtree is not taken out on a hint
_FULL = 80  # weight of a segment that counts as a paragraph
_SENTENCE_END = re.compile(r"""[.!?…。！？；;:：」』”’"')）】]\s*\Z""")


@dataclass(slots=True)
class Choice:
    """Indices of the kept segments, in order; characters kept and visible."""

    kept: list[int]
    characters: int
    visible: int


def choose(page: Page, title: str = "") -> Choice:
    """The main text of a page; without one, all its text outside navigation, header and footer."""
    names, parents = page.names, page.parents
    count = len(names)
    cache: dict[str, Hint] = {"": Hint.NONE}
    hints = [Hint.NONE] * count
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

    # Taken out on a hint.
    out = [False] * count
    for i in range(1, count):
        if out[parents[i]]:
            out[i] = True
        elif names[i] in _CHROME or hints[i] & (Hint.BOILERPLATE | Hint.HIDDEN | Hint.COMMENTS):
            out[i] = plain[i] <= total * _TOO_MUCH and names[i] not in ("body", "html", "article", "main")
    segments = [(k, s) for k, s in segments if not out[s.node]]
    root = _root(page, segments, hints)
    inside = [False] * count
    inside[root] = True
    for i in range(root + 1, count):
        inside[i] = inside[parents[i]]
    kept = _filter(page, [(k, s) for k, s in segments if inside[s.node]], title)
    if not kept:
        kept = [k for k, _ in segments]
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


def _root(page: Page, segments: list[tuple[int, Segment]], hints: list[Hint]) -> int:
    gains = _sums(page, [(s.node, _gain(page, s)) for _, s in segments])
    best, best_gain = 0, 0.0
    for i, gain in enumerate(gains):
        weighted = gain * (1.3 if hints[i] & Hint.CONTENT else 1.15 if page.names[i] in ("article", "main") else 1.0)
        if weighted >= best_gain and weighted > 0:
            best, best_gain = i, weighted
    return best


def _gain(page: Page, segment: Segment) -> int:
    text = segment.weight - segment.link_weight
    if segment.link_weight * 2 > segment.weight:
        return -10 - segment.link_weight // 2
    if text >= _FULL:
        return text
    name = page.names[segment.node]
    if name in ("p", "pre", "li", "td", "dd", "blockquote") and text >= 25:
        return text // 2
    return -8


def _filter(page: Page, segments: list[tuple[int, Segment]], title: str) -> list[int]:
    kept: list[int] = []
    for k, s in segments:
        if s.link_weight * 2 > s.weight and page.names[s.node] not in ("p",):
            continue
        if page.names[s.node] == "h1":
            continue
        kept.append(k)
    return kept
