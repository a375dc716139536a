"""The compiled part of reading a page: tags, text and the tree of block elements in one pass over its code points.

Tags are cut as the tokeniser of the HTML Standard cuts them, where pages depend on it: '>' in quoted attribute values,
raw text elements, bogus comments, tags cut off by the end of the page. Two differences: a quoted value that is never
closed ends like an unquoted one, and what scripts write is not known. Time is linear in the page, and memory in its
tags: nothing is looked at more than a fixed number of times.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipelines.compiled import compiler, digest_of

kernel = compiler(digest_of([Path(__file__)]))

# What an element is (Names.kinds).
INLINE, BLOCK, BREAK, LINK, HEAD, RAW = range(6)
# Lists of words: names of elements, attributes and entities; what values of attributes say of an element's text, the
# words in class and in id, and everything between white space in these (CLASS_NAMES) and other attributes.
ELEMENTS, ATTRIBUTES, ENTITIES, CLASS, ID, CLASS_NAMES, ROLE, PROPERTY, STYLE, HIDDEN, ARIA_HIDDEN, HREF = range(1, 13)
# What `relations` say of a start tag and an open element.
ENDS, BETWEEN = 1, 2
# Numbers of words are bits. A word with the bit FOLLOW << k counts as such only next to one with LEAD << k, k < 5.
# A word behind one with the bit DENIES ("has-sidebar", "no-menu") says nothing.
LEAD, FOLLOW, DENIES = 1 << 15, 1 << 20, 1 << 25
# Columns of Found.tags, nodes and segments.
TAG_COLUMNS = 8  # name, start, end, start and end of the attributes, node around it, ends of the text before and inside
NODE_COLUMNS = 6  # name, parent, start and end of the attributes, words said about it, hash of its class
SEGMENT_COLUMNS = 6  # node, first span and the one behind the last, characters, weight, weight of links

_LT, _GT, _SLASH, _EQUALS, _AMP = ord("<"), ord(">"), ord("/"), ord("="), ord("&")
_EXCLAMATION, _QUESTION = ord("!"), ord("?")
_DOUBLE, _SINGLE, _DASH, _UNDERSCORE, _HASH, _SEMICOLON = ord('"'), ord("'"), ord("-"), ord("_"), ord("#"), ord(";")
_PILCROW, _SECTION = 0xB6, 0xA7  # such a link behind a heading leads to the heading
_BASIS, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a, 64 bits
_FOLLOWS = np.int32(31 * FOLLOW)
_BLOCK_SIZE = 64  # code points
_LONGEST_ENTITY = 10
_REACH = 12  # open elements looked at for an implied end tag


class Table(NamedTuple):
    """Words of all lists with a number each: an open hash table of a power of two of places, 0 where one is free."""

    keys: Any
    values: Any


class Names(NamedTuple):
    """Element names by number (0 is any other): kind, whether marked in `tags`, closing a paragraph, ending others;
    `relations[started, open]` says which; the numbers of p, title and svg."""

    traits: Any
    relations: Any
    p: int
    title: int
    svg: int


class Found(NamedTuple):
    """Arrays of integers: rows of nodes, segments, spans (start, end) and tags; the place of the title's text."""

    nodes: Any
    segments: Any
    spans: Any
    tags: Any
    title: tuple[int, int]


def table(lists: dict[int, dict[str, int]]) -> Table:
    """The table of the lower-case words of each list; a word that is not in a list has the number 0 there."""
    entries = [(which, word, number) for which, words in lists.items() for word, number in words.items()]
    size = 4
    while size < 3 * len(entries):
        size *= 2
    keys = np.zeros(size, np.uint64)
    values = np.zeros(size, np.int32)
    for which, word, number in entries:
        value = (int(_BASIS) + which * int(_PRIME)) % (1 << 64)
        for letter in word:
            value = ((value ^ ord(letter)) * int(_PRIME)) % (1 << 64)
        place = (value >> 32) % size
        while keys[place]:
            place = (place + 1) % size
        keys[place] = value
        values[place] = number
    return Table(keys, values)


