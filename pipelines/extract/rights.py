"""What a page says about the use of it: directives for robots, its licence, and whether it is paid for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.acquire.licences import spdx
from pipelines.crawl.robots import product_token
from pipelines.extract.linked import first_string
from pipelines.extract.markup import attributes

#: Directives that forbid training on a text. `noindex`, `noimageai` and others speak of search or pictures.
NO_TRAINING = ("noai", "noml")

_AGENT = re.compile(r"\s*([A-Za-z*][A-Za-z0-9._*-]*(?:/[\w.]+)?)\s*:")
# Directives with a value after a colon, not names of crawlers.
_VALUED = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview", "crawl-delay"))

_METAS = ("dc.rights", "dcterms.rights", "dcterms.license", "dc.rights.license", "license", "licence", "rights")
_FOOT = 20_000  # characters at the end of a page in which its licence is sought
_LINK = re.compile(r"<(?:a|link)\s(?=[^<>]*(?:creativecommons\.org/|\blicense\b))([^<>]*)>", re.I)


def directives(value: str, agent: str) -> frozenset[str]:
    """Directives of one X-Robots-Tag header, or one robots <meta>, that concern the crawler `agent`; lower case.

    `agent` is a product token or a whole User-Agent. A name before a colon governs what follows it
    ("googlebot: noindex" says nothing to others). `none` also gives noindex and nofollow; values after a colon
    ("max-snippet: 20") are left out.
    """
    mine = product_token(agent).lower()
    concerned = True
    out: set[str] = set()
    for part in value.split(","):
        while named := _AGENT.match(part):
            name = named[1].lower()
            if name in _VALUED:
                part = name
                break
            concerned = name == "*" or product_token(name) == mine
            part = part[named.end() :]
        word = part.strip().lower()
        if concerned and word:
            out.add(word)
    if "none" in out:
        out |= {"noindex", "nofollow"}
    return frozenset(out)


def licence_of(
    linked: Sequence[Mapping[str, Any]],
    metas: Mapping[str, Sequence[str]],
    links: Sequence[str],
    source: str,
    absolute: Callable[[str], str | None],
) -> str | None:
    """The licence that a page names for itself: an SPDX identifier, or a URL.

    In this order: rel=license in the head (`links`: attributes of its <link> elements) or at the page's end, `license`
    of its JSON-LD, <meta> of rights, and the one Creative Commons licence that its end links to.
    """
    foot = _licence_links(source[-_FOOT:])
    stated = [*map(attributes, links), *foot]
    for found in stated:
        if "license" in found.get("rel", "").lower().split() and found.get("href"):
            return spdx(found["href"]) or absolute(found["href"])
    for node in linked:
        value = first_string(node.get("license"))
        named = value and (spdx(value) or (absolute(value) if value.startswith(("http:", "https:", "//")) else None))
        if named:
            return named
    for name in _METAS:
        for value in metas.get(name, ()):
            named = spdx(value) or (absolute(value) if value.startswith(("http:", "https:")) else None)
            if named:
                return named
    commons = {spdx(found.get("href", "")) for found in foot} - {None}
    return commons.pop() if len(commons) == 1 else None


def _licence_links(foot: str) -> list[dict[str, str]]:
    if "creativecommons.org/" not in foot and "license" not in foot:  # most pages: a quick look
        return []
    return [attributes(match[1]) for match in _LINK.finditer(foot)]


def paywalled(linked: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a page says that it, or a part of it, is paid for (schema.org isAccessibleForFree of it or a hasPart)."""
    return any(_is_false(node.get("isAccessibleForFree")) for node in linked)


def _is_false(value: Any) -> bool:
    if isinstance(value, list):
        return any(_is_false(entry) for entry in value if not isinstance(entry, list))
    return value is False or (isinstance(value, str) and value.strip().lower().rpartition("/")[2] in ("false", "no"))
