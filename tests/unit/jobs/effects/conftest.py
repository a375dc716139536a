"""A real web server on loopback whose every byte is under a test's control."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic

import pytest


@dataclass
class Hit:
    host: str
    path: str
    headers: dict[str, str]
    at: float


@dataclass
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None  # what Content-Length says; -1 for chunked
    drip: float = 0.0  # seconds before every byte of the body
    raw: bytes | None = None  # instead of everything else


Route = Reply | Callable[[Hit], Reply]


class Site:
    """`routes` maps paths (or host + path) to replies; `hits` are the requests so far."""

    Reply = Reply

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Route] = {}
        self.hits: list[Hit] = []
        self.connections = 0
        self.port = 0
        self.tls = tls
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(5)

    def html(self, path: str, *links: str, text: str = "") -> None:
        body = text + "".join(f"<a href='{link}'>" for link in links)
        self.routes[path] = Reply(body.encode(), headers={"Content-Type": "text/html; charset=utf-8"})

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [hit.path for hit in self.hits]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        async def start() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
            self.port = server.sockets[0].getsockname()[1]

        self._loop.run_until_complete(start())
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        host = headers["host"].partition(":")[0]
        hit = Hit(host, head[0].split(" ")[1], headers, monotonic())
        self.hits.append(hit)
        route = self.routes.get(host + hit.path, self.routes.get(hit.path, Reply(status=404)))
        reply = route(hit) if callable(route) else route
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        size = len(reply.body) if reply.length is None else reply.length
        framing = "Transfer-Encoding: chunked" if size < 0 else f"Content-Length: {size}"
        fields = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        writer.write(f"HTTP/1.1 {reply.status} X\r\n{framing}\r\n{fields}\r\n".encode())
        if reply.drip:
            for at in range(len(reply.body)):
                writer.write(reply.body[at : at + 1])
                await writer.drain()
                await asyncio.sleep(reply.drip)
        elif size < 0:
            writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(reply.body), reply.body))
        else:
            writer.write(reply.body)
        await writer.drain()
        return size <= len(reply.body)


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    yield server
    server.close()


@pytest.fixture
def make_site() -> Iterator[Callable[[ssl.SSLContext | None], Site]]:
    made: list[Site] = []

    def make(tls: ssl.SSLContext | None = None) -> Site:
        made.append(Site(tls))
        return made[-1]

    yield make
    for server in made:
        server.close()
