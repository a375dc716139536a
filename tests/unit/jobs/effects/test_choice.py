"""What a crawl visits, skips and refuses, on a real server."""

import asyncio
import gzip
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.effects.fetch import Fetcher
from jobs.effects.files import Files
from jobs.effects.frontier import Crawled, Page, crawl
from jobs.effects.journal import Journal
from jobs.effects.limiter import Limiter
from jobs.effects.robots import RobotsOfRun
from jobs.effects.stored import History, Known, KnownPages
from pipelines.crawl.filters import UrlFilter
from pipelines.params import CrawlParams, SourceParams
from pipelines.schemas import document_id

DAY = "2026-01-10"
TODAY = date.fromisoformat(DAY).toordinal()
PARAMS = CrawlParams(user_agent="examplebot/1", per_host_delay_seconds=0.0, timeout_seconds=2.0, attempts=1)


def links(page: Page) -> Iterable[str]:
    return re.findall(r"href='([^']*)'", page.body.decode("utf-8", "replace"))


def source(*seeds: str, **others: Any) -> SourceParams:
    return SourceParams(**{"name": "docs", "seeds": seeds, "allow_private_addresses": True, **others})


class Night:
    """One crawl, with its rows by path."""

    def __init__(
        self,
        site: Any,
        folder: Path,
        declared: SourceParams,
        known: Mapping[str, Known] | None = None,
        url_filter: UrlFilter | None = None,
        **params: Any,
    ) -> None:
        site.hits.clear()
        self.base = site.url("")
        with Journal(folder) as journal:
            settings = replace(PARAMS, sources=(declared,), **params)
            found = crawl(DAY, "t", settings, journal, links, {"docs": known or {}}, None, url_filter)
            self.read(found)
        self.asked = Counter(site.paths())

    def read(self, crawled: Crawled) -> None:
        self.pages: dict[str, Any] = {}
        self.rejects: dict[str, Any] = {}
        for batch in crawled.batches():
            self.pages |= {row["url"].removeprefix(self.base): row for row in batch.pages.to_pylist()}
            self.rejects |= {row["url"].removeprefix(self.base): row for row in batch.rejects.to_pylist()}
        assert len(self.pages) + len(self.rejects) == len(crawled.visits)
        self.not_due = crawled.not_due
        self.sitemap = crawled.sitemaps()["docs"].as_dict()

    def rules(self) -> dict[str, tuple[str, str | None]]:
        return {url: (row["rule"], row["detail"]) for url, row in self.rejects.items()}


def xml(*urls: str, kind: str = "url", lastmod: Mapping[str, str] | None = None) -> bytes:
    root = "urlset" if kind == "url" else "sitemapindex"
    dates = {u: f"<lastmod>{d}</lastmod>" for u, d in (lastmod or {}).items()}
    listed = "".join(f"<{kind}><loc>{u}</loc>{dates.get(u) or ''}</{kind}>" for u in urls)
    return f"<{root}>{listed}</{root}>".encode()


def test_sitemaps_lead_to_pages_that_nothing_links_to(site: Any, tmp_path: Path) -> None:
    site.html("/")
    for name in ("/a", "/b", "/c"):
        site.html(name)
    site.routes["/robots.txt"] = site.Reply(f"Sitemap: {site.url('/index.xml')}\nSitemap: /broken.xml\n".encode())
    index = xml(site.url("/one.xml.gz"), site.url("/two.txt"), "http://elsewhere.example/s.xml", kind="sitemap")
    site.routes["/index.xml"] = site.Reply(index)
    site.routes["/one.xml.gz"] = site.Reply(
        gzip.compress(xml(site.url("/a"), "http://elsewhere.example/x", "/b?utm_x=1"))
    )
    site.routes["/two.txt"] = site.Reply(f"{site.url('/c')}\n{site.url('/a')}\n".encode())
    site.routes["/broken.xml"] = site.Reply(xml(site.url("/b")) + b"<", status=500)
    night = Night(site, tmp_path, source(site.url("/")))
    assert set(night.pages) == {"/", "/a", "/b", "/c"} and not night.rejects
    assert {p: row["depth"] for p, row in night.pages.items()} == {"/": 0, "/a": 1, "/b": 1, "/c": 1}
    assert night.sitemap == {"read": 3, "missing": 1, "urls": 4, "foreign": 2}
    assert max(night.asked.values()) == 1
    again = Night(site, tmp_path, source(site.url("/")))
    assert again.asked == {} and again.pages == night.pages


