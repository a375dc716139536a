"""Connections to checked addresses only.

A host name is resolved here, once per connection; every address of the answer is checked, and the connection goes to
one of these very addresses. A second DNS answer therefore cannot lead elsewhere (DNS rebinding). Proxies and other
settings of the environment are not looked at.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import certifi
import httpcore

from pipelines.crawl.addresses import refusal

#: host, port -> addresses, in the order in which to try them
Resolve = Callable[[str, int], Awaitable[list[str]]]

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


def pool(resolve: Resolve, allow_private: bool, connections: int, ca_file: str | None) -> httpcore.AsyncConnectionPool:
    """A pool of HTTP/1.1 connections, verified against Mozilla's authorities or those in `ca_file`."""
    return httpcore.AsyncConnectionPool(
        ssl_context=ssl.create_default_context(cafile=ca_file or certifi.where()),
        max_connections=2 * connections,
        max_keepalive_connections=connections,
        keepalive_expiry=30.0,
        network_backend=CheckedBackend(resolve, allow_private),
    )
