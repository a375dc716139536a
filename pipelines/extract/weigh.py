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
CHROME = 2  # its name says that it is no part of the main text
COMMENTS = 4  # a hint says that it holds comments
BODY = 8  # its name or a hint says that it is the main text
WHOLE = 16  # never taken out on a hint
QUOTATION, ITEM, CELL, PREFORMATTED, PARAGRAPH = 32, 64, 128, 256, 512
HINTED = 1024  # a hint says that it is no part of the main text
UNSCRIPTED = 2048  # shown where there are no scripts
HIDDEN = 4096  # a hint says that it is not shown
HEADING = 8192  # h2 to h6

FULL = 80  # weight of a segment that counts as a paragraph
_TOO_MUCH = 0.5  # share of the page's text above which a subtree is not taken out on a hint
_COMMENTS_SHARE = 0.95  # the same for comments, which are often longer than what they comment on
_MISLED = 0.25  # share of the main text found without hints below which they are not heeded
_MISLED_BY_NAMES = 0.1  # the same for names of elements
_NOTHING = 2 * FULL  # weight below which even comments are more of a text
_FRAMED = 0.25  # share of the page's text in a body that makes what is around it more than boilerplate
_BODY_SHARE = 0.3  # of the page's greatest gain that a hinted body must have
_INNER_SHARE = 0.7  # of an outer body's gain that an inner one must hold to be the better root
_SERIES = 0.1  # of a body's gain that all others that look like it must have together
_STRAY = -8  # gain of a short line outside lists, tables and headings
_MORE_TEXT = 0.5  # an ancestor is the better root if it adds this share of text
_FEW_LINKS = 0.25  # ... with at most this much link text per text

_NAME, _PARENT, _LOOKS = 0, 1, 5  # columns of nodes
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
def _unseen(nodes, segments, traits):  # type: ignore[no-untyped-def]
    """Nodes that are never shown. What stands in <noscript> is, if it is most of the page's text."""
    out = np.zeros(traits.size, np.bool_)
    unscripted = np.zeros(traits.size, np.bool_)
    for i in range(1, traits.size):
        parent = nodes[i, _PARENT]
        out[i] = out[parent] or traits[i] & UNSEEN != 0
        unscripted[i] = unscripted[parent] or traits[i] & UNSCRIPTED != 0
    inside = outside = np.int64(0)
    for k in range(segments.shape[0]):
        node = segments[k, _NODE]
        text = segments[k, _WEIGHT] - segments[k, _LINKS]
        if not out[node]:
            if unscripted[node]:
                inside += text
            else:
                outside += text
    if inside < outside:
        out |= unscripted
    return out


@kernel
def _take_out(nodes, traits, telling, plain, out):  # type: ignore[no-untyped-def]
    """Take out subtrees that have a `telling` trait, unless that takes most of the page or of the body around them. A
    quotation in a body is part of it, whatever frames it, and what frames a body is no boilerplate on a mere hint."""
    quoting = (traits & QUOTATION != 0).astype(np.int64)
    _add_up(nodes, quoting)
    framed = np.zeros(traits.size, np.int64)  # text of the greatest body inside
    for i in range(traits.size - 1, 0, -1):
        if traits[i] & BODY:
            framed[i] = plain[i]
        parent = nodes[i, _PARENT]
        framed[parent] = max(framed[parent], framed[i])
    bodies = np.zeros(traits.size, np.int32)
    for i in range(1, traits.size):
        outer = nodes[i, _PARENT]
        body = bodies[outer]
        bodies[i] = i if traits[i] & BODY else body
        if out[outer]:
            out[i] = True
        elif traits[i] & telling and not out[i]:
            if not traits[i] & (CHROME | COMMENTS | HIDDEN | BODY) and framed[i] >= plain[0] * _FRAMED:
                continue
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
    return _series(nodes, traits, last, out, above, first)


@kernel
def _series(nodes, traits, last, out, above, first):  # type: ignore[no-untyped-def]
    """The root with all bodies that look like the first one: a thread has a post in each."""
    low, high = first, last[first]
    text = np.int64(0)
    if nodes[first, _LOOKS]:
        i = 1
        while i < traits.size:
            alike = nodes[i, _LOOKS] == nodes[first, _LOOKS] and nodes[i, _NAME] == nodes[first, _NAME]
            if alike and not out[i] and above[i] > 0 and traits[i] & BODY:
                if i < first or i > last[first]:
                    text += above[i]
                low, high = min(low, i), max(high, last[i])
                i = last[i]
            i += 1
    if text < above[first] * _SERIES:
        return first
    root = first
    while root and (root > low or last[root] < high):
        root = nodes[root, _PARENT]
    return root


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
    # A heading that is a link belongs to the paragraph below it.
    following = segments.shape[0]
    for k in range(segments.shape[0] - 1, -1, -1):
        node = segments[k, _NODE]
        if first <= node <= last and not out[node]:
            if linked[k] and traits[node] & HEADING and following < segments.shape[0]:
                linked[k] = linked[following] or segments[following, _WEIGHT] < FULL
            if not linked[k] or not traits[node] & HEADING:
                following = k
    return linked


@kernel
def _main(nodes, segments, traits, telling, last, unseen, plain):  # type: ignore[no-untyped-def]
    """The root, the nodes taken out, the segments of the main text and their weight, heeding the `telling` traits."""
    out = unseen.copy()
    _take_out(nodes, traits, telling, plain, out)
    root = _root(nodes, segments, traits, last, out)
    linked = _linked(segments, nodes, traits, out, root, last[root])
    inside = np.zeros(segments.shape[0], np.bool_)
    weight = np.int64(0)
    for k in range(segments.shape[0]):
        node = segments[k, _NODE]
        if not out[node] and root <= node <= last[root] and not linked[k]:
            inside[k] = True
            weight += segments[k, _WEIGHT] - segments[k, _LINKS]
    return root, out, inside, weight


@kernel
def weigh(nodes, segments, traits):  # type: ignore[no-untyped-def]
    """The root of the main text and the last node in it, which nodes are out, which segments are in the root and no
    links, which are anywhere in the page and not out, and the characters that are shown at all.

    Hints are heeded first; where they leave little of what there is without them, they mislead."""
    last = ends(nodes)
    unseen = _unseen(nodes, segments, traits)
    visible = np.int64(0)
    for k in range(segments.shape[0]):
        if not unseen[segments[k, _NODE]]:
            visible += segments[k, _CHARACTERS]
    plain, _ = _texts(nodes, segments, unseen)
    root, out, inside, weight = _main(nodes, segments, traits, CHROME | HINTED | COMMENTS | HIDDEN, last, unseen, plain)
    other, other_out, other_inside, other_weight = _main(
        nodes, segments, traits, CHROME | COMMENTS | HIDDEN, last, unseen, plain
    )
    if weight < other_weight * _MISLED:
        root, out, inside, weight = other, other_out, other_inside, other_weight
    if weight < _NOTHING:
        telling = CHROME | HIDDEN
        other, other_out, other_inside, other_weight = _main(nodes, segments, traits, telling, last, unseen, plain)
        if weight < other_weight * _MISLED:
            root, out, inside, weight = other, other_out, other_inside, other_weight
    other, other_out, other_inside, other_weight = _main(nodes, segments, traits, COMMENTS, last, unseen, plain)
    if weight < other_weight * _MISLED_BY_NAMES:
        root, out, inside = other, other_out, other_inside
    anywhere = np.zeros(segments.shape[0], np.bool_)
    for k in range(segments.shape[0]):
        anywhere[k] = not out[segments[k, _NODE]]
    return root, last[root], out, inside, anywhere, visible
