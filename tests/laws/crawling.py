"""Kills a crawl at random moments, again and again. Run as a script with a folder and a seed; prints one JSON line.

The site has sitemaps (an index, a gzipped file), redirects, pages that fail at the first call, reservations, traps and
more pages than there is room for. Each attempt is a fork of this process; the web server is a thread of it.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from jobs.effects.frontier import Page, crawl
from jobs.effects.journal import Journal
from jobs.effects.stored import History, Known, KnownPages
from pipelines.crawl.filters import UrlFilter
from pipelines.params import CrawlParams, SourceParams
from pipelines.schemas import document_id

DAY = "2026-01-10"
CONCURRENCY = 4
TIMES = ["fetched_at", "elapsed_ms"]
PAGES = 60


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hits: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.asked = 0  # in all
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed is what this is about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.hits[self.path] += 1
            self.server.asked += 1
            number = self.server.hits[self.path]
        time.sleep(0.004)
        status, headers, body = answer(self.path, number, self.server.base)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def answer(path: str, number: int, base: str) -> tuple[int, dict[str, str], bytes]:
    html = {"Content-Type": "text/html"}
    if path == "/robots.txt":
        return 200, {}, f"User-agent: *\nDisallow: /private\nSitemap: {base}/index.xml\n".encode()
    if path == "/index.xml":
        return 200, {}, f"<sitemapindex><sitemap><loc>{base}/all.xml.gz</loc></sitemap></sitemapindex>".encode()
    if path == "/all.xml.gz":
        listed = "".join(f"<url><loc>{base}/listed/{n}</loc></url>" for n in range(8))
        return 200, {}, gzip.compress(f"<urlset>{listed}</urlset>".encode())
    if path.startswith("/moved"):
        return 302, {"Location": path.replace("moved", "page")}, b""
    if path.startswith("/flaky") and number % 2:
        return 503, {"Retry-After": "0"}, b""
    if path.startswith("/reserved"):
        return 200, html | {"X-Robots-Tag": "noai"}, b"x"
    if path.startswith("/gone") or path.endswith((".txt", ".json", ".xml")):
        return 404, {}, b""
    place = int(re.sub(r"\D", "", path) or 0)
    names = [f"/page/{3 * place + n}" for n in range(1, 4) if 3 * place + n < PAGES]
    names += [f"/{kind}/{place}" for kind in ("moved", "flaky", "reserved", "gone", "private") if place < 5]
    names += [f"{path}/again/again/again/again"]
    return 200, html, "".join(f"<a href='{name}'>" for name in names).encode()


def links(page: Page) -> Iterable[str]:
    return re.findall(r"href='([^']*)'", page.body.decode())


def known(base: str) -> KnownPages:
    """Ten pages of earlier nights; half of them are not due."""
    today, found = 739626, KnownPages()
    for n in range(10):
        url = f"{base}/known/{n + 100}"
        history = History(today - 9, today - (n % 2) * 3, 2, 1)
        found.add(url, Known(document_id("t", "docs", url), depth=1), history, "0" * 31 + "1")
    return found


def run(base: str, folder: Path) -> tuple[Any, int]:
    """The crawl's rows without times, and how many calls were repeated."""
    source = SourceParams("docs", seeds=(f"{base}/",), allow_private_addresses=True, max_pages=70)
    params = CrawlParams(
        sources=(source,), per_host_delay_seconds=0.0, concurrency=CONCURRENCY, per_host_concurrency=CONCURRENCY
    )
    with Journal(folder) as journal:
        crawled = crawl(DAY, "t", params, journal, links, {"docs": known(base)}, None, UrlFilter.of())
        rows: list[Any] = [crawled.not_due, crawled.sitemaps()["docs"].as_dict()]
        for batch in crawled.batches():
            rows.append(batch.pages.drop_columns(TIMES).to_pylist())
            rows.append(batch.rejects.to_pylist())
            rows.append(batch.aliases.to_pylist())
        return json.loads(json.dumps(rows, default=repr)), journal.stats.repeated


def killed(server: Server, folder: Path, requests: int) -> bool:
    """Run the crawl in a process of its own, kill it after so many requests; whether it had not ended by then."""
    until = server.asked + requests
    child = os.fork()
    if child == 0:
        try:
            run(server.base, folder)
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
    ended, status = 0, 0
    while not ended and server.asked < until:
        time.sleep(0.0005)
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def main(space: Path, seed: int, rounds: int = 5) -> None:
    server, chance = Server(), random.Random(seed)
    expected, repeated = run(server.base, space / "whole")
    once = Counter(server.hits)
    assert repeated == 0
    kills = extra = 0
    for number in range(rounds):
        folder, here = space / str(number), 0
        server.hits.clear()
        for _ in range(3):
            here += killed(server, folder, chance.randint(1, once.total() // 3))
        found, repeated = run(server.base, folder)
        assert found == expected, f"round {number}: another result after {here} kills"
        assert repeated <= here * CONCURRENCY, f"round {number}: {repeated} repeated calls after {here} kills"
        lost = [path for path in once if not server.hits[path]]
        assert not lost, f"round {number}: never asked for: {lost}"
        # A call may be a redirect of two requests, or a flaky page of three
        again = sum((server.hits - once).values())
        assert again <= 3 * here * CONCURRENCY, f"round {number}: {again} requests too many after {here} kills"
        kills, extra = kills + here, extra + again
    pages = sum(len(part) for part in expected[2::3])
    rules = Counter(row["rule"] for part in expected[3::3] for row in part)
    print(json.dumps({"kills": kills, "extra": extra, "pages": pages, "rules": rules, "sitemap": expected[1]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
