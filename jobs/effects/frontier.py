"""The frontier of a day's crawl: which URLs are visited, in which order, and what became of each.

Breadth first and level by level: a level is fetched in any order, then its links are read in the order of its URLs.
What is visited therefore follows from the journalled outcomes alone, whatever the timing and however often the run was
killed. Level 0 is a source's seeds, then the URLs known from the last snapshot; depth counts from there.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import pyarrow as pa

from jobs.effects.fetch import Fetcher
from jobs.effects.journal import Journal
from jobs.effects.limiter import Limiter
from jobs.effects.robots import RobotsOfRun
from jobs.errors import ConfigError
from pipelines.crawl.requests import (
    FetchOutcome,
    FetchRequest,
    aliases,
    aliases_table,
    page_row,
    pages_table,
    reject_row,
    rejects_table,
)
from pipelines.crawl.robots import RobotsVerdict
from pipelines.crawl.urls import UrlError, host_of, join, normalise, site_of
from pipelines.params import CrawlParams, SourceParams
from pipelines.schemas import document_id


@dataclass(frozen=True)
class Page:
    """What a link reader sees. `body` is raw bytes; relative links are resolved against `final_url`."""

    url: str
    final_url: str
    content_type: str | None
    body: bytes


@dataclass(frozen=True)
class Known:
    """A URL of the last snapshot. `final_url` is where its validators came from, `depth` how it was found then."""

    doc_id: str
    depth: int = 0
    etag: str | None = None
    last_modified: str | None = None
    final_url: str | None = None


@dataclass(frozen=True)
class Batch:
    """A part of the result, in the schemas of `pages`, the crawl's rejects and `url_aliases`."""

    pages: pa.Table
    rejects: pa.Table
    aliases: pa.Table


#: The links of a page, absolute or relative, in the order of the page. Must not raise, whatever the bytes are.
Links = Callable[[Page], Iterable[str]]
#: Called with the number of URLs done and of URLs known so far.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Visit:
    """One URL of the frontier: a request, or a reject that needed none."""

    source: SourceParams
    request: FetchRequest
    rule: str | None = None
    value: float | None = None
    threshold: float | None = None
    detail: str | None = None


@dataclass
class Crawled:
    """A finished crawl: exactly one page or reject per URL of the frontier, read back from the journal."""

    day: str
    journal: Journal
    visits: list[_Visit] = field(default_factory=list)

    def batches(self, rows: int = 500, body_bytes: int = 32_000_000) -> Iterator[Batch]:
        """The result in the order of sources and levels; a batch ends at `rows` rows or `body_bytes` bytes."""
        pages, rejects, names, size = [], [], [], 0
        for visit in self.visits:
            outcome = self.outcome(visit)
            if outcome.rule is None:
                body = self.journal.blob(visit.request.key)
                pages.append(page_row(outcome, body, visit.source, self.day, visit.request.depth))
                names.extend(aliases(outcome, self.day))
                size += len(body or b"")
            else:
                rejects.append(reject_row(outcome, visit.source, self.day))
            if len(pages) + len(rejects) >= rows or size >= body_bytes:
                yield Batch(pages_table(pages), rejects_table(rejects), aliases_table(names))
                pages, rejects, names, size = [], [], [], 0
        if pages or rejects:
            yield Batch(pages_table(pages), rejects_table(rejects), aliases_table(names))

    def outcome(self, visit: _Visit) -> FetchOutcome:
        request = visit.request
        if visit.rule is None:
            return FetchOutcome.from_json(self.journal.replayed()[request.key])
        return FetchOutcome(
            request.doc_id,
            request.tenant_id,
            request.source,
            request.requested_url,
            request.url,
            request.url,
            rule=visit.rule,
            value=visit.value,
            threshold=visit.threshold,
            detail=visit.detail,
        )

    def counts(self) -> dict[str, int]:
        """URLs per disposition: `page` and every reject rule."""
        found = Counter(self.outcome(visit).rule or "page" for visit in self.visits)
        return dict(sorted(found.items()))


