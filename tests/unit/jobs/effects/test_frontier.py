import asyncio
import random
import re
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.effects.fetch import Fetcher
from jobs.effects.frontier import Crawled, Known, Page, crawl, crawl_day
from jobs.effects.journal import Journal, JournalUnavailable
from jobs.effects.limiter import Limiter
from jobs.errors import ConfigError
from pipelines.crawl.requests import body_hash
from pipelines.crawl.urls import url_id
from pipelines.params import CrawlParams, SourceParams
from pipelines.schemas import PAGES, URL_ALIASES, document_id

DAY = "2026-01-02"
PARAMS = CrawlParams(
    user_agent="examplebot/1", per_host_delay_seconds=0.0, timeout_seconds=2.0, attempts=1, heed=("headers", "meta")
)
TIMES = ("fetched_at", "elapsed_ms")


def links(page: Page) -> Iterable[str]:
    return re.findall(r"href='([^']*)'", page.body.decode("utf-8", "replace"))


def source(*seeds: str, **others: Any) -> SourceParams:
    settings = {"name": "docs", "licence": "CC0", "allow_private_addresses": True, "sitemaps": False, **others}
    return SourceParams(seeds=seeds, **settings)


def run(
    path: Path,
    *sources: SourceParams,
    known: Mapping[str, Mapping[str, Known]] | None = None,
    journal: type[Journal] = Journal,
    **params: Any,
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Pages and rejects by URL, without times, and aliases."""
    with journal(path) as open_journal:
        settings = replace(PARAMS, sources=sources, **params)
        return rows(crawl(DAY, "t", settings, open_journal, links, known or {}))


def rows(crawled: Crawled, **limits: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    pages, rejects, aliases = [], [], []
    for batch in crawled.batches(**limits):
        pages += batch.pages.drop_columns(TIMES).to_pylist()
        rejects += batch.rejects.to_pylist()
        aliases += batch.aliases.to_pylist()
    disposed = Counter(row["doc_id"] for row in (*pages, *rejects))
    assert set(disposed.values()) <= {1}, "two dispositions"
    return {p["url"]: p for p in pages}, {r["url"]: r for r in rejects}, aliases


def short(site: Any, found: Mapping[str, Any]) -> list[str]:
    return sorted(url.removeprefix(site.url("")) for url in found)


def small_site(site: Any) -> None:
    site.routes["/robots.txt"] = site.Reply(b"User-agent: *\nDisallow: /private\nSitemap: /s.xml\n")
    site.html("/", "/a", "b?x=1#top", "/private/x", "mailto:x@example.com", "http://other.example/", "/moved", "/pic")
    site.html("/a", "/", "/c", "/gone")
    site.html("/b?x=1", "c", "http://[bad", text="\x00\ufffd")
    site.html("/c", "/deep/d")
    site.html("/deep/d", "..")
    site.routes["/moved"] = site.Reply(status=301, headers={"Location": "/hop"})
    site.routes["/hop"] = site.Reply(status=302, headers={"Location": "/a"})
    site.routes["/pic"] = site.Reply(b"x", headers={"Content-Type": "image/png"})


@pytest.mark.req("CRL-03")
def test_every_url_of_a_small_site_has_one_disposition(site: Any, tmp_path: Path) -> None:
    small_site(site)
    pages, rejects, aliases = run(tmp_path, source(site.url()))
    assert short(site, pages) == ["/", "/a", "/b?x=1", "/c", "/deep/d", "/gone", "/moved"]
    assert {u.removeprefix(site.url("")): (r["rule"], r["detail"]) for u, r in rejects.items()} == {
        "/private/x": ("robots", "disallow_rule"),
        "/pic": ("content_type", "image/png"),
    }
    assert max(Counter(site.paths()).values()) <= 2 and site.paths().count("/robots.txt") == 1
    home = pages[site.url()]
    body = site.routes["/"].body
    assert home["doc_id"] == document_id("t", "docs", site.url())
    assert (home["body"], home["body_hash"], home["capture"]) == (body, body_hash(body), f"{DAY}:{body_hash(body)}")
    assert (home["licence"], home["authorised"], home["source_class"]) == ("CC0", True, "web")
    assert home["authorisation"].startswith(f"{site.url('/robots.txt')} ")
    assert pages[site.url("/b?x=1")]["requested_url"] == "b?x=1#top"
    assert pages[site.url("/gone")]["status"] == 404
    assert (pages[site.url("/gone")]["body"], pages[site.url("/gone")]["capture"]) == (None, f"{DAY}:")
    moved = pages[site.url("/moved")]["doc_id"]
    names = [(a["kind"], a["url"].removeprefix(site.url(""))) for a in aliases if a["doc_id"] == moved]
    assert names == [("requested", "/moved"), ("hop", "/hop"), ("final", "/a")]
    assert all(a["url_id"] == url_id(a["url"]) for a in aliases)


def test_tables_have_the_schemas_and_batches_are_bounded(site: Any, tmp_path: Path) -> None:
    small_site(site)
    with Journal(tmp_path) as journal:
        crawled = crawl(DAY, "t", replace(PARAMS, sources=(source(site.url()),)), journal, links, {})
        whole = rows(crawled)
        batches = list(crawled.batches(rows=2))
        assert {b.pages.num_rows + b.rejects.num_rows for b in batches} <= {1, 2}
        for batch in batches:
            assert batch.pages.schema == PAGES.schema and batch.aliases.schema == URL_ALIASES.schema
        assert rows(crawled, rows=2) == whole == rows(crawled, body_bytes=1)
        assert crawled.counts() == {"content_type": 1, "page": 7, "robots": 1}


class Killed(BaseException):
    pass


def killing(at: int, share: float) -> type[Journal]:
    """A journal whose process dies at its `at`-th write, with `share` of the bytes on disk."""

    class Dying(Journal):
        left = at

        def _write(self, batch: Any) -> Any:
            type(self).left -= 1
            if self.left:
                return super()._write(batch)
            log = self.path / "journal.log"
            before = log.stat().st_size
            super()._write(batch)
            with open(log, "r+b") as file:
                file.truncate(before + int((log.stat().st_size - before) * share))
            raise Killed

    return Dying


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_killed_at_every_write_and_started_again_nothing_changes(site: Any, tmp_path: Path, share: float) -> None:
    """Law 5: nothing is lost, nothing finished is fetched again, and only calls in flight at the kill repeat."""
    small_site(site)
    expected = run(tmp_path / "whole", source(site.url()))
    once = Counter(site.paths())
    for at in range(1, 200):
        folder = tmp_path / f"killed{at}"
        site.hits.clear()
        try:
            run(folder, source(site.url()), journal=killing(at, share))
        except (Killed, JournalUnavailable):
            pass
        else:
            break
        assert run(folder, source(site.url())) == expected
        with Journal(folder) as journal:
            assert journal.stats.repeated <= PARAMS.per_host_concurrency + 1
            extra = Counter(site.paths()) - once
            assert sum(extra.values()) <= 3 * (PARAMS.per_host_concurrency + 1)  # a page may take three requests
    assert at > 10


SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from test_frontier import run, source
run(Path(sys.argv[3]), source(sys.argv[4]))
"""


@pytest.mark.parametrize("hits", [2, 6])
def test_a_process_that_is_killed_is_continued(site: Any, tmp_path: Path, hits: int) -> None:
    small_site(site)
    expected = run(tmp_path / "whole", source(site.url()))
    site.hits.clear()
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(Path.cwd()), str(tmp_path / "killed")]
    child = subprocess.Popen([*command, site.url()])
    try:
        while len(site.hits) < hits and child.poll() is None:
            time.sleep(0.001)
    finally:
        child.kill()
        child.wait()
    assert len(site.hits) >= hits
    assert run(tmp_path / "killed", source(site.url())) == expected


