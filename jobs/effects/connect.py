"""Connections to checked addresses only.

A host name is resolved here, once per connection; every address of the answer is checked, and the connection goes to
one of these very addresses. A second DNS answer therefore cannot lead elsewhere (DNS rebinding). Proxies and other
settings of the environment are not looked at.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cached_property

import certifi
import httpcore

from pipelines.crawl.addresses import refusal
from pipelines.crawl.urls import origin_of

#: host, port -> addresses, in the order in which to try them
Resolve = Callable[[str, int], Awaitable[list[str]]]

_KEEP_ALIVE = 30.0  # seconds that an idle connection is kept
_RESOLVERS = 16  # threads; look-ups of dead name servers must not hold up the others


class AddressRefused(Exception):
    """A host name led to an address that must not be connected to. `why` as in addresses.refusal()."""

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


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """The network as a crawler may use it."""

    def __init__(self, resolve: Resolve, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefused if any address of the host is refused: a mixed answer is a sign of rebinding."""
        addresses = await self._resolve(host, port)
        for address in addresses:
            if why := refusal(address, self._allow_private):
                raise AddressRefused(why)
        failure: Exception = NameNotFound(False)
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused("unix_socket")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Connections:
    """HTTP/1.1 connections to checked addresses, kept open between requests to one origin.

    At most `keep` idle ones; the origin that was used least recently goes first. TLS is verified against Mozilla's
    authorities, or those in `ca_file` (PEM). httpcore's pool would look at every open connection for every request.
    """

    def __init__(self, resolve: Resolve, allow_private: bool, keep: int, ca_file: str | None) -> None:
        self._backend = CheckedBackend(resolve, allow_private)
        self._ca_file = ca_file or certifi.where()
        self._keep = keep
        self._idle: OrderedDict[str, list[httpcore.AsyncHTTPConnection]] = OrderedDict()
        self._kept = 0

    @asynccontextmanager
    async def get(self, url: str, headers: list[tuple[str, str]], timeout: float) -> AsyncIterator[httpcore.Response]:
        """The reply to GET `url` (normalised), its body still to be read. `timeout` is in seconds, per operation."""
        limits = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
        request = httpcore.Request("GET", url, headers=headers, extensions={"timeout": limits})
        origin = origin_of(url)
        connection = await self._take(origin, request.url.origin)
        try:
            response = await connection.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            if connection.is_idle():
                await self._put(origin, connection)
            else:
                await connection.aclose()

    async def aclose(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                await connection.aclose()
        self._idle.clear()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca_file)

    async def _take(self, origin: str, target: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        while kept := self._idle.get(origin):
            connection = kept.pop()
            self._kept -= 1
            if not kept:
                del self._idle[origin]
            if not connection.has_expired():
                return connection
            await connection.aclose()
        tls = self._tls if target.scheme == b"https" else None
        return httpcore.AsyncHTTPConnection(target, tls, _KEEP_ALIVE, network_backend=self._backend)

    async def _put(self, origin: str, connection: httpcore.AsyncHTTPConnection) -> None:
        self._idle.setdefault(origin, []).append(connection)
        self._idle.move_to_end(origin)
        self._kept += 1
        if self._kept > self._keep:
            oldest = next(iter(self._idle))
            spare = self._idle[oldest].pop(0)
            self._kept -= 1
            if not self._idle[oldest]:
                del self._idle[oldest]
            await spare.aclose()
