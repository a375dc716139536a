"""Snapshots: which version of every dataset belongs together, and the one pointer that says what is published.

The pointer holds the head, the snapshot of every day, and the days that are stale because an earlier day was
published again. It is swapped by compare-and-set, so readers see one snapshot or the next and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from jobs import manifest as manifests
from jobs.datasets import Version
from jobs.errors import GateRefused, Terminal, Transient, UsageError
from jobs.storage import Storage

POINTER = "refs/published.json"


@dataclass(frozen=True)
class Entry:
    """One dataset of a snapshot: its version (`dataset@prefix`), digest and manifest path."""

    version: str
    digest: str
    manifest: str


@dataclass(frozen=True)
class Snapshot:
    """`date` is the night (YYYY-MM-DD), `gate` the result that let it pass, `note` why it exists if not by a run."""

    date: str
    parent: str | None
    run: str
    datasets: Mapping[str, Entry]
    tombstone_epoch: int = 0
    gate: Mapping[str, Any] = field(default_factory=dict)
    card: str | None = None  # path of the data card, without suffix
    code_version: str = ""
    published_at: str = ""
    note: str = ""
    format_version: int = 1

    @property
    def id(self) -> str:
        """Named by what it holds and follows, not by when it was made."""
        return content_id(self.datasets, self.parent, self.date, self.tombstone_epoch)


def content_id(datasets: Mapping[str, Entry], parent: str | None, date: str, epoch: int = 0) -> str:
    content = [sorted((n, e.digest) for n, e in datasets.items()), parent, date, epoch]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Pointer:
    head: str | None = None
    days: Mapping[str, str] = field(default_factory=dict)  # date -> snapshot id
    stale: tuple[str, ...] = ()  # dates to run again
    replaced: tuple[str, ...] = ()  # snapshots that a day had before it was published again: still readable by id

    def before(self, date: str) -> str | None:
        """The snapshot that a run for `date` builds upon."""
        earlier = [d for d in self.days if d < date]
        return self.days[max(earlier)] if earlier else None

    @property
    def head_date(self) -> str | None:
        return max(self.days, default=None)


class Published:
    """The published side of a lake. `prepare` is called with a snapshot before readers can see it; it may repeat."""

    def __init__(self, storage: Storage, prepare: Callable[[Snapshot], None] = lambda snapshot: None) -> None:
        self.storage = storage
        self.prepare = prepare

    def pointer(self) -> Pointer:
        return self._read()[0]

    def _read(self) -> tuple[Pointer, bytes | None]:
        try:
            raw = self.storage.read(POINTER)
        except FileNotFoundError:
            return Pointer(), None
        try:
            value = json.loads(raw)
            return Pointer(
                value["head"], dict(value["days"]), tuple(value["stale"]), tuple(value.get("replaced", ()))
            ), raw
        except (ValueError, KeyError, TypeError) as error:
            raise Terminal(f"{POINTER} in {self.storage.uri} is damaged: {error}; restore it from a backup") from error

    def snapshot(self, snapshot_id: str) -> Snapshot:
        path = f"snapshots/{snapshot_id}.json"
        try:
            value = json.loads(self.storage.read(path))
            entries = {name: Entry(**entry) for name, entry in value.pop("datasets").items()}
            value.pop("id")
            return Snapshot(datasets=entries, **value)
        except FileNotFoundError:
            raise UsageError(f"no snapshot {snapshot_id}; `nightmill history` lists them") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Terminal(f"{path} in {self.storage.uri} is damaged: {error}; restore it from a backup") from error

    def head(self) -> Snapshot | None:
        head = self.pointer().head
        return self.snapshot(head) if head else None

    def history(self) -> Iterator[Snapshot]:
        """From the head back along the parents."""
        at = self.pointer().head
        while at:
            snapshot = self.snapshot(at)
            yield snapshot
            at = snapshot.parent

    def store(self, snapshot: Snapshot) -> None:
        value = asdict(snapshot) | {"id": snapshot.id}
        data = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False).encode()
        self.storage.put_if_absent(f"snapshots/{snapshot.id}.json", data)

    def publish(self, snapshot: Snapshot, *, written: frozenset[str]) -> Snapshot:
        """Make `snapshot` that of its day, and the head unless a later day is published.

        `written` names the datasets its run wrote. If its parent was replaced meanwhile, the run's own datasets are
        carried over to the new parent when that changed none of them nor anything they were made from; otherwise
        Transient tells which jobs have to run again. Publishing the same content again changes nothing.
        """
        check_gate(snapshot, written)
        for _ in range(20):
            pointer, raw = self._read()
            rebased = self._rebase(snapshot, pointer, written)
            known = pointer.days.get(rebased.date)
            if known is not None and _same_content(same := self.snapshot(known), rebased):
                self.prepare(same)
                return self._clear_stale(same, pointer, raw)
            self.store(rebased)
            self.prepare(rebased)
            if self._swap(raw, _moved(pointer, rebased)):
                return rebased
        raise Transient(f"{POINTER}: other publishers kept winning; run publish again")

    def replace_head(self, snapshot: Snapshot) -> Snapshot:
        """Publish `snapshot`, whose parent is the head, in the head's stead (rollback)."""
        pointer, raw = self._read()
        if snapshot.parent != pointer.head:
            raise Transient(f"the head moved to {pointer.head} meanwhile; run the command again")
        self.store(snapshot)
        self.prepare(snapshot)
        if not self._swap(raw, replace(_moved(pointer, snapshot), stale=pointer.stale)):
            raise Transient(f"{POINTER} moved meanwhile; run the command again")
        return snapshot

    def _clear_stale(self, same: Snapshot, pointer: Pointer, raw: bytes | None) -> Snapshot:
        if same.date in pointer.stale:
            fresh = replace(pointer, stale=tuple(d for d in pointer.stale if d != same.date))
            if not self._swap(raw, fresh):
                raise Transient(f"{POINTER} moved; run publish again")
        return same

    def _rebase(self, snapshot: Snapshot, pointer: Pointer, written: frozenset[str]) -> Snapshot:
        parent = pointer.before(snapshot.date)
        if parent == snapshot.parent:
            return snapshot
        before = self.snapshot(snapshot.parent).datasets if snapshot.parent else {}
        now = self.snapshot(parent).datasets if parent else {}
        epoch = self.snapshot(parent).tombstone_epoch if parent else 0
        again = f"run the jobs of {snapshot.run} again with --current"
        if epoch != snapshot.tombstone_epoch:
            raise Transient(f"something was taken down before {snapshot.date} since this run began; {again}")
        own = {name: entry for name, entry in snapshot.datasets.items() if name in written}
        made_from = {n for e in own.values() for n in manifests.load(self.storage, e.manifest).provenance.inputs}
        moved = {n for n in {*before, *now} if digest(before, n) != digest(now, n)}
        clash = moved & (written | made_from)
        if clash:
            names = ", ".join(sorted(clash))
            raise Transient(f"the snapshot before {snapshot.date} changed {names} since this run began; {again}")
        return replace(snapshot, parent=parent, datasets={**now, **own})

    def _swap(self, raw: bytes | None, pointer: Pointer) -> bool:
        data = json.dumps(asdict(pointer), sort_keys=True, indent=1).encode()
        return self.storage.compare_and_set(POINTER, raw, data)

    def open(self, snapshot: Snapshot, dataset: str) -> Version:
        if dataset not in snapshot.datasets:
            raise UsageError(f"snapshot {snapshot.id} has no dataset {dataset}: it has {', '.join(snapshot.datasets)}")
        return Version.load(self.storage, snapshot.datasets[dataset].manifest)

    def find(self, reference: str) -> Version:
        """The version behind `dataset`, `dataset@PREFIX` (of its digest) or `dataset@SNAPSHOT`, published ones only."""
        name, _, wanted = reference.partition("@")
        seen: dict[str, Entry] = {}  # by digest, the newest first
        for snapshot in self.snapshots():
            entry = snapshot.datasets.get(name)
            if entry is None:
                continue
            if not wanted or snapshot.id == wanted:
                return Version.load(self.storage, entry.manifest)
            seen.setdefault(entry.digest, entry)
        if not seen:
            raise UsageError(f"no published dataset {name!r}; `nightmill history` lists what there is")
        found = [entry for digest, entry in seen.items() if digest.startswith(wanted)]
        if len(found) == 1:
            return Version.load(self.storage, found[0].manifest)
        what = f"{reference} may be any of" if found else f"no published version {reference}; there are"
        raise UsageError(f"{what} {', '.join(entry.version for entry in found or seen.values())}")

    def snapshots(self) -> Iterator[Snapshot]:
        """Everything published: the head's history, then days published again behind it, then what they had."""
        seen = set()
        pointer = self.pointer()
        others = [day for _, day in sorted(pointer.days.items(), reverse=True)]
        for snapshot in self.history():
            seen.add(snapshot.id)
            yield snapshot
        for other in (*others, *reversed(pointer.replaced)):
            if other not in seen:
                seen.add(other)
                yield self.snapshot(other)


