"""What is asked of every imported item before it is stored: the URL filter and the reservations of its page."""

from __future__ import annotations

from pipelines.acquire.addresses import ITEM
from pipelines.acquire.items import Item
from pipelines.crawl.filters import UrlFilter
from pipelines.crawl.optout import of_headers, of_page
from pipelines.crawl.requests import Refusal
from pipelines.params import CrawlParams

_MARKUP = ("text/html", "application/xhtml+xml")


class Intake:
    """Judges items as the crawler judges pages, so that an archive is no way around a refusal."""

    def __init__(self, params: CrawlParams, url_filter: UrlFilter | None) -> None:
        self._heed, self._agent, self._filter = frozenset(params.heed), params.user_agent, url_filter

    def refusal(self, item: Item, url: str) -> Refusal | None:
        """Why the item at `url` (pipelines.acquire.addresses) is not taken; null where it is."""
        if self._filter is not None and not url.startswith(ITEM) and (found := self._filter.refusal(url)):
            return found
        said = of_headers(item.headers, self._agent) if "headers" in self._heed else None
        if said is None and "meta" in self._heed and item.content_type.partition(";")[0].strip().lower() in _MARKUP:
            said = of_page(item.body, self._agent)
        return Refusal("opt_out", f"{said.signal}: {said.detail}") if said else None