def test_sitemaps_can_be_left_out_or_named(site: Any, tmp_path: Path) -> None:
    site.html("/")
    site.html("/a")
    site.html("/b")
    site.routes["/sitemap.xml"] = site.Reply(xml(site.url("/a")))
    feed = f"<rss><channel><item><link>{site.url('/b')}</link></item></channel></rss>"
    site.routes["/feed"] = site.Reply(feed.encode())
    assert set(Night(site, tmp_path / "1", source(site.url("/"), sitemaps=False)).pages) == {"/"}
    assert set(Night(site, tmp_path / "2", source(site.url("/"), follow_links=False)).pages) == {"/"}
    assert set(Night(site, tmp_path / "3", source(site.url("/"), max_depth=0)).pages) == {"/"}
    named = source(site.url("/"), follow_links=False, sitemap_urls=(site.url("/feed"), "nonsense"))
    night = Night(site, tmp_path / "4", named)
    assert set(night.pages) == {"/", "/b"} and night.sitemap["failed"] == {"bad_url": 1}


def test_sitemaps_are_bounded_and_fetched_politely(site: Any, tmp_path: Path) -> None:
    site.html("/")
    endless = lambda hit: site.Reply(xml(*(f"{site.url(hit.path)}{n}" for n in range(3)), kind="sitemap"))  # noqa: E731
    for name in ["/sitemap.xml", *(f"/sitemap.xml{n}" for n in range(3))]:
        site.routes[name] = endless
    for n in range(9):
        site.routes[f"/sitemap.xml{n // 3}{n % 3}"] = endless
    night = Night(site, tmp_path / "1", source(site.url("/")), max_sitemaps=5)
    assert night.sitemap["read"] == 5 and night.sitemap["beyond_files"] > 0
    site.routes["/sitemap.xml"] = site.Reply(xml(*(site.url(f"/{n}") for n in range(50))))
    night = Night(site, tmp_path / "2", source(site.url("/"), max_pages=10))
    assert (night.sitemap["urls"], night.sitemap["beyond_urls"]) == (50, 40)
    assert len(night.pages) == 10 and Counter(r["rule"] for r in night.rejects.values()) == {"max_pages": 1}
    site.routes["/robots.txt"] = site.Reply(b"User-agent: *\nDisallow: /sitemap.xml\n")
    assert Night(site, tmp_path / "3", source(site.url("/"))).sitemap["failed"] == {"robots": 1}


def stored(site: Any, *rows: tuple[str, History], **others: Any) -> KnownPages:
    found = KnownPages()
    for path, history in rows:
        url = site.url(path)
        found.add(url, Known(document_id("t", "docs", url), depth=1, **others), history, "0" * 31 + "1")
    return found