def _same_content(a: Snapshot, b: Snapshot) -> bool:
    return a.parent == b.parent and {n: e.digest for n, e in a.datasets.items()} == {
        n: e.digest for n, e in b.datasets.items()
    }


def check_gate(snapshot: Snapshot, written: frozenset[str]) -> None:
    """Law 6: expectations passed on exactly the content that the run wrote. Raises GateRefused."""
    judged = snapshot.gate.get("content", {})
    if not snapshot.gate.get("passed"):
        raise GateRefused(f"run {snapshot.run} has no passing gate; nothing was published")
    for name in sorted(written):
        if judged.get(name) != snapshot.datasets[name].digest:
            raise GateRefused(
                f"the gate of run {snapshot.run} judged {name} {judged.get(name, 'never')}, not "
                f"{snapshot.datasets[name].digest}; run the gate again"
            )


def digest(datasets: Mapping[str, Entry], name: str) -> str | None:
    """The digest of a dataset, or None where there is none of that name."""
    return datasets[name].digest if name in datasets else None


def _moved(pointer: Pointer, snapshot: Snapshot) -> Pointer:
    """The pointer after `snapshot`: an older day never moves the head, it makes the later days stale."""
    later = [d for d in pointer.days if d > snapshot.date]
    days = {**pointer.days, snapshot.date: snapshot.id}
    stale = {*pointer.stale, *later} - {snapshot.date}
    head = pointer.head if later else snapshot.id
    before = pointer.days.get(snapshot.date)
    replaced = [*pointer.replaced, *([before] if before and before != snapshot.id else [])]
    return Pointer(head, dict(sorted(days.items())), tuple(sorted(stale)), tuple(dict.fromkeys(replaced)))
