"""The demo's web site: a small server on the loopback address, with a first and a second day.

    python -m infra.demo.site --pages DIR --day 1|2 --port 0 --port-file FILE [--control FILE]

Without ``--pages`` it serves a dozen handmade pages. The day can be changed while it runs: write ``1`` or ``2`` to the
control file. ``GET /_demo/urls.json?day=N`` lists every URL of a day; nothing links to it. In tests::

    site = Site(None)
    with site.start() as base:
        ...
        site.day = 2
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote

from infra.demo.library import (
    LibraryError,
    library_resources,
    licence_page,
    mirrors,
    read_library,
    steady,
)
from infra.demo.resources import BASE_MARK, LAST_MODIFIED, Resource
from infra.demo.specials import specials

DAYS = (1, 2)
LANGUAGES = {"zh": "Chinese", "en": "English"}
CLOSED = {1: ("/private/",), 2: ("/private/", "/closing/")}  # folders that robots.txt forbids


@dataclass(frozen=True)
class Served:
    """One URL of the site, for checks."""

    path: str
    kind: str
    status: int
    linked: bool  # whether a page of the site leads to it


def resources(pages_dir: Path | None, day: int) -> dict[str, Resource]:
    """Every URL of the day: path → resource, in order of path. Raises LibraryError."""
    if day not in DAYS:
        raise ValueError(f"the site has days 1 and 2, not {day}")
    entries = read_library(pages_dir)
    target = next(iter(steady(entries) or entries)).path
    pages = library_resources(entries, day)
    odd = [*specials(day, target), *mirrors(entries)]
    listed = [
        *_indexes(pages, odd),
        Resource("/licence.html", "licence", licence_page(entries), title="Terms and licences", language="en"),
        Resource("/robots.txt", "robots", _robots(day), content_type="text/plain; charset=utf-8"),
    ]
    listed += [*pages, *odd]
    listed.append(Resource("/sitemap.xml", "sitemap", _sitemap(listed), content_type="application/xml"))
    return {resource.path: resource for resource in sorted(listed, key=lambda resource: resource.path)}


def served_urls(pages_dir: Path | None, day: int) -> list[Served]:
    """Every URL that the site answers on this day with anything but the common 404, in order of path."""
    return _served(resources(pages_dir, day))


def _served(found: dict[str, Resource]) -> list[Served]:
    return [Served(r.path, r.kind, r.status, bool(r.title) or r.kind == "index") for r in found.values()]


def _indexes(pages: list[Resource], odd: list[Resource]) -> list[Resource]:
    """The home page, one page for each language, one for each folder, and one for the special pages."""
    folders = sorted({page.path.split("/")[1] for page in pages})
    languages = {folder: next(p.language for p in pages if p.path.startswith(f"/{folder}/")) for folder in folders}
    made = [_index("/special/", "Special pages", [(r.path, r.title) for r in odd if r.title])]
    for folder in folders:
        links = [(page.path, page.title) for page in pages if page.path.startswith(f"/{folder}/")]
        made.append(_index(f"/index/{folder}/", folder, links))
    for language, name in LANGUAGES.items():
        links = [(f"/index/{folder}/", folder) for folder in folders if languages[folder] == language]
        made.append(_index(f"/index/{language}.html", name, links))
    links = [(f"/index/{language}.html", name) for language, name in LANGUAGES.items()]
    links += [("/special/", "Special pages"), ("/licence.html", "Terms and licences")]
    return [*made, _index("/", "Demo site", links)]


def _index(path: str, title: str, links: list[tuple[str, str]]) -> Resource:
    items = "\n".join(f'<li><a href="{quote(to)}">{escape(text)}</a></li>' for to, text in links)
    body = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>
<body><h1>{escape(title)}</h1>
<ul>
{items}
</ul>
</body></html>
"""
    return Resource(path, "index", body.encode())


def _robots(day: int) -> bytes:
    rules = "".join(f"Disallow: {folder}\n" for folder in CLOSED[day])
    return f"User-agent: *\n{rules}\nSitemap: ".encode() + BASE_MARK + b"/sitemap.xml\n"


def _sitemap(listed: list[Resource]) -> bytes:
    """The pages that the site is proud of: what a visitor gets with status 200 and may fetch."""
    rows = [
        b"<url><loc>"
        + BASE_MARK
        + quote(r.path).encode()
        + b"</loc><lastmod>2025-01-0%d</lastmod></url>" % r.changed_day
        for r in sorted(listed, key=lambda resource: resource.path)
        if r.status == 200 and r.kind in ("page", "new", "changed", "index", "licence")
    ]
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return head + b"\n".join(rows) + b"\n</urlset>\n"