def test_pages_are_left_alone_until_they_are_due(site: Any, tmp_path: Path) -> None:
    for name in ("/", "/today", "/week", "/old", "/calm", "/moved-on"):
        site.html(name, "/today", "/calm")
    known = stored(
        site,
        ("/today", History(TODAY, TODAY)),
        ("/week", History(TODAY - 20, TODAY - 7, 3, 1)),
        ("/old", History(TODAY - 90, TODAY - 40, 3, 0)),
        ("/calm", History(TODAY - 20, TODAY - 7, 3, 1)),
        ("/moved-on", History(TODAY - 20, TODAY - 7, 3, 1)),
    )
    night = Night(site, tmp_path / "1", source(site.url("/"), sitemaps=False), known)
    assert set(night.pages) == {"/", "/week", "/old", "/calm", "/moved-on"} and night.not_due == 1
    assert "/today" not in night.asked  # though two pages link to it
    dates = {"/old": "2025-06-01", "/calm": "2025-06-02", "/moved-on": "2026-01-08", "/": "2025-06-03"}
    listed = {site.url(path): day for path, day in dates.items()}
    site.routes["/sitemap.xml"] = site.Reply(xml(*listed, lastmod=listed))
    night = Night(site, tmp_path / "2", source(site.url("/")), known)
    assert set(night.pages) == {"/", "/week", "/old", "/moved-on"} and night.not_due == 2
    listed = dict.fromkeys(listed, "2025-06-01")
    site.routes["/sitemap.xml"] = site.Reply(xml(*listed, lastmod=listed))
    night = Night(site, tmp_path / "3", source(site.url("/")), known)
    assert "/calm" in night.pages and night.sitemap["dates_ignored"]  # all of one day: says nothing
    night = Night(site, tmp_path / "4", source(site.url("/")), known, recrawl_budget=2)
    assert set(night.pages) == {"/", "/old", "/calm"} or len(night.pages) == 3
    assert "/old" in night.pages and night.not_due == 3


def test_new_and_known_pages_share_the_room(site: Any, tmp_path: Path) -> None:
    site.html("/", *(f"/new{n}" for n in range(10)))
    for n in range(10):
        site.html(f"/new{n}")
        site.html(f"/known{n}")
    known = stored(site, *((f"/known{n}", History(TODAY - 9, TODAY - 3, 2, 1)) for n in range(10)))
    declared = source(site.url("/"), sitemaps=False, max_pages=10, new_share=0.3)
    night = Night(site, tmp_path / "1", declared, known)
    kinds = Counter(re.sub(r"\d", "", path) for path in night.pages)
    assert kinds == {"/": 1, "/new": 2, "/known": 7} and night.not_due == 3
    assert Counter(row["rule"] for row in night.rejects.values()) == {"max_pages": 8}
    assert {row["detail"] for row in night.rejects.values()} == {"depth 1"}
    site.html("/", "/new0")
    night = Night(site, tmp_path / "2", declared, known)  # what new pages leave, known ones have
    kinds = Counter(re.sub(r"\d", "", path) for path in night.pages)
    assert kinds == {"/": 1, "/new": 1, "/known": 8} and night.not_due == 2
    night = Night(site, tmp_path / "3", replace(declared, max_pages=2, new_share=0.0), known)
    assert "/" in night.pages and len(night.pages) == 2


def test_pages_that_had_no_room_wait_for_it(site: Any, tmp_path: Path) -> None:
    """The page that links to them need not be read again."""
    site.routes["/"] = site.Reply(status=304)
    site.html("/waits", "/below")
    site.html("/below")
    known = KnownPages()
    known.add(site.url("/"), Known("a" * 32, etag='"1"'), History(TODAY - 3, TODAY - 1, 1, 0), "0" * 31 + "1")
    known.add(site.url("/waits"), Known(document_id("t", "docs", site.url("/waits")), depth=1), waiting=True)
    night = Night(site, tmp_path / "1", source(site.url("/"), sitemaps=False, max_depth=2), known)
    assert {p: row["depth"] for p, row in night.pages.items()} == {"/": 0, "/waits": 1, "/below": 2}
    night = Night(site, tmp_path / "2", source(site.url("/"), sitemaps=False, max_pages=1), known)
    assert night.rules() == {"/waits": ("max_pages", "depth 1")}


