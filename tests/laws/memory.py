"""Runs one night over generated pages in this process and prints the peak of resident memory per stage, in MB."""

from __future__ import annotations

import json
import random
import resource
import sys

import pyarrow as pa
from nights import Lake, day, page_row

import jobs.writer
import pipelines.dedup.walk
from jobs.context import store_outputs
from jobs.engines.local_engine import LocalEngine
from jobs.manifest import Provenance
from jobs.runner import Options, default_run, pin, run_job
from jobs.runs import Record, Run
from jobs.snapshots import Published
from jobs.storage import LocalStorage
from jobs.writer import VersionWriter
from pipelines.schemas import PAGES, URL_ALIASES, rejects_of

PAGE_WORDS = 1_500
WORDS = [f"word{n}" for n in range(50_000)]
jobs.writer.FLUSH_BYTES = 8 << 20  # buffers of the real size would hide what grows
pipelines.dedup.walk._BLOCK_SHINGLES = 1 << 17
pipelines.dedup.walk._BLOCK_ROWS = 64
jobs.writer.GROUP_BYTES = 1 << 20


class Page:
    """A capture with a long text of its own."""

    status = 200

    def __init__(self, number: int) -> None:
        self.url = number

    def body(self) -> bytes:
        words = random.Random(self.url).choices(WORDS, k=PAGE_WORDS)
        lines = " ".join(f"{word} and the" for word in words[::3])
        return f"<html><body><article><p>{lines}.</p></article></body></html>".encode()


def main(root: str, pages: int) -> None:
    lake = Lake(LocalStorage(root))
    run = Run(lake.storage, default_run(day(0)))
    pin(run, day(0), lake.config, Published(lake.storage), Options())
    writer = VersionWriter(lake.storage, PAGES, run=run.name)
    for at in range(0, pages, 50):
        rows = [page_row(Page(n), day(0)) for n in range(at, min(at + 50, pages))]  # type: ignore[arg-type]
        writer.upsert(pa.Table.from_pylist(rows, schema=PAGES.schema))
    outputs = {"pages": writer.finish(Provenance())}
    for dataset in (URL_ALIASES, rejects_of("crawl")):
        outputs[dataset.name] = VersionWriter(lake.storage, dataset).finish(Provenance())
    run.finish(Record("crawl", {}, "captured", store_outputs(lake.storage, outputs)))
    peaks = {}
    for stage in ("extract", "clean", "scrub", "dedup", "profile"):
        done = run_job(stage, day(0), config=lake.config, storage=lake.storage, engine=LocalEngine(1))
        peaks[stage] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    corpus = done.record.inputs["corpus"]
    print(json.dumps({"peaks": peaks, "rows": int(corpus.rpartition(".")[2]), "bytes": outputs["pages"].size}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