# -- the server --------------------------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    site: Site
    stopping: threading.Event

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no event; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demo"
    sys_version = ""
    timeout = 30  # seconds without a word on a kept connection
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, *_: object) -> None:
        """Quiet: ``Site.requests`` keeps what a test wants to know."""

    def _answer(self, with_body: bool) -> None:
        path, _, query = self.path.partition("?")
        path = unquote(path)
        site = self.server.site
        if path == "/_demo/urls.json":
            resource = _urls(site, parse_qs(query).get("day", [""])[0])
        else:
            found = site.resources(site.day).get(path)
            resource = found or Resource(path, "unknown", b"<!DOCTYPE html><title>404</title><h1>404</h1>\n", 404)
        status = 304 if resource.status == 200 and self._has_it(resource) else resource.status
        site.record(self.command, path, status)
        if resource.delay_seconds:
            self.server.stopping.wait(resource.delay_seconds)
        self._send(resource, status, with_body)

    def _has_it(self, resource: Resource) -> bool:
        """Whether the client's copy is current; an ETag counts before a date (RFC 9110, 13.2.2)."""
        if (tags := self.headers.get("If-None-Match")) is not None:
            known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
            return resource.etag in known or "*" in known
        try:
            since = parsedate_to_datetime(self.headers.get("If-Modified-Since", ""))
            return since >= parsedate_to_datetime(LAST_MODIFIED[resource.changed_day])
        except (ValueError, TypeError):  # no date, a broken one, or one without a time zone
            return False

    def _send(self, resource: Resource, status: int, with_body: bool) -> None:
        body = resource.body
        if resource.kind in ("robots", "sitemap"):
            body = body.replace(BASE_MARK, self.server.site.base.encode())
        self.send_response(status)
        if resource.status == 200:
            self.send_header("ETag", resource.etag)
            self.send_header("Last-Modified", LAST_MODIFIED[resource.changed_day])
        if resource.location:
            self.send_header("Location", quote(resource.location))
        if resource.retry_after:
            self.send_header("Retry-After", str(resource.retry_after))
        if status != 304:
            self.send_header("Content-Type", resource.content_type)
            if resource.content_encoding:
                self.send_header("Content-Encoding", resource.content_encoding)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body and status != 304:
            self.wfile.write(body)


def _urls(site: Site, day: str) -> Resource:
    wanted = int(day) if day in ("1", "2") else site.day
    rows = [asdict(served) for served in _served(site.resources(wanted))]
    body = json.dumps(rows, ensure_ascii=False, indent=0).encode()
    return Resource("/_demo/urls.json", "urls", body, content_type="application/json")


class Site:
    """The site of one folder of pages (None: the handmade ones). ``day`` may be set while it runs."""

    def __init__(self, pages_dir: Path | None, day: int = 1, control: Path | None = None) -> None:
        self.pages_dir = pages_dir
        self.base = ""
        self.requests: list[tuple[str, str, int]] = []  # method, path, status, in order of arrival
        self._control = control
        self._lock = threading.Lock()
        self._days = {n: resources(pages_dir, n) for n in DAYS}
        self.day = day

    @property
    def day(self) -> int:
        """The day being served: that of the control file, where there is one and it holds 1 or 2."""
        if self._control is not None:
            try:
                word = self._control.read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError):
                word = ""
            if word in ("1", "2"):
                return int(word)
        return self._day

    @day.setter
    def day(self, day: int) -> None:
        if day not in DAYS:
            raise ValueError(f"the site has days 1 and 2, not {day}")
        self._day = day

    def resources(self, day: int) -> dict[str, Resource]:
        return self._days[day]

    def record(self, method: str, path: str, status: int) -> None:
        with self._lock:
            self.requests.append((method, path, status))

    @contextmanager
    def start(self, port: int = 0) -> Iterator[str]:
        """Serve from a thread until the block ends; gives the address, such as ``http://127.0.0.1:40123``."""
        with _Server(("127.0.0.1", port), _Handler) as server:
            server.site = self
            server.stopping = threading.Event()
            self.base = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            try:
                yield self.base
            finally:
                server.stopping.set()
                server.shutdown()
                thread.join()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.demo.site", description="Serve the demo's web site.")
    parser.add_argument("--pages", type=Path, help="folder made by infra.demo.pages (default: a few handmade pages)")
    parser.add_argument("--day", type=int, choices=DAYS, default=1)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--port-file", type=Path, help="where to write the port once the site answers")
    parser.add_argument("--control", type=Path, help="a file that may hold the day to serve; read at every request")
    given = parser.parse_args(arguments)
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    try:
        site = Site(given.pages, given.day, given.control)
        with site.start(given.port) as base:
            if given.port_file is not None:
                part = given.port_file.with_name(given.port_file.name + ".part")
                part.write_text(base.rsplit(":", 1)[1] + "\n", encoding="ascii")
                os.replace(part, given.port_file)
            print(f"{base}  day {site.day}, {len(site.resources(site.day))} URLs", flush=True)
            stop.wait()
    except (LibraryError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
