"""What a job gets: its inputs, its base, an engine, and a place to write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from jobs import manifest as manifests
from jobs.config import Config
from jobs.datasets import Version
from jobs.declared import JOBS, OWNER, Job, writer_of
from jobs.engines.base import Engine
from jobs.errors import UsageError
from jobs.manifest import Manifest, Provenance
from jobs.runs import Pins, Record, Run
from jobs.snapshots import Entry, Published, Snapshot
from jobs.storage import LocalStorage, Storage
from jobs.writer import VersionWriter
from pipelines.schemas import DATASETS


@dataclass(frozen=True)
class Result:
    """What a job wrote, and what else it wants remembered with its record."""

    outputs: Mapping[str, Manifest] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class JobContext:
    job: Job
    config: Config
    storage: Storage
    run: Run
    pins: Pins
    engine: Engine
    components: Mapping[str, Path] = field(default_factory=dict)
    report: Callable[[int], None] = lambda rows: None  # progress, in rows

    @property
    def workspace(self) -> Path:
        """A local folder of the run, for journals and traces."""
        return workspace(self.storage, self.run)

    @property
    def published(self) -> Published:
        return Published(self.storage)

    @property
    def parent(self) -> Snapshot | None:
        return self.published.snapshot(self.pins.parent) if self.pins.parent else None

    def parameters(self) -> Any:
        """The job's own section of the configuration, or None."""
        return self.config.section(self.job.section) if self.job.section else None

    def input(self, dataset: str) -> Version:
        """The version of `dataset` that this run's jobs wrote."""
        entry = self.run.outputs().get(dataset)
        if entry is None:
            raise UsageError(
                f"{self.job.name} reads {dataset}, which run {self.run.name} has not written yet; "
                f"run `nightmill run {writer_of(dataset)} --date {self.pins.date}` first"
            )
        return Version.load(self.storage, entry.manifest)

    def previous(self, dataset: str) -> Version | None:
        """The version of `dataset` in the parent snapshot."""
        parent = self.parent
        if parent is None or dataset not in parent.datasets:
            return None
        return Version.load(self.storage, parent.datasets[dataset].manifest)

    def base(self, dataset: str, fingerprint: str) -> Version | None:
        """The version to build an increment of `dataset` upon: same fingerprint, same inputs as the parent has."""
        previous, parent = self.previous(dataset), self.parent
        if previous is None or parent is None or previous.manifest.provenance.fingerprint != fingerprint:
            return None
        for name, reference in previous.manifest.provenance.inputs.items():
            entry = parent.datasets.get(name)
            if entry is None or reference != f"{name}@{entry.digest}":
                return None
        return previous

    def writer(self, dataset: str, base: Version | None = None) -> VersionWriter:
        return VersionWriter(self.storage, DATASETS[dataset], base, run=self.run.name)

    def provenance(self, fingerprint: str, inputs: Mapping[str, Version], **more: Any) -> Provenance:
        return Provenance(
            job=self.job.name,
            run=self.run.name,
            inputs={name: f"{name}@{version.manifest.digest}" for name, version in inputs.items()},
            fingerprint=fingerprint,
            parameters=as_plain(self.parameters()),
            code_version=self.pins.code_version,
            components=component_digests(self.components),
            owner=OWNER,
            tombstone_epoch=self.pins.tombstone_epoch,
            **more,
        )


def workspace(storage: Storage, run: Run) -> Path:
    """The run's folder on this machine: within the lake where that is a folder, else beside its scratch files."""
    root = storage.root if isinstance(storage, LocalStorage) else storage.scratch()
    return root / run.folder


def as_plain(value: Any) -> Any:
    if not is_dataclass(value) or isinstance(value, type):
        return {}
    return json.loads(json.dumps(asdict(value), default=str))


def component_digests(components: Mapping[str, Path]) -> dict[str, str]:
    return {name: _file_digest(path) for name, path in sorted(components.items())}


def _file_digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fingerprint(version: str, parameters: Any, components: Mapping[str, Path]) -> str:
    """Semantic version, parameters and pinned components: what, beside its input, decides a stage's output."""
    content = [version, as_plain(parameters), component_digests(components)]
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def store_outputs(storage: Storage, outputs: Mapping[str, Manifest]) -> dict[str, Entry]:
    """Save the manifests and name them."""
    return {
        name: Entry(manifest.version, str(manifest.digest), manifests.save(storage, manifest))
        for name, manifest in outputs.items()
    }


def up_to_date(record: Record | None, inputs: Mapping[str, str], fingerprint: str) -> bool:
    return record is not None and dict(record.inputs) == dict(inputs) and record.fingerprint == fingerprint


def declared(job: str) -> Job:
    from difflib import get_close_matches

    if job not in JOBS:
        near = get_close_matches(job, JOBS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"no job {job!r}{hint} Jobs: {', '.join(JOBS)}")
    return JOBS[job]
