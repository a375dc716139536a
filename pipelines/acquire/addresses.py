"""What an item is known by: its own URL, or its name within its source."""

from __future__ import annotations

from pipelines.crawl.urls import UrlError, normalise

ITEM = "item:"


def address(name: str, url: str | None) -> str:
    """The `url` of an item's page and the key of its document: the normalised URL, else `item:<name>`."""
    return normal(url) or ITEM + storable(name)


def normal(url: str | None) -> str | None:
    """The normal form of `url`; null for what is no address of a page."""
    try:
        return normalise(url) if url else None
    except UrlError:
        return None


def storable(text: str) -> str:
    """`text` as a column can hold it: a lone surrogate, as in names that are no UTF-8, is spelt out."""
    return text.encode("utf-8", "backslashreplace").decode()
