"""A crawl of a local site of 20,000 pages: pages per CPU second beside Scrapy, and what the second night costs.

    python -m benchmarks.crawl [--pages N] [--rounds N] [--json]

Both follow all links of the site (`benchmarks/crawl_site.py`, a process of its own), ask robots.txt, wait nowhere, and
keep every body on disk: ours in the journal of the run, forced to disk before it is used, Scrapy's as JSON lines. CPU
seconds are those of the crawler's process alone. `bare client` only fetches, over as many connections: it shows that
the server is not what is measured. `second_night` visits the site again after one page in a hundred has changed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks import crawl_site, harness

CONCURRENCY, PER_HOST = 16, 8  # Scrapy's defaults
DAY = "2026-01-01"


def night(start: str, scratch: Path, number: int) -> dict[str, Any]:
    """One night: frontier, fetcher, journal. What was seen goes to `scratch`/known.json for the next one."""
    from jobs.crawl import _links
    from jobs.effects.frontier import Known, crawl
    from jobs.effects.journal import Journal
    from pipelines.params import CrawlParams, SourceParams

    _ask(start, "-/stats")
    _ask(start, f"-/night/{number}")
    known_file = scratch / "known.json"
    source = SourceParams("bench", seeds=(start,), allow_private_addresses=True, max_pages=1_000_000, max_depth=50)
    params = CrawlParams(
        user_agent="benchbot/1",
        sources=(source,),
        concurrency=CONCURRENCY,
        per_host_concurrency=PER_HOST,
        per_host_delay_seconds=0.0,
    )
    known = {url: Known(*row) for url, row in json.loads(known_file.read_text()).items()} if number > 1 else {}
    with tempfile.TemporaryDirectory(dir=scratch) as folder, Journal(folder) as journal:
        crawled = crawl(DAY, "t", params, journal, _links(params.max_body_bytes), {"bench": known})
        seen, bodies = {}, 0
        for visit in crawled.visits:
            outcome = crawled.outcome(visit)
            if outcome.rule is None:
                bodies += outcome.body_hash is not None
                validators = (outcome.etag, outcome.last_modified, outcome.final_url)
                seen[outcome.url] = (outcome.doc_id, visit.part.depths[visit.at], *validators)
    if number == 1:
        known_file.write_text(json.dumps(seen))
    return {"pages": len(seen), "bodies": bodies, "wire": _ask(start, "-/stats")}


async def _bare(port: int, pages: int, connections: int) -> None:
    """Every page once, with the least that a client can do."""
    numbers = iter(range(pages))

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        for n in numbers:
            writer.write(f"GET {crawl_site.name(n)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split(b"\r", 1)[0]))
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))


@contextmanager
def _site(pages: int, seed: int) -> Iterator[int]:
    argv = [sys.executable, "-m", "benchmarks.crawl_site", "--pages", str(pages), "--seed", str(seed)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=harness.ROOT) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


def _ask(start: str, path: str) -> Any:
    with urlopen(start + path) as reply:
        body = reply.read()
    return json.loads(body) if path == "-/stats" else None


def worker(task: str, start: str, scratch: Path, pages: int) -> Any:
    if task == "bare":
        began = time.perf_counter()
        asyncio.run(_bare(int(start.rstrip("/").rpartition(":")[2]), pages, PER_HOST))
        return {"pages": pages, "pages_per_wall_s": round(pages / (time.perf_counter() - began))}
    return night(start, scratch, int(task))


def main() -> int:
    if sys.argv[1:2] == ["worker"]:
        task, start, scratch, pages = sys.argv[2:]
        print(json.dumps(worker(task, start, Path(scratch), int(pages))))
        return 0
    parser = harness.parser("crawl", __doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--pages", type=int, default=crawl_site.PAGES, help="pages of the site (default: 20,000)")
    options = parser.parse_args()
    site = crawl_site.Site(options.pages, options.seed)
    size = sum(len(site.page(n)) for n in range(options.pages))
    with _site(options.pages, options.seed) as port, tempfile.TemporaryDirectory() as scratch:
        start = f"http://127.0.0.1:{port}/"

        def ours(task: str) -> harness.Command:
            return harness.command(
                sys.executable, "-m", "benchmarks.crawl", "worker", task, start, scratch, str(options.pages)
            )

        calls = (str(CONCURRENCY), str(PER_HOST))
        contestants: dict[str, harness.Contestant] = {
            "nightmill": ours("1"),
            "second night": ours("2"),
            "scrapy": harness.peer("crawl", "benchmarks/crawl_peers.py", start, f"{scratch}/scrapy.jsonl", *calls),
            "bare client": ours("bare"),
        }
        result = harness.run("crawl", contestants, size, options.rounds, packages=("httptools", "numba", "pyarrow"))
    _judge(result, options.pages)
    harness.report(result, options.json)
    return 0


def _judge(result: dict[str, Any], pages: int) -> None:
    """Pages per CPU second, and the second night's bytes as a share of the first's."""
    outputs = result["outputs"]
    result["found"] = outputs
    result["pages_per_cpu_s"] = {
        key: round(pages / each["cpu_s"]["median"]) for key, each in result["contestants"].items() if "cpu_s" in each
    }
    first, second = (outputs[key]["wire"] for key in ("nightmill", "second night"))
    result["second_night"] = {
        "bytes_out_share": round(second["bytes_out"] / first["bytes_out"], 4),
        "bytes_share": round(sum(second[k] for k in ("bytes_in", "bytes_out"))
                             / sum(first[k] for k in ("bytes_in", "bytes_out")), 4),
        "bodies": outputs["second night"]["bodies"],
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