@kernel
def _number(words, value):  # type: ignore[no-untyped-def]
    """The number of the word with this hash, which begins with that of its list."""
    last = words.keys.size - 1
    place = np.int64(value >> np.uint64(32)) & last
    while words.keys[place]:
        if words.keys[place] == value:
            return words.values[place]
        place = (place + 1) & last
    return np.int32(0)


@kernel
def _begin(which):  # type: ignore[no-untyped-def]
    """The hash of an empty word of a list."""
    return _BASIS + np.uint64(which) * _PRIME


@kernel
def _find(codes, i, mark):  # type: ignore[no-untyped-def]
    """The first place of `mark` from `i` on, or the end of the page; by blocks that the processor compares at once."""
    n = codes.size
    while i + _BLOCK_SIZE <= n:
        block = codes[i : i + _BLOCK_SIZE]
        count = np.uint32(0)
        for k in range(_BLOCK_SIZE):
            count += np.uint32(block[k] == np.uint32(mark))
        if count:
            break
        i += _BLOCK_SIZE
    while i < n and codes[i] != mark:
        i += 1
    return min(i, n)


@kernel
def _lower(c):  # type: ignore[no-untyped-def]
    return c + 32 if 65 <= c <= 90 else c


@kernel
def _is_letter(c):  # type: ignore[no-untyped-def]
    return 97 <= c <= 122 or 65 <= c <= 90


@kernel
def _is_white(c):  # type: ignore[no-untyped-def]
    """White space of HTML's syntax, and the vertical tab."""
    return c == 32 or 9 <= c <= 13


@kernel
def _is_space(c):  # type: ignore[no-untyped-def]
    """White space or nothing in a text: controls, spaces, marks without width."""
    if c < 0x7F:
        return c <= 32
    if c < 0x1680:
        return c <= 0xA0 and (c == 0x85 or c == 0xA0 or c == 0x7F)
    return (
        0x2000 <= c <= 0x200F or c == 0x3000 or c == 0x2028 or c == 0x2029 or c == 0x202F or c == 0x205F
        or c == 0x1680 or c == 0xFEFF
    )  # fmt: skip


@kernel
def _weight(c):  # type: ignore[no-untyped-def]
    """Bytes of a code point in UTF-8."""
    return 1 + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000)


@kernel
def _entity(codes, i, end, words):  # type: ignore[no-untyped-def]
    """The code point that a character reference at `i` stands for and where it ends; an ampersand that opens none is
    itself. Names beyond those that matter here all stand for an ordinary character."""
    last = min(end, i + _LONGEST_ENTITY)
    j = i + 1
    value = np.int64(0)
    if j < last and codes[j] == _HASH:
        j += 1
        base = np.int64(10)
        if j < last and _lower(codes[j]) == 120:
            base = np.int64(16)
            j += 1
        first = j
        while j < last:
            c = np.int64(_lower(codes[j]))
            digit = c - 48 if 48 <= c <= 57 else (c - 87 if base == 16 and 97 <= c <= 102 else np.int64(-1))
            if digit < 0:
                break
            value = value * base + digit
            j += 1
        if j == first or value > 0x10FFFF:
            return np.int64(_AMP), i + 1
    else:
        hashed = _begin(ENTITIES)
        while j < last and (_is_letter(codes[j]) or 48 <= codes[j] <= 57):
            hashed = (hashed ^ np.uint64(codes[j])) * _PRIME
            j += 1
        if j == i + 1 or j >= end or codes[j] != _SEMICOLON:
            return np.int64(_AMP), i + 1
        value = np.int64(_number(words, hashed))
        if value == 0:
            value = np.int64(97)
    if j < end and codes[j] == _SEMICOLON:
        j += 1
    return value, j


