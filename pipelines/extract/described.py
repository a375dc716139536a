"""What a page says of itself, all of it: author, date, address, licence, price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pipelines.extract.around import Around, around
from pipelines.extract.authors import author_of
from pipelines.extract.linked import nodes
from pipelines.extract.links import absolute
from pipelines.extract.markup import attributes
from pipelines.extract.meta import site_names, stated_of
from pipelines.extract.published import published_of
from pipelines.extract.rights import licence_of, paywalled
from pipelines.extract.tree import Page

_CANONICAL = ("canonical", "Canonical", "CANONICAL")


@dataclass(frozen=True, slots=True)
class Described:
    """Null is what the page does not say. The fields are those of `Extracted`."""

    author: str | None
    published: str | None
    canonical_url: str | None
    stated_licence: str | None
    paywalled: bool


def describe(page: Page, kept: Sequence[int], url: str | None = None, title: str | None = None) -> Described:
    """`kept` are the places of the main text's segments; `url` is where the page was found, `title` its title."""
    base = url or ""
    links: list[str] = []
    canonical = None
    for name, source in page.metas:
        if name == "base":
            found = attributes(source).get("href")
            base = (found and absolute(url or found, found)) or base
        elif name == "link":
            if canonical is None and any(word in source for word in _CANONICAL):
                found_link = attributes(source)
                if "canonical" in found_link.get("rel", "").lower().split():
                    canonical = found_link.get("href")
            elif "license" in source:
                links.append(source)

    def resolve(href: str) -> str | None:
        return absolute(base, href)

    linked = nodes(page.source[slice(*span)] for span in page.data)
    metas = stated_of(page)

    @cache  # most pages state both for machines
    def near() -> Around:
        return around(page, kept, title)

    address = resolve(canonical) if canonical else None
    return Described(
        author=author_of(linked, metas, near, site_names(page, metas)),
        published=published_of(linked, metas, near, url or address),
        canonical_url=address,
        stated_licence=licence_of(linked, metas, links, page.source, resolve),
        paywalled=paywalled(linked),
    )
