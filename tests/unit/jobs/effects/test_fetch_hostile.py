"""Servers that mean harm, on real sockets: each request ends in one outcome, in bounded time and memory."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import subprocess
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import brotli
import pytest
from backports import zstd

from jobs.effects.connect import Connections, SystemResolver
from jobs.effects.fetch import Fetcher
from jobs.effects.frontier import Page, crawl_day
from jobs.effects.http1 import Begin, Http1
from jobs.effects.journal import Journal
from jobs.effects.limiter import Limiter
from pipelines.crawl.requests import FetchOutcome, FetchRequest
from pipelines.crawl.robots import RobotsVerdict
from pipelines.params import CrawlParams, SourceParams

PARAMS = CrawlParams(
    user_agent="examplebot/1",
    per_host_delay_seconds=0.0,
    timeout_seconds=10.0,
    max_body_bytes=100_000,
    attempts=2,
    max_retry_wait_seconds=10.0,
)
HASTY = replace(PARAMS, timeout_seconds=0.4)  # where it is the time that is tested
ALLOWED = RobotsVerdict(True, None, "d1", "allow_rule")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
SOCKETS = 8_000_000  # bytes that may lie in the sockets' buffers

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """`answer` is called for each request that came whole; `sent` counts the bytes that the client's side took."""

    answer: Handler
    wait_for_request: bool = True
    tls: ssl.SSLContext | None = None
    port: int = 0
    sent: int = 0
    connections: int = 0
    open: set[asyncio.Task[Any]] = field(default_factory=set)

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self.open:
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        try:
            if self.wait_for_request:
                await reader.readuntil(b"\r\n\r\n")
            await self.answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open.discard(task)
            writer.close()

    async def pour(self, writer: asyncio.StreamWriter, data: bytes, pause: float = 0.0) -> None:
        """Send `data` for ever, as fast as the other side takes it."""
        while True:
            writer.write(data)
            await writer.drain()
            self.sent += len(data)
            await asyncio.sleep(pause)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection the rude way."""
    found = writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def allowed(url: str) -> RobotsVerdict:
    return ALLOWED


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


def request(url: str, private: bool = True) -> FetchRequest:
    return FetchRequest("doc", "t", "s", url, url, 0, allow_private=private)


def fetched(
    server: Server, host: str = "127.0.0.1", path: str = "/", params: CrawlParams = PARAMS, **how: Any
) -> tuple[FetchOutcome, bytes | None]:
    """One fetch: in bounded time, with bounded memory, and no connection is left open."""

    async def run() -> tuple[FetchOutcome, bytes | None]:
        async with server, Fetcher(params, Limiter(4, 2), sleep=no_wait, **{"resolve": loopback, **how}) as fetcher:
            url = f"http{'s' if server.tls else ''}://{host}:{server.port}{path}"
            found = await fetcher.fetch(request(url), allowed)
            await fetcher.__aexit__()
            for _ in range(50):
                if not server.open:
                    break
                await asyncio.sleep(0.01)
            else:
                assert not server.wait_for_request, "a connection is still open"
            return found

    began = time.monotonic()
    tracemalloc.start()
    try:
        outcome, body = asyncio.run(run())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < params.attempts * params.timeout_seconds + 3
    assert peak < 5_000_000
    return outcome, body


def told(server: Server, **how: Any) -> tuple[str | None, str | None, int]:
    outcome, body = fetched(server, **how)
    assert body is None
    return outcome.rule, outcome.detail, outcome.attempts


def writing(data: bytes, close: bool = False) -> Server:
    """A server that answers each request with `data`, and then closes, or waits."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if not close:
            await reader.read()

    return Server(answer)


def pouring(first: bytes, then: bytes, pause: float = 0.0) -> Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await server.pour(writer, then, pause)

    server = Server(answer)
    return server


