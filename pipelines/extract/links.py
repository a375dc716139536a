"""Links, canonical address and robots directives of a page, for the crawl."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from pipelines.extract.markup import attributes
from pipelines.extract.tree import start_tags

_WANTED = frozenset(("a", "area", "base", "link", "meta"))
#: A link from the root of the site with nothing in it that has to be resolved: most links of most sites.
_ROOTED = re.compile(
    r"/(?:[A-Za-z0-9_~%-][A-Za-z0-9._~%-]*/)*(?:[A-Za-z0-9_~%-][A-Za-z0-9._~%-]*)?(?:\?[A-Za-z0-9._~%&=-]+)?"
)
MAX_URL = 4096  # characters; longer ones are no addresses


def _tags(html: str) -> Iterator[tuple[str, dict[str, str]]]:
    for name, source in start_tags(html, _WANTED):
        yield name, attributes(source)


def absolute(base: str, href: str) -> str | None:
    """Absolute http(s) address without fragment, None for anything else."""
    href = href.strip(" \t\r\n\f\x00")
    href = href.replace("\t", "").replace("\r", "").replace("\n", "")
    if not href or len(href) > MAX_URL:
        return None
    try:
        joined = urljoin(base, href).partition("#")[0]
        parts = urlsplit(joined)
        if parts.scheme in ("http", "https") and parts.hostname:
            return joined
    except ValueError:  # malformed host or port
        pass
    return None


def _rooted(root: str, href: str) -> str | None:
    """What absolute() gives for a plain link from the root of a site; None for any other link."""
    return root + href if root and len(href) <= MAX_URL and _ROOTED.fullmatch(href) else None


def _directives(found: dict[str, str]) -> frozenset[str]:
    if found.get("name", "").strip().lower() != "robots":
        return frozenset()
    words = (word.strip().lower() for word in found.get("content", "").split(","))
    return frozenset(word for word in words if word)


def links(html: str, base_url: str) -> list[str]:
    """Absolute http(s) addresses of <a> and <area> in order of first appearance, without fragments and repetitions.

    The first <base href> counts for all links. Links with rel=nofollow are left out, and all of them where the page's
    robots <meta> says nofollow or none.
    """
    hrefs: list[str] = []
    base = None
    for name, found in _tags(html):
        if name == "base":
            base = base or absolute(base_url, found.get("href", ""))
        elif name == "meta":
            if _directives(found) & {"nofollow", "none"}:
                return []
        elif name != "link" and "href" in found and "nofollow" not in found.get("rel", "").lower().split():
            hrefs.append(found["href"])
    base = base or base_url
    root = (absolute(base, "/") or "")[:-1]
    joined = (_rooted(root, href) or absolute(base, href) for href in hrefs)
    return list(dict.fromkeys(url for url in joined if url))


def canonical(html: str, base_url: str) -> str | None:
    """The absolute address in <link rel=canonical>, if the page states one."""
    base = None
    href = None
    for name, found in _tags(html):
        if name == "base":
            base = base or absolute(base_url, found.get("href", ""))
        elif name == "link" and href is None and "canonical" in found.get("rel", "").lower().split():
            href = found.get("href")
    return absolute(base or base_url, href) if href else None


def robots_meta(html: str) -> frozenset[str]:
    """Directives of <meta name=robots>, lower case; `none` also gives `noindex` and `nofollow`."""
    out: set[str] = set()
    for name, found in _tags(html):
        if name == "meta":
            out |= _directives(found)
    if "none" in out:
        out |= {"noindex", "nofollow"}
    return frozenset(out)
