"""Files that speak for a site (robots.txt, opt-outs, sitemaps), fetched once per run and journalled like pages."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from jobs.effects.fetch import Fetcher, Verdict
from jobs.effects.journal import Journal
from pipelines.crawl.requests import FetchOutcome, FetchRequest

PARSED = 256  # files that are kept parsed; others are read from the journal again
T = TypeVar("T")


class Files:
    """Fetches each file once, however many sources ask for it at the same time."""

    def __init__(self, fetcher: Fetcher, journal: Journal) -> None:
        self._fetcher, self._journal = fetcher, journal
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def outcome(self, request: FetchRequest, verdict: Verdict | None = None) -> FetchOutcome:
        """From the journal where it is there already. Raises only what the journal raises."""
        key = request.key
        if key not in self._journal:
            async with self._locks[key]:
                if key not in self._journal:
                    await self._journal.intent(key)
                    outcome, body = await self._fetcher.fetch(request, verdict)
                    await self._journal.record(key, outcome.to_json(), body)
            self._locks.pop(key, None)
        return FetchOutcome.from_json(self._journal.replayed()[key])

    def has(self, request: FetchRequest) -> bool:
        """Whether the outcome of `request` is known already."""
        return request.key in self._journal

    def body(self, request: FetchRequest) -> bytes | None:
        """The body that came with the outcome of `request`; null where none did."""
        return self._journal.blob(request.key)


class Parsed(Generic[T]):
    """A small cache of parsed files: each is made once at a time, whoever asks for it."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, T] = OrderedDict()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, name: str, make: Callable[[], Awaitable[T]]) -> T:
        async with self._locks[name]:
            if name not in self._found:
                self._found[name] = await make()
                if len(self._found) > PARSED:
                    self._found.popitem(last=False)
            self._found.move_to_end(name)
            return self._found[name]

    def forget(self, name: str) -> None:
        self._found.pop(name, None)
