"""Garbage collection: what is reachable from the pointer and from recent runs stays."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from jobs import manifest as manifests
from jobs.declared import JOBS
from jobs.snapshots import Published
from jobs.storage import LocalStorage, Storage


@dataclass(frozen=True)
class Collected:
    files: int
    bytes: int
    kept: int


def collect(storage: Storage, *, keep_seconds: float, delete: bool) -> Collected:
    """Find (and with `delete` remove) unreachable data files, manifests, snapshots, cards, runs and scratch files.

    On storages without file times everything unreachable counts as old.
    """
    needed = _reachable(storage, keep_seconds)
    doomed = [
        path
        for top in ("data", "manifests", "snapshots", "cards", "runs")
        for path in storage.list(top)
        if path not in needed and _old(storage, path, keep_seconds)
    ]
    size = sum(storage.size(path) for path in doomed)
    scratch = [p for p in storage.scratch().iterdir() if p.is_file() and time.time() - p.stat().st_mtime > keep_seconds]
    size += sum(p.stat().st_size for p in scratch)
    if delete:
        for path in doomed:
            storage.delete(path)
        for file in scratch:
            file.unlink(missing_ok=True)
    return Collected(len(doomed) + len(scratch), size, len(needed))


def _old(storage: Storage, path: str, keep_seconds: float) -> bool:
    if not isinstance(storage, LocalStorage):
        return True
    return time.time() - (storage.root / path).stat().st_mtime > keep_seconds


def _reachable(storage: Storage, keep_seconds: float) -> set[str]:
    published = Published(storage)
    needed: set[str] = set()
    for snapshot in published.snapshots():
        needed.add(f"snapshots/{snapshot.id}.json")
        if snapshot.card:
            needed.update({f"{snapshot.card}.html", f"{snapshot.card}.json"})
        for entry in snapshot.datasets.values():
            needed |= _files_of(storage, entry.manifest)
        needed |= {p for p in storage.list("runs") if p.startswith(f"runs/{snapshot.run}/")}
    for path in storage.list("runs"):
        if path not in needed and (_captured(path) or not _old(storage, path, keep_seconds)):
            needed.add(path)
            if "/jobs/" in path:
                for entry in json.loads(storage.read(path)).get("outputs", {}).values():
                    needed |= _files_of(storage, entry["manifest"])
    return needed


def _captured(path: str) -> bool:
    """Whether it holds what an effect brought in, of any age and published or not: the past cannot be fetched again."""
    inside = path.split("/", 2)[2]
    effects = tuple(f"jobs/{job.name}.json" for job in JOBS.values() if job.kind == "effect")
    return inside.startswith("journal/") or inside in ("run.json", *effects)


def _files_of(storage: Storage, manifest: str) -> set[str]:
    if not storage.exists(manifest):
        return set()
    return {manifest, *(f.path for f in manifests.load(storage, manifest).files)}
