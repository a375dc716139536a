"""The store `dvc`: every snapshot also becomes a tagged commit of a registry repository, for readers elsewhere.

The lake's pointer stays the one truth about what is published. A snapshot is in the registry before the pointer names
it, so whoever reads one can get it from the other: `dvc get REGISTRY data/corpus --rev snapshot/<id>`. A tag alone,
left by a publisher that was killed, is complete data that is not published.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs import manifest as manifests
from jobs.snapshots import Pointer, Published, Snapshot
from jobs.storage import LocalStorage, Storage
from jobs.stores.registry import Registry


class DvcStore:
    """Implements jobs.stores.base.Store. `registry` is a folder; it is made on the first publication."""

    def __init__(self, storage: Storage, registry: Path) -> None:
        self.storage = storage
        self.registry = Registry(registry)
        self.published = Published(storage, prepare=self._register)

    def pointer(self) -> Pointer:
        return self.published.pointer()

    def snapshot(self, snapshot_id: str) -> Snapshot:
        return self.published.snapshot(snapshot_id)

    def publish(self, snapshot: Snapshot, *, written: frozenset[str]) -> Snapshot:
        with self._alone():
            return self.published.publish(snapshot, written=written)

    def replace_head(self, snapshot: Snapshot) -> Snapshot:
        with self._alone():
            return self.published.replace_head(snapshot)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One publisher at a time; in the end the registry's branch shows the head."""
        with self.registry.lock():
            yield
            head = self.pointer().head
            if head is not None:
                self.registry.show(_tag(head), _file(head), f"Show snapshot {head}")

    def _register(self, snapshot: Snapshot) -> None:
        tag = _tag(snapshot.id)
        if self.registry.commit(f"refs/tags/{tag}") is not None:
            return
        stored = self.snapshot(snapshot.id)  # as it was first stored, should this be a second try
        commit = self.registry.keep(self._files(stored), self._fetch, _message(stored), stored.published_at)
        versions = sorted(entry.version.replace("@", "/") for entry in stored.datasets.values())
        self.registry.tag(commit, [tag, *versions])

    def _files(self, snapshot: Snapshot) -> dict[str, int]:
        """Every file of the snapshot with its size, by its path in the lake."""
        names = [_file(snapshot.id), *(entry.manifest for entry in snapshot.datasets.values())]
        if snapshot.card:
            names += [p for p in (f"{snapshot.card}.html", f"{snapshot.card}.json") if self.storage.exists(p)]
        sizes = {name: self.storage.size(name) for name in names}
        for entry in snapshot.datasets.values():
            sizes |= {file.path: file.bytes for file in manifests.load(self.storage, entry.manifest).files}
        return sizes

    def _fetch(self, path: str, target: Path) -> None:
        """Data files are linked where that is possible: DVC replaces the link by one to its own copy."""
        if isinstance(self.storage, LocalStorage) and path.startswith("data/"):
            try:
                return os.link(self.storage.root / path, target)
            except OSError:  # another file system, or one without links
                pass
        with self.storage.open(path) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)


def _tag(snapshot_id: str) -> str:
    return f"snapshot/{snapshot_id}"


def _file(snapshot_id: str) -> str:
    return f"snapshots/{snapshot_id}.json"


def _message(snapshot: Snapshot) -> str:
    versions = "\n".join(sorted(entry.version for entry in snapshot.datasets.values()))
    origin = f"Run {snapshot.run}, parent {snapshot.parent or 'none'}"
    return f"Publish {snapshot.date} as {snapshot.id}\n\n{snapshot.note or origin}\n\n{versions}\n"