@kernel
def _class_says(codes, start, end, which, words):  # type: ignore[no-untyped-def]
    """What a class or id says, and the hash of it: the numbers of its words and of what stands between white space,
    joined, and those of pairs of words. A capital letter behind a small one begins a word, too."""
    out = np.int32(0)
    no_word, no_name = _begin(which), _begin(CLASS_NAMES)
    word, name, whole = no_word, no_name, no_word
    lead = np.int32(0)  # number of the word before
    between = 3  # characters since that word; three and more if no other word can follow it
    small: Any = False
    for i in range(start, end + 1):
        c = codes[i] if i < end else np.uint32(32)
        lower = _lower(c)
        letter = 97 <= lower <= 122
        if word != no_word and (not letter or (small and c != lower)):
            number = _number(words, word)
            if between > 2:
                lead = np.int32(0)
            if not lead & DENIES:
                out |= number & ~_FOLLOWS | number & _FOLLOWS & (lead << 5)
            lead = number
            word = no_word
            between = 0
        if letter:
            word = (word ^ np.uint64(lower)) * _PRIME
        else:
            between = between + 1 if c in (_DASH, _UNDERSCORE) else 3
        small = letter and c == lower
        if _is_white(c):
            if name != no_name:
                out |= _number(words, name)
                name = no_name
        else:
            name = (name ^ np.uint64(lower)) * _PRIME
        whole = (whole ^ np.uint64(c)) * _PRIME
    return out, np.int32(whole >> np.uint64(33))


@kernel
def _names_say(codes, start, end, which, words):  # type: ignore[no-untyped-def]
    """What an attribute's names say that white space divides; in styles, what stands between ';' and '!'."""
    out = np.int32(0)
    basis = _begin(which)
    name = basis
    style = which == STYLE
    for i in range(start, end + 1):
        c = _lower(codes[i]) if i < end else np.uint32(_SEMICOLON if style else 32)
        if c in (_SEMICOLON, _EXCLAMATION) if style else _is_white(c):
            out |= _number(words, name)
            name = basis
        elif not _is_white(c):
            name = (name ^ np.uint64(c)) * _PRIME
    return out


@kernel
def _attributes(codes, i, telling, words, unclosed):  # type: ignore[no-untyped-def]
    """Where the tag's '>' is, what its attributes say and the hash of its class (if `telling`), and
    whether it has a href.

    `unclosed` remembers for either quote that the rest of the page has none: it need not be looked for again.
    """
    n = codes.size
    said = np.int32(0)
    looks = np.int32(0)
    href = False
    while i < n and codes[i] != _GT:
        c = codes[i]
        if _is_white(c) or c == _SLASH:
            i += 1
            continue
        name = (_begin(ATTRIBUTES) ^ np.uint64(_lower(c))) * _PRIME
        i += 1
        while i < n:
            c = codes[i]
            if c in (_EQUALS, _GT, _SLASH) or _is_white(c):
                break
            name = (name ^ np.uint64(_lower(c))) * _PRIME
            i += 1
        while i < n and _is_white(codes[i]):
            i += 1
        start = end = i
        if i < n and codes[i] == _EQUALS:
            i += 1
            while i < n and _is_white(codes[i]):
                i += 1
            start = end = i
            if i < n and (codes[i] == _DOUBLE or codes[i] == _SINGLE):
                quote = codes[i]
                kind = 0 if quote == _DOUBLE else 1
                if not unclosed[kind]:
                    end = _find(codes, i + 1, quote)
                    if end < n:
                        start = i + 1
                        i = end + 1
                    else:
                        unclosed[kind] = True
                        end = i
            if i <= end:
                while i < n and codes[i] != _GT and not _is_white(codes[i]):
                    i += 1
                end = i
        which = _number(words, name)
        if which == HREF:
            href = True
        elif which and telling:
            if which in (CLASS, ID):
                says, whole = _class_says(codes, start, end, which, words)
                said |= says
                looks = whole if which == CLASS else looks
            else:
                # `hidden` needs no value.
                said |= _names_say(codes, start, start if which == HIDDEN else end, which, words)
    return i, said, looks, href


@kernel
def _comment(codes, i):  # type: ignore[no-untyped-def]
    """The place behind a comment whose text begins at `i`."""
    at = i
    while True:
        at = _find(codes, at, _GT)
        inside = at - i
        if (
            at == codes.size
            or inside == 0
            or (codes[at - 1] == _DASH and (inside == 1 or codes[at - 2] == _DASH))
            or (inside > 2 and codes[at - 1] == _EXCLAMATION and codes[at - 2] == _DASH and codes[at - 3] == _DASH)
        ):
            return min(at + 1, codes.size)
        at += 1


