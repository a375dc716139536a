import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobs.effects.connect import AddressRefused, ConnectError, Connections, NameNotFound, SystemResolver
from jobs.effects.http1 import Headers
from pipelines.crawl.urls import host_of


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


class Sink(bytearray):
    more = True

    def feed(self, data: bytes) -> bool:
        self += data
        return self.more


async def read(connections: Connections, url: str, more: bool = True) -> bytes:
    sink = Sink()
    sink.more = more

    def begin(status: int, headers: Headers) -> Sink:
        return sink

    await connections.get(url, [("Host", host_of(url))], begin)
    return bytes(sink)


def with_connections(
    use: Callable[[Connections], Awaitable[None]], keep: int = 4, resolve: Any = loopback, timeout: float = 2.0
) -> None:
    async def run() -> None:
        connections = Connections(resolve, True, keep, None, timeout)
        try:
            await use(connections)
        finally:
            await connections.aclose()

    asyncio.run(run())


def test_a_connection_serves_many_requests(site: Any) -> None:
    site.html("/", text="x")

    async def use(connections: Connections) -> None:
        for _ in range(5):
            assert await read(connections, site.url()) == b"x"

    with_connections(use)
    assert (len(site.hits), site.connections) == (5, 1)


def test_a_connection_that_the_server_closed_is_not_used_again(site: Any) -> None:
    site.routes["/"] = site.Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")  # and closes

    async def use(connections: Connections) -> None:
        for _ in range(3):
            assert await read(connections, site.url()) == b"x"
            await asyncio.sleep(0.05)

    with_connections(use)
    assert site.connections == 3


def test_a_connection_that_is_closed_as_it_is_used_costs_only_another_one(site: Any) -> None:
    """The server's close and our request cross: nothing was answered, so nothing is lost by asking again."""
    site.html("/", text="x")
    quiet = {"left": 0}

    def silent_once(hit: Any) -> Any:
        quiet["left"] += 1
        return site.Reply(raw=b"") if quiet["left"] == 1 else site.Reply(b"y")

    site.routes["/again"] = silent_once

    async def use(connections: Connections) -> None:
        assert await read(connections, site.url()) == b"x"
        assert await read(connections, site.url("/again")) == b"y"

    with_connections(use)
    assert (site.paths(), site.connections) == (["/", "/again", "/again"], 2)


def test_idle_connections_are_bounded_and_the_oldest_origin_goes_first(site: Any) -> None:
    site.html("/", text="x")

    async def use(connections: Connections) -> None:
        for host in ("a.example", "b.example", "c.example", "b.example", "a.example"):
            await read(connections, site.url("/", host))

    with_connections(use, keep=2)
    assert site.connections == 4  # a, b, c, and a again


def test_a_reply_that_is_not_read_to_its_end_closes_its_connection(site: Any) -> None:
    site.html("/", text="x" * 1_000_000)

    async def use(connections: Connections) -> None:
        for _ in range(2):
            assert 0 < len(await read(connections, site.url(), more=False)) < 1_000_000

    with_connections(use, keep=2)
    assert site.connections == 2


def test_every_address_of_an_answer_is_checked_before_any_is_used() -> None:
    def answering(*found: str) -> Callable[[str, int], Awaitable[list[str]]]:
        async def resolve(host: str, port: int) -> list[str]:
            return list(found)

        return resolve

    with pytest.raises(AddressRefused):
        asyncio.run(Connections(answering("93.184.216.34", "10.0.0.1"), False, 1, None).addresses("e.example", 80))
    with pytest.raises(NameNotFound):
        asyncio.run(Connections(answering(), False, 1, None).addresses("e.example", 80))


def test_the_next_address_is_tried_where_one_does_not_answer(site: Any) -> None:
    site.html("/", text="x")

    async def two(host: str, port: int) -> list[str]:
        return ["127.1.1.1", "127.0.0.1"]  # nobody listens on the first

    async def use(connections: Connections) -> None:
        assert await read(connections, site.url("/", "two.example")) == b"x"

    with_connections(use, resolve=two)


def test_addresses_share_the_time_and_only_some_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a hundred addresses that swallow packets costs what one does."""
    tried = []

    async def hundred(host: str, port: int) -> list[str]:
        return [f"127.0.0.{n}" for n in range(1, 101)]

    async def swallow(self: Connections, address: str, port: int, tls_name: str | None) -> Any:
        tried.append(address)
        await asyncio.sleep(60)

    monkeypatch.setattr(Connections, "_connect", swallow)

    async def use(connections: Connections) -> None:
        async with asyncio.timeout(1.0):
            with pytest.raises(ConnectError, match="timeout"):
                await read(connections, "http://many.example/")

    with_connections(use, resolve=hundred, timeout=0.2)
    assert tried == ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]


@pytest.mark.parametrize(
    ("authority", "looked_up", "connected"),
    [
        ("e.example", ("e.example", 80), ("10.0.0.1", 80)),
        ("e.example:81", ("e.example", 81), ("10.0.0.1", 81)),
        ("[::1]", None, ("::1", 80)),
        ("[::1]:8080", None, ("::1", 8080)),
        ("127.0.0.1:99", None, ("127.0.0.1", 99)),
    ],
)
def test_host_and_port_of_an_authority(
    authority: str,
    looked_up: tuple[str, int] | None,
    connected: tuple[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is written as an address needs no look-up."""
    seen: list[Any] = []

    async def resolve(host: str, port: int) -> list[str]:
        seen.append((host, port))
        return ["10.0.0.1"]

    async def refuse(self: Connections, address: str, port: int, tls_name: str | None) -> Any:
        seen.append((address, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(Connections, "_connect", refuse)

    async def use(connections: Connections) -> None:
        with pytest.raises(ConnectError):
            await read(connections, f"http://{authority}/")

    with_connections(use, resolve=resolve)
    assert seen == [each for each in (looked_up, connected) if each]


def test_headers_that_cannot_be_sent_are_left_out(site: Any) -> None:
    site.html("/", text="x")
    headers = [("Host", "h"), ("If-None-Match", '"a"\r\nX: y'), ("User-Agent", "中"), ("Accept", "é")]

    async def use(connections: Connections) -> None:
        await connections.get(site.url(), headers, lambda status, found: None)

    with_connections(use)
    assert site.hits[0].headers == {"host": "h", "accept": "é"}


def test_the_system_resolver() -> None:
    async def run(host: str) -> list[str]:
        resolver = SystemResolver()
        try:
            return await resolver(host, 80)
        finally:
            resolver.close()

    assert asyncio.run(run("127.0.0.1")) == ["127.0.0.1"]
    assert asyncio.run(run("::1")) == ["::1"]
    with pytest.raises(NameNotFound):
        asyncio.run(run("a" * 64 + ".invalid"))