@pytest.mark.parametrize(
    ("server", "attempts"),
    [
        (lambda: writing(b""), 2),  # takes the request and says nothing
        (lambda: pouring(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.02), 2),  # a head byte by byte
        (lambda: pouring(b"", b"\r\n", 0.02), 2),
        (lambda: pouring(HEAD + b"Content-Length: 1000\r\n\r\n", b"x", 0.02), 1),  # a body byte by byte
        (lambda: pouring(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02), 1),
        (lambda: writing(HEAD + b"Content-Length: 10\r\n\r\nhello"), 1),  # promises more, and keeps the line
        (lambda: writing(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello")[:9]), 1),
    ],
)  # fmt: skip
def test_slow_servers_meet_the_wall_limit(server: Callable[[], Server], attempts: int) -> None:
    assert told(server(), params=HASTY) == ("fetch_error", "timeout", attempts)


def test_a_server_that_hangs_once_it_has_accepted() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    server = Server(hang, wait_for_request=False)
    assert told(server, params=HASTY) == ("fetch_error", "timeout", 2)
    assert server.connections == 2


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (HEAD, b"X-Header: value\r\n" * 1_000),
        (HEAD + b"X: ", b"x" * 65_536),
        (b"HTTP/1.1 200 ", b"x" * 65_536),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65_536),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: value\r\n" * 1_000),
        (b"", b"\r\n" * 1_000),
    ],
    ids=["headers", "header", "reason", "1xx", "chunk extension", "trailers", "line feeds"],
)  # fmt: skip
def test_heads_without_an_end(first: bytes, then: bytes) -> None:
    server = pouring(first, then)
    assert told(server) == ("fetch_error", "protocol", 2)
    assert server.sent < 2 * SOCKETS


@pytest.mark.parametrize("framing", [b"", b"Content-Length: 99999\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_without_an_end(framing: bytes) -> None:
    """2 GB without a length, and more than was declared: what is over the limit, or the length, is not read."""
    piece = b"x" * 65_536
    then = b"10000\r\n" + piece + b"\r\n" if framing.startswith(b"T") else piece
    server = pouring(HEAD + framing + b"\r\n", then)
    outcome, body = fetched(server)
    if framing.startswith(b"C"):
        assert (outcome.rule, body) == (None, b"x" * 99_999)
    else:
        assert (outcome.rule, outcome.value, outcome.threshold, outcome.attempts) == ("too_large", 100_001, 100_000, 1)
    assert server.sent < SOCKETS


def test_chunks_of_one_byte_cost_no_more_memory_than_their_bytes() -> None:
    outcome, _ = fetched(pouring(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nxy\r\n" * 10_000))
    assert outcome.rule == "too_large"


@pytest.mark.parametrize("status", [200, 301, 404, 500])
def test_an_endless_body_that_nobody_wants_is_not_read(status: int) -> None:
    server = pouring(b"HTTP/1.1 %d X\r\nContent-Type: video/mp4\r\n\r\n" % status, b"x" * 65_536)
    outcome, _ = fetched(server)
    assert (outcome.rule, outcome.status) == {
        200: ("content_type", 200), 301: ("http_status", 301), 404: (None, 404), 500: ("http_status", 500),
    }[status]  # fmt: skip
    assert server.sent < 2 * SOCKETS


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        (b"Content-Length: -5", b"hello"),
        (b"Content-Length: 5\r\nContent-Length: 6", b"hello!"),
        (b"Content-Length: 99999999999999999999", b"hello"),
        (b"Content-Length: 5,5", b"hello"),
        (b"Content-Length: 6", b"hello"),
        (b"Transfer-Encoding: chunked", b"hello"),
        (b"Transfer-Encoding: chunked", b"5\r\nhello world\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
        (b"Transfer-Encoding: gzip", b"hello"),
        (b"X: a\0b", b"hello"),
        (b"X\0: a", b"hello"),
    ],
)
def test_bodies_whose_end_cannot_be_told(fields: bytes, data: bytes) -> None:
    assert told(writing(HEAD + fields + b"\r\n\r\n" + data, close=True)) == ("fetch_error", "protocol", 2)


def test_a_length_that_is_too_small_cuts_the_body_and_nothing_of_the_rest_is_believed() -> None:
    """The rest looks like a reply of its own. It must not become another page's."""
    smuggled = HEAD + b"Content-Length: 8\r\n\r\nsmuggled"
    hits = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hits.append(1)
        writer.write(HEAD + b"Content-Length: 2\r\n\r\nok" + smuggled)
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")

    async def run() -> list[bytes | None]:
        async with Server(answer) as server, Fetcher(PARAMS, Limiter(4, 2), resolve=loopback) as fetcher:
            urls = [f"http://127.0.0.1:{server.port}/{n}" for n in range(3)]
            return [(await fetcher.fetch(request(url), allowed))[1] for url in urls]

    assert asyncio.run(run()) == [b"ok"] * 3
    assert len(hits) == 3


@pytest.mark.parametrize(
    "raw",
    [b"<html>HTTP/0.9</html>", b"SSH-2.0-x\r\n", b"\x16\x03\x01", b"HTTP/2 200\r\n\r\n", b"ICY 200 OK\r\n\r\n", b""],
)
def test_what_is_not_http(raw: bytes) -> None:
    assert told(writing(raw, close=True)) == ("fetch_error", "protocol", 2)


@pytest.mark.parametrize("status", [204, 205, 206, 226, 299, 300, 418, 451, 600, 999])
def test_statuses_that_are_no_page(status: int) -> None:
    outcome, body = fetched(writing(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status))
    assert (outcome.rule, outcome.value, outcome.attempts, body) == ("http_status", status, 1, None)


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.1 200", HEAD, HEAD + b"Content-Length: 10\r\n\r\nhello", HEAD + b"\r\nhello",
     HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b"],
)  # fmt: skip
def test_a_connection_that_is_reset_at_every_stage(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)

    assert told(Server(answer)) == ("fetch_error", "connection", 2)
    rule, detail, attempts = told(Server(answer, wait_for_request=False))
    assert (rule, attempts) == ("fetch_error", 2) and detail in ("connection", "protocol")


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", gzip.compress(b"\0" * 5_000_000)),
        ("br", brotli.compress(b"\0" * 5_000_000)),
        ("zstd", zstd.compress(b"\0" * 5_000_000)),
        ("gzip, br", brotli.compress(gzip.compress(b"\0" * 5_000_000))),
    ],
)
def test_bombs_of_every_coding(coding: str, data: bytes) -> None:
    head = HEAD + f"Content-Encoding: {coding}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    outcome, _ = fetched(writing(head + data))
    assert (outcome.rule, outcome.value, outcome.threshold) == ("decompression_limit", 100_001, 100_000)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "compress", "gzip, gzip, gzip, gzip, gzip"])
