"""The fetch effect: one request to one outcome, politely and within limits.

Whatever a server does, a request ends in one outcome within a bounded time: `timeout_seconds` is a wall limit for each
attempt, from the look-up to the last byte, so that a server that sends one byte a second gains nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jobs.effects.connect import AddressRefused, ConnectError, Connections, NameNotFound, Resolve, SystemResolver
from jobs.effects.http1 import Headers, ReplyError
from jobs.effects.limiter import Limiter
from pipelines.crawl import optout, robots, sitemaps
from pipelines.crawl.decoding import BadEncoding, Decoder, TooMuch
from pipelines.crawl.requests import (
    PAGE_WITHOUT_BODY,
    PAUSES_HOST,
    REDIRECTS,
    RETRIED,
    FetchOutcome,
    FetchRequest,
    Refusal,
    backoff,
    body_hash,
    header,
    is_wanted,
    location,
    request_headers,
    retry_after,
    says_nofollow,
    validators,
)
from pipelines.crawl.robots import RobotsVerdict
from pipelines.crawl.urls import UrlError, host_of, join, origin_of
from pipelines.params import CrawlParams

Verdict = Callable[[str], Awaitable[RobotsVerdict | Refusal]]

#: Files that speak for a site: at most so many bytes of them are read, and what follows is left.
_FILE_BYTES = {
    "robots": robots.MAX_BYTES,
    "sitemap": sitemaps.MAX_BYTES,
    "tdmrep": optout.MAX_FILE_BYTES,
    "ai_txt": optout.MAX_FILE_BYTES,
}
_FILE_TYPES = {"sitemap": ("application/xml", "text/xml", "text/plain"), "tdmrep": ("application/json",)}

_HOST_DOWN = frozenset(("timeout", "dns", "connect", "connection", "tls"))  # failures that say something of the host


class _Rejected(Exception):
    """This request ends as a reject. `again` where another attempt may go better."""

    def __init__(
        self,
        rule: str,
        detail: str | None = None,
        value: float | None = None,
        threshold: float | None = None,
        again: bool = False,
    ) -> None:
        super().__init__(rule)
        self.rule, self.detail, self.value, self.threshold, self.again = rule, detail, value, threshold, again


@dataclass
class _Reply:
    status: int = 0
    headers: Headers = field(default_factory=list)
    body: bytes | None = None


@dataclass
class _Trail:
    """What has been seen so far of one request."""

    urls: list[str]
    evidence: dict[str, str]
    attempts: int = 0
    wire_bytes: int = 0
    status: int | None = None


class Fetcher:
    """Fetches pages and robots.txt files. Use as an async context manager; one per run, sharing the run's limiter.

    `resolve`, `clock` (monotonic seconds), `now` (UTC) and `sleep` can be replaced by tests; `ca_file` is a PEM file of
    authorities to trust instead of Mozilla's. `credentials` maps an origin to the headers that it alone is sent.
    """

    def __init__(
        self,
        params: CrawlParams,
        limiter: Limiter,
        *,
        resolve: Resolve | None = None,
        ca_file: str | None = None,
        credentials: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._params = params
        self._limiter = limiter
        self._credentials = credentials or {}
        self._clock, self._now, self._sleep = clock, now, sleep
        self._failures: Counter[str] = Counter()  # host -> failures in a row
        self._left_alone: dict[str, float] = {}  # host -> seconds that it asked for, more than this run waits
        self._resolver = SystemResolver()
        # Apart by right: a connection opened for a source that may see private addresses serves no other
        self._connections = {
            private: Connections(
                resolve or self._resolver, private, 2 * params.concurrency, ca_file, params.timeout_seconds
            )
            for private in (False, True)
        }

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connections in self._connections.values():
            await connections.aclose()
        self._resolver.close()

    async def fetch(self, request: FetchRequest, verdict: Verdict | None) -> tuple[FetchOutcome, bytes | None]:
        """The outcome of `request` and the page's body; `verdict` speaks for robots.txt, null where none is asked.

        Never raises for anything that a server, a network or a URL may do.
        """
        started = self._clock()
        trail = _Trail([request.url], {})
        body = None
        try:
            reply = await self._follow(request, verdict, trail)
            body = reply.body
            found = self._page(request, reply)
        except _Rejected as reject:
            found = {
                "rule": reject.rule,
                "detail": reject.detail,
                "value": reject.value,
                "threshold": reject.threshold,
            }
        outcome = FetchOutcome(
            doc_id=request.doc_id,
            tenant_id=request.tenant_id,
            source=request.source,
            requested_url=request.requested_url,
            url=request.url,
            final_url=trail.urls[-1],
            hops=tuple(trail.urls[1:-1]),
            status=trail.status,
            authorisation="; ".join(trail.evidence.values()) or None,
            wire_bytes=trail.wire_bytes,
            attempts=trail.attempts,
            fetched_at=self._now().isoformat(),
            elapsed_ms=round((self._clock() - started) * 1000),
            **found,
        )
        return outcome, body

    def _page(self, request: FetchRequest, reply: _Reply) -> dict[str, Any]:
        unchanged = reply.status == 304
        return {
            "content_type": header(reply.headers, "content-type"),
            "etag": header(reply.headers, "etag") or (request.etag if unchanged else None),
            "last_modified": header(reply.headers, "last-modified") or (request.last_modified if unchanged else None),
            "body_hash": None if reply.body is None else body_hash(reply.body),
            "body_bytes": None if reply.body is None else len(reply.body),
            "nofollow": says_nofollow(reply.headers, self._params.user_agent),
        }

    async def _follow(self, request: FetchRequest, verdict: Verdict | None, trail: _Trail) -> _Reply:
        """The reply at the end of the redirects. Every hop is checked like a first request."""
        limit = self._params.max_redirects
        while True:
            url = trail.urls[-1]
            if verdict is not None:
                self._heed(url, await verdict(url), trail)
            reply = await self._persist(request, url, trail)
            target = location(reply.headers) if reply.status in REDIRECTS else None
            if target is None:
                return self._judge(request, url, reply)
            try:
                target = join(url, target)
            except UrlError as error:
                raise _Rejected("redirect_url", error.rule) from None
            if target in trail.urls:
                raise _Rejected("redirect_loop", value=len(trail.urls))
            if len(trail.urls) > limit:
                raise _Rejected("redirect_limit", value=len(trail.urls), threshold=limit)
            trail.urls.append(target)

    def _heed(self, url: str, verdict: RobotsVerdict | Refusal, trail: _Trail) -> None:
        if isinstance(verdict, Refusal):
            raise _Rejected(verdict.rule, verdict.detail, verdict.value, verdict.threshold)
        origin = origin_of(url)
        said = f"{origin}/robots.txt {verdict.digest or '-'} {verdict.reason}"
        trail.evidence[origin] = f"{said} {verdict.also}" if verdict.also else said
        if verdict.reason == "private_address":
            raise _Rejected("private_address")
        if not verdict.allowed:
            raise _Rejected("robots", verdict.reason)
        if verdict.crawl_delay is not None:
            if verdict.crawl_delay > self._params.max_crawl_delay_seconds:
                raise _Rejected(
                    "crawl_delay", value=verdict.crawl_delay, threshold=self._params.max_crawl_delay_seconds
                )
            self._limiter.slow_down(host_of(url), verdict.crawl_delay)

    def _judge(self, request: FetchRequest, url: str, reply: _Reply) -> _Reply:
        if reply.body is not None:
            return reply
        unasked = reply.status == 304 and not validators(request, url)
        if request.kind == "page" and reply.status in PAGE_WITHOUT_BODY and not unasked:
            return reply
        raise _Rejected("http_status", value=reply.status)

    async def _persist(self, request: FetchRequest, url: str, trail: _Trail) -> _Reply:
        """One hop, unless its host has failed too often in a row: a tarpit must not cost a timeout per URL."""
        host = host_of(url)
        self._give_up(host)
        try:
            reply = await self._repeat(request, url, host, trail)
        except _Rejected as reject:
            self._failures[host] += reject.detail in _HOST_DOWN
            raise
        self._failures[host] = self._failures[host] + 1 if reply.status in RETRIED else 0
        return reply

    def _give_up(self, host: str) -> None:
        """Reject what is asked of a host that fails all the time, or asked to be left alone for longer than we wait."""
        asked, longest = self._left_alone.get(host), self._params.max_retry_wait_seconds
        if asked is not None:
            raise _Rejected("host_unavailable", "retry_after", asked, longest)
        failures, limit = self._failures[host], self._params.max_host_failures
        if failures >= limit:
            raise _Rejected("host_unavailable", value=failures, threshold=limit)

    async def _repeat(self, request: FetchRequest, url: str, host: str, trail: _Trail) -> _Reply:
        """As many attempts as the parameters grant."""
        for attempt in range(1, self._params.attempts + 1):
            last = attempt == self._params.attempts
            trail.status = None
            try:
                async with self._limiter.lease(host):
                    self._give_up(host)
                    trail.attempts += 1
                    reply = await self._attempt(request, url, trail)
            except _Rejected as reject:
                if last or not reject.again:
                    raise
                await self._sleep(backoff(url, attempt))
                continue
            if reply.status not in RETRIED:
                return reply
            asked = retry_after(header(reply.headers, "retry-after"), self._now())
            wait = backoff(url, attempt) if asked is None else asked
            if asked is not None and asked > self._params.max_retry_wait_seconds and reply.status in PAUSES_HOST:
                self._left_alone[host] = asked
                return reply
            if reply.status in PAUSES_HOST:
                self._limiter.pause(host, min(wait, self._params.max_retry_wait_seconds))
            if last or wait > self._params.max_retry_wait_seconds:
                return reply
            if reply.status not in PAUSES_HOST:
                await self._sleep(wait)
        raise AssertionError("attempts is at least 1")

    async def _attempt(self, request: FetchRequest, url: str, trail: _Trail) -> _Reply:
        try:
            async with asyncio.timeout(self._params.timeout_seconds):
                return await self._exchange(request, url, trail)
        except TimeoutError:
            raise _Rejected("fetch_error", "timeout", again=trail.status is None) from None
        except AddressRefused as refused:
            raise _Rejected("private_address", refused.why) from None
        except NameNotFound as missing:
            raise _Rejected("fetch_error", "dns", again=missing.temporary) from None
        except ConnectError as error:
            raise _Rejected("fetch_error", error.why, again=error.why != "tls") from None
        except ReplyError as error:
            raise _Rejected("fetch_error", error.why, again=True) from None

    async def _exchange(self, request: FetchRequest, url: str, trail: _Trail) -> _Reply:
        page = request.kind == "page"
        accept = self._params.content_types if page else _FILE_TYPES.get(request.kind, ("text/plain",))
        headers = request_headers(request, url, self._params.user_agent, accept)
        headers += self._credentials.get(origin_of(url), ())
        reply = _Reply()
        body: _Body | None = None

        def begin(status: int, headers: Headers) -> _Body | None:
            nonlocal body
            reply.status = trail.status = status
            reply.headers = headers
            if not page and 200 <= status < 300:
                body = _Body(headers, trail, _FILE_BYTES[request.kind] + 1, cut=True)
            elif page and status == 200:
                if not is_wanted(kind := header(headers, "content-type"), self._params.content_types):
                    raise _Rejected("content_type", (kind or "").partition(";")[0].strip().lower()[:100])
                self._reserved(reply)
                body = _Body(headers, trail, self._params.max_body_bytes)
            elif page and status == 304:
                self._reserved(reply)
            return body

        await self._connections[request.allow_private].get(url, headers, begin)
        if body is not None:
            reply.body = body.end()
            if page:
                self._reserved(reply)
        return reply

    def _reserved(self, reply: _Reply) -> None:
        """Refuse a page that its own headers or markup reserve."""
        heed, agent = self._params.heed, self._params.user_agent
        found = optout.of_headers(reply.headers, agent) if "headers" in heed else None
        if found is None and reply.body is not None and "meta" in heed:
            found = optout.of_page(reply.body, agent)
        if found is not None:
            raise _Rejected("opt_out", f"{found.signal}: {found.detail}")


class _Body:
    """The decoded body, at most `limit` bytes of it; what is more is a reject, or not read where `cut`."""

    def __init__(self, headers: Headers, trail: _Trail, limit: int, cut: bool = False) -> None:
        declared = header(headers, "content-length") or ""
        if not cut and declared.isascii() and declared.isdigit() and int(declared) > limit:
            raise _Rejected("too_large", value=min(int(declared), 2**63), threshold=limit)
        encodings = ",".join(v.decode("latin-1") for k, v in headers if k.lower() == b"content-encoding")
        self._trail, self._limit, self._cut = trail, limit, cut
        self._wire = 0
        self._decoded = bytearray()
        try:
            self._decoder = Decoder(encodings, limit, cut)
        except BadEncoding:
            raise _Rejected("fetch_error", "content_encoding") from None

    def feed(self, data: bytes) -> bool:
        """Take what came over the network; whether more is wanted."""
        self._wire += len(data)
        self._trail.wire_bytes += len(data)
        if self._wire > self._limit and not self._cut:
            raise _Rejected("too_large", value=self._limit + 1, threshold=self._limit)
        try:
            self._decoded += self._decoder.feed(data)
        except TooMuch:
            raise _Rejected("decompression_limit", value=self._limit + 1, threshold=self._limit) from None
        except BadEncoding:
            raise _Rejected("fetch_error", "content_encoding") from None
        return not self._decoder.full

    def end(self) -> bytes:
        try:
            self._decoder.finish()
        except BadEncoding:
            raise _Rejected("fetch_error", "content_encoding") from None
        return bytes(self._decoded)