@pytest.mark.req("CRL-03")
def test_reservations_are_heeded_and_leave_no_body(site: Any, tmp_path: Path) -> None:
    site.html("/", "/header", "/meta", "/other", "/tdm/1", "/ai/1", "/images", "/open", "/late")
    for name in ("/open", "/tdm/1", "/ai/1"):
        site.html(name)
    html = {"Content-Type": "text/html"}
    site.routes["/header"] = site.Reply(b"x", headers={**html, "X-Robots-Tag": "noai"})
    site.routes["/other"] = site.Reply(b"x", headers={**html, "X-Robots-Tag": "otherbot: noai"})
    site.routes["/images"] = site.Reply(b"x", headers={**html, "X-Robots-Tag": "noimageai"})
    site.routes["/meta"] = site.Reply(b"<meta name='robots' content='NoAI, noimageai'>", headers=html)
    site.routes["/late"] = site.Reply(status=304, headers={"TDM-Reservation": "1"})
    site.routes["/.well-known/tdmrep.json"] = site.Reply(b'[{"location": "/tdm/", "tdm-reservation": 1}]')
    site.routes["/ai.txt"] = site.Reply(b"User-Agent: *\nDisallow: /ai/\n")
    known = {site.url("/late"): Known("e" * 32, 1, etag='"1"')}
    night = Night(site, tmp_path / "1", source(site.url("/")), known)
    assert night.rules() == {
        "/header": ("opt_out", "x_robots_tag: noai"),
        "/meta": ("opt_out", "meta_robots: noai"),
        "/tdm/1": ("opt_out", "tdmrep.json"),
        "/ai/1": ("opt_out", "ai.txt"),
        "/late": ("opt_out", "tdm_header: tdm-reservation"),
    }
    assert "/tdm/1" not in night.asked and "/ai/1" not in night.asked
    assert night.asked["/ai.txt"] == night.asked["/.well-known/tdmrep.json"] == 1
    assert set(night.pages) == {"/", "/other", "/images", "/open"}
    evidence = night.pages["/open"]["authorisation"]
    assert re.fullmatch(r"\S+/robots.txt - no_robots tdmrep.json [0-9a-f]{32} ai.txt [0-9a-f]{32}", evidence)
    night = Night(site, tmp_path / "2", source(site.url("/")), known, heed=())
    assert not night.rejects and not {"/ai.txt", "/.well-known/tdmrep.json"} & set(night.asked)


def test_files_that_cannot_be_had_reserve_nothing_and_are_evidence(site: Any, tmp_path: Path) -> None:
    site.html("/")
    site.routes["/ai.txt"] = site.Reply(b"<html>Disallow: /</html>")
    site.routes["/.well-known/tdmrep.json"] = site.Reply(status=503)
    night = Night(site, tmp_path, source(site.url("/")))
    assert "tdmrep.json (503) ai.txt " in night.pages["/"]["authorisation"]


def test_links_of_a_nofollow_page_are_not_followed(site: Any, tmp_path: Path) -> None:
    headers = {"Content-Type": "text/html", "X-Robots-Tag": "nofollow"}
    site.routes["/"] = site.Reply(b"<a href='/a'>", headers=headers)
    assert set(Night(site, tmp_path / "1", source(site.url("/"))).pages) == {"/"}
    site.routes["/"] = site.Reply(b"<a href='/a'>", headers={**headers, "X-Robots-Tag": "otherbot: nofollow"})
    site.html("/a")
    assert set(Night(site, tmp_path / "2", source(site.url("/"))).pages) == {"/", "/a"}


@pytest.mark.req("CRL-04")
def test_filters_speak_before_anything_is_fetched_and_at_every_redirect(site: Any, tmp_path: Path) -> None:
    site.html("/", "/sex-education", "/free-porn/1", "/old", "/moved", "/private/1", "/hip-hop/lyrics")
    for name in ("/sex-education", "/hip-hop/lyrics"):
        site.html(name)
    site.routes["/moved"] = site.Reply(status=302, headers={"Location": "/private/2"})
    site.routes["/old"] = site.Reply(status=302, headers={"Location": "http://www.pornhub.com/"})
    port = site.url("").rpartition(":")[2]
    url_filter = UrlFilter.of(block=[f"127.0.0.1:{port}/private/"])
    night = Night(site, tmp_path, source(site.url("/")), None, url_filter)
    assert night.rules() == {
        "/free-porn/1": ("adult_url", "hard"),
        "/old": ("adult_url", "host"),
        "/moved": ("blocked", f"pattern 127.0.0.1:{port}/private/"),
        "/private/1": ("blocked", f"pattern 127.0.0.1:{port}/private/"),
    }
    assert set(night.pages) == {"/", "/sex-education", "/hip-hop/lyrics"}
    assert not {path for path in night.asked if "porn" in path or "private" in path}