async def crawl_day(
    day: str,
    tenant_id: str,
    params: CrawlParams,
    journal: Journal,
    fetcher: Fetcher,
    links: Links,
    known: Mapping[str, Mapping[str, Known]],
    progress: Progress | None = None,
) -> Crawled:
    """Visit everything that the sources of `params` lead to, reusing what `journal` already holds.

    `known` maps source name -> normalised URL -> Known; every one of these URLs is visited. Raises ConfigError where
    two sources share a name, and what the journal raises; servers and networks never make it raise.
    """
    names = [source.name for source in params.sources]
    if len(set(names)) < len(names):
        raise ConfigError("crawl.sources: two sources have the same name; rename one")
    run = _Run(tenant_id, params, journal, fetcher, links, progress)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run.explore(s, known.get(s.name, {}))) for s in params.sources]
    except BaseExceptionGroup as errors:
        raise _cause(errors) from errors
    return Crawled(day, journal, [visit for task in tasks for visit in task.result()])


def crawl(
    day: str,
    tenant_id: str,
    params: CrawlParams,
    journal: Journal,
    links: Links,
    known: Mapping[str, Mapping[str, Known]],
    progress: Progress | None = None,
) -> Crawled:
    """crawl_day() with a limiter and a fetcher of its own, for callers without an event loop."""

    async def run() -> Crawled:
        limiter = Limiter(params.concurrency, params.per_host_concurrency, params.per_host_delay_seconds)
        async with Fetcher(params, limiter) as fetcher:
            return await crawl_day(day, tenant_id, params, journal, fetcher, links, known, progress)

    return asyncio.run(run())


