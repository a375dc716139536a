"""Imports a generated archive in this process and prints the peak of resident memory, in MB."""

from __future__ import annotations

import gzip
import json
import random
import resource
import sys
from pathlib import Path

from nights import day

import jobs.acquire.spool
import jobs.writer
from jobs.config import load
from jobs.runner import run_job
from jobs.storage import LocalStorage

WORDS = [f"word{n}" for n in range(50_000)]
jobs.writer.FLUSH_BYTES = 8 << 20  # buffers of the real size would hide what grows
jobs.writer.GROUP_BYTES = 1 << 20
jobs.acquire.spool.BYTES = 2 << 20


def capture(number: int) -> bytes:
    text = " ".join(random.Random(number).choices(WORDS, k=1_500))
    block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body><p>{text}</p></body></html>".encode()
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://e.org/{number}\r\n"
    return gzip.compress(f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n", 1)


def main(root: Path, pages: int) -> None:
    root.mkdir()
    with (root / "a.warc.gz").open("wb") as out:
        for number in range(pages):
            out.write(capture(number))
    source = f"[{{name: s, kind: files, path: {root / 'a.warc.gz'}}}]"
    config = load("params.yaml", overrides=[f"lake={root / 'lake'}", f"crawl.sources={source}"], environ={})
    done = run_job("crawl", day(0), config=config, storage=LocalStorage(root / "lake"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = int(done.record.outputs["pages"].digest.rpartition(".")[2])
    print(json.dumps({"peaks": {"crawl": peak}, "rows": rows, "bytes": (root / "a.warc.gz").stat().st_size}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
