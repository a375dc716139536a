"""Rollback: an old content as a new snapshot, minus everything that was taken down since."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from jobs import manifest as manifests
from jobs.datasets import KEY, Version
from jobs.errors import UsageError
from jobs.inspection import snapshot_of
from jobs.snapshots import Entry, Published, Snapshot
from jobs.storage import Storage
from jobs.stores.base import Store
from jobs.writer import VersionWriter

ROLLBACK = "rollback"  # how the note of such a snapshot begins


def rollback(storage: Storage, store: Store, reference: str, *, dry_run: bool = False) -> Snapshot:
    """The new snapshot; with `dry_run` it is not published. Raises UsageError for an unknown or current reference."""
    published = Published(storage)
    head, target = published.head(), snapshot_of(published, reference)
    if head is None or target is None:
        raise UsageError(f"no published snapshot {reference!r}; `nightmill history` lists them")
    if target.id == head.id:
        raise UsageError(f"{target.id} is the head already")
    taken_down = _taken_down(published, head)
    datasets = {name: _without(storage, entry, taken_down) for name, entry in target.datasets.items()}
    if "tombstones" in head.datasets:
        datasets["tombstones"] = head.datasets["tombstones"]
    if {n: e.digest for n, e in datasets.items()} == {n: e.digest for n, e in head.datasets.items()}:
        raise UsageError(f"{target.id} has the content of the head")
    fresh = Snapshot(
        date=head.date,
        parent=head.id,
        run=target.run,
        datasets=datasets,
        tombstone_epoch=head.tombstone_epoch,
        gate=target.gate,
        card=target.card,
        code_version=target.code_version,
        published_at=datetime.now(UTC).isoformat(timespec="seconds"),
        note=f"{ROLLBACK} from {head.id} to the content of {target.id} ({target.date})",
    )
    return fresh if dry_run else store.replace_head(fresh)


def _taken_down(published: Published, head: Snapshot) -> list[str]:
    """Documents that a tombstone names."""
    if "tombstones" not in head.datasets:
        return []
    events = published.open(head, "tombstones").table(["doc_ids"])
    return sorted({doc for ids in events["doc_ids"].to_pylist() for doc in ids or ()})


def _without(storage: Storage, entry: Entry, doc_ids: list[str]) -> Entry:
    """The version without the rows of these documents."""
    version = Version.load(storage, entry.manifest)
    if not doc_ids or "doc_id" not in version.manifest_columns:
        return entry
    keys = _keys_of(version, doc_ids)
    if not len(keys):
        return entry
    writer = VersionWriter(storage, version.dataset, version, run="rollback")
    writer.remove(keys, "taken down")
    manifest = writer.finish(version.manifest.provenance)
    return Entry(manifest.version, str(manifest.digest), manifests.save(storage, manifest))


def _keys_of(version: Version, doc_ids: list[str]) -> pa.ChunkedArray:
    if version.dataset.key[0] == "doc_id":
        return version.get(doc_ids, [], extras=True)[KEY]
    wanted = pa.array(doc_ids, pa.string())  # aliases and violations say in another column whose they are
    pieces = [p.filter(pc.is_in(p["doc_id"], value_set=wanted))[KEY] for p in version.scan(["doc_id"], extras=True)]
    return pa.chunked_array([chunk for piece in pieces for chunk in piece.chunks], pa.string())
