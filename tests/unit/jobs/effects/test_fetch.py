import asyncio
import gzip
import ssl
import subprocess
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
import pytest
from backports import zstd

from jobs.effects.connect import NameNotFound, SystemResolver
from jobs.effects.fetch import Fetcher
from jobs.effects.limiter import Limiter
from pipelines.crawl.requests import FetchOutcome, FetchRequest, body_hash
from pipelines.crawl.robots import RobotsVerdict
from pipelines.params import CrawlParams

PARAMS = CrawlParams(
    user_agent="examplebot/1",
    per_host_delay_seconds=0.0,
    timeout_seconds=0.5,
    max_redirects=3,
    max_body_bytes=10_000,
    attempts=2,
    max_retry_wait_seconds=10.0,
)
HTML = {"Content-Type": "text/html"}
ALLOWED = RobotsVerdict(True, None, "d1", "allow_rule")


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


class World:
    """Fetches with time that passes only by the server's own doing; `slept` is what would have been waited."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.skipped = 0.0

    def clock(self) -> float:
        return self.skipped

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.skipped += seconds

    def fetch(
        self,
        url: str,
        params: CrawlParams = PARAMS,
        resolve: Callable[[str, int], Awaitable[list[str]]] = loopback,
        verdict: Callable[[str], RobotsVerdict] = lambda url: ALLOWED,
        ca_file: str | None = None,
        **request: Any,
    ) -> tuple[FetchOutcome, bytes | None]:
        wanted = {"allow_private": True, **request}

        async def ask(hop: str) -> RobotsVerdict:
            return verdict(hop)

        async def run() -> tuple[FetchOutcome, bytes | None]:
            limiter = Limiter(4, 2, 0.0, self.clock, self.sleep)
            now = lambda: datetime(2026, 1, 1, tzinfo=UTC)  # noqa: E731
            async with Fetcher(
                params, limiter, resolve=resolve, ca_file=ca_file, clock=self.clock, now=now, sleep=self.sleep
            ) as fetcher:
                return await fetcher.fetch(FetchRequest("doc", "t", "s", url, url, 0, **wanted), ask)

        return asyncio.run(run())


@pytest.fixture
def world() -> World:
    return World()


def reply(site: Any, path: str, *args: Any, **kwargs: Any) -> str:
    site.routes[path] = site.Reply(*args, **kwargs)
    return str(site.url(path))


def test_a_page(site: Any, world: World) -> None:
    since = "Thu, 01 Jan 2026 00:00:00 GMT"
    headers = {"Content-Type": "text/html; charset=gbk", "ETag": '"x"', "Last-Modified": since}
    url = reply(site, "/", "中".encode("gbk"), headers=headers)
    outcome, body = world.fetch(url)
    assert body == b"\xd6\xd0"
    assert (outcome.rule, outcome.status, outcome.final_url, outcome.hops) == (None, 200, url, ())
    assert (outcome.content_type, outcome.etag) == ("text/html; charset=gbk", '"x"')
    assert outcome.last_modified == since
    assert (outcome.body_hash, outcome.body_bytes) == (body_hash(body), 2)
    assert outcome.authorisation == f"{url}robots.txt d1 allow_rule"
    assert FetchOutcome.from_json(outcome.to_json()) == outcome
    sent = site.hits[0].headers
    assert (sent["user-agent"], sent["accept-encoding"]) == ("examplebot/1", "gzip, deflate, br, zstd")
    assert "cookie" not in sent and "if-none-match" not in sent


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_is_a_page_without_a_body(site: Any, world: World, status: int) -> None:
    outcome, body = world.fetch(reply(site, "/", b"gone", status))
    assert (outcome.rule, outcome.status, outcome.body_hash, body) == (None, status, None, None)


def test_a_conditional_request(site: Any, world: World) -> None:
    url = reply(site, "/", status=304)
    outcome, body = world.fetch(url, etag='"e"', last_modified="L")
    assert (outcome.rule, outcome.status, outcome.etag, outcome.last_modified, body) == (None, 304, '"e"', "L", None)
    assert site.hits[0].headers["if-none-match"] == '"e"'
    assert site.hits[0].headers["if-modified-since"] == "L"


def test_validators_go_only_where_they_came_from(site: Any, world: World) -> None:
    target = reply(site, "/b", status=304)
    url = reply(site, "/a", status=301, headers={"Location": "/b"})
    outcome, _ = world.fetch(url, etag='"e"', validators_of=target)
    assert (outcome.status, outcome.rule) == (304, None)
    assert ["if-none-match" in hit.headers for hit in site.hits] == [False, True]


def test_not_modified_without_a_condition_is_no_page(site: Any, world: World) -> None:
    outcome, _ = world.fetch(reply(site, "/", status=304))
    assert (outcome.rule, outcome.value) == ("http_status", 304)


def test_redirects_are_followed_and_kept(site: Any, world: World) -> None:
    url = reply(site, "/a", status=301, headers={"Location": "/b?x#f"})
    reply(site, "/b?x", status=307, headers={"Location": site.url("/c", "other.example")})
    reply(site, "/c", b"hi", headers=HTML)
    outcome, body = world.fetch(url)
    assert body == b"hi"
    assert outcome.hops == (site.url("/b?x"),)
    assert outcome.final_url == site.url("/c", "other.example")
    assert outcome.attempts == 3
    assert outcome.authorisation is not None and outcome.authorisation.count("robots.txt") == 2


@pytest.mark.parametrize(
    ("where", "rule", "detail"),
    [
        ("/a", "redirect_loop", None),
        ("file:///etc/passwd", "redirect_url", "scheme"),
        ("ftp://127.0.0.1/x", "redirect_url", "scheme"),
        ("http://u:p@127.0.0.1/", "redirect_url", "credentials"),
        ("http://127.0.0.1:22/", "redirect_url", "port"),
        ("http://[", "redirect_url", "syntax"),
    ],
)
def test_redirects_that_are_not_followed(site: Any, world: World, where: str, rule: str, detail: str | None) -> None:
    outcome, _ = world.fetch(reply(site, "/a", status=302, headers={"Location": where}))
    assert (outcome.rule, outcome.detail) == (rule, detail)
    assert len(site.hits) == 1


def test_endless_redirects_end(site: Any, world: World) -> None:
    for n in range(9):
        reply(site, f"/{n}", status=302, headers={"Location": f"/{n + 1}"})
    outcome, _ = world.fetch(site.url("/0"))
    assert (outcome.rule, outcome.value, outcome.threshold) == ("redirect_limit", 4, 3)
    assert site.paths() == ["/0", "/1", "/2", "/3"]


def test_a_redirect_without_a_target_is_no_page(site: Any, world: World) -> None:
    outcome, _ = world.fetch(reply(site, "/", status=301))
    assert (outcome.rule, outcome.value) == ("http_status", 301)


@pytest.mark.req("CRL-03")
def test_robots_are_asked_before_every_hop(site: Any, world: World) -> None:
    def verdict(url: str) -> RobotsVerdict:
        return RobotsVerdict("/secret" not in url, None, "d2", "disallow_rule" if "/secret" in url else "no_rule")

    url = reply(site, "/a", status=301, headers={"Location": "/secret"})
    outcome, _ = world.fetch(url, verdict=verdict)
    assert (outcome.rule, outcome.detail) == ("robots", "disallow_rule")
    assert site.paths() == ["/a"]
    assert outcome.authorisation is not None and "d2 disallow_rule" in outcome.authorisation
    assert world.fetch(site.url("/secret"), verdict=verdict)[0].attempts == 0


def test_a_crawl_delay_is_kept_or_the_page_is_left_alone(site: Any, world: World) -> None:
    reply(site, "/", b"x", headers=HTML)
    slow = RobotsVerdict(True, 600.0, "d", "no_rule")
    outcome, _ = world.fetch(site.url(), verdict=lambda url: slow)
    assert (outcome.rule, outcome.value, outcome.threshold) == ("crawl_delay", 600.0, 60.0)
    reply(site, "/a", status=301, headers={"Location": "/"})
    outcome, _ = world.fetch(site.url("/a"), verdict=lambda url: replace(slow, crawl_delay=7.0))
    assert outcome.rule is None
    assert world.slept == [7.0]


@pytest.mark.parametrize("content_type", ["image/png", "application/pdf", "text/html-sandboxed"])
def test_unwanted_content_is_not_read(site: Any, world: World, content_type: str) -> None:
    outcome, body = world.fetch(reply(site, "/", b"x", headers={"Content-Type": content_type}))
    assert (outcome.rule, outcome.detail, body) == ("content_type", content_type, None)


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "TEXT/HTML ; charset=x"}, {"Content-Type": ""}])
def test_wanted_content(site: Any, world: World, headers: dict[str, str]) -> None:
    assert world.fetch(reply(site, "/", b"x", headers=headers))[1] == b"x"


@pytest.mark.parametrize("length", [None, -1])
def test_size_limit(site: Any, world: World, length: int | None) -> None:
    assert world.fetch(reply(site, "/a", b"x" * 10_000, headers=HTML, length=length))[0].rule is None
    outcome, body = world.fetch(reply(site, "/b", b"x" * 10_001, headers=HTML, length=length))
    assert (outcome.rule, outcome.value, outcome.threshold, body) == ("too_large", 10_001, 10_000, None)


def test_a_declared_size_is_believed_when_it_is_too_large(site: Any, world: World) -> None:
    outcome, _ = world.fetch(reply(site, "/", b"x", headers=HTML, length=2_000_000_000))
    assert (outcome.rule, outcome.value) == ("too_large", 2_000_000_000)


def test_a_body_shorter_than_declared_is_an_error(site: Any, world: World) -> None:
    outcome, _ = world.fetch(reply(site, "/", b"x" * 10, headers=HTML, length=20))
    assert (outcome.rule, outcome.detail) == ("fetch_error", "protocol")
    assert outcome.attempts == 2


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(b"hello")),
        ("x-gzip", gzip.compress(b"hel") + gzip.compress(b"lo") + b"\0\0"),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", raw_deflate(b"hello")),
        ("br", brotli.compress(b"hello")),
        ("zstd", zstd.compress(b"hello")),
        ("gzip, br", brotli.compress(gzip.compress(b"hello"))),
        ("identity", b"hello"),
    ],
)
def test_encoded_bodies(site: Any, world: World, encoding: str, data: bytes) -> None:
    outcome, body = world.fetch(reply(site, "/", data, headers={**HTML, "Content-Encoding": encoding}))
    assert body == b"hello"
    assert outcome.wire_bytes == len(data)


@pytest.mark.parametrize("length", [None, -1])
def test_a_decompression_bomb_is_stopped(site: Any, world: World, length: int | None) -> None:
    bomb = gzip.compress(b"\0" * 9_000_000)
    outcome, body = world.fetch(reply(site, "/", bomb, headers={**HTML, "Content-Encoding": "gzip"}, length=length))
    assert len(bomb) < 10_000
    assert (outcome.rule, outcome.value, outcome.threshold) == ("decompression_limit", 10_001, 10_000)
    assert body is None


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("gzip", b"no gzip"), ("gzip", gzip.compress(b"hello")[:-3]), ("compress", b"x"), ("gzip, gzip", b"x")],
)
def test_bad_encodings(site: Any, world: World, encoding: str, data: bytes) -> None:
    outcome, _ = world.fetch(reply(site, "/", data, headers={**HTML, "Content-Encoding": encoding}))
    assert (outcome.rule, outcome.detail, outcome.attempts) == ("fetch_error", "content_encoding", 1)


def test_a_slow_body_meets_the_wall_limit(site: Any, world: World) -> None:
    outcome, _ = world.fetch(reply(site, "/", b"x" * 100, headers=HTML, drip=0.05))
    assert (outcome.rule, outcome.detail, outcome.attempts) == ("fetch_error", "timeout", 1)


def in_turn(site: Any, *replies: Any) -> str:
    left = list(replies)
    site.routes["/"] = lambda hit: left.pop(0) if len(left) > 1 else left[0]
    return str(site.url())


def test_too_many_requests_waits_as_long_as_it_is_told(site: Any, world: World) -> None:
    url = in_turn(site, site.Reply(status=429, headers={"Retry-After": "7"}), site.Reply(b"ok", headers=HTML))
    outcome, body = world.fetch(url)
    assert (outcome.rule, body, outcome.attempts) == (None, b"ok", 2)
    assert world.slept == [7.0]


def test_retry_after_as_a_date(site: Any, world: World) -> None:
    busy = site.Reply(status=503, headers={"Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT"})
    assert world.fetch(in_turn(site, busy, site.Reply(b"ok", headers=HTML)))[1] == b"ok"
    assert world.slept == [9.0]


def test_a_server_that_stays_busy_is_a_reject(site: Any, world: World) -> None:
    outcome, _ = world.fetch(reply(site, "/", status=503))
    assert (outcome.rule, outcome.value, outcome.attempts) == ("http_status", 503, 2)
    assert len(world.slept) == 1 and 1.0 <= world.slept[0] < 1.5


def test_a_wait_that_is_too_long_is_not_waited_for(site: Any, world: World) -> None:
    outcome, _ = world.fetch(reply(site, "/", status=429, headers={"Retry-After": "86400"}))
    assert (outcome.rule, outcome.value, outcome.attempts, world.slept) == ("http_status", 429, 1, [])


def test_other_statuses_are_rejects_at_once(site: Any, world: World) -> None:
    for status in (204, 206, 400, 401, 403, 451, 501):
        outcome, _ = world.fetch(reply(site, "/", status=status, headers={"X": "y"}))
        assert (outcome.rule, outcome.value, outcome.attempts) == ("http_status", status, 1)


@pytest.mark.parametrize(
    ("raw", "detail"),
    [(b"", "protocol"), (b"SSH-2.0-x\r\n", "protocol"), (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000, "protocol")],
)
def test_servers_that_do_not_speak_http(site: Any, world: World, raw: bytes, detail: str) -> None:
    outcome, _ = world.fetch(reply(site, "/", raw=raw))
    assert (outcome.rule, outcome.attempts) == ("fetch_error", 2)
    assert outcome.detail in (detail, "connection")


def test_nobody_listens(world: World) -> None:
    outcome, _ = world.fetch("http://127.0.0.1:1024/")
    assert (outcome.rule, outcome.detail, outcome.attempts) == ("fetch_error", "connect", 2)


def test_unknown_hosts(world: World) -> None:
    def missing(temporary: bool) -> Callable[[str, int], Awaitable[list[str]]]:
        async def resolve(host: str, port: int) -> list[str]:
            raise NameNotFound(temporary)

        return resolve

    outcome, _ = world.fetch("http://nowhere.example/", resolve=missing(False))
    assert (outcome.rule, outcome.detail, outcome.attempts) == ("fetch_error", "dns", 1)
    assert world.fetch("http://nowhere.example/", resolve=missing(True))[0].attempts == 2


@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        (["127.0.0.1"], "loopback"),
        (["10.0.0.1"], "private"),
        (["169.254.169.254"], "link_local"),
        (["::ffff:127.0.0.1"], "loopback"),
        (["64:ff9b::7f00:1"], "loopback"),
        (["93.184.216.34", "127.0.0.1"], "loopback"),
    ],
)
def test_private_addresses_are_refused(site: Any, world: World, addresses: list[str], why: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return addresses

    reply(site, "/", b"secret", headers=HTML)
    outcome, _ = world.fetch(site.url("/", "inside.example"), resolve=resolve, allow_private=False)
    assert (outcome.rule, outcome.detail, outcome.attempts) == ("private_address", why, 1)
    assert site.hits == []


def test_numeric_hosts_are_refused_by_the_real_resolver(site: Any, world: World) -> None:
    for host in ("127.0.0.1", "localhost"):
        outcome, _ = world.fetch(site.url("/", host), resolve=SystemResolver(), allow_private=False)
        assert (outcome.rule, outcome.detail) == ("private_address", "loopback")
    assert site.hits == []


def test_a_redirect_to_a_private_address_is_refused(site: Any, world: World) -> None:
    """Metadata services are refused even to sources that may see private networks."""

    async def resolve(host: str, port: int) -> list[str]:
        return ["169.254.169.254"] if host == "metadata.example" else ["127.0.0.1"]

    url = reply(site, "/", status=302, headers={"Location": "http://metadata.example/"})
    outcome, _ = world.fetch(url, resolve=resolve)
    assert (outcome.rule, outcome.detail) == ("private_address", "link_local")


def test_the_address_that_was_checked_is_the_one_connected_to(site: Any, world: World) -> None:
    """A name that changes its mind between check and connection is asked only once per connection."""
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    reply(site, "/", b"x", headers=HTML)
    outcome, body = world.fetch(site.url("/", "rebind.example"), resolve=rebinding)
    assert (outcome.rule, body, asked) == (None, b"x", ["rebind.example"])
    assert site.hits[0].headers["host"] == f"rebind.example:{site.port}"


def test_proxies_of_the_environment_are_not_used(site: Any, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert world.fetch(reply(site, "/", b"x", headers=HTML))[1] == b"x"


def test_certificates_are_verified(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=good.example"]
    names = ["-addext", "subjectAltName=DNS:good.example", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run([*made, *names], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    site = request.getfixturevalue("make_site")(context)
    reply(site, "/", b"x", headers=HTML)
    bad = world.fetch(site.url("/", "good.example"))[0]
    assert (bad.rule, bad.detail, bad.attempts) == ("fetch_error", "tls", 1)
    assert world.fetch(site.url("/", "good.example"), ca_file=str(certificate))[1] == b"x"
    assert world.fetch(site.url("/", "evil.example"), ca_file=str(certificate))[0].detail == "tls"
