"""Sources of kind `api`: the records of an HTTP interface that answers in JSON, page by page.

Each page is fetched like any other: politely, within limits, never from a private address unless allowed, and
journalled before it is used, so that a night that was killed goes on behind the last page it had.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jobs.acquire.readings import SourceUnavailable
from jobs.config import Config
from jobs.effects.fetch import Fetcher
from jobs.effects.journal import Journal
from jobs.effects.limiter import Limiter
from pipelines.acquire.items import Item, Refused
from pipelines.acquire.pointers import Absent, resolve
from pipelines.acquire.records import BadRow, Row, items
from pipelines.acquire.rows_json import loads
from pipelines.crawl.requests import FetchOutcome, FetchRequest
from pipelines.crawl.urls import UrlError, join, normalise, origin_of
from pipelines.params import CrawlParams, SourceParams
from pipelines.schemas import document_id, hash128

CONTENT_TYPES = (
    "application/json",
    "application/vnd.api+json",
    "application/hal+json",
    "application/ld+json",
    "application/geo+json",
    "text/json",
    "text/plain",
)


def read(source: SourceParams, config: Config, workspace: Path) -> Iterator[Item | Refused]:
    """The records of all pages of all seeds, in the order of the pages.

    Raises SourceUnavailable where the first page cannot be had; its failure is forgotten then, so that the same night
    can be tried again. A later page that fails is a refusal, and nothing counts as missing.
    """
    folder = workspace / "journal" / f"api-{hash128(source.name)[:16]}"
    with Journal(folder) as journal:
        with _Pages(source, config, journal) as pages:
            for found in items(pages.rows(), source.name, source):
                if isinstance(found, Item):
                    found = replace(found, fetched_at=pages.fetched_at)
                yield found
        failed = pages.failed
    if failed is not None:
        shutil.rmtree(folder)
        raise SourceUnavailable(failed.rule or "fetch_error", f"source {source.name}: {_why(failed)}")


def _why(outcome: FetchOutcome) -> str:
    said = outcome.detail or (f"status {outcome.value:g}" if outcome.value is not None else "")
    return f"its first page could not be fetched: {' '.join(filter(None, (outcome.rule, said)))}"


@dataclass
class _Place:
    """Where the next page is: its number from 1 within its seed, the records before it, what the last reply named."""

    page: int = 0
    offset: int = 0
    cursor: str = ""
    url: str = ""


class _Pages:
    """The pages of a source, fetched one after the other. `failed` is the outcome of a first page that failed."""

    def __init__(self, source: SourceParams, config: Config, journal: Journal) -> None:
        self._source, self._journal = source, journal
        self._tenant = config.settings.tenant
        params: CrawlParams = config.section("crawl")
        self._params = replace(params, content_types=CONTENT_TYPES)
        self._headers = [(source.auth_header, config.secret(source.auth))] if source.auth else []
        self.failed: FetchOutcome | None = None
        self.fetched_at: datetime | None = None

    def __enter__(self) -> _Pages:
        self._runner = asyncio.Runner()
        params = self._params
        limiter = Limiter(params.concurrency, params.per_host_concurrency, params.per_host_delay_seconds)
        origins = {origin_of(self._url(seed, _Place())) for seed in self._source.seeds if self._is_url(seed)}
        self._fetcher = Fetcher(params, limiter, credentials=dict.fromkeys(origins, self._headers))
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._fetcher.__aexit__())
        self._runner.close()

    def rows(self) -> Iterator[Row | BadRow]:
        number = 0
        for seed in self._source.seeds:
            for records in self._seed(seed, number == 0):
                if isinstance(records, BadRow):
                    yield records
                    continue
                for values in records:
                    number += 1
                    yield Row(number, values) if isinstance(values, dict) else BadRow(number, "not_an_object")

    def _seed(self, seed: str, first: bool) -> Iterator[list[Any] | BadRow]:
        """The records of each page of a seed; a BadRow where it ends before its end."""
        if not self._is_url(seed):
            yield BadRow(0, "bad_url", lost=True)
            return
        place, seen, last = _Place(), set[str](), None
        while True:
            url = self._url(seed, place)
            if url in seen:
                yield BadRow(0, "page_loop", len(seen), lost=True)
                return
            if len(seen) >= self._source.max_pages:
                yield BadRow(0, "max_pages", len(seen) + 1, self._source.max_pages, lost=True)
                return
            seen.add(url)
            outcome, body = self._page(url)
            if outcome.rule is not None or body is None:
                if first and len(seen) == 1:
                    self.failed = outcome
                yield BadRow(0, outcome.rule or "http_status", outcome.value or outcome.status, lost=True)
                return
            if outcome.body_hash == last:  # it does not heed the page number
                yield BadRow(0, "page_loop", len(seen), lost=True)
                return
            last = outcome.body_hash
            self.fetched_at = datetime.fromisoformat(outcome.fetched_at)
            try:
                reply = loads(body.decode("utf-8-sig"))
                records = resolve(reply, self._source.items_at)
            except (ValueError, RecursionError):
                yield BadRow(0, "bad_json", lost=True)
                return
            except Absent:
                yield BadRow(0, "no_records", detail="items_at", lost=True)
                return
            records = records if isinstance(records, list) else [records]
            yield records
            onward = self._onward(reply, records, place, outcome.final_url)
            if isinstance(onward, BadRow):
                yield onward
            if not isinstance(onward, _Place):
                return
            place = onward

    def _onward(self, reply: Any, records: list[Any], place: _Place, url: str) -> _Place | BadRow | None:
        """Where the next page is; null behind the last one."""
        source = self._source
        ahead = _Place(place.page + 1, place.offset + len(records))
        if not source.next_at:
            counted = any("{page}" in seed or "{offset}" in seed for seed in source.seeds)
            return ahead if counted and len(records) >= max(source.page_size, 1) else None
        try:
            found = resolve(reply, source.next_at)
        except Absent:
            return None
        if found in (None, "", False) or not isinstance(found, str | int):
            return None
        if any("{cursor}" in seed for seed in source.seeds):
            ahead.cursor = str(found)
            return ahead
        try:
            ahead.url = join(url, str(found))
        except UrlError as error:
            return BadRow(0, "bad_url", detail=error.rule, lost=True)
        if origin_of(ahead.url) != origin_of(url):
            return BadRow(0, "next_elsewhere", lost=True)
        return ahead

    def _is_url(self, seed: str) -> bool:
        try:
            return bool(self._url(seed, _Place()))
        except UrlError:
            return False

    def _url(self, seed: str, place: _Place) -> str:
        """The address of a page. Raises UrlError."""
        if place.url:
            return place.url
        values = {
            "{page}": str(self._source.first_page + place.page),
            "{offset}": str(place.offset),
            "{cursor}": quote(place.cursor, safe=""),
        }
        for name, value in values.items():
            seed = seed.replace(name, value)
        return normalise(seed)

    def _page(self, url: str) -> tuple[FetchOutcome, bytes | None]:
        """A page from the journal, otherwise from the network by way of the journal."""
        source = self._source
        request = FetchRequest(
            document_id(self._tenant, source.name, url), self._tenant, source.name, url, url, 0,
            allow_private=source.allow_private_addresses,
        )  # fmt: skip
        known = self._journal.get(request.key)
        if known is None:
            known = self._runner.run(self._fetch(request))
        return FetchOutcome.from_json(known), self._journal.blob(request.key)

    async def _fetch(self, request: FetchRequest) -> dict[str, Any]:
        await self._journal.intent(request.key)
        outcome, body = await self._fetcher.fetch(request, None)
        return await self._journal.record(request.key, outcome.to_json(), body)
