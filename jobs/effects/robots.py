"""robots.txt of every host a run meets, fetched once per run and journalled like a page."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from dataclasses import replace

from jobs.effects.fetch import Fetcher
from jobs.effects.journal import Journal
from pipelines.crawl.requests import FetchOutcome, FetchRequest
from pipelines.crawl.robots import Robots, RobotsVerdict, product_token, read
from pipelines.crawl.urls import origin_of, url_id

_PARSED = 256  # files that are kept parsed; others are read from the journal again


class RobotsOfRun:
    """Verdicts for one run. The journal decides: after a restart the same files speak."""

    def __init__(self, fetcher: Fetcher, journal: Journal, user_agent: str) -> None:
        self._fetcher = fetcher
        self._journal = journal
        self._agent = product_token(user_agent)
        self._parsed: OrderedDict[str, Robots] = OrderedDict()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def verdict(self, url: str, allow_private: bool) -> RobotsVerdict:
        """What the robots.txt of the origin of `url` says about it. Raises only what the journal raises."""
        robots_url = origin_of(url) + "/robots.txt"
        request = FetchRequest(
            doc_id=url_id(robots_url),
            tenant_id="",
            source="",
            requested_url=robots_url,
            url=robots_url,
            depth=0,
            allow_private=allow_private,
            kind="robots",
        )
        async with self._locks[request.key]:
            if request.key not in self._parsed:
                self._parsed[request.key] = self._read(request.key, await self._outcome(request))
                if len(self._parsed) > _PARSED:
                    self._parsed.popitem(last=False)
            self._parsed.move_to_end(request.key)
            return self._parsed[request.key].verdict(url)

    async def _outcome(self, request: FetchRequest) -> FetchOutcome:
        recorded = self._journal.get(request.key)
        if recorded is None:
            await self._journal.intent(request.key)
            outcome, body = await self._fetcher.fetch(request, None)
            recorded = await self._journal.record(request.key, outcome.to_json(), body)
        return FetchOutcome.from_json(recorded)

    def _read(self, key: str, outcome: FetchOutcome) -> Robots:
        if outcome.rule == "private_address":
            return Robots((), None, (), None, "private_address")
        no_answer = outcome.rule in ("fetch_error", "decompression_limit")
        robots = read(self._journal.blob(key), None if no_answer else outcome.status, self._agent)
        if robots.reason == "unreachable":
            return replace(robots, reason=f"unreachable ({outcome.detail or outcome.status})")
        return robots
