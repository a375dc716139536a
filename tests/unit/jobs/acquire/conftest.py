"""Nights over folders of files, run by the product's own jobs."""

import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from nights import Lake, day

from jobs.config import load
from jobs.context import store_outputs
from jobs.declared import JOBS
from jobs.manifest import Provenance
from jobs.runner import Options, default_run, pin, run_job
from jobs.runs import Record, Run
from jobs.snapshots import Published
from jobs.storage import LocalStorage
from jobs.writer import VersionWriter
from pipelines.schemas import DATASETS

sys.path.append(str(Path(__file__).parents[2] / "pipelines" / "acquire"))  # makers of archives


class Nights:
    """`files` is the folder of the source; `run(n)` captures night n, runs `stages` after it and publishes it."""

    def __init__(self, root):
        self.root, self.files = root, root / "files"
        self.files.mkdir()
        self.sources = ["{name: s, kind: files, path: files, licence: CC0-1.0, evidence: ours}"]
        self.overrides = []
        self.storage = LocalStorage(root / "lake")

    def config(self):
        params = self.root / "params.yaml"
        if not params.exists():
            shutil.copy("params.yaml", params)
        given = [f"lake={self.root / 'lake'}", "tenant=t", "models=/nonexistent", *self.overrides]
        return load(params, overrides=[*given, f"crawl.sources=[{', '.join(self.sources)}]"], environ={})

    def write(self, name, content):
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def crawl(self, number):
        return run_job("crawl", day(number), config=self.config(), storage=self.storage).record

    def run(self, number, stages=()):
        record = self.crawl(number)
        for stage in stages:
            run_job(stage, day(number), config=self.config(), storage=self.storage)
        lake = Lake(self.storage)
        self.snapshot = lake.publish(day(number))
        self.result = record.result
        return record.result

    def rebuilt(self, number, stages):
        """The digests of `stages` over all captures so far, from scratch."""
        storage, pages = LocalStorage(self.root / "scratch"), self.rows("pages")
        run = Run(storage, default_run(day(number)))
        pin(run, day(number), self.config(), Published(storage), Options())
        outputs = {}
        for name in JOBS["crawl"].writes:
            writer = VersionWriter(storage, DATASETS[name], run=run.name)
            writer.upsert(pa.Table.from_pylist(pages if name == "pages" else [], schema=DATASETS[name].schema))
            outputs[name] = writer.finish(Provenance(job="crawl"))
        run.finish(Record("crawl", {}, "captured", store_outputs(storage, outputs)))
        for stage in stages:
            run_job(stage, day(number), config=self.config(), storage=storage)
        return {name: e.digest for name, e in run.outputs().items() if name not in outputs}

    def rows(self, dataset):
        return Published(self.storage).open(self.snapshot, dataset).table().to_pylist()

    def live(self):
        """url -> body of the latest capture that has one."""
        found = {}
        for row in self.rows("pages"):
            found[row["url"]] = row["body"] if row["status"] == 200 else row["status"]
        return found

    def rules(self):
        return {row["url"].removeprefix("item:"): row["rule"] for row in self.rows("rejects_crawl")}


@pytest.fixture
def nights(tmp_path):
    return Nights(tmp_path)


def balanced(result):
    """Law 1 in numbers: every input has one disposition."""
    rejected = sum(result["rejected"].values())
    ends = result["emitted"] + rejected + result["unchanged"] + result["superseded"] + result["retracted"]
    return result["inputs"] == ends


@pytest.fixture(name="balanced")
def balanced_():
    return balanced