@kernel
def _raw_end(codes, i, name, length):  # type: ignore[no-untyped-def]
    """Where the end tag of a raw text element begins whose name stands at `name`."""
    n = codes.size
    while True:
        i = _find(codes, i, _LT)
        if i + length + 2 >= n:
            return n
        if codes[i + 1] == _SLASH:
            k = 0
            while k < length and _lower(codes[i + 2 + k]) == _lower(codes[name + k]):
                k += 1
            behind = codes[i + 2 + length]
            if k == length and (behind in (_GT, _SLASH) or _is_white(behind)):
                return i
        i += 1


@kernel
def _name(codes, i):  # type: ignore[no-untyped-def]
    """Where a tag's name ends, and its hash in lower case."""
    hashed = _begin(ELEMENTS)
    while i < codes.size:
        c = codes[i]
        if c in (_GT, _SLASH) or _is_white(c):
            break
        hashed = (hashed ^ np.uint64(_lower(c))) * _PRIME
        i += 1
    return i, hashed


@kernel
def _close(nodes, stack, depth, to, opened):  # type: ignore[no-untyped-def]
    """Close the open elements from depth `to` on."""
    while depth > to:
        depth -= 1
        opened[nodes[stack[depth], 0]] -= 1
    return depth


@kernel
def _implied(nodes, stack, depth, relation):  # type: ignore[no-untyped-def]
    """Depth of the open element that a start tag ends, 0 if there is none."""
    for at in range(depth - 1, max(0, depth - 1 - _REACH), -1):
        said = relation[nodes[stack[at], 0]]
        if said == ENDS:
            return at
        if said != BETWEEN:
            break
    return 0


@kernel
def _opens(codes, i):  # type: ignore[no-untyped-def]
    """Whether the '<' at `i` opens a tag, comment or declaration."""
    if i + 1 == codes.size:
        return False
    c = codes[i + 1]
    return _is_letter(c) or c in (_SLASH, _EXCLAMATION, _QUESTION)


@kernel
def _text(codes, i, words):  # type: ignore[no-untyped-def]
    """Where the text at `i` ends, its characters, their weight, and the last one. White space counts as one space
    between words and not at all at the borders; a character reference is one character."""
    n = codes.size
    size = heavy = 0
    space = True  # before the next character
    only = np.int64(0)
    while i < n:
        c = np.int64(codes[i])
        if c == _LT and _opens(codes, i):
            break
        if c == _AMP:
            c, i = _entity(codes, i, n, words)
        else:
            i += 1
        white = _is_space(c)
        if not (white and space):
            size += 1
            heavy += 1 if white else _weight(c)
        if not white:
            only = c
        space = white
    if space and size:
        size -= 1
        heavy -= 1
    return i, size, heavy, only


@kernel
def _declaration(codes, i):  # type: ignore[no-untyped-def]
    """The place behind a comment or declaration that begins at `i`; a CDATA section is one up to its first '>'."""
    n = codes.size
    if i + 3 < n and codes[i + 1] == _EXCLAMATION and codes[i + 2] == _DASH and codes[i + 3] == _DASH:
        return _comment(codes, i + 4)
    return min(_find(codes, i, _GT) + 1, n)


