"""A deterministic site for the crawl benchmark, served on loopback by a process of its own.

    python -m benchmarks.crawl_site [--pages N] [--seed S]

Prints its port. Pages of 5 to 40 kB, half of them Chinese, with the links of a real page: navigation, the trail up,
eight pages below it, ten related ones, other sites, a footer. All of them can be reached from `/`, at most seven links
deep. Every page has an ETag. `/-/night/2` changes one page in a hundred; `/-/stats` tells requests, statuses and bytes
both ways since it was last asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections import Counter

from benchmarks import texts

PAGES = 20_000
CHANGED_EVERY = 100  # one page in so many is another one in the second night
_FAN = 8  # pages below a page
_RELATED, _MENU = 10, 24
_HEAD = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/static/site.css">
<link rel="canonical" href="/page/{n}.html"><meta name="description" content="{title}">
<script>window.settings = {{"page": {n}, "flags": [1, 2, 3]}}; document.documentElement.className += " js";</script>
<style>body {{ font: 16px/1.5 sans-serif; margin: 0 auto; max-width: 60em }} nav li {{ display: inline }}</style>
</head><body class="article"><header><a href="/"><img src="/static/logo.svg" alt="Logo"></a>
<nav><ul>{menu}</ul></nav></header><p class="trail">{trail}</p><main><article><h1>{title}</h1>
"""
_FOOT = """</article><aside><h2>Below</h2><ul>{below}</ul><h2>Related</h2><ul>{related}</ul></aside></main>
<footer><p><a href="https://example.org/partner/{n}">Partner</a> <a href="https://example.com/" rel="nofollow">Other</a>
<a href="mailto:editor@example.org">Contact</a> <a href="/about.html#top">About</a> <a href="/private/{n}">Log in</a>
</p></footer><script src="/static/site.js" async></script></body></html>
"""


def name(n: int) -> str:
    return "/" if n == 0 else f"/page/{n}.html"


class Site:
    """`page(n, version)` for 0 <= n < pages; equal for equal seeds."""

    def __init__(self, pages: int = PAGES, seed: int = 1) -> None:
        self.pages, self.seed = pages, seed
        self._paragraphs = [self._of(text) for text in texts.made(2, seed, personal=0.0)]
        self._menu = "".join(
            f'<li class="item"><a href="{name(n)}" title="Section {n}">Section {n}</a></li>\n'
            for n in range(1, min(_MENU + 1, pages))
        )

    @staticmethod
    def _of(text: str) -> bytes:
        lines = text.split("\n")
        return "".join(f'<h2 id="s">{lines[0][:30]}</h2>\n' + "".join(f"<p>{x}</p>\n" for x in lines[1:])).encode()

    def page(self, n: int, version: int = 1) -> bytes:
        choose = random.Random(self.seed * 1_000_003 + n)
        size = 5_000 * 8 ** choose.random() - 4_500
        title = f"Page {n} of the site"
        up, trail = n, []
        while up:
            up = (up - 1) // _FAN
            trail.append(f'<a href="{name(up)}">Page {up}</a>')
        head = _HEAD.format(
            lang="zh" if n % 2 == 0 else "en", n=n, title=title, menu=self._menu, trail=" / ".join(trail)
        )
        parts, held = [head.encode()], 0
        if version > 1:
            parts.append(f"<p>Revised: this is edition {version} of page {n}.</p>\n".encode())
        while held < size:
            parts.append(self._paragraphs[2 * choose.randrange(len(self._paragraphs) // 2) + n % 2])
            held += len(parts[-1])
        below = range(_FAN * n + 1, min(_FAN * n + _FAN + 1, self.pages))
        related = (choose.randrange(self.pages) for _ in range(_RELATED))
        items = ["".join(f'<li><a href="{name(m)}">Page {m}</a></li>\n' for m in ms) for ms in (below, related)]
        parts.append(_FOOT.format(n=n, below=items[0], related=items[1]).encode())
        return b"".join(parts)


class Served:
    """Replies by path, and what was asked so far."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._night = 1
        self._numbers = {name(n).encode(): n for n in range(site.pages)}
        self._kept: dict[tuple[int, int], bytes] = {}
        self.reset()

    def reset(self) -> None:
        self.counts: Counter[str] = Counter()

    def reply(self, path: bytes, head: bytes) -> bytes:
        n = self._numbers.get(path)
        if n is not None:
            return self._page(n, head)
        if path == b"/robots.txt":
            return _reply("200 OK", "text/plain", b"User-agent: *\nDisallow: /private/\n")
        if path == b"/-/stats":
            stats = json.dumps(self.counts).encode()
            self.reset()
            return _reply("200 OK", "application/json", stats)
        if path.startswith(b"/-/night/"):
            self._night = int(path[len(b"/-/night/") :])
            return _reply("200 OK", "text/plain", path)
        return _reply("404 Not Found", "text/html", b"<p>There is no such page.</p>")

    def _page(self, n: int, head: bytes) -> bytes:
        version = self._night if n % CHANGED_EVERY == 37 else 1
        etag = b'"%d-%d"' % (n, version)
        if b'"%d-%d"' % (n, version) in head:  # only a validator looks like this
            return b"HTTP/1.1 304 Not Modified\r\nETag: %s\r\nServer: bench\r\n\r\n" % etag
        whole = self._kept.get((n, version))
        if whole is None:
            whole = _reply("200 OK", "text/html; charset=utf-8", self._site.page(n, version), etag)
            self._kept[n, version] = whole
        return whole


def _reply(status: str, kind: str, body: bytes, etag: bytes | None = None) -> bytes:
    extra = b"ETag: %s\r\nCache-Control: max-age=0\r\nVary: Accept-Encoding\r\n" % etag if etag else b""
    head = f"HTTP/1.1 {status}\r\nServer: bench\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + extra + b"\r\n" + body


class _Connection(asyncio.Protocol):
    def __init__(self, served: Served) -> None:
        self._served = served
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._left += data
        while b"\r\n\r\n" in self._left:
            head, _, self._left = self._left.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1]
            reply = self._served.reply(path, head)
            if not path.startswith(b"/-/"):
                counts = self._served.counts
                counts["requests"] += 1
                counts["status_" + reply[9:12].decode()] += 1
                counts["bytes_in"] += len(head) + 4
                counts["bytes_out"] += len(reply)
            self._transport.write(reply)


async def serve(site: Site) -> None:
    served = Served(site)
    for n in range(site.pages):
        served.reply(name(n).encode(), b"")
    served.reset()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(served), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crawl_site")
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(serve(Site(options.pages, options.seed)))


if __name__ == "__main__":
    main()
