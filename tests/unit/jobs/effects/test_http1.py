import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from jobs.effects.http1 import MAX_HEAD, Headers, Http1, ReplyError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Any] = []
        self.aborted = False

    def write(self, data: Any) -> None:
        self.sent.append(data)

    def abort(self) -> None:
        self.aborted = True


class Sink(bytearray):
    limit = 10**9

    def feed(self, data: bytes) -> bool:
        self += data
        return len(self) < self.limit


class Peer:
    """A connection to a server that is played by the test."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(65_536))
        self.connection = Http1(self.buffer)
        self.transport = Transport()
        self.connection.connection_made(self.transport)
        self.status, self.headers, self.sink = 0, [], Sink()  # type: ignore[var-annotated]
        self.wanted = True

    def begin(self, status: int, headers: Headers) -> Sink | None:
        self.status, self.headers = status, list(headers)
        return self.sink if self.wanted else None

    def say(self, data: bytes, step: int = 65_536) -> None:
        for at in range(0, len(data), step):
            if self.transport.aborted:
                return
            part = data[at : at + step]
            self.buffer[: len(part)] = part
            self.connection.buffer_updated(len(part))

    async def exchange(self, data: bytes, step: int = 65_536, end: bool = True, error: Exception | None = None) -> None:
        task = asyncio.create_task(self.connection.exchange(b"GET", self.begin))
        await asyncio.sleep(0)
        self.say(data, step)
        if error is not None:
            self.connection.connection_lost(error)
        elif end:
            self.connection.eof_received()
        await task


def got(data: bytes, step: int = 65_536, **how: Any) -> tuple[int, bytes, bool]:
    """Status and body of a reply, and whether the connection can be used again."""

    async def run() -> tuple[int, bytes, bool]:
        peer = Peer()
        await peer.exchange(data, step, **how)
        assert peer.connection.usable is not peer.transport.aborted
        return peer.status, bytes(peer.sink), peer.connection.usable

    return asyncio.run(run())


def refused(data: bytes, **how: Any) -> tuple[str, bool]:
    with pytest.raises(ReplyError) as caught:
        got(data, **how)
    return caught.value.why, caught.value.unanswered


@pytest.mark.parametrize("step", [1, 7, 65_536])
@pytest.mark.parametrize(
    ("data", "body", "kept"),
    [
        (OK, b"ok", True),
        (OK.replace(b"1.1", b"1.0"), b"ok", False),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), b"ok", False),
        (OK.replace(b"\r\n", b"\n"), b"ok", True),  # bare line feeds
        (OK.replace(b"\r\n\r\n", b"\r\nX: a\r\n b\x01\x7f\r\n\r\n"), b"ok", True),  # a folded line, control characters
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok", True),  # no reason
        (b"HTTP/1.1 200 \xe4\xb8\xad\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
        (CHUNKED + b"1;a=b\r\no\r\n1 \r\nk\r\n0\r\nTrailer: x\r\n\r\n", b"ok", True),
        (CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 7\r\n\r\n") + b"2\r\nok\r\n0\r\n\r\n", b"ok", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK, b"ok", True),
        (b"HTTP/1.1 200 OK\r\nUpgrade: h2\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
    ],
)
def test_replies(data: bytes, body: bytes, kept: bool, step: int) -> None:
    assert got(data, step, end=False) == (200, body, kept)


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: identity\r\n", b"Connection: keep-alive\r\n"])
def test_a_body_without_a_length_ends_with_the_connection(head: bytes) -> None:
    assert got(b"HTTP/1.1 200 OK\r\n" + head + b"\r\nok") == (200, b"ok", False)


@pytest.mark.parametrize("status", [204, 304])
def test_replies_that_have_no_body_whatever_they_say(status: int) -> None:
    assert got(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status, end=False) == (status, b"", True)
    assert got(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nbytes" % status, end=False) == (status, b"", False)


def test_interim_headers_and_trailers_are_not_the_headers() -> None:
    peer = Peer()
    data = b"HTTP/1.1 103 Hints\r\nA: 1\r\n\r\n" + CHUNKED + b"0\r\nB: 2\r\n\r\n"
    asyncio.run(peer.exchange(data))
    assert peer.headers == [(b"Transfer-Encoding", b"chunked")]


def hostile() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "HTTP/0.9", b"<html>hello</html>"
    yield "another protocol", b"SSH-2.0-OpenSSH\r\n"
    yield "HTTP/2", b"HTTP/2 200\r\n\r\n"
    yield "status of two digits", OK.replace(b"200", b"20")
    yield "status of four digits", OK.replace(b"200", b"2000")
    yield "status below 100", OK.replace(b"200", b"099")
    yield "upgrade", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes"
    yield "1xx for ever", b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000
    yield "only 1xx", b"HTTP/1.1 100 Continue\r\n\r\n"
    yield "NUL in a value", OK.replace(b"\r\n\r\n", b"\r\nX: a\0b\r\n\r\n")
    yield "NUL in a name", OK.replace(b"\r\n\r\n", b"\r\nX\0: a\r\n\r\n")
    yield "no colon", OK.replace(b"\r\n\r\n", b"\r\nX\r\n\r\n")
    yield "a head without an end", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1_000_000
    yield "a value without an end", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 3_000_000
    yield "a reason without an end", b"HTTP/1.1 200 " + b"x" * 3_000_000
    yield "negative length", OK.replace(b": 2", b": -2")
    yield "signed length", OK.replace(b": 2", b": +2")
    yield "empty length", OK.replace(b": 2", b":")
    yield "two lengths", OK.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")
    yield "length past 64 bits", OK.replace(b": 2", b": 99999999999999999999")
    yield "cut short", OK[:-1]
    yield "cut in the head", OK[:30]
    yield "another transfer coding", OK.replace(b"Content-Length: 2", b"Transfer-Encoding: gzip, chunked")
    yield "no chunk size", CHUNKED + b"zz\r\nok\r\n"
    yield "negative chunk size", CHUNKED + b"-2\r\nok\r\n"
    yield "chunk size past 64 bits", CHUNKED + b"f" * 17 + b"\r\nok\r\n"
    yield "chunk longer than its size", CHUNKED + b"2\r\noops\r\n0\r\n\r\n"
    yield "chunks without the last", CHUNKED + b"2\r\nok\r\n"
    yield "chunk extension without an end", CHUNKED + b"2;" + b"x" * 3_000_000
    yield "trailers without an end", CHUNKED + b"2\r\nok\r\n0\r\n" + b"A: b\r\n" * 1_000_000


@pytest.mark.parametrize("step", [4_096, 65_536])
@pytest.mark.parametrize(("name", "data"), list(hostile()), ids=[name for name, _ in hostile()])
def test_what_is_no_reply(name: str, data: bytes, step: int) -> None:
    assert refused(data, step=step) == ("protocol", name == "nothing")


@pytest.mark.parametrize("cut", [0, 5, 30, len(OK) - 1])
def test_a_reset_is_told_apart_at_every_stage(cut: int) -> None:
    assert refused(OK[:cut], error=ConnectionResetError()) == ("connection", cut == 0)
    assert refused(b"HTTP/1.1 200 OK\r\n\r\nok", error=ConnectionResetError()) == ("connection", False)


def test_headers_of_64_kb_in_all_pass_and_more_do_not_stay_in_memory() -> None:
    peer = Peer()
    most = b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * ((MAX_HEAD - 100) // 6) + b"Content-Length: 2\r\n\r\nok"
    asyncio.run(peer.exchange(most, end=False))
    assert bytes(peer.sink) == b"ok"
    endless = Peer()
    with pytest.raises(ReplyError):
        asyncio.run(endless.exchange(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1_000_000))
    assert endless.connection._received <= 2 * MAX_HEAD  # the rest was not taken


def test_a_sink_that_is_full_ends_the_reply_and_the_connection() -> None:
    async def run() -> None:
        peer = Peer()
        peer.sink.limit = 10
        await peer.exchange(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n" + b"x" * 1_000_000, step=100)
        assert len(peer.sink) <= 200 and peer.transport.aborted

    asyncio.run(run())


def test_what_a_reader_raises_reaches_the_caller() -> None:
    class Refused(Exception):
        pass

    def begin(status: int, headers: Headers) -> None:
        raise Refused

    async def run() -> None:
        peer = Peer()
        peer.begin = begin  # type: ignore[method-assign, assignment]
        with pytest.raises(Refused):
            await peer.exchange(OK)
        assert peer.transport.aborted

    asyncio.run(run())


def test_an_unwanted_body_is_read_only_while_it_is_short_and_quick() -> None:
    async def run(data: bytes) -> bool:
        peer = Peer()
        peer.wanted = False
        async with asyncio.timeout(2):
            await peer.exchange(data, end=False)
        return peer.connection.usable

    assert asyncio.run(run(OK)) is True
    assert asyncio.run(run(OK[:-1])) is False  # the rest does not come: the reply stands
    assert asyncio.run(run(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)) is False


@pytest.mark.parametrize("rest", [b"x", OK, b"HTTP/1.1 2", b"\r\n" * 100 + OK])
def test_bytes_after_a_reply_are_nobodys_reply(rest: bytes) -> None:
    """A server that answers twice must not have its second answer taken for the next page."""

    async def together() -> None:
        peer = Peer()
        await peer.exchange(OK + rest, end=False)
        assert bytes(peer.sink) == b"ok"
        assert not peer.connection.usable

    async def later() -> None:
        peer = Peer()
        await peer.exchange(OK, end=False)
        peer.say(rest)
        assert not peer.connection.usable and peer.transport.aborted
        with pytest.raises(ReplyError) as caught:
            await peer.connection.exchange(b"GET", peer.begin)
        assert caught.value.unanswered

    asyncio.run(together())
    asyncio.run(later())


def test_whoever_is_cancelled_loses_the_connection() -> None:
    async def run() -> None:
        peer = Peer()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await peer.exchange(OK[:-1], end=False)
        assert peer.transport.aborted and not peer.connection.usable

    asyncio.run(run())