def test_codings_that_are_claimed_and_not_there(coding: str) -> None:
    data = b"<html>plain</html>" * 10
    head = HEAD + f"Content-Encoding: {coding}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    assert told(writing(head + data)) == ("fetch_error", "content_encoding", 1)


PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    ("target", "rule", "detail"),
    [
        ("http://127.0.0.1/", "private_address", "loopback"),
        ("http://127.1/", "private_address", "loopback"),
        ("http://2130706433/", "private_address", "loopback"),
        ("http://0x7f000001/", "private_address", "loopback"),
        ("http://017700000001/", "private_address", "loopback"),
        ("http://0x7f.0.0.1:8080/", "private_address", "loopback"),
        ("http://localhost/", "private_address", "loopback"),
        ("http://[::1]/", "private_address", "loopback"),
        ("http://[::ffff:127.0.0.1]/", "private_address", "loopback"),
        ("http://[::ffff:7f00:1]/", "private_address", "loopback"),
        ("http://[64:ff9b::7f00:1]/", "private_address", "loopback"),
        ("http://[2002:7f00:1::]/", "private_address", "loopback"),
        ("http://0.0.0.0/", "private_address", "unspecified"),
        ("http://0/", "private_address", "unspecified"),
        ("http://10.1.2.3/", "private_address", "private"),
        ("http://192.168.0.1/", "private_address", "private"),
        ("http://172.16.0.1/", "private_address", "private"),
        ("http://100.64.0.1/", "private_address", "private"),
        ("http://[fd00::1]/", "private_address", "private"),
        ("http://169.254.169.254/latest/meta-data/", "private_address", "link_local"),
        ("http://[fe80::1]/", "private_address", "link_local"),
        ("http://224.0.0.1/", "private_address", "multicast"),
        ("http://240.0.0.1/", "private_address", "reserved"),
        ("//127.0.0.1/", "private_address", "loopback"),
        ("http://127。0。0。1/", "private_address", "loopback"),
        ("http://rebound.example/", "private_address", "private"),
        ("http://mixed.example/", "private_address", "loopback"),
        ("http://user:pw@public.example/", "redirect_url", "credentials"),
        ("file:///etc/passwd", "redirect_url", "scheme"),
        ("gopher://127.0.0.1:70/", "redirect_url", "scheme"),
        ("javascript:alert(1)", "redirect_url", "scheme"),
        ("http://public.example:22/", "redirect_url", "port"),
        ("http://public.example:25/", "redirect_url", "port"),
        ("http://[fe80::1%25eth0]/", "redirect_url", "host"),
        ("http://a b/", "redirect_url", "host"),
    ],
)
def test_redirects_into_the_house(target: str, rule: str, detail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public page leads inside. Only the public address is ever connected to."""
    connected = []
    asked: Counter[str] = Counter()
    connect = Connections._connect
    system = SystemResolver()

    async def resolve(host: str, port: int) -> list[str]:
        asked[host] += 1
        if host == "rebound.example":  # a name that changes its mind
            return [PUBLIC] if asked[host] > 1 else ["10.0.0.1"]
        if host == "mixed.example":
            return [PUBLIC, "127.0.0.1"]
        return [PUBLIC] if host == "public.example" else await system(host, port)

    async def through(self: Connections, address: str, port: int, tls_name: str | None) -> Http1:
        connected.append(address)
        return await connect(self, "127.0.0.1" if address == PUBLIC else address, port, tls_name)

    monkeypatch.setattr(Connections, "_connect", through)
    head = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()

    async def run() -> FetchOutcome:
        async with writing(head) as server, Fetcher(PARAMS, Limiter(4, 2), resolve=resolve, sleep=no_wait) as fetcher:
            url = f"http://public.example:{server.port}/"
            return (await fetcher.fetch(request(url, private=False), allowed))[0]

    outcome = asyncio.run(run())
    system.close()
    assert (outcome.rule, outcome.detail) == (rule, detail)
    assert connected == [PUBLIC]


def test_a_name_that_turns_private_is_refused_at_the_next_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding between two pages: an open connection stays where it is, a new one is not made."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    connect = Connections._connect

    async def resolve(host: str, port: int) -> list[str]:
        return next(answers)

    async def through(self: Connections, address: str, port: int, tls_name: str | None) -> Http1:
        assert address == PUBLIC
        return await connect(self, "127.0.0.1", port, tls_name)

    monkeypatch.setattr(Connections, "_connect", through)

    async def run() -> list[str | None]:
        page = HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\nok"
        async with writing(page, close=True) as server, Fetcher(PARAMS, Limiter(4, 2), resolve=resolve) as fetcher:
            urls = [f"http://rebind.example:{server.port}/{n}" for n in range(2)]
            return [(await fetcher.fetch(request(url, private=False), allowed))[0].detail for url in urls]

    assert asyncio.run(run()) == [None, "loopback"]


def test_redirects_without_an_end() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hits.append(1)
        writer.write(b"HTTP/1.1 302 X\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n" % len(hits))
        await reader.readuntil(b"\r\n\r\n")
        await answer(reader, writer)

    hits: list[int] = []
    outcome, _ = fetched(Server(answer))
    assert (outcome.rule, outcome.threshold, len(hits)) == ("redirect_limit", 5, 6)


CONFIGURATION = """[ca]
default_ca = d
[d]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = p
copy_extensions = copy
[p]
commonName = supplied
[req]
distinguished_name = n
[n]
"""


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], tuple[ssl.SSLContext, str]]:
    """Makes a self-signed certificate for a name with an end date; gives the server's context and the PEM file."""

    def make(name: str, end: str) -> tuple[ssl.SSLContext, str]:
        folder = tmp_path_factory.mktemp("certificate")
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01")
        (folder / "c.cnf").write_text(CONFIGURATION.format(folder=folder))
        key, asked, made = (str(folder / each) for each in ("key.pem", "request.pem", "certificate.pem"))
        ask = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", asked, "-subj", f"/CN={name}"]
        sign = ["ca", "-batch", "-selfsign", "-notext", "-keyfile", key, "-in", asked, "-out", made]
        try:
            for arguments in (
                [*ask, "-addext", f"subjectAltName=DNS:{name}", "-config", str(folder / "c.cnf")],
                [*sign, "-startdate", "20200101000000Z", "-enddate", end, "-config", str(folder / "c.cnf")],
            ):
                subprocess.run(["openssl", *arguments], check=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("openssl is not installed")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made, key)
        return context, made

    return make


@pytest.mark.parametrize(
    ("end", "host", "trusted", "detail"),
    [
        ("20991231000000Z", "good.example", True, None),
        ("20991231000000Z", "good.example", False, "tls"),  # signed by itself
        ("20991231000000Z", "evil.example", True, "tls"),  # for another name
        ("20200102000000Z", "good.example", True, "tls"),  # expired
    ],
)
def test_certificates(
    certified: Callable[[str, str], tuple[ssl.SSLContext, str]], end: str, host: str, trusted: bool, detail: str | None
) -> None:
    context, made = certified("good.example", end)
    server = replace(writing(HEAD + b"Content-Length: 2\r\n\r\nok"), tls=context)
    outcome, body = fetched(server, host, ca_file=made if trusted else None)
    assert (outcome.detail, body) == (detail, None if detail else b"ok")
    assert outcome.attempts == 1  # what is not trusted now is not trusted in a second


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\n\r\nplain", b"\x16\x03\x01\xff\xff" + b"x" * 70_000, b""])
def test_servers_that_do_not_speak_tls(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read()

    async def run() -> FetchOutcome:
        async with (
            Server(answer, wait_for_request=False) as server,
            Fetcher(HASTY if not said else PARAMS, Limiter(4, 2), resolve=loopback, sleep=no_wait) as fetcher,
        ):
            return (await fetcher.fetch(request(f"https://127.0.0.1:{server.port}/"), allowed))[0]

    outcome = asyncio.run(run())
    assert (outcome.rule, outcome.detail) == ("fetch_error", "tls" if said else "timeout")


class Clock:
    """Time that passes only where somebody would have waited."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def at_work(
    monkeypatch: pytest.MonkeyPatch,
    answers: Callable[[str, int], bytes],
    paths: list[str],
    params: CrawlParams,
    verdict: RobotsVerdict = ALLOWED,
) -> tuple[list[FetchOutcome], list[tuple[str, float]], int]:
    """Outcomes of all paths asked for at once; when each was sent, and how many the server had at one time."""
    clock = Clock()
    came: list[tuple[str, float]] = []
    turns: Counter[str] = Counter()
    busy = most = 0

    class Timed(Connections):
        async def get(self, url: str, headers: list[tuple[str, str]], begin: Begin) -> None:
            came.append((url[url.index("/", 8) :], clock.now))
            await super().get(url, headers, begin)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal busy, most
        with suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                busy += 1
                most = max(most, busy)
                path = head.split(b" ")[1].decode()
                turns[path] += 1
                said = answers(path, turns[path])
                await asyncio.sleep(0.02)
                busy -= 1
                writer.write(said)

    async def ask(url: str) -> RobotsVerdict:
        return verdict

    async def run() -> list[FetchOutcome]:
        limits = Limiter(
            params.concurrency, params.per_host_concurrency, params.per_host_delay_seconds, clock, clock.sleep
        )
        async with (
            Server(answer, wait_for_request=False) as server,
            Fetcher(
                params, limits, resolve=loopback, clock=clock, sleep=clock.sleep,
                now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            ) as fetcher,
        ):  # fmt: skip
            calls = (fetcher.fetch(request(f"http://127.0.0.1:{server.port}{path}"), ask) for path in paths)
            return [outcome for outcome, _ in await asyncio.gather(*calls)]

    monkeypatch.setattr("jobs.effects.fetch.Connections", Timed)
    return asyncio.run(run()), came, most


OK = HEAD + b"Content-Length: 2\r\n\r\nok"
PATHS = [f"/{n}" for n in range(8)]


def test_a_host_is_not_asked_more_often_than_its_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = replace(PARAMS, per_host_delay_seconds=3.0, per_host_concurrency=4)
    outcomes, came, _ = at_work(monkeypatch, lambda path, turn: OK, PATHS, slow)
    times = sorted(at for _, at in came)
    assert [outcome.rule for outcome in outcomes] == [None] * 8
    assert all(later - earlier >= 3.0 for earlier, later in pairwise(times))


def test_a_host_is_not_asked_more_often_than_its_robots_say(monkeypatch: pytest.MonkeyPatch) -> None:
    says = replace(ALLOWED, crawl_delay=7.0)
    _, came, _ = at_work(monkeypatch, lambda path, turn: OK, PATHS, replace(PARAMS), says)
    times = sorted(at for _, at in came)
    assert all(later - earlier >= 7.0 for earlier, later in pairwise(times))


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_a_host_is_not_asked_at_more_places_than_allowed(concurrency: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = replace(PARAMS, per_host_concurrency=concurrency)
    _, came, most = at_work(monkeypatch, lambda path, turn: OK, PATHS, wide)
    assert (most, len(came)) == (concurrency, 8)


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_asks_for_a_pause_gets_it_for_all_its_pages(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = b"HTTP/1.1 %d Busy\r\nRetry-After: 8\r\nContent-Length: 0\r\n\r\n" % status
    alone = replace(PARAMS, per_host_concurrency=1)
    outcomes, came, _ = at_work(monkeypatch, lambda path, turn: busy if (path, turn) == ("/0", 1) else OK, PATHS, alone)
    assert [outcome.rule for outcome in outcomes] == [None] * 8
    first, *others = came
    assert first == ("/0", 0.0) and all(at >= 8.0 for _, at in others)


def test_a_host_that_asks_for_more_than_we_wait_is_left_alone_for_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = b"HTTP/1.1 429 Busy\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n"
    alone = replace(PARAMS, per_host_concurrency=1)
    outcomes, came, _ = at_work(monkeypatch, lambda path, turn: busy, PATHS, alone)
    assert [path for path, _ in came] == ["/0"]
    assert [(o.rule, o.detail, o.value) for o in outcomes] == [
        ("http_status", None, 429), *[("host_unavailable", "retry_after", 86_400.0)] * 7,
    ]  # fmt: skip


def test_a_host_that_only_fails_is_left_alone_after_so_many_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"
    few = replace(PARAMS, per_host_concurrency=1, max_host_failures=3, attempts=1)
    outcomes, came, _ = at_work(monkeypatch, lambda path, turn: broken, PATHS, few)
    assert Counter(o.rule for o in outcomes) == {"http_status": 3, "host_unavailable": 5}
    assert len(came) == 3


def test_a_run_goes_on_past_hostile_pages_of_one_site(tmp_path: Path) -> None:
    """Every URL ends in one page or one reject, and the good ones among them are pages."""
    smoke = {
        "/hang": b"",
        "/garbage": b"\0\xff" * 1_000,
        "/head": HEAD + b"X: " + b"x" * 200_000,
        "/short": HEAD + b"Content-Length: 100\r\n\r\nx",
        "/huge": HEAD + b"Content-Length: 2000000000\r\n\r\n" + b"x" * 1_000,
        "/bomb": HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"\0" * 5_000_000),
        "/loop": b"HTTP/1.1 302 X\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
        "/999": b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
        "/interim": b"HTTP/1.1 100 X\r\n\r\n" * 100,
        "/nul": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    }
    good = {f"/good{n}": OK for n in range(5)}
    home = "".join(f"<a href='{path}'>" for path in (*smoke, *good)).encode()
    said = {**smoke, **good, "/": HEAD + b"Content-Length: %d\r\n\r\n" % len(home) + home}
    missing = b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        writer.write(said.get(path, missing))
        await writer.drain()
        if path == "/hang":
            await reader.read()

    def links(page: Page) -> list[str]:
        return [part.split("'")[0] for part in page.body.decode().split("href='")[1:]]

    async def run() -> tuple[list[str], dict[str, str]]:
        async with Server(answer, wait_for_request=False) as server:
            start = f"http://127.0.0.1:{server.port}"
            source = SourceParams("s", seeds=(start + "/",), allow_private_addresses=True)
            params = replace(PARAMS, sources=(source,), attempts=1, timeout_seconds=1.0)
            async with Fetcher(params, Limiter(4, 2), resolve=loopback) as fetcher:
                with Journal(tmp_path) as journal:
                    crawled = await crawl_day("2026-01-01", "t", params, journal, fetcher, links, {})
                    outcomes = [crawled.outcome(visit) for visit in crawled.visits]
        pages = [o.url.removeprefix(start) for o in outcomes if o.rule is None]
        return sorted(pages), {o.url.removeprefix(start): o.rule for o in outcomes if o.rule is not None}

    pages, rejects = asyncio.run(run())
    assert pages == sorted(["/", *good])
    assert rejects == {
        **dict.fromkeys(("/hang", "/garbage", "/head", "/short", "/interim", "/nul"), "fetch_error"),
        "/huge": "too_large", "/bomb": "decompression_limit", "/loop": "redirect_loop", "/999": "http_status",
    }  # fmt: skip
