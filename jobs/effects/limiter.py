"""One limiter per run: every call to the outside holds a lease of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class _Host:
    def __init__(self, concurrency: int, delay: float) -> None:
        self.slots = asyncio.Semaphore(concurrency)
        self.turn = asyncio.Lock()
        self.delay = delay
        self.next_start = float("-inf")


class Limiter:
    """Bounds calls at one time, in all and per host, and keeps the starts of calls to one host apart.

    `per_host_delay` is in seconds. `clock` (seconds, monotonic) and `sleep` can be replaced by tests. Calls to one
    host start in the order in which they asked.
    """

    def __init__(
        self,
        concurrency: int,
        per_host_concurrency: int,
        per_host_delay: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._per_host = per_host_concurrency
        self._delay = per_host_delay
        self._clock = clock
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}

    def slow_down(self, host: str, delay: float) -> None:
        """Keep at least `delay` seconds between starts at `host` from now on; never less than was asked before."""
        state = self._host(host)
        state.delay = max(state.delay, delay)

    def pause(self, host: str, seconds: float) -> None:
        """Start nothing more at `host` for `seconds`."""
        state = self._host(host)
        state.next_start = max(state.next_start, self._clock() + seconds)

    @asynccontextmanager
    async def lease(self, host: str) -> AsyncIterator[None]:
        """Wait for a place at `host`, then for one in all; hold both. Never ask for a lease within another."""
        state = self._host(host)
        async with state.slots:
            async with state.turn:
                while True:
                    while (wait := state.next_start - self._clock()) > 0:
                        await self._sleep(wait)
                    await self._slots.acquire()
                    if state.next_start <= self._clock():
                        break
                    self._slots.release()  # a pause was asked for while this call waited for its place
                state.next_start = max(state.next_start, self._clock() + state.delay)
            try:
                yield
            finally:
                self._slots.release()

    def _host(self, host: str) -> _Host:
        return self._hosts.setdefault(host, _Host(self._per_host, self._delay))
