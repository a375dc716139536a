"""The images, videos and sounds of a main text: their addresses, and the keys that stand for them in the text."""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from pipelines.extract.main_text import Choice
from pipelines.extract.markup import ATTRIBUTE, attributes, words
from pipelines.extract.result import Media, MediaKind
from pipelines.extract.tree import Mark, Page
from pipelines.schemas import hash128

KEY_DIGITS = 16
MOST = 10_000  # media of one page; further ones are left out
_LONGEST_URL = 4_000
_LONGEST_ALT = 500
_SMALL = 50  # pixels: a smaller side that is declared means an icon, a letter or a counter
_KINDS: dict[str, MediaKind] = {"img": "img", "video": "video", "audio": "audio"}
#: Where scripts that load images late keep the address, best first; `src` then holds a placeholder.
_LAZY = [
    "data-original",
    "data-src",
    "data-lazy-src",
    "data-actualsrc",
    "data-original-src",
    "data-lazyload",
    "data-lazy",
    "data-echo",
    "data-url",
    "data-hi-res-src",
    "zoomfile",
    "file",
    "original",
    "_src",
    "real_src",
    "lazysrc",
    "data-srcset",
    "data-lazy-srcset",
    "srcset",
    "src",
    "data",
]
_PLACEHOLDER = re.compile(
    r"(?:^|[/_.-])(?:blank|spacer|pixel|placeholder|loading|lazy|lazyload|transparent|empty|clear|dot|grey|1x1|1px"
    r"|share|sprite|arrow|bullet|btn|button|icons?|logo|emoji|smil(?:ey|ies)|banner|ads?)"
    r"[^/]{0,20}\.(?:gif|png|svg|jpe?g|webp)\b",
    re.I,
)
_DECORATION = words(
    "emoji emoticon smiley wp-smiley icon icons avatar gravatar tracking tracker beacon pixel spacer logo"
)
_WORD = re.compile(r"[a-z]+(?:-smiley)?")
_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|bmp|svg|mp4|webm|mp3|ogg|m4a|flv|swf)\b|/", re.I)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_PLAYER = re.compile(r"video|player|embed|/v/|\.swf\b", re.I)


class Placed(NamedTuple):
    """A medium and where the page has it."""

    start: int
    end: int
    node: int
    media: Media


def media_of(page: Page, choice: Choice, url: str | None) -> list[Placed]:
    """The media of the main text, in order. Addresses are absolute where the page's own is known.

    Left out are pixels, icons and emoji, data: addresses, and pictures of blocks whose texts were all left out: teasers
    of other pages.
    """
    base = _base(page, url)
    found: list[Placed] = []
    with_text: set[int] | None = None
    for mark in page.media:
        if not choice.holds(mark.node) or len(found) >= MOST:
            continue
        if with_text is None:
            texts = [s.node for s in page.segments if page.names[s.node] != "figcaption"]
            with_text = _with_parents(page, texts)
            kept = _with_parents(page, [page.segments[k].node for k in choice.kept])
        around = mark.node
        while around not in with_text and around > choice.root:
            around = page.parents[around]
        if around not in kept:
            continue
        media = medium(mark, base)
        if media is not None:
            found.append(Placed(mark.start, mark.end, mark.node, media))
    return found


def medium(mark: Mark, base: str | None) -> Media | None:
    """What a media element shows, or None where that is nothing to read or cannot be told."""
    stated = attributes(mark.attributes)
    if mark.name == "img" and _is_decoration(stated):
        return None
    address = _address(mark, stated)
    if not address or (mark.name in ("iframe", "embed", "object") and not _is_player(stated, address)):
        return None
    try:
        absolute = urljoin(base or "", address)
        scheme = urlsplit(absolute).scheme.lower()
    except ValueError:
        return None
    if scheme not in ("http", "https", "") or len(absolute) > _LONGEST_URL:
        return None
    kind = _KINDS.get(mark.name, "embed")
    alt = " ".join((stated.get("alt") or stated.get("title") or "").split())[:_LONGEST_ALT]
    return Media(key_of(kind, absolute), kind, absolute, alt or None)


def key_of(kind: str, url: str) -> str:
    """The atom (pipelines.atoms) that stands for the medium at this address."""
    return f"⟦{kind}:{hash128(url)[:KEY_DIGITS]}⟧"


def _with_parents(page: Page, nodes: list[int]) -> set[int]:
    found: set[int] = set()
    for node in nodes:
        while node >= 0 and node not in found:
            found.add(node)
            node = page.parents[node]
    return found


def _base(page: Page, url: str | None) -> str | None:
    for name, source in page.metas:
        if name == "base":
            href = attributes(source).get("href", "").strip()
            if href:
                try:
                    return urljoin(url or "", href)
                except ValueError:
                    break
    return url


def _is_decoration(stated: dict[str, str]) -> bool:
    for side in ("width", "height"):
        size = _pixels(stated.get(side))
        if size is not None and size < _SMALL:
            return True
    named = _WORD.findall(f"{stated.get('class', '')} {stated.get('role', '')}".lower())
    return (
        not _DECORATION.isdisjoint(named)
        or stated.get("aria-hidden", "").lower() == "true"
        or "hidden" in stated
        or bool(_HIDDEN.search(stated.get("style", "")))
    )


def _pixels(text: str | None) -> int | None:
    found = re.match(r"\s*([0-9]{1,6})(?:\.[0-9]+)?\s*(?:px)?\s*\Z", text or "")
    return int(found[1]) if found else None


def _is_player(stated: dict[str, str], address: str) -> bool:
    sides = [_pixels(stated.get(side)) for side in ("width", "height")]
    return ("allowfullscreen" in stated or bool(_PLAYER.search(address))) and not any(
        s is not None and s < 100 for s in sides
    )


def _address(mark: Mark, stated: dict[str, str]) -> str | None:
    """The best address: of lazy loading before `src`, and of several sizes the largest."""
    for name in _LAZY:
        value = stated.get(name, "").strip()
        if not value:
            continue
        if name.endswith("srcset"):
            value = _largest(mark.attributes)
        if not value or value[:5].lower().startswith(("data:", "blob:", "about")):
            continue
        if _FILE.search(value) and not _PLACEHOLDER.search(value):
            return value
    return None


def _largest(source: str) -> str:
    """The candidate of the greatest width or density among all `srcset` attributes of an element and its <source>s."""
    best, size = "", -1.0
    for found in ATTRIBUTE.finditer(source):
        if not found[1].lower().endswith("srcset"):
            continue
        for candidate in re.split(r",\s+|,(?=https?:)", unescape(found[2] or found[3] or found[4] or "")):
            address, _, descriptor = candidate.strip().rstrip(",").partition(" ")
            stated = re.fullmatch(r"\s*([0-9]{1,6}(?:\.[0-9]{1,3})?)[wx]\s*", descriptor)
            if address and (float(stated[1]) if stated else 1.0) > size:
                best, size = address, float(stated[1]) if stated else 1.0
    return best
