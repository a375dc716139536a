"""The frontier of a day's crawl: which URLs are visited, in which order, and what became of each.

Breadth first and level by level: a level is fetched in any order, then its links are read in the order of its URLs.
What is visited therefore follows from the journalled outcomes alone, whatever the timing and however often the run was
killed. Level 0 is a source's seeds; sitemaps list level 1; a page known from the last snapshot is visited, where it is
due, at the level at which it was found then.
"""

from __future__ import annotations

import asyncio
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from jobs.effects.fetch import Fetcher
from jobs.effects.files import Files
from jobs.effects.journal import Journal
from jobs.effects.limiter import Limiter
from jobs.effects.optouts import OptOutsOfRun
from jobs.effects.robots import RobotsOfRun
from jobs.effects.sitemaps import Listed, SitemapReader, SitemapReport
from jobs.effects.stored import Known, KnownPages
from jobs.errors import ConfigError
from pipelines.crawl import traps
from pipelines.crawl.authority import rank
from pipelines.crawl.filters import UrlFilter
from pipelines.crawl.recrawl import Numbers, plan
from pipelines.crawl.requests import (
    FetchOutcome,
    FetchRequest,
    Refusal,
    aliases,
    aliases_table,
    page_row,
    pages_table,
    reject_row,
    rejects_table,
)
from pipelines.crawl.robots import RobotsVerdict
from pipelines.crawl.urls import UrlError, host_of, join, normalise, site_of
from pipelines.params import SOURCE_CLASSES, CrawlParams, SourceParams
from pipelines.schemas import document_id


@dataclass(frozen=True)
class Page:
    """What a link reader sees. `body` is raw bytes; relative links are resolved against `final_url`."""

    url: str
    final_url: str
    content_type: str | None
    body: bytes


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


class _Visit(NamedTuple):
    """One URL of the frontier: its place in the result of its source."""

    part: _Part
    at: int


class _Part:
    """The result of one source, in a few columns: URLs in the order of levels, and refusals of those not asked for."""

    def __init__(self, tenant_id: str, source: SourceParams, known: KnownPages) -> None:
        self.tenant_id, self.source, self.known = tenant_id, source, known
        self.urls: list[str] = []
        self.depths = array("H")
        self.refusals: dict[int, Refusal] = {}
        self.bad: list[FetchOutcome] = []  # seeds that are no URLs
        self.not_due = 0
        self.sitemaps = SitemapReport()

    def add(self, url: str, depth: int, refusal: Refusal | None = None) -> None:
        if refusal is not None:
            self.refusals[len(self.urls)] = refusal
        self.urls.append(url)
        self.depths.append(min(depth, 65_535))

    def request(self, url: str, raw: str, depth: int) -> FetchRequest:
        known = self.known.get(url) or Known(document_id(self.tenant_id, self.source.name, url))
        return FetchRequest(
            doc_id=known.doc_id,
            tenant_id=self.tenant_id,
            source=self.source.name,
            requested_url=_storable(raw),
            url=url,
            depth=depth,
            etag=known.etag,
            last_modified=known.last_modified,
            validators_of=known.final_url,
            allow_private=self.source.allow_private_addresses,
        )

    def __len__(self) -> int:
        return len(self.urls) + len(self.bad)