@kernel
def scan(codes, names, words, max_depth, max_nodes):  # type: ignore[no-untyped-def]
    """Nodes, segments, spans, marked tags and title of the page `codes` (uint32, code points); see tree.parse."""
    n = codes.size
    bound = 0  # of all counts; the operating system gives memory to rows that are written only
    for i in range(n):
        bound += codes[i] == np.uint32(_LT)
    nodes = np.empty((min(bound, max_nodes) + 1, NODE_COLUMNS), np.int32)
    segments = np.empty((bound + 1, SEGMENT_COLUMNS), np.int32)
    spans = np.empty((bound + 1, 2), np.int32)
    tags = np.empty((bound, TAG_COLUMNS), np.int32)
    node_count, segment_count, span_count, tag_count = 1, 0, 0, 0
    nodes[0] = 0
    nodes[0, 1] = -1
    title = (-1, -1)
    stack = np.zeros(max_depth + 2, np.int32)
    depth = 1  # of the stack
    node = 0  # the innermost open one
    opened = np.zeros(names.traits.shape[0], np.int32)
    overflow = np.zeros(names.traits.shape[0], np.int32)
    unclosed = np.zeros(2, np.bool_)
    link_depth = 0  # of the stack where the open link began; 0 outside links
    first = 0  # span of the segment
    characters = weight = link_weight = 0
    text_end = 0
    i = 0
    while True:
        start = i
        i, size, heavy, only = _text(codes, i, words)
        if size and not (link_depth and size == 1 and only in (_HASH, _PILCROW, _SECTION)):
            characters += size
            weight += heavy
            link_weight += heavy if link_depth else 0
            text_end = i
        elif size or span_count == first:
            start = i
        if start < i:
            spans[span_count, 0] = start
            spans[span_count, 1] = i
            span_count += 1
        if i == n:
            kind = BREAK
        else:
            # A tag.
            start = i
            ends = codes[i + 1] == _SLASH
            at = i + 2 if ends else i + 1
            if at == n or not _is_letter(codes[at]):
                i = _declaration(codes, i)
                continue
            i, hashed = _name(codes, at)
            name = _number(words, hashed)
            kind = names.traits[name, 0]
            inside = i
            i, said, looks, href = _attributes(codes, i, kind == BLOCK and not ends, words, unclosed)
            outside = i
            i = min(i + 1, n)
            if names.traits[name, 1] and not ends:
                tags[tag_count, 0] = name
                tags[tag_count, 1] = start
                tags[tag_count, 2] = i
                tags[tag_count, 3] = inside
                tags[tag_count, 4] = outside
                tags[tag_count, 5] = node
                tags[tag_count, 6] = text_end
                tags[tag_count, 7] = i
                tag_count += 1
            if kind == RAW and not ends:
                raw = i
                i = _raw_end(codes, i, at, inside - at)
                if names.traits[name, 1]:
                    tags[tag_count - 1, 7] = i
                if name == names.title and title[0] < 0 and not opened[names.svg]:
                    title = (raw, i)
                i = min(_find(codes, i, _GT) + 1, n)
            elif kind == LINK:
                link_depth = depth if href and not ends else 0
            if kind in (INLINE, RAW, LINK):
                continue

        # The border of a segment.
        if weight:
            segments[segment_count, 0] = node
            segments[segment_count, 1] = first
            segments[segment_count, 2] = span_count
            segments[segment_count, 3] = characters
            segments[segment_count, 4] = weight
            segments[segment_count, 5] = link_weight
            segment_count += 1
            characters = weight = link_weight = 0
        else:
            span_count = first
        first = span_count
        if i == n and kind == BREAK:
            break
        if kind != BLOCK:
            continue

        # The tree.
        if ends:
            if nodes[node, 0] == name and not overflow[name]:
                depth -= 1
                opened[name] -= 1
            elif overflow[name]:
                overflow[name] -= 1
            elif opened[name]:
                to = depth - 1
                while nodes[stack[to], 0] != name:
                    to -= 1
                depth = _close(nodes, stack, depth, to, opened)
            if depth < link_depth:
                link_depth = 0
        else:
            if nodes[node, 0] == names.p and names.traits[name, 2]:
                depth -= 1
                opened[names.p] -= 1
            if names.traits[name, 3]:
                to = _implied(nodes, stack, depth, names.relations[name])
                if to:
                    depth = _close(nodes, stack, depth, to, opened)
            if depth < link_depth:
                link_depth = 0
            if depth > max_depth or node_count > max_nodes:
                overflow[name] += 1
            else:
                nodes[node_count, 0] = name
                nodes[node_count, 1] = stack[depth - 1]
                nodes[node_count, 2] = inside
                nodes[node_count, 3] = outside
                nodes[node_count, 4] = said
                nodes[node_count, 5] = looks
                stack[depth] = node_count
                depth += 1
                node_count += 1
                opened[name] += 1
        node = stack[depth - 1]
    return nodes[:node_count], segments[:segment_count], spans[:span_count], tags[:tag_count], title
