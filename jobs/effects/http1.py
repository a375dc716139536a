"""One HTTP/1.1 connection: one request at a time, its reply handed on as it comes (RFC 9112).

The parser is llhttp, the one of Node.js; what is here are the limits around it. A reply costs no more memory than what
its reader keeps: bytes are handed on where they arrive, and never queued. A reply may take for ever; callers limit it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

#: Bytes in a row without one of the body: status line, header fields, chunk sizes and extensions, trailers.
MAX_HEAD = 65_536
MAX_INFORMATIONAL = 8  # replies 1xx before the final one
_DRAINED = 65_536  # bytes of an unwanted body that are read to keep the connection
_DRAIN_SECONDS = 1.0  # and how long they are waited for
_BODILESS = frozenset((204, 304))

Headers = list[tuple[bytes, bytes]]


class ReplyError(Exception):
    """There is no whole reply. `why` is protocol (it is no HTTP, or cut short) or connection (it was reset).

    `unanswered`: the connection ended before a byte of the reply.
    """

    def __init__(self, why: str, unanswered: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.unanswered = unanswered


class Sink(Protocol):
    """What takes the bytes of a body; false ends the reply, and with it the connection."""

    def feed(self, data: bytes) -> bool: ...


#: Called with status and header fields once they are there; null where the body is not wanted. Its exceptions, and
#: those of the sink, end the exchange and reach the caller.
Begin = Callable[[int, Headers], Sink | None]


class Http1(asyncio.BufferedProtocol):
    """The client's side of one connection. `usable` says whether it can take another request.

    The connections of one event loop may share `buffer`: what is read is handed on before anything else is.
    """

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self._parser = httptools.HttpResponseParser(self)
        # What servers get wrong and browsers take. Dangerous where a proxy and a server must agree on where a reply
        # ends; here nobody else reads it, and a connection with an unclear end is not used again
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,  # folded lines, control characters; NUL is refused below
            lenient_chunked_length=True,  # both lengths: the chunks count (RFC 9112 section 6.3)
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drain: asyncio.TimerHandle | None = None
        self._begin: Begin | None = None
        self._sink: Sink | None = None
        self.usable = False
        self.idle_since = 0.0

    async def exchange(self, request: bytes, begin: Begin) -> None:
        """Send `request` and hand its reply to `begin` and the sink that it returns; returns at the reply's end.

        Raises ReplyError, and what those two raise. Whoever is cancelled here loses the connection.
        """
        if not self.usable or self._transport is None:
            raise ReplyError("connection", unanswered=True)
        self._begin = begin
        self._sink = None
        self._headers: Headers = []
        self._status = 0  # of the final reply, once its head is there
        self._to_end = False  # the end of the connection is the end of the body
        self._unclear = False  # two lengths are given
        self._received = self._bare = self._informational = self._unwanted = 0
        self.usable = False
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            await self._waiter
        finally:
            self._waiter = self._begin = self._sink = None
            if self._drain is not None:
                self._drain.cancel()
                self._drain = None
            if not self.usable:
                self.abort()

    def abort(self) -> None:
        """Drop the connection without a word."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.usable = True

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, size: int) -> None:
        if self._waiter is None or self._waiter.done():
            self.abort()  # bytes that belong to no reply: whatever they are, no later reply may begin with them
            return
        self._received += size
        self._bare += size
        try:
            self._parser.feed_data(self._buffer[:size])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
            self._fail(cause if isinstance(cause, Exception) else ReplyError("protocol"))
        else:
            if self._bare > MAX_HEAD:
                self._fail(ReplyError("protocol"))

    def eof_received(self) -> None:
        self._ended(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._ended(error)
        self._transport = None

    def _ended(self, error: Exception | None) -> None:
        self.usable = False
        if error is None and self._to_end and self._waiter is not None:
            self._done()
        else:
            self._fail(ReplyError("protocol" if error is None else "connection", self._waiting and not self._received))

    # what the parser calls

    def on_message_begin(self) -> None:
        self.usable = False  # also of one that nobody asked for, behind the reply

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._waiting and not self._status:  # later ones are trailers
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self._waiting or self._begin is None:
            raise ReplyError("protocol")
        status = self._parser.get_status_code()
        if status < 200:
            self._informational += 1
            if self._informational > MAX_INFORMATIONAL or status < 100:
                raise ReplyError("protocol")
            self._headers.clear()
            return
        self._status = status
        self._to_end = not self._ends_itself()
        self._sink = self._begin(status, self._headers)
        if self._sink is None:
            self._drain = asyncio.get_running_loop().call_later(_DRAIN_SECONDS, self._done)

    def on_body(self, data: bytes) -> None:
        self._bare = 0
        if not self._waiting:
            return
        if self._sink is not None:
            more = self._sink.feed(data)
        else:
            self._unwanted += len(data)
            more = self._unwanted <= _DRAINED
        if not more:
            self._done()

    def on_message_complete(self) -> None:
        if self._waiting and self._status:
            self.usable = self._parser.should_keep_alive() and not self._to_end and not self._unclear
            self._done()

    def _ends_itself(self) -> bool:
        """Whether the head says where the body ends, or there is none. Raises ReplyError for what cannot be read."""
        length, coding = False, None
        for name, value in self._headers:
            if b"\0" in value:
                raise ReplyError("protocol")
            lower = name.lower()
            length |= lower == b"content-length"
            if lower == b"transfer-encoding":
                coding = value.strip().lower()
        if coding not in (None, b"chunked", b"identity"):
            raise ReplyError("protocol")
        self._unclear = length and coding is not None
        return self._status in _BODILESS or coding == b"chunked" or (length and coding is None)

    @property
    def _waiting(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _done(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        self.usable = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        else:
            self.abort()
