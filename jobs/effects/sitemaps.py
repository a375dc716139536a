"""The sitemaps of a source, read one at a time: which further URLs its sites list, and when they last changed.

Sitemaps are those that robots.txt names, /sitemap.xml, and what the source declares. One that robots.txt names may lie
on another host (sitemaps.org, "Sitemaps & Cross Submits"); the URLs that it lists must be of the source's own sites.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from jobs.effects.fetch import Verdict
from jobs.effects.files import Files
from jobs.effects.robots import RobotsOfRun
from jobs.effects.stored import KnownPages
from pipelines.crawl.recrawl import Numbers
from pipelines.crawl.requests import FetchRequest, file_request
from pipelines.crawl.robots import RobotsVerdict
from pipelines.crawl.sitemaps import MAX_DEPTH, Entry, is_trustworthy, parse
from pipelines.crawl.traps import plain_link
from pipelines.crawl.urls import UrlError, join, normalise, origin_of, site_of
from pipelines.params import SourceParams


@dataclass
class SitemapReport:
    """What became of the sitemaps of a source, and of the addresses in them."""

    read: int = 0
    missing: int = 0  # /sitemap.xml that is not there
    failed: Counter[str] = field(default_factory=Counter)  # reject rule -> files
    problems: Counter[str] = field(default_factory=Counter)  # pipelines.crawl.sitemaps.Problem -> files
    beyond_files: int = 0  # sitemaps that were not read: too many, or indexes too deep
    beyond_urls: int = 0  # addresses beyond a file's limit, or more new ones than the source may have pages
    urls: int = 0  # addresses of the source's own sites
    foreign: int = 0  # of other sites
    bad: int = 0  # no URL
    dates_ignored: bool = False  # lastmod was there, but says nothing

    def as_dict(self) -> dict[str, Any]:
        found = {name: dict(v) if isinstance(v, Counter) else v for name, v in vars(self).items()}
        return {name: value for name, value in found.items() if value}


@dataclass
class Listed:
    """URLs that are new, in the order of the files, and for each known row the day of its last change (0: unknown)."""

    new: dict[str, str]
    lastmod: Numbers
    report: SitemapReport


class SitemapReader:
    """Reads the sitemaps of one source."""

    def __init__(self, source: SourceParams, known: KnownPages, files: Files, robots: RobotsOfRun) -> None:
        self._source, self._known = source, known
        self._files, self._robots = files, robots
        self._found = Listed({}, np.zeros(len(known), np.int32), SitemapReport())
        self._dates: Counter[date] = Counter()

    async def read(self, seeds: Iterable[str], day: str, limit: int) -> Listed:
        """What the sitemaps list that belong to the origins of `seeds`; at most `limit` files are read."""
        seeds = list(seeds)
        sites = {site_of(url) for url in seeds}
        level = await self._first(seeds)
        seen = set(level)
        report = self._found.report
        for depth in range(MAX_DEPTH + 1):
            following: list[str] = []
            for url, is_default in level.items():
                if report.read + report.failed.total() + report.missing >= limit:
                    report.beyond_files += 1
                    continue
                for child in await self._file(url, is_default, sites):
                    if child not in seen:
                        seen.add(child)
                        following.append(child)
            level = dict.fromkeys(following, False)
            if depth == MAX_DEPTH:
                report.beyond_files += len(level)
        if self._dates and not is_trustworthy(self._dates, date.fromisoformat(day)):
            report.dates_ignored = True
            self._found.lastmod[:] = 0
        return self._found

    async def _first(self, seeds: Iterable[str]) -> dict[str, bool]:
        """The sitemaps to begin with -> whether nobody named them."""
        urls = {}
        for raw in self._source.sitemap_urls:
            try:
                urls[normalise(raw)] = False
            except UrlError:
                self._found.report.failed["bad_url"] += 1
        if self._source.sitemaps and self._source.follow_links:
            for seed in sorted({origin_of(url) + "/" for url in seeds}):
                for url in await self._robots.sitemaps(seed, self._source.allow_private_addresses):
                    urls.setdefault(url, False)
                urls.setdefault(seed + "sitemap.xml", True)
        return urls

    async def _file(self, url: str, is_default: bool, sites: set[str]) -> list[str]:
        """Read one file; returns the sitemaps that it names."""
        request = file_request("sitemap", url, self._source.allow_private_addresses)
        outcome = await self._files.outcome(request, self._allowed(request))
        report = self._found.report
        body = self._files.body(request) if outcome.rule is None else None
        if body is None:
            if is_default and outcome.rule == "http_status":
                report.missing += 1
            else:
                report.failed[outcome.rule or "empty"] += 1
            return []
        sitemap = await asyncio.to_thread(parse, body)
        if is_default and "not_a_sitemap" in sitemap.problems:
            report.missing += 1  # a site that answers everything with a page
            return []
        report.read += 1
        report.problems.update(dict.fromkeys(sitemap.problems, 1))
        report.beyond_urls += sitemap.beyond
        for entry in sitemap.pages:
            self._take(outcome.final_url, entry, sites)
        return self._children(outcome.final_url, sitemap.sitemaps, sites)

    def _allowed(self, request: FetchRequest) -> Verdict:
        async def verdict(url: str) -> RobotsVerdict:
            return await self._robots.verdict(url, request.allow_private)

        return verdict

    def _take(self, base: str, entry: Entry, sites: set[str]) -> None:
        report = self._found.report
        try:
            url = join(base, entry.url)
        except UrlError:
            report.bad += 1
            return
        if site_of(url) not in sites:
            report.foreign += 1
            return
        report.urls += 1
        if entry.lastmod is not None:
            self._dates[entry.lastmod] += 1
        row = self._known.row(url)
        if row < 0:
            url = plain_link(url)
            row = self._known.row(url)
        if row >= 0:
            if entry.lastmod is not None:
                self._found.lastmod[row] = max(self._found.lastmod[row], entry.lastmod.toordinal())
        elif url not in self._found.new:
            if len(self._found.new) < self._source.max_pages:
                self._found.new[url] = entry.url
            else:
                report.beyond_urls += 1

    def _children(self, base: str, entries: Iterable[Entry], sites: set[str]) -> list[str]:
        """The sitemaps of an index: on its own host, or on one of the source's sites."""
        found: dict[str, None] = {}
        for entry in entries:
            try:
                url = join(base, entry.url)
            except UrlError:
                self._found.report.bad += 1
                continue
            if site_of(url) in sites or site_of(url) == site_of(base):
                found[url] = None
            else:
                self._found.report.foreign += 1
        return list(found)