class _Visits:
    """All visits of a crawl, made as they are asked for."""

    def __init__(self, parts: list[_Part]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[_Visit]:
        return (_Visit(part, at) for part in self._parts for at in range(len(part)))


@dataclass
class Crawled:
    """A finished crawl: exactly one page or reject per URL of the frontier, read back from the journal."""

    day: str
    journal: Journal
    parts: list[_Part] = field(default_factory=list)

    @property
    def visits(self) -> _Visits:
        return _Visits(self.parts)

    @property
    def not_due(self) -> int:
        """Known URLs that were left for another night."""
        return sum(part.not_due for part in self.parts)

    def sitemaps(self) -> dict[str, SitemapReport]:
        """Source name -> what its sitemaps gave."""
        return {part.source.name: part.sitemaps for part in self.parts}

    def batches(self, rows: int = 500, body_bytes: int = 32_000_000) -> Iterator[Batch]:
        """The result in the order of sources and levels; a batch ends at `rows` rows or `body_bytes` bytes."""
        pages, rejects, names, size = [], [], [], 0
        for visit in self.visits:
            outcome, source = self.outcome(visit), visit.part.source
            if outcome.rule is None:
                body = self.journal.blob(self._key(visit))
                pages.append(page_row(outcome, body, source, self.day, visit.part.depths[visit.at]))
                names.extend(aliases(outcome, self.day))
                size += len(body or b"")
            else:
                rejects.append(reject_row(outcome, source, self.day))
            if len(pages) + len(rejects) >= rows or size >= body_bytes:
                yield Batch(pages_table(pages), rejects_table(rejects), aliases_table(names))
                pages, rejects, names, size = [], [], [], 0
        if pages or rejects:
            yield Batch(pages_table(pages), rejects_table(rejects), aliases_table(names))

    def outcome(self, visit: _Visit) -> FetchOutcome:
        part, at = visit
        if at >= len(part.urls):
            return part.bad[at - len(part.urls)]
        refusal = part.refusals.get(at)
        if refusal is None:
            return FetchOutcome.from_json(self.journal.replayed()[self._key(visit)])
        url = part.urls[at]
        return _refused(part.request(url, url, 0), refusal)

    def _key(self, visit: _Visit) -> str:
        part, at = visit
        return _key(part.tenant_id, part.source.name, part.urls[at])

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
    url_filter: UrlFilter | None = None,
) -> Crawled:
    """Visit everything that the sources of `params` lead to, reusing what `journal` already holds.

    `known` maps source name -> normalised URL -> Known; those that are due are visited (pipelines.crawl.recrawl), URLs
    without a history always. `url_filter` null: none. Sources of a higher priority start first. Raises ConfigError
    where two sources share a name, and what the journal raises; servers and networks never make it raise.
    """
    names = [source.name for source in params.sources]
    if len(set(names)) < len(names):
        raise ConfigError("crawl.sources: two sources have the same name; rename one")
    run = _Run(day, tenant_id, params, journal, fetcher, links, progress, url_filter)
    first = sorted(params.sources, key=lambda source: -(source.priority or SOURCE_CLASSES[source.source_class]))
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {s.name: group.create_task(run.explore(s, KnownPages.of(known.get(s.name, {})))) for s in first}
    except BaseExceptionGroup as errors:
        raise _cause(errors) from errors
    return Crawled(day, journal, [tasks[name].result() for name in names])


def crawl(
    day: str,
    tenant_id: str,
    params: CrawlParams,
    journal: Journal,
    links: Links,
    known: Mapping[str, Mapping[str, Known]],
    progress: Progress | None = None,
    url_filter: UrlFilter | None = None,
) -> Crawled:
    """crawl_day() with a limiter and a fetcher of its own, for callers without an event loop."""

    async def run() -> Crawled:
        limiter = Limiter(params.concurrency, params.per_host_concurrency, params.per_host_delay_seconds)
        async with Fetcher(params, limiter) as fetcher:
            return await crawl_day(day, tenant_id, params, journal, fetcher, links, known, progress, url_filter)

    return asyncio.run(run())


