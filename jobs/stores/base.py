"""Stores: where a snapshot becomes visible. Every store implements the few verbs of jobs.snapshots.Published."""

from __future__ import annotations

from typing import Protocol

from jobs.config import Config
from jobs.snapshots import Pointer, Published, Snapshot
from jobs.storage import Storage


class Store(Protocol):
    def pointer(self) -> Pointer: ...

    def snapshot(self, snapshot_id: str) -> Snapshot: ...

    def publish(self, snapshot: Snapshot, *, written: frozenset[str]) -> Snapshot: ...

    def replace_head(self, snapshot: Snapshot) -> Snapshot: ...


def open_store(config: Config, storage: Storage) -> Store:
    """The store that params.yaml names: `plain` (the lake itself) or `dvc` (a registry repository beside it)."""
    settings = config.settings.store
    if settings.kind == "dvc":
        from jobs.stores.dvc_store import DvcStore

        return DvcStore(storage, config.path(settings.path))
    return Published(storage)