def test_a_known_page_that_is_blocked_now_is_not_visited(site: Any, tmp_path: Path) -> None:
    site.html("/")
    known = stored(site, ("/casino/1", History(TODAY - 9, TODAY - 3, 2, 1)))
    night = Night(site, tmp_path, source(site.url("/")), known, UrlFilter.of(block=["word:casino"]))
    assert night.rules() == {"/casino/1": ("blocked", "word casino")} and "/casino/1" not in night.asked


def test_traps_come_to_an_end(site: Any, tmp_path: Path) -> None:
    """A calendar that never ends, session ids in every link, folders within folders, and a query that grows."""

    def serve(hit: Any) -> Any:
        found = re.match(r"/cal/(\d+)/(\d+)", hit.path)
        year, month = map(int, found.groups()) if found else (2026, 1)
        beside = [f"/cal/{year + dy}/{month % 12 + dm:02d}" for dy in range(-3, 4) for dm in range(2)]
        grown = hit.path + ("&" if "?" in hit.path else "?") + "a=b"
        deeper = hit.path.partition("?")[0].rstrip("/") + "/folder/"
        everything = [*beside, grown, deeper, f"/a?PHPSESSID={abs(hash(hit.at)):032x}", f"/b;jsessionid={hit.at}"]
        body = "".join(f"<a href='{link}'>" for link in everything)
        return site.Reply(body.encode(), headers={"Content-Type": "text/html"})

    site.routes["/robots.txt"] = site.routes["/ai.txt"] = site.Reply(status=404)

    class Everything(dict):
        def get(self, key: str, default: Any = None) -> Any:
            return super().get(key) or (default if key.startswith("127.") else serve)

    site.routes = Everything(site.routes)
    limits = {"max_pages_per_shape": 20, "max_query_fields": 4, "max_repeated_segments": 2, "heed": ()}
    night = Night(site, tmp_path, source(site.url("/"), sitemaps=False, max_pages=5_000, max_depth=6), **limits)
    traps = Counter(row["detail"] for row in night.rejects.values() if row["rule"] == "trap")
    assert {"pages_per_shape", "query_fields", "repeated_segments"} <= set(traps)
    assert all(row["value"] > row["threshold"] for row in night.rejects.values() if row["rule"] == "trap")
    assert sum(bool(re.fullmatch(r"/cal/\d+/\d+", path)) for path in night.pages) == 20
    assert {"/a", "/b"} <= set(night.pages) and not [p for p in night.pages if "SESS" in p or "jsess" in p]
    assert len(night.pages) < 2_000


def test_a_robots_txt_older_than_a_day_is_asked_for_again(site: Any, tmp_path: Path) -> None:
    """RFC 9309 section 2.4; the copy that speaks for the frontier stays the first."""
    site.routes["/robots.txt"] = site.Reply(b"Sitemap: http://sitemaps.example/one.xml\n")
    clock = [datetime.now(UTC)]

    async def ask(times: int) -> list[bool]:
        async with Fetcher(PARAMS, Limiter(2, 2), now=lambda: clock[0]) as fetcher:
            robots = RobotsOfRun(Files(fetcher, journal), "examplebot", now=lambda: clock[0])
            found = [(await robots.verdict(site.url("/x"), True)).allowed for _ in range(times)]
            assert await robots.sitemaps(site.url("/x"), True) == ("http://sitemaps.example/one.xml",)
        return found

    with Journal(tmp_path) as journal:
        assert asyncio.run(ask(2)) == [True, True] and site.paths() == ["/robots.txt"]
        site.routes["/robots.txt"] = site.Reply(b"User-agent: *\nDisallow: /\n")
        clock[0] += timedelta(hours=23)
        assert asyncio.run(ask(1)) == [True] and len(site.hits) == 1
        clock[0] += timedelta(hours=2)
        assert asyncio.run(ask(2)) == [False, False] and len(site.hits) == 2
        assert asyncio.run(ask(1)) == [False] and len(site.hits) == 2
