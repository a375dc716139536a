import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

from jobs.effects.limiter import Limiter


class Clock:
    """Time that moves when everybody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def limiter(clock: Clock, concurrency: int = 8, per_host: int = 2, delay: float = 0.0) -> Limiter:
    return Limiter(concurrency, per_host, delay, clock, clock.sleep)


async def peak(count: int, lease: Callable[[int], object], work: Callable[[], Awaitable[None]]) -> int:
    busy, most = 0, 0

    async def call(n: int) -> None:
        nonlocal busy, most
        async with lease(n):  # type: ignore[attr-defined]
            busy += 1
            most = max(most, busy)
            await work()
            busy -= 1

    await asyncio.gather(*(call(n) for n in range(count)))
    return most


async def work() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_calls_at_one_time_are_bounded_in_all_and_per_host() -> None:
    one = limiter(Clock(), concurrency=3, per_host=2)
    assert asyncio.run(peak(20, lambda n: one.lease(f"host{n}"), work)) == 3
    two = limiter(Clock(), concurrency=3, per_host=2)
    assert asyncio.run(peak(20, lambda n: two.lease("host"), work)) == 2


def starts(limits: Limiter, clock: Clock, hosts: list[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}

    async def call(host: str) -> None:
        async with limits.lease(host):
            found.setdefault(host, []).append(clock.now)
            await work()

    async def run() -> None:
        await asyncio.gather(*(call(host) for host in hosts))

    asyncio.run(run())
    return found


def test_starts_at_one_host_are_kept_apart() -> None:
    clock = Clock()
    times = starts(limiter(clock, delay=2.0), clock, ["a"] * 4)["a"]
    assert [b - a >= 2.0 for a, b in pairwise(times)] == [True] * 3


def test_crawl_delay_slows_down_and_never_speeds_up() -> None:
    clock = Clock()
    limits = limiter(clock, delay=1.0)
    limits.slow_down("a", 5.0)
    limits.slow_down("a", 0.1)
    times = starts(limits, clock, ["a"] * 3)["a"]
    assert times[1] - times[0] >= 5.0 and times[2] - times[1] >= 5.0


def test_a_pause_concerns_its_host_only() -> None:
    clock = Clock()
    limits = limiter(clock)
    limits.pause("a", 30.0)
    found = starts(limits, clock, ["a", "b"])
    assert found["b"][0] < 30.0 <= found["a"][0]


def test_a_failing_call_gives_its_place_back() -> None:
    limits = limiter(Clock(), concurrency=1, per_host=1)

    async def run() -> None:
        for _ in range(3):
            try:
                async with limits.lease("a"):
                    raise ValueError
            except ValueError:
                pass
        task = asyncio.create_task(hold())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(1), limits.lease("a"):
            pass

    async def hold() -> None:
        async with limits.lease("a"):
            await asyncio.sleep(100)

    asyncio.run(run())


def test_a_pause_asked_for_while_waiting_for_a_place_still_holds() -> None:
    clock = Clock()
    limits = limiter(clock, concurrency=1)
    order: list[tuple[str, float]] = []

    async def first() -> None:
        async with limits.lease("x"):
            await work()
            limits.pause("a", 50.0)

    async def second() -> None:
        async with limits.lease("a"):
            order.append(("a", clock.now))

    async def run() -> None:
        await asyncio.gather(first(), second())

    asyncio.run(run())
    assert order[0][1] >= 50.0
