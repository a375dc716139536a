"""JSON-LD of a page: what schema.org data say of its main entity.

Pages hold broken JSON, HTML entities, comments around it, several scripts and megabytes of products. Scripts are read
up to a limit; of what cannot be parsed, the plain string members that are looked for are still found by name.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Any

import orjson

MAX_CHARACTERS = 500_000  # of all scripts of a page; longer ones are no description of an article
_MAX_NODES = 2_000
_MAX_DEPTH = 8
_OPENERS = ("<!--", "//<![CDATA[", "// <![CDATA[", "/*<![CDATA[*/", "<![CDATA[")
_PADDING = " \t\r\n\x00\ufeff;"
_CLOSERS = ("-->", "//]]>", "// ]]>", "/*]]>*/", "]]>", "//")
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_MEMBER = re.compile(r'"(datePublished|license)"\s{0,8}:\s{0,8}"([^"\\]{1,300})"')
_AUTHOR = re.compile(
    r'"author"\s{0,8}:\s{0,8}\[?\s{0,8}(?:\{[^{}\[\]]{0,400}?"name"\s{0,8}:\s{0,8})?"([^"\\{}]{1,200})"'
)
_FREE = re.compile(r'"isAccessibleForFree"\s{0,8}:\s{0,8}"?(false|true)', re.I)
#: How well a type describes the page itself: articles, then pages, then anything with a date.
_RANKS = (
    re.compile(r"(?:article|posting|report|review|essay|chapter|recipe|howto|claimreview)\Z", re.I),
    re.compile(r"(?:page|creativework|videoobject|event|book|dataset|podcastepisode)\Z", re.I),
)
#: Members whose values describe something else than the page.
_ASIDE = frozenset(("comment", "review", "itemlistelement", "relatedlink", "citation", "potentialaction", "breadcrumb"))


def nodes(scripts: Iterable[str]) -> list[dict[str, Any]]:
    """The objects of a page's JSON-LD that describe the page, the most telling first; authors by @id are filled in."""
    found: list[dict[str, Any]] = []
    room = MAX_CHARACTERS
    for script in scripts:
        room -= len(script)
        parsed = parse(script) if room >= 0 else None
        if parsed is None:
            parsed = _by_name(script[: max(room, 0) or MAX_CHARACTERS])
        found += _objects(parsed)
        if room < 0 or len(found) >= _MAX_NODES:
            break
    named = {n["@id"]: n for n in found if isinstance(n.get("@id"), str) and "name" in n}
    for node in found:
        for who in ("author", "creator"):
            if who in node:
                node[who] = _resolved(node[who], named)
    return sorted(found, key=_rank)


def parse(script: str) -> Any:
    """The value of one script; repairs wrapping comments, entities, control characters and trailing commas. None for
    what stays broken."""
    text = script[:MAX_CHARACTERS].strip(_PADDING)
    for opener in _OPENERS:
        text = text.removeprefix(opener)
    for closer in _CLOSERS:
        text = text.removesuffix(closer).rstrip(_PADDING)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    for repaired in (text, _TRAILING_COMMA.sub(r"\1", text), unescape(text)):
        try:
            return json.loads(repaired, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _by_name(text: str) -> dict[str, Any]:
    """The looked-for members of JSON that cannot be parsed; the first of each name counts."""
    found: dict[str, Any] = {}
    for name, value in _MEMBER.findall(text):
        found.setdefault(name, value)
    author, free = _AUTHOR.search(text), _FREE.search(text)
    if author:
        found["author"] = author[1]
    if free:
        found["isAccessibleForFree"] = free[1].lower() == "true"
    return found


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a value, without those in comments, lists of links and the like."""
    found: list[dict[str, Any]] = []
    waiting: deque[tuple[Any, int]] = deque([(value, 0)])
    seen = 0
    while waiting and seen < _MAX_NODES:
        item, depth = waiting.popleft()
        seen += 1
        if isinstance(item, dict):
            found.append(item)
            inner: Iterator[Any] = (v for k, v in item.items() if k.lower() not in _ASIDE)
        elif isinstance(item, list):
            inner = iter(item[:_MAX_NODES])
        else:
            continue
        if depth < _MAX_DEPTH and len(waiting) < _MAX_NODES:
            waiting += ((v, depth + 1) for v in inner if isinstance(v, (dict, list)))
    return found


def _resolved(value: Any, named: dict[str, dict[str, Any]]) -> Any:
    if isinstance(value, list):
        return [_resolved(entry, named) for entry in value[:50]]
    if isinstance(value, dict) and "name" not in value and isinstance(value.get("@id"), str):
        return named.get(value["@id"], value)
    return value


def _rank(node: dict[str, Any]) -> int:
    types = node.get("@type")
    names = [t for t in (types if isinstance(types, list) else [types]) if isinstance(t, str)]
    for rank, pattern in enumerate(_RANKS):
        if any(pattern.search(name) for name in names):
            return rank
    return len(_RANKS)


def names(value: Any, depth: int = 4) -> list[str]:
    """Names of persons or organisations in the value of `author` or `creator`, in order; at most 50 per list."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict) and depth:
        return names(value.get("name"), depth - 1)
    if isinstance(value, list) and depth:
        return [name for entry in value[:50] for name in names(entry, depth - 1)]
    return []


def first_string(value: Any) -> str | None:
    """A string, or the first one of a list, or the @id, url or @value of an object."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = next((value[key] for key in ("@id", "url", "@value", "name") if isinstance(value.get(key), str)), None)
    return value if isinstance(value, str) else None
