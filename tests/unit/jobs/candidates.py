"""One night's datasets from a list of documents and their fates, so that every figure is known by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa

from jobs import profile
from jobs.context import JobContext, store_outputs
from jobs.datasets import Version
from jobs.declared import JOBS
from jobs.engines.local_engine import LocalEngine
from jobs.runs import Pins, Record, Run
from jobs.settings import GateParams
from jobs.snapshots import Published, Snapshot
from jobs.storage import MemoryStorage
from jobs.writer import write_version
from pipelines.params import CleanParams, ProfileParams, ScrubParams
from pipelines.schemas import DATASETS, STAGES_WITH_REJECTS, hash128, rejects_of

ROOT = Path(__file__).resolve().parents[3]
LAYERS = {"extract": "documents", "clean": "clean", "scrub": "scrubbed", "dedup": "corpus"}


@dataclass(frozen=True)
class Document:
    """`fate`: corpus, gone (404 after a day), or `stage:rule` of its reject. `columns` replace those of its rows."""

    name: str
    text: str
    lang: str = "en"
    fate: str = "corpus"
    columns: dict = field(default_factory=dict)

    @property
    def id(self):
        return hash128(self.name)

    def row(self):
        return {
            "doc_id": self.id,
            "tenant_id": "default",
            "source": "handbook",
            "source_class": "web",
            "licence": "MIT",
            "authorised": True,
            "subject_ids": [],
            "capture": "2026-01-01:aa",
            "since": date(2026, 1, 1),
            "url": f"https://example.org/{self.name}",
            "title": "",
            "text": self.text,
            "lang": self.lang,
            "lang_score": 0.9,
            "signals": [],
            "findings": [],
            "characters": len(self.text),
            "tokens": 7,
            **self.columns,
        }

    @property
    def stage(self):
        """The stage that rejects it; None for one that does not get that far or passes them all."""
        return self.fate.partition(":")[0] if ":" in self.fate else None


class Settings:
    """A configuration of the given sections."""

    def __init__(self, **sections):
        self.sections = {
            "profile": ProfileParams(),
            "gate": GateParams(),
            "clean": CleanParams(),
            "scrub": ScrubParams(),
            **sections,
        }

    def section(self, name):
        return self.sections[name]

    def path(self, name):
        return ROOT / name


def tables_of(documents):
    """Rows of every dataset that profile reads."""
    rows = {name: [] for name in JOBS["profile"].reads}
    for document in documents:
        base = document.row()
        page = base | {"capture_day": date(2026, 1, 1), "body_hash": "aa", "status": 200}
        rows["pages"].append(page)
        if document.fate == "gone":
            rows["pages"].append(page | {"capture": "2026-01-02:", "body_hash": None, "status": 404})
            continue
        for stage in STAGES_WITH_REJECTS[1:]:
            if stage == document.stage:
                rule = document.fate.partition(":")[2]
                rows[rejects_of(stage).name].append(base | {"stage": stage, "rule": rule})
                break
            rows[LAYERS[stage]].append(base)
        if document.stage in (None, "dedup"):
            exact = hash128(document.text)
            rows["dedup_index"].append(base | {"exact": exact, "shingles": 1, "signature": b""})
    return rows


class Night:
    """A run over hand-made datasets. `change` edits the rows of a dataset before they are written."""

    def __init__(self, documents, *, storage=None, day="2026-01-01", change=None, **sections):
        self.storage = storage or MemoryStorage()
        self.config = Settings(**sections)
        self.run = Run(self.storage, f"night-{day}")
        parent = Published(self.storage).pointer().before(day)
        self.pins = Pins(f"night-{day}", day, parent, "", {}, "test", "", 0)
        self.change = change or {}
        self.write(tables_of(documents))

    def write(self, tables):
        """One record per writing job, as the jobs themselves would leave."""
        for job in ("crawl", "extract", "clean", "scrub", "dedup"):
            outputs = {}
            for name in JOBS[job].writes:
                rows = self.change.get(name, lambda r: r)(tables.get(name, []))
                table = pa.Table.from_pylist(rows, schema=DATASETS[name].schema)
                outputs[name] = write_version(self.storage, DATASETS[name], [table])
            self.run.finish(Record(job, {}, "", store_outputs(self.storage, outputs)))

    def context(self, job, engine=None):
        return JobContext(JOBS[job], self.config, self.storage, self.run, self.pins, engine or LocalEngine(1))

    def profile(self, engine=None):
        """Run the job and record it; returns column → value, or the reason why there is none."""
        result = profile.run(self.context("profile", engine))
        self.run.finish(Record("profile", {}, "", store_outputs(self.storage, result.outputs)))
        rows = self.table("metrics").to_pylist()
        return {
            f"{r['name']}.{r['dimension']}".rstrip("."): r["reason"] if r["value"] is None else r["value"] for r in rows
        }

    def table(self, name):
        return Version.load(self.storage, self.run.outputs()[name].manifest).table()

    def violations(self):
        """metric → [(doc_id, value, detail)], sorted."""
        found = {}
        for row in self.table("violations").sort_by("doc_id").to_pylist():
            found.setdefault(row["metric"], []).append((row["doc_id"], row["value"], row["detail"]))
        return found

    def publish(self, gate=None):
        outputs = self.run.outputs()
        gate = gate or {"passed": True, "content": {name: entry.digest for name, entry in outputs.items()}}
        snapshot = Snapshot(self.pins.date, self.pins.parent, self.run.name, outputs, gate=gate)
        return Published(self.storage).publish(snapshot, written=frozenset(outputs))
