import asyncio
from typing import Any

import pytest

from jobs.effects.connect import AddressRefused, CheckedBackend, Connections, NameNotFound, SystemResolver
from pipelines.crawl.urls import host_of


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def read(connections: Connections, url: str) -> bytes:
    async with connections.get(url, [("Host", host_of(url))], 2.0) as response:
        return b"".join([chunk async for chunk in response.aiter_stream()])


def test_a_connection_serves_many_requests(site: Any) -> None:
    site.html("/", text="x")

    async def run() -> None:
        connections = Connections(loopback, True, 4, None)
        for _ in range(5):
            assert await read(connections, site.url()) == b"x"
        await connections.aclose()

    asyncio.run(run())
    assert (len(site.hits), site.connections) == (5, 1)


def test_a_connection_that_the_server_closed_is_not_used_again(site: Any) -> None:
    site.routes["/"] = site.Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")  # and closes

    async def run() -> None:
        connections = Connections(loopback, True, 4, None)
        for _ in range(3):
            assert await read(connections, site.url()) == b"x"
            await asyncio.sleep(0.05)
        await connections.aclose()

    asyncio.run(run())
    assert site.connections == 3


def test_idle_connections_are_bounded_and_the_oldest_origin_goes_first(site: Any) -> None:
    site.html("/", text="x")

    async def run() -> None:
        connections = Connections(loopback, True, 2, None)
        for host in ("a.example", "b.example", "c.example", "b.example", "a.example"):
            await read(connections, site.url("/", host))
        await connections.aclose()

    asyncio.run(run())
    assert site.connections == 4  # a, b, c, and a again


def test_a_reply_that_is_not_read_to_its_end_closes_its_connection(site: Any) -> None:
    site.html("/", text="x" * 1_000_000)

    async def run() -> None:
        connections = Connections(loopback, True, 2, None)
        for _ in range(2):
            async with connections.get(site.url(), [("Host", "h")], 2.0) as response:
                async for _ in response.aiter_stream():
                    break
        await connections.aclose()

    asyncio.run(run())
    assert site.connections == 2


def test_every_address_of_an_answer_is_checked_before_any_is_used() -> None:
    async def mixed(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    async def none(host: str, port: int) -> list[str]:
        return []

    with pytest.raises(AddressRefused):
        asyncio.run(CheckedBackend(mixed, False).connect_tcp("e.example", 80))
    with pytest.raises(NameNotFound):
        asyncio.run(CheckedBackend(none, False).connect_tcp("e.example", 80))
    with pytest.raises(AddressRefused):
        asyncio.run(CheckedBackend(none, True).connect_unix_socket("/run/socket"))


def test_the_next_address_is_tried_where_one_does_not_answer(site: Any) -> None:
    site.html("/", text="x")

    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.2" if port != site.port else "127.1.1.1", "127.0.0.1"]

    async def run() -> bytes:
        connections = Connections(two, True, 2, None)
        body = await read(connections, site.url("/", "two.example"))
        await connections.aclose()
        return body

    assert asyncio.run(run()) == b"x"


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
