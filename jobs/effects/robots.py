"""robots.txt of every host a run meets, fetched once per run and journalled like a page.

A copy may be used for 24 hours (RFC 9309 section 2.4): in a run that lasts longer, or is taken up again later, the file
is asked for again before anything else is fetched. Where it cannot be had, nothing of the host is fetched in this run
(section 2.3.1.4); the next night asks again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from jobs.effects.files import Files, Parsed
from pipelines.crawl.requests import FetchOutcome, FetchRequest, file_request
from pipelines.crawl.robots import Robots, RobotsVerdict, product_token, read
from pipelines.crawl.urls import origin_of

MAX_AGE = timedelta(hours=24)


class RobotsOfRun:
    """Verdicts for one run. The journal decides: after a restart the same files speak."""

    def __init__(
        self,
        files: Files,
        user_agent: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._files = files
        self._agent = product_token(user_agent)
        self._now = now
        self._parsed: Parsed[tuple[Robots, datetime]] = Parsed()

    async def verdict(self, url: str, allow_private: bool) -> RobotsVerdict:
        """What the robots.txt of the origin of `url` says about it. Raises only what the journal raises."""
        origin, right = origin_of(url), str(allow_private)
        robots, until = await self._parsed.get(origin + right, lambda: self._current(origin, allow_private))
        if self._now() >= until:
            self._parsed.forget(origin + right)
            robots, _ = await self._parsed.get(origin + right, lambda: self._current(origin, allow_private))
        return robots.verdict(url)

    async def sitemaps(self, url: str, allow_private: bool) -> tuple[str, ...]:
        """The sitemaps that the origin of `url` names: those of the run's first copy, whatever a later one says."""
        request = file_request("robots", origin_of(url) + "/robots.txt", allow_private)
        outcome = await self._files.outcome(request)
        return self._read(request, outcome).sitemaps

    async def _current(self, origin: str, allow_private: bool) -> tuple[Robots, datetime]:
        """The run's latest copy, or a new one where that is too old; and until when it may be used."""
        turn = 0
        while True:
            request = file_request("robots", origin + "/robots.txt", allow_private, turn)
            is_new = not self._files.has(request)
            outcome = await self._files.outcome(request)
            until = (self._now() if is_new else datetime.fromisoformat(outcome.fetched_at)) + MAX_AGE
            if self._now() < until:
                return self._read(request, outcome), until
            turn += 1

    def _read(self, request: FetchRequest, outcome: FetchOutcome) -> Robots:
        if outcome.rule == "private_address":
            return Robots((), None, (), None, "private_address")
        no_answer = outcome.rule in ("fetch_error", "decompression_limit")
        robots = read(self._files.body(request), None if no_answer else outcome.status, self._agent)
        if robots.reason == "unreachable":
            return replace(robots, reason=f"unreachable ({outcome.detail or outcome.status})")
        return robots