class _Run:
    """What the sources of a crawl share."""

    def __init__(
        self,
        day: str,
        tenant_id: str,
        params: CrawlParams,
        journal: Journal,
        fetcher: Fetcher,
        links: Links,
        progress: Progress | None,
        url_filter: UrlFilter | None,
    ) -> None:
        self.day, self.tenant_id, self.params = day, tenant_id, params
        self.journal, self.fetcher, self.links = journal, fetcher, links
        self.filter = url_filter
        self.files = Files(fetcher, journal)
        self.robots = RobotsOfRun(self.files, params.user_agent)
        self._opt_outs = OptOutsOfRun(self.files, params.user_agent, params.heed)
        self._progress = progress
        self._done = self._seen = 0

    async def explore(self, source: SourceParams, known: KnownPages) -> _Part:
        """All visits of one source, level by level."""
        return await _Exploration(self, source, known).run()

    def unwanted(self, url: str) -> Refusal | None:
        """Why no page at `url` is wanted, whoever leads there."""
        return self.filter.refusal(url) if self.filter else None

    async def ban(self, url: str, allow_private: bool) -> Refusal | None:
        """What robots.txt, tdmrep.json or ai.txt of the host say against `url`; one that cannot be had says nothing."""
        said = await self.robots.verdict(url, allow_private)
        if not said.allowed:
            return Refusal("robots", said.reason) if said.reason == "disallow_rule" else None
        found = await self._opt_outs.verdict(url, said, allow_private)
        return found if isinstance(found, Refusal) else None

    async def fetch(self, part: _Part, level: list[tuple[str, str, int]]) -> None:
        """Fetch a level: hosts side by side, each with as many workers as calls it may be sent at one time."""
        self._seen += len(level)
        hosts: dict[str, array[int]] = defaultdict(lambda: array("I"))
        for at, (url, _, _) in enumerate(level):
            hosts[host_of(url)].append(at)
        shards = []
        for visits in hosts.values():
            queue = iter(visits)
            shards += [queue] * min(self.params.per_host_concurrency, len(visits))
        waiting = iter(shards)

        async def work() -> None:
            for shard in waiting:
                for at in shard:
                    await self._call(part, *level[at])
                    self._done += 1
                    if self._progress:
                        self._progress(self._done, self._seen)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(4 * self.params.concurrency, len(shards))):
                group.create_task(work())

    async def _call(self, part: _Part, url: str, raw: str, depth: int) -> None:
        if _key(part.tenant_id, part.source.name, url) in self.journal:
            return
        request = part.request(url, raw, depth)

        async def verdict(hop: str) -> RobotsVerdict | Refusal:
            return await self._verdict(request, hop)

        await self.journal.intent(request.key)
        outcome, body = await self.fetcher.fetch(request, verdict)
        await self.journal.record(request.key, outcome.to_json(), body)

    async def _verdict(self, request: FetchRequest, hop: str) -> RobotsVerdict | Refusal:
        if hop != request.url and (refusal := self.unwanted(hop) or traps.form(hop, self.params)):
            return refusal
        said = await self.robots.verdict(hop, request.allow_private)
        return await self._opt_outs.verdict(hop, said, request.allow_private) if said.allowed else said


_ORIGIN = re.compile(r"https?://[a-z0-9.:-]+/")
_FOREIGN = 100_000  # origins that are remembered

#: What tonight holds for a known URL: not due; has a place; is due if a place is left; waits since it was found.
_NOT_DUE, _PLANNED, _SPARE, _WAITING, _TAKEN = range(5)


