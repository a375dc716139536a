"""Connections to checked addresses only.

A host name is resolved here, once per connection; every address of the answer is checked, and the connection goes to
one of these very addresses. A second DNS answer therefore cannot lead elsewhere (DNS rebinding). Proxies and other
settings of the environment are not looked at.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from urllib.parse import urlsplit

import certifi

from jobs.effects.http1 import Begin, Http1, ReplyError
from pipelines.crawl.addresses import is_address, refusal
from pipelines.crawl.urls import DEFAULT_PORTS

#: host, port -> addresses, in the order in which to try them
Resolve = Callable[[str, int], Awaitable[list[str]]]

_KEEP_ALIVE = 30.0  # seconds that an idle connection is kept
_BUFFER = 65_536  # bytes that are read at one time
_TRIED = 4  # addresses of one host
_SENDABLE = re.compile(r"[\t -~\x80-\xff]*")  # RFC 9110 section 5.5
_RESOLVERS = 16  # threads; look-ups of dead name servers must not hold up the others


class AddressRefused(Exception):
    """A host name led to an address that must not be connected to. `why` as in addresses.refusal()."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class ConnectError(Exception):
    """No connection came about. `why` is timeout, connect, or tls where the server did not prove who it is."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NameNotFound(Exception):
    """A host name has no address. `temporary` where the resolver says that it may have one later."""

    def __init__(self, temporary: bool) -> None:
        super().__init__("no address")
        self.temporary = temporary


class SystemResolver:
    """Look-ups by the operating system, in threads of their own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except socket.gaierror as error:
            raise NameNotFound(error.errno == socket.EAI_AGAIN) from None
        except UnicodeError:
            raise NameNotFound(False) from None
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Connections:
    """HTTP/1.1 connections to checked addresses, kept open between requests to one origin.

    At most `keep` idle ones; the origin that was used least recently goes first. `timeout` is in seconds, for making a
    connection; a host's addresses share it, so that one that does not answer leaves time for the next. TLS is verified
    against Mozilla's authorities, or those in `ca_file` (PEM). Belongs to one event loop.
    """

    def __init__(
        self, resolve: Resolve, allow_private: bool, keep: int, ca_file: str | None, timeout: float = 30.0
    ) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._ca_file = ca_file or certifi.where()
        self._keep = keep
        self._timeout = timeout
        self._buffer = memoryview(bytearray(_BUFFER))
        self._idle: OrderedDict[str, list[Http1]] = OrderedDict()
        self._kept = 0

    async def get(self, url: str, headers: list[tuple[str, str]], begin: Begin) -> None:
        """GET `url` (normalised); the reply goes to `begin` and its sink, see http1.

        Raises AddressRefused, NameNotFound, ConnectError, ReplyError, and what `begin` and its sink raise. A kept
        connection that the server has closed meanwhile costs nothing but another one.
        """
        scheme, authority, path, query, _ = urlsplit(url)
        origin = f"{scheme}://{authority}"
        request = _request(f"{path}?{query}" if query else path, headers)
        loop = asyncio.get_running_loop()
        while connection := self._take(origin, loop.time()):
            try:
                await connection.exchange(request, begin)
            except ReplyError as error:
                if not error.unanswered:
                    raise
            else:
                self._put(origin, connection, loop.time())
                return
        connection = await self._open(scheme, authority)
        await connection.exchange(request, begin)
        self._put(origin, connection, loop.time())

    async def aclose(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # transports close in the loop's next round

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of `host`. Raises AddressRefused if any of them is: a mixed answer is a sign of rebinding."""
        found = [host] if is_address(host) else await self._resolve(host, port)
        for address in found:
            if why := refusal(address, self._allow_private):
                raise AddressRefused(why)
        if not found:
            raise NameNotFound(False)
        return found

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_file)
        context.set_alpn_protocols(["http/1.1"])
        return context

    async def _open(self, scheme: str, authority: str) -> Http1:
        """A connection to the first address that takes it."""
        name, colon, digits = authority.rpartition(":")
        host, port = (name, int(digits)) if colon and digits.isdigit() else (authority, DEFAULT_PORTS[scheme])
        host = host.strip("[]")
        addresses = (await self.addresses(host, port))[:_TRIED]
        why = "connect"
        for address in addresses:
            try:
                async with asyncio.timeout(self._timeout / len(addresses)):
                    return await self._connect(address, port, host if scheme == "https" else None)
            except (ssl.SSLError, ValueError):  # ValueError: a name that no certificate can bear
                raise ConnectError("tls") from None
            except TimeoutError:
                why = "timeout"
            except OSError:
                why = "connect"
        raise ConnectError(why)

    async def _connect(self, address: str, port: int, tls_name: str | None) -> Http1:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Http1(self._buffer),
            address,
            port,
            ssl=self._tls if tls_name else None,
            server_hostname=tls_name,
        )
        return connection

    def _take(self, origin: str, now: float) -> Http1 | None:
        while kept := self._idle.get(origin):
            connection = kept.pop()
            self._kept -= 1
            if not kept:
                del self._idle[origin]
            if connection.usable and now - connection.idle_since < _KEEP_ALIVE:
                return connection
            connection.abort()
        return None

    def _put(self, origin: str, connection: Http1, now: float) -> None:
        if not connection.usable:
            return
        connection.idle_since = now
        self._idle.setdefault(origin, []).append(connection)
        self._idle.move_to_end(origin)
        self._kept += 1
        if self._kept > self._keep:
            oldest = next(iter(self._idle))
            spare = self._idle[oldest].pop(0)
            self._kept -= 1
            if not self._idle[oldest]:
                del self._idle[oldest]
            spare.abort()


def _request(target: str, headers: list[tuple[str, str]]) -> bytes:
    """The bytes of a GET. A header that cannot be sent is left out: one a server gave us once, and no longer whole."""
    sent = [f"{name}: {value}\r\n" for name, value in headers if _SENDABLE.fullmatch(value)]
    return f"GET {target} HTTP/1.1\r\n{''.join(sent)}\r\n".encode("latin-1")