class _Run:
    def __init__(
        self,
        tenant_id: str,
        params: CrawlParams,
        journal: Journal,
        fetcher: Fetcher,
        links: Links,
        progress: Progress | None,
    ) -> None:
        self._tenant_id = tenant_id
        self._params = params
        self._journal = journal
        self._fetcher = fetcher
        self._links = links
        self._progress = progress
        self._robots = RobotsOfRun(fetcher, journal, params.user_agent)
        self._done = self._seen = 0

    async def explore(self, source: SourceParams, known: Mapping[str, Known]) -> list[_Visit]:
        """All visits of one source, level by level."""
        found, others, visits = self._first_level(source, known)
        sites = {site_of(visit.request.url) for visit in found}
        seen: set[str] = set()
        depth = taken = 0
        while found or others:
            if not found:
                depth = max(depth, min(visit.request.depth for visit in others.values()))
            level = found + _due(others, depth, {*seen, *(visit.request.url for visit in found)})
            seen.update(visit.request.url for visit in level)
            level, cut = level[: source.max_pages - taken], level[source.max_pages - taken :]
            visits += level
            for rank, visit in enumerate(cut, taken + len(level) + 1):
                visits.append(_refused(visit, "max_pages", rank, source.max_pages))
            taken += len(level)
            self._seen += len(level)
            await self._fetch(level)
            depth += 1
            found = await self._linked(source, level, depth, seen, sites, known) if source.follow_links else []
            if depth > source.max_depth:
                seen.update(visit.request.url for visit in found)
                visits += [_refused(v, "max_depth", depth, source.max_depth) for v in found]
                found = []
        return visits

    def _first_level(
        self, source: SourceParams, known: Mapping[str, Known]
    ) -> tuple[list[_Visit], dict[str, _Visit], list[_Visit]]:
        """The seeds in the order of their URLs, what else is known by URL, and rejects for what is no URL."""
        seeds: dict[str, _Visit] = {}
        others: dict[str, _Visit] = {}
        bad = []
        for raw in dict.fromkeys((*source.seeds, *sorted(known))):
            before = known.get(raw)
            try:
                url = normalise(raw)
            except UrlError as error:
                shown = _storable("" if error.rule == "credentials" else re.sub(r"//[^/?#@]*@", "//", raw))
                doc_id = before.doc_id if before else document_id(self._tenant_id, source.name, raw)
                request = FetchRequest(doc_id, self._tenant_id, source.name, shown, shown, 0)
                bad.append(_Visit(source, request, "bad_url", detail=error.rule))
                continue
            if raw in source.seeds:
                seeds.setdefault(url, self._visit(source, url, raw, 0, known.get(url)))
            elif url not in seeds:
                depth = min(before.depth, source.max_depth) if before else 0
                others.setdefault(url, self._visit(source, url, raw, depth, before))
        for url in seeds:
            others.pop(url, None)
        return [seeds[u] for u in sorted(seeds)], {u: others[u] for u in sorted(others)}, bad

    def _visit(self, source: SourceParams, url: str, raw: str, depth: int, known: Known | None) -> _Visit:
        known = known or Known(document_id(self._tenant_id, source.name, url))
        request = FetchRequest(
            doc_id=known.doc_id,
            tenant_id=self._tenant_id,
            source=source.name,
            requested_url=_storable(raw),
            url=url,
            depth=depth,
            etag=known.etag,
            last_modified=known.last_modified,
            validators_of=known.final_url,
            allow_private=source.allow_private_addresses,
        )
        return _Visit(source, request)

    async def _linked(
        self,
        source: SourceParams,
        level: list[_Visit],
        depth: int,
        seen: set[str],
        sites: set[str],
        known: Mapping[str, Known],
    ) -> list[_Visit]:
        """New URLs of the source's own sites that the pages of `level` link to, in order."""
        found: dict[str, _Visit] = {}
        for visit in level:
            outcome = FetchOutcome.from_json(self._journal.replayed()[visit.request.key])
            body = self._journal.blob(visit.request.key) if outcome.body_hash is not None else None
            if body is None:
                continue
            await asyncio.sleep(0)  # other sources' replies must not time out while this one reads links
            page = Page(outcome.url, outcome.final_url, outcome.content_type, body)
            for raw in islice(self._links(page), self._params.max_links_per_page):
                try:
                    url = join(outcome.final_url, raw)
                except UrlError:
                    continue  # mailto:, javascript: and what is no URL: nothing that could be visited
                if url not in seen and url not in found and site_of(url) in sites:
                    found[url] = self._visit(source, url, raw, depth, known.get(url))
        return [found[url] for url in sorted(found)]

    async def _fetch(self, level: list[_Visit]) -> None:
        """Fetch a level: hosts side by side, each with as many workers as calls it may be sent at one time."""
        hosts: dict[str, list[_Visit]] = {}
        for visit in level:
            hosts.setdefault(host_of(visit.request.url), []).append(visit)
        shards = []
        for visits in hosts.values():
            queue = iter(visits)
            shards += [queue] * min(self._params.per_host_concurrency, len(visits))
        waiting = iter(shards)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(4 * self._params.concurrency, len(shards))):
                group.create_task(self._work(waiting))

    async def _work(self, shards: Iterator[Iterator[_Visit]]) -> None:
        for shard in shards:
            for visit in shard:
                await self._call(visit.request)
                self._done += 1
                if self._progress:
                    self._progress(self._done, self._seen)

    async def _call(self, request: FetchRequest) -> None:
        if request.key in self._journal:
            return

        async def verdict(url: str) -> RobotsVerdict:
            return await self._robots.verdict(url, request.allow_private)

        await self._journal.intent(request.key)
        outcome, body = await self._fetcher.fetch(request, verdict)
        await self._journal.record(request.key, outcome.to_json(), body)


def _due(others: dict[str, _Visit], depth: int, seen: set[str]) -> list[_Visit]:
    """Take out of `others` what is known to lie at this depth, or was seen meanwhile; return what is left to visit."""
    due = [url for url, visit in others.items() if visit.request.depth <= depth or url in seen]
    taken = [others.pop(url) for url in due]
    return [visit for visit in taken if visit.request.url not in seen]


def _refused(visit: _Visit, rule: str, value: float, threshold: float) -> _Visit:
    return _Visit(visit.source, visit.request, rule, value, threshold)


def _storable(text: str) -> str:
    """`text` as a column can hold it: a lone surrogate is spelt out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group of tasks: what a caller can tell a user about."""
    first = group.exceptions[0]
    return _cause(first) if isinstance(first, BaseExceptionGroup) else first