class _Exploration:
    """One source's frontier. New and known pages share `max_pages`: see SourceParams.new_share."""

    def __init__(self, run: _Run, source: SourceParams, known: KnownPages) -> None:
        self._run, self._source, self._known = run, source, known
        self._part = _Part(run.tenant_id, source, known)
        self._seen: set[str] = set()
        self._foreign: set[str] = set()  # origins of other sites, so that their links need not be taken apart
        self._taken = 0
        self._shapes = traps.Shapes(run.params.max_pages_per_shape)
        self._later: dict[int, dict[str, str]] = defaultdict(dict)  # depth -> new URLs from elsewhere than links
        self._states = np.zeros(len(known), np.int8)
        self._planned: dict[int, array[int]] = defaultdict(lambda: array("I"))  # depth -> rows
        self._spare: Numbers = np.array([], np.int64)
        self._places = 0  # rows that are planned and not yet visited

    async def run(self) -> _Part:
        found = self._seeds()
        self._sites = {site_of(url) for url in found}
        listed = await self._listed(found)
        self._plan(listed, found)
        depth = 0
        while True:
            if not found:
                if not self._planned and not self._later and not self._use_spare():
                    break
                depth = max(depth, min((*self._planned, *self._later)))
            level = self._level(found, depth)
            await self._run.fetch(self._part, level)
            depth += 1
            found = await self._linked(level, depth) if self._source.follow_links else {}
            if depth > self._source.max_depth:
                for url in found:
                    self._refuse(url, depth, Refusal("max_depth", None, depth, self._source.max_depth))
                found = {}
        await self._look_for_bans()
        self._part.not_due = int(np.isin(self._states, (_NOT_DUE, _SPARE)).sum())
        return self._part

    async def _look_for_bans(self) -> None:
        """Refuse stored pages that are not visited tonight where a file of their host forbids them by now."""
        for row in np.nonzero(np.isin(self._states, (_NOT_DUE, _SPARE)))[0].tolist():
            if self._known.body(row) is None:
                continue
            url = self._known.url(row)
            refusal = await self._run.ban(url, self._source.allow_private_addresses)
            if refusal is not None:
                self._states[row] = _TAKEN
                self._refuse(url, self._known.depth(row), refusal)

    def _seeds(self) -> dict[str, str]:
        """The seeds in the order of their URLs -> as they were declared; what is no URL becomes a reject."""
        found: dict[str, str] = {}
        for raw in dict.fromkeys(self._source.seeds):
            try:
                found.setdefault(normalise(raw), raw)
            except UrlError as error:
                shown = _storable("" if error.rule == "credentials" else re.sub(r"//[^/?#@]*@", "//", raw))
                doc_id = document_id(self._run.tenant_id, self._source.name, raw)
                request = FetchRequest(doc_id, self._run.tenant_id, self._source.name, shown, shown, 0)
                self._part.bad.append(_refused(request, Refusal("bad_url", error.rule)))
        return {url: found[url] for url in sorted(found)}

    async def _listed(self, seeds: Iterable[str]) -> Listed:
        reader = SitemapReader(self._source, self._known, self._run.files, self._run.robots)
        listed = await reader.read(seeds, self._run.day, self._run.params.max_sitemaps)
        self._part.sitemaps = listed.report
        return listed

    def _plan(self, listed: Listed, seeds: Collection[str]) -> None:
        """Decide which known URLs have a place tonight, and where the new ones that are known of stand."""
        known, params, states = self._known, self._run.params, self._states
        waiting = known.waiting()
        states[waiting] = _WAITING
        for row in map(known.row, seeds):
            if row >= 0:
                states[row] = _TAKEN
        candidates = np.nonzero(states == _NOT_DUE)[0]
        histories = known.histories(listed.lastmod)
        ranks = (
            np.array([rank(host_of(known.url(int(row)))) for row in candidates])
            if 0 < params.recrawl_budget < len(candidates)
            else None
        )
        due = plan(
            type(histories)(*(column[candidates] for column in histories)),
            date.fromisoformat(self._run.day).toordinal(),
            params.recrawl_min_days,
            params.recrawl_max_days,
            params.recrawl_budget,
            ranks,
        ).due
        rows = candidates[due]
        kept = max(len(seeds), int(np.ceil(self._source.new_share * self._source.max_pages)))
        room = max(0, self._source.max_pages - kept)
        self._give_places(rows[:room])
        self._spare = rows[room:]
        states[self._spare] = _SPARE
        for row in np.nonzero(states != _WAITING)[0]:
            self._shapes.known(known.url(row))
        for row in waiting[: self._source.max_pages].tolist():
            url, depth = known.url(row), min(known.depth(row), self._source.max_depth)
            self._admit(url, url, depth, self._later[depth])
        if self._source.max_depth > 0:
            for url, raw in listed.new.items():
                self._admit(url, raw, 1, self._later[1])

    def _give_places(self, rows: Numbers) -> None:
        for row in map(int, rows):
            self._planned[min(self._known.depth(row), self._source.max_depth)].append(row)
        self._states[rows] = _PLANNED
        self._places += len(rows)

    def _use_spare(self) -> bool:
        """Give places that nothing else wants to known pages that are due."""
        left = max(0, self._source.max_pages - self._taken)
        rows, self._spare = self._spare[:left], self._spare[left:]
        self._give_places(rows)
        return bool(len(rows))

    def _level(self, found: dict[str, str], depth: int) -> list[tuple[str, str, int]]:
        """The URLs to fetch now, with what stood in the link and their depth; the rest of `found` is refused."""
        for due in [d for d in self._later if d <= depth]:
            for url, raw in self._later.pop(due).items():
                found.setdefault(url, raw)
        level = []
        for url in sorted(found):
            row = self._known.row(url)
            if url in self._seen:
                continue
            if row >= 0 and self._states[row] == _PLANNED:
                self._places -= 1
            elif self._taken + self._places >= self._source.max_pages:
                number, limit = self._taken + self._places + 1, self._source.max_pages
                self._refuse(url, depth, Refusal("max_pages", f"depth {depth}", number, limit))
                continue
            level += self._take(url, found[url], depth, row)
        for due in sorted(d for d in self._planned if d <= depth):
            for row in self._planned.pop(due):
                url = self._known.url(row)
                if url in self._seen:
                    continue
                self._places -= 1
                refusal = self._run.unwanted(url)
                if refusal is not None:
                    self._states[row] = _TAKEN
                    self._refuse(url, due, refusal)
                else:
                    level += self._take(url, url, min(self._known.depth(row), self._source.max_depth), row)
        return level

    def _take(self, url: str, raw: str, depth: int, row: int) -> list[tuple[str, str, int]]:
        if row >= 0:
            self._states[row] = _TAKEN
        self._seen.add(url)
        self._taken += 1
        self._part.add(url, depth)
        return [(url, raw, depth)]

    def _refuse(self, url: str, depth: int, refusal: Refusal) -> None:
        self._seen.add(url)
        self._part.add(url, depth, refusal)

    async def _linked(self, level: list[tuple[str, str, int]], depth: int) -> dict[str, str]:
        """URLs of the source's own sites to which the pages of `level` link, in order, with what stood in the link."""
        run = self._run
        found: dict[str, str] = {}
        for url, _, _ in level:
            key = _key(run.tenant_id, self._source.name, url)
            outcome = FetchOutcome.from_json(run.journal.replayed()[key])
            body = run.journal.blob(key) if outcome.body_hash is not None and not outcome.nofollow else None
            if body is None:
                continue
            await asyncio.sleep(0)  # other sources' replies must not time out while this one reads links
            page = Page(outcome.url, outcome.final_url, outcome.content_type, body)
            for raw in islice(run.links(page), run.params.max_links_per_page):
                if raw in found or (raw in self._seen and traps.plain_link(raw) == raw):
                    continue  # most links lead where others did; what was seen is in normal form already
                origin = raw[: raw.find("/", 8) + 1]  # as the link spells it
                if origin in self._foreign:
                    continue
                try:
                    link = traps.plain_link(join(outcome.final_url, raw))
                except UrlError:
                    continue  # mailto:, javascript: and what is no URL: nothing that could be visited
                if site_of(link) not in self._sites:
                    if _ORIGIN.fullmatch(origin) and len(self._foreign) < _FOREIGN:
                        self._foreign.add(origin)
                elif link not in self._seen and link not in found:
                    self._admit(link, raw, depth, found)
        return found

    def _admit(self, url: str, raw: str, depth: int, found: dict[str, str]) -> None:
        """Put a URL that was found into `found`, unless it is known and not due, or is not to be asked for."""
        row = self._known.row(url)
        if row >= 0 and self._states[row] not in (_PLANNED, _WAITING):
            return
        refusal = self._run.unwanted(url)
        if refusal is None and (row < 0 or self._states[row] == _WAITING):
            refusal = traps.form(url, self._run.params) or self._shapes.refusal(url)
        if refusal is None:
            found[url] = raw
        elif url not in self._seen:
            self._refuse(url, depth, refusal)


def _key(tenant_id: str, source: str, url: str) -> str:
    return FetchRequest("", tenant_id, source, url, url, 0).key


def _refused(request: FetchRequest, refusal: Refusal) -> FetchOutcome:
    return FetchOutcome(
        request.doc_id,
        request.tenant_id,
        request.source,
        request.requested_url,
        request.url,
        request.url,
        rule=refusal.rule,
        value=refusal.value,
        threshold=refusal.threshold,
        detail=refusal.detail,
    )


def _storable(text: str) -> str:
    """`text` as a column can hold it: a lone surrogate is spelt out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group of tasks: what a caller can tell a user about."""
    first = group.exceptions[0]
    return _cause(first) if isinstance(first, BaseExceptionGroup) else first