def test_a_finished_crawl_is_not_fetched_again(site: Any, tmp_path: Path) -> None:
    small_site(site)
    first = run(tmp_path, source(site.url()))
    site.hits.clear()
    site.html("/", text="changed since")
    assert run(tmp_path, source(site.url())) == first
    assert site.hits == []


@pytest.mark.parametrize("seed", range(3))
def test_a_cut_at_max_pages_does_not_hang_on_timing(site: Any, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    def page(n: int) -> Any:
        def serve(hit: Any) -> Any:
            time.sleep(chance.random() / 100)
            text = "".join(f"<a href='/{m}'>" for m in range(3 * n, 3 * n + 3))
            return site.Reply(text.encode(), headers={"Content-Type": "text/html"})

        return serve

    for n in range(100):
        site.routes[f"/{n}"] = page(n)
    pages, rejects, _ = run(tmp_path, source(site.url("/1"), max_pages=10), per_host_concurrency=1 + seed)
    # levels in order of URLs: 1 | 3 4 5 | 10 11 12 13 14 15, then no room for 16 17 9 and the links of the last six
    assert short(site, pages) == sorted(f"/{n}" for n in (1, 3, 4, 5, 10, 11, 12, 13, 14, 15))
    assert short(site, rejects) == sorted(f"/{n}" for n in (16, 17, 9, *range(30, 48)))
    assert {(r["rule"], r["threshold"]) for r in rejects.values()} == {("max_pages", 10.0)}


def test_depth_is_bounded_and_what_lies_beyond_is_accounted_for(site: Any, tmp_path: Path) -> None:
    for n in range(9):
        site.html(f"/{n}", f"/{n + 1}")
    pages, rejects, _ = run(tmp_path, source(site.url("/0"), max_depth=2))
    assert short(site, pages) == ["/0", "/1", "/2"]
    assert [(r["rule"], r["value"], r["threshold"]) for r in rejects.values()] == [("max_depth", 3.0, 2.0)]


def test_links_of_a_page_are_bounded_and_can_be_left_alone(site: Any, tmp_path: Path) -> None:
    site.html("/", *(f"/{n}" for n in range(20)))
    pages, _, _ = run(tmp_path / "a", source(site.url()), max_links_per_page=3)
    assert short(site, pages) == ["/", "/0", "/1", "/2"]
    assert short(site, run(tmp_path / "b", source(site.url(), follow_links=False))[0]) == ["/"]


def test_known_pages_are_visited_again_under_their_conditions(site: Any, tmp_path: Path) -> None:
    site.routes["/"] = lambda hit: site.Reply(status=304 if hit.headers.get("if-none-match") == '"1"' else 200)
    site.html("/changed", "/new")
    site.html("/new")
    known = {
        site.url(): Known("f" * 32, etag='"1"'),
        site.url("/changed"): Known("e" * 32, last_modified="Thu, 01 Jan 2026 00:00:00 GMT"),
        site.url("/gone"): Known("d" * 32),
    }
    pages, rejects, _ = run(tmp_path, source(site.url()), known={"docs": known})
    assert rejects == {}
    found = {u.removeprefix(site.url("")): (p["doc_id"][0], p["status"]) for u, p in pages.items()}
    new = document_id("t", "docs", site.url("/new"))[0]
    assert found == {"/": ("f", 304), "/changed": ("e", 200), "/gone": ("d", 404), "/new": (new, 200)}
    assert pages[site.url()]["etag"] == '"1"'


def test_known_pages_stay_as_deep_as_they_were_found(site: Any, tmp_path: Path) -> None:
    """Otherwise every night would reach one link further than the night before."""
    site.html("/", "/a")
    site.html("/a", "/b")
    site.html("/b", "/c")
    site.html("/c")
    docs = source(site.url(), max_depth=2)
    pages, rejects, _ = run(tmp_path / "first", docs)
    assert {short(site, [u])[0]: p["depth"] for u, p in pages.items()} == {"/": 0, "/a": 1, "/b": 2}
    known = {url: Known(page["doc_id"], page["depth"]) for url, page in pages.items()}
    again, rejects, _ = run(tmp_path / "second", docs, known={"docs": known})
    assert short(site, again) == ["/", "/a", "/b"]
    assert [(r["rule"], r["value"]) for r in rejects.values()] == [("max_depth", 3.0)]


def test_a_known_page_is_visited_though_nothing_links_to_it_any_more(site: Any, tmp_path: Path) -> None:
    site.html("/")
    site.html("/orphan", "/beyond")
    site.html("/beyond")
    known = {site.url("/orphan"): Known("a" * 32, depth=7)}
    pages, rejects, _ = run(tmp_path, source(site.url(), max_depth=3), known={"docs": known})
    assert short(site, pages) == ["/", "/orphan"] and short(site, rejects) == ["/beyond"]


def test_unreachable_robots_forbid_and_missing_ones_allow(site: Any, tmp_path: Path) -> None:
    site.html("/")
    site.routes["/robots.txt"] = site.Reply(status=500)
    _, rejects, _ = run(tmp_path / "a", source(site.url()))
    assert [(r["rule"], r["detail"]) for r in rejects.values()] == [("robots", "unreachable (500)")]
    assert site.paths() == ["/robots.txt"]
    site.routes["/robots.txt"] = site.Reply(status=403)
    assert len(run(tmp_path / "b", source(site.url()))[0]) == 1


def test_robots_may_be_behind_redirects_and_larger_than_what_is_read(site: Any, tmp_path: Path) -> None:
    site.html("/")
    site.routes["/robots.txt"] = site.Reply(status=301, headers={"Location": "/r"})
    site.routes["/r"] = site.Reply(b"User-agent: examplebot\nDisallow: /\n" + b"#" * 1_000_000)
    assert len(run(tmp_path / "a", source(site.url()))[1]) == 1
    site.routes["/r"] = site.Reply(status=301, headers={"Location": "/robots.txt"})
    assert len(run(tmp_path / "b", source(site.url()))[0]) == 1


def test_private_hosts_are_not_even_asked_for_robots(site: Any, tmp_path: Path) -> None:
    open_source = source(site.url("/open"), name="own")
    closed = source(site.url("/closed"), name="web", allow_private_addresses=False)
    site.html("/open")
    pages, rejects, _ = run(tmp_path, closed, open_source)
    assert short(site, pages) == ["/open"]
    assert [(u, r["rule"]) for u, r in rejects.items()] == [(site.url("/closed"), "private_address")]
    assert "/closed" not in site.paths()


def test_two_sources_keep_their_own_documents_of_one_page(site: Any, tmp_path: Path) -> None:
    site.html("/")
    with Journal(tmp_path) as journal:
        params = replace(PARAMS, sources=(source(site.url(), name="a"), source(site.url(), name="b")))
        crawled = crawl(DAY, "t", params, journal, links, {})
        found = [row["source"] for batch in crawled.batches() for row in batch.pages.to_pylist()]
    assert found == ["a", "b"]
    assert Counter(site.paths()) == {"/robots.txt": 1, "/": 2}


def test_bad_seeds_are_rejects_that_show_no_secret(tmp_path: Path) -> None:
    seeds = ("http://user:secret@example.com/", "file:///etc/passwd", "ftp://u:secret@x/", "http://e.example/\ud800")
    pages, _, _ = run(tmp_path, source(*seeds))
    assert pages == {}
    with Journal(tmp_path) as journal:
        crawled = crawl(DAY, "t", replace(PARAMS, sources=(source(*seeds),)), journal, links, {})
        table = next(iter(crawled.batches())).rejects
    assert sorted(table["detail"].to_pylist()) == ["credentials", "encoding", "scheme", "scheme"]
    assert set(table["rule"].to_pylist()) == {"bad_url"}
    assert "secret" not in str(table.to_pylist())


def test_www_is_the_same_site_and_another_host_is_not(site: Any, tmp_path: Path) -> None:
    async def loopback(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    home = site.url("/", "example.com")
    www, other = site.url("/x", "www.example.com"), site.url("/x", "sub.example.com")
    site.html("/", www, other)
    site.html("/x")

    async def both() -> Crawled:
        params = replace(PARAMS, sources=(source(home),))
        async with Fetcher(params, Limiter(4, 2), resolve=loopback) as fetcher:
            return await crawl_day(DAY, "t", params, journal, fetcher, links, {})

    with Journal(tmp_path) as journal:
        pages, rejects, _ = rows(asyncio.run(both()))
    assert set(pages) == {home, www}
    assert rejects == {}


def test_progress_reaches_its_end(site: Any, tmp_path: Path) -> None:
    small_site(site)
    seen: list[tuple[int, int]] = []
    with Journal(tmp_path) as journal:
        params = replace(PARAMS, sources=(source(site.url()),))
        crawl(DAY, "t", params, journal, links, {}, lambda done, known: seen.append((done, known)))
    assert [done for done, _ in seen] == list(range(1, 10))
    assert seen[-1] == (9, 9)


def test_a_host_that_is_down_does_not_cost_a_timeout_per_url(site: Any, tmp_path: Path) -> None:
    for n in range(12):
        site.routes[f"/{n}"] = site.Reply(b"x" * 1_000, headers={"Content-Type": "text/html"}, drip=0.05)
    seeds = [site.url(f"/{n}") for n in range(12)]
    _, rejects, _ = run(tmp_path, source(*seeds), timeout_seconds=0.1, max_host_failures=3, per_host_concurrency=1)
    assert Counter(r["rule"] for r in rejects.values()) == {"fetch_error": 3, "host_unavailable": 9}


def test_sources_of_one_name_are_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="same name"):
        run(tmp_path, source(), source())


def test_a_full_disk_is_told_as_such(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Journal, batch: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "_write", refuse)
    with pytest.raises(JournalUnavailable, match="No space left"):
        run(tmp_path, source(site.url()))


def test_bodies_do_not_stay_in_memory(site: Any, tmp_path: Path) -> None:
    size, count = 300_000, 60
    blob = random.Random(1).randbytes(size)
    for n in range(count):
        site.routes[f"/{n}"] = site.Reply(blob[n:] + blob[:n], headers={"Content-Type": "text/html"})
    seeds = [site.url(f"/{n}") for n in range(count)]
    params = replace(PARAMS, sources=(source(*seeds, follow_links=False),))
    with Journal(tmp_path) as journal:
        tracemalloc.start()
        crawled = crawl(DAY, "t", params, journal, links, {})
        read = sum(batch.pages["body_bytes"].to_pylist()[0] for batch in crawled.batches(rows=1))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert read == size * count
    assert peak < size * count / 2


def test_links_to_other_sites_are_told_apart_however_they_are_written(site: Any, tmp_path: Path) -> None:
    """An origin that was once seen to be foreign is not looked at again; what only begins like it is."""
    other, own = "http://other.example/", site.url("/")
    near = [other, other + "a", own + "?" + other, own.replace("http", "HTTP"), own[:-1] + "?q", own[:-1] + "#f"]
    site.html("/", other, other + "b", *near, "a", text="")
    site.html("/a", other + "c", *near, own + "b")
    site.html("/b")
    pages, rejects, _ = run(tmp_path, source(own))
    assert short(site, pages) == ["/", "/?http://other.example/", "/?q", "/a", "/b"] and rejects == {}
