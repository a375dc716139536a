"""The compiled part of choosing the main text: sums over the tree of elements, one short function for each rule.

Rows of nodes and segments are those of `pipelines.extract.scan`; `traits[i]` joins what name and hints say of node i.
Parents come before their children, so each sum over subtrees is one sweep from the end. All rules are linear.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.compiled import compiler, digest_of

kernel = compiler(digest_of([Path(__file__)]))

# Traits of a node.
UNSEEN = 1  # never shown
CHROME = 2  # its name or a hint says that it is no part of the main text
COMMENTS = 4  # a hint says that it holds comments
BODY = 8  # its name or a hint says that it is the main text
WHOLE = 16  # never taken out on a hint
QUOTATION, ITEM, CELL, PREFORMATTED, PARAGRAPH = 32, 64, 128, 256, 512

FULL = 80  # weight of a segment that counts as a paragraph
_TOO_MUCH = 0.5  # share of the page's text above which a subtree is not taken out on a hint
_COMMENTS_SHARE = 0.95  # the same for comments, which are often longer than what they comment on
_BODY_SHARE = 0.3  # of the page's greatest gain that a hinted body must have
_INNER_SHARE = 0.7  # of an outer body's gain that an inner one must hold to be the better root
_STRAY = -8  # gain of a short line outside lists, tables and headings
_MORE_TEXT = 0.5  # an ancestor is the better root if it adds this share of text
_FEW_LINKS = 0.25  # ... with at most this much link text per text

_NAME, _PARENT = 0, 1  # columns of nodes
_NODE, _CHARACTERS, _WEIGHT, _LINKS = 0, 3, 4, 5  # columns of segments


@kernel
def ends(nodes):  # type: ignore[no-untyped-def]
    """The last node of each subtree: nodes stand in document order."""
    out = np.arange(nodes.shape[0], dtype=np.int32)
    for i in range(out.size - 1, 0, -1):
        parent = nodes[i, _PARENT]
        if out[i] > out[parent]:
            out[parent] = out[i]
    return out


@kernel
def _add_up(nodes, sums):  # type: ignore[no-untyped-def]
    """Amounts of nodes to sums over subtrees, in place."""
    for i in range(sums.size - 1, 0, -1):
        sums[nodes[i, _PARENT]] += sums[i]


@kernel
def _texts(nodes, segments, out):  # type: ignore[no-untyped-def]
    """Weight of the text outside links, and in links, of each subtree; nodes taken out count nothing."""
    texts = np.zeros(nodes.shape[0], np.int64)
    links = np.zeros(nodes.shape[0], np.int64)
    for k in range(segments.shape[0]):
        node = segments[k, _NODE]
        if not out[node]:
            texts[node] += segments[k, _WEIGHT] - segments[k, _LINKS]
            links[node] += segments[k, _LINKS]
    _add_up(nodes, texts)
    _add_up(nodes, links)
    return texts, links


@kernel
def _unseen(nodes, traits):  # type: ignore[no-untyped-def]
    """Nodes that are never shown."""
    out = np.zeros(traits.size, np.bool_)
    for i in range(1, traits.size):
        out[i] = out[nodes[i, _PARENT]] or traits[i] & UNSEEN != 0
    return out


@kernel
def _take_out(nodes, traits, plain, out):  # type: ignore[no-untyped-def]
    """Take out subtrees on a hint, unless that takes most of the page or of the body around them. A quotation in a body
    is part of it, whatever frames it."""
    quoting = (traits & QUOTATION != 0).astype(np.int64)
    _add_up(nodes, quoting)
    bodies = np.zeros(traits.size, np.int32)
    for i in range(1, traits.size):
        outer = nodes[i, _PARENT]
        body = bodies[outer]
        bodies[i] = i if traits[i] & BODY else body
        if out[outer]:
            out[i] = True
        elif traits[i] & CHROME and not out[i]:
            comments = traits[i] & COMMENTS
            if traits[i] & WHOLE or (quoting[i] and body and not comments):
                continue
            share = _COMMENTS_SHARE if comments else _TOO_MUCH
            out[i] = plain[i] <= plain[0] * share and (not body or plain[i] <= plain[body] * share)


@kernel
def _gain(segment, trait):  # type: ignore[no-untyped-def]
    """What a segment says for the elements around it being the main text."""
    links = np.int64(segment[_LINKS])
    text = segment[_WEIGHT] - links
    if links > text and not trait & PREFORMATTED:
        return -5 - links // 4
    if text >= FULL:
        return text
    if trait & ITEM:
        return text // 2
    return np.int64(0) if trait & CELL else np.int64(_STRAY)


@kernel
def _root(nodes, segments, traits, last, out):  # type: ignore[no-untyped-def]
    """The node with the greatest gain; a hinted body inside it that outweighs every other hinted body comes first."""
    gains = np.zeros(traits.size, np.int64)
    above = np.zeros(traits.size, np.int64)
    for k in range(segments.shape[0]):
        node = segments[k, _NODE]
        if not out[node]:
            gain = _gain(segments[k], traits[node])
            gains[node] += gain
            above[node] += max(gain, 0)
    _add_up(nodes, gains)
    _add_up(nodes, above)
    best = 0
    for i in range(gains.size):
        if gains[i] >= gains[best]:
            best = i
    floor = max(1.0, above[best] * _BODY_SHARE)
    first = -1  # the body with the greatest gain
    for i in range(1, traits.size):
        if traits[i] & BODY and above[i] >= floor and (first < 0 or above[i] >= above[first]):
            first = i
    if first < 0:
        return _climb(nodes, segments, out, best)
    # Bodies inside bodies: the innermost that holds nearly all of the outer one.
    for i in range(first + 1, last[first] + 1):
        if traits[i] & BODY and i <= last[first] and above[i] >= above[first] * _INNER_SHARE and above[i] >= floor:
            first = i
    for i in range(1, traits.size):
        if traits[i] & BODY and above[i] >= floor and (i > last[first] or last[i] < first):
            return _climb(nodes, segments, out, best)
    return first


@kernel
def _climb(nodes, segments, out, node):  # type: ignore[no-untyped-def]
    """Up from `node` as long as that adds much text and few links: many short lines are a text, too."""
    texts, links = _texts(nodes, segments, out)
    top = node
    up = nodes[node, _PARENT]
    while up >= 0:
        more = texts[up] - texts[top]
        if more >= texts[top] * _MORE_TEXT and links[up] - links[top] <= more * _FEW_LINKS:
            top = up
        up = nodes[up, _PARENT]
    return top


@kernel
def _row(nodes, traits, node):  # type: ignore[no-untyped-def]
    """The table row of a cell, or of a block directly in a cell, else -1."""
    if node and traits[node] & CELL:
        return nodes[node, _PARENT]
    parent = nodes[node, _PARENT]
    return nodes[parent, _PARENT] if node and traits[parent] & CELL else -1


@kernel
def _linked(segments, nodes, traits, out, first, last):  # type: ignore[no-untyped-def]
    """Whether each segment inside the root is links rather than text. In paragraphs and code links are part of the
    text, and a cell with a link beside cells with text is no navigation."""
    weights = np.zeros(nodes.shape[0], np.int64)
    links = np.zeros(nodes.shape[0], np.int64)
    for k in range(segments.shape[0]):
        node = segments[k, _NODE]
        row = _row(nodes, traits, node)
        if first <= node <= last and not out[node] and row >= 0:
            weights[row] += segments[k, _WEIGHT]
            links[row] += segments[k, _LINKS]
    linked = np.zeros(segments.shape[0], np.bool_)
    for k in range(segments.shape[0]):
        node = segments[k, _NODE]
        row = _row(nodes, traits, node)
        weight = weights[row] if row >= 0 else np.int64(segments[k, _WEIGHT])
        link = links[row] if row >= 0 else np.int64(segments[k, _LINKS])
        if traits[node] & PARAGRAPH:
            linked[k] = link * 10 > weight * 9
        else:
            linked[k] = link * 2 > weight and not traits[node] & PREFORMATTED
    return linked


@kernel
def weigh(nodes, segments, traits):  # type: ignore[no-untyped-def]
    """The root of the main text and the last node in it, which nodes are out, which segments are in the root and no
    links, which are anywhere in the page and not out, and the characters that are shown at all."""
    last = ends(nodes)
    out = _unseen(nodes, traits)
    visible = np.int64(0)
    for k in range(segments.shape[0]):
        if not out[segments[k, _NODE]]:
            visible += segments[k, _CHARACTERS]
    plain, _ = _texts(nodes, segments, out)
    _take_out(nodes, traits, plain, out)
    root = _root(nodes, segments, traits, last, out)
    linked = _linked(segments, nodes, traits, out, root, last[root])
    inside = np.zeros(segments.shape[0], np.bool_)
    anywhere = np.zeros(segments.shape[0], np.bool_)
    for k in range(segments.shape[0]):
        node = segments[k, _NODE]
        anywhere[k] = not out[node]
        inside[k] = not out[node] and root <= node <= last[root] and not linked[k]
    return root, last[root], out, inside, anywhere, visible
