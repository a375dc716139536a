"""Looking at versions: what the commands show, diff and export print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.datasets import Version, changes, load_deletes
from jobs.declared import JOBS, writer_of
from jobs.errors import UsageError
from jobs.runs import Run
from jobs.snapshots import Entry, Published, Snapshot
from jobs.storage import Storage
from pipelines.schemas import DATASETS

#: Layers whose text may still hold personal data.
UNSCRUBBED = frozenset({"pages", "documents", "clean"})
_TEXT_COLUMNS = ("text", "title", "body")


def find(published: Published, storage: Storage, reference: str, run: str | None = None) -> Version:
    """The version behind `dataset[@version]`, published or (with `run`) a run's candidate."""
    name = reference.partition("@")[0]
    if name not in DATASETS:
        from difflib import get_close_matches

        near = get_close_matches(name, DATASETS, 1)
        hint = f"did you mean {near[0]}?" if near else f"datasets: {', '.join(DATASETS)}"
        raise UsageError(f"no dataset {name!r}; {hint}")
    if run is None:
        return published.find(reference)
    outputs = Run(storage, run).outputs()
    if name not in outputs:
        raise UsageError(f"run {run} has not written {name}; it has {', '.join(outputs) or 'nothing yet'}")
    return Version.load(storage, outputs[name].manifest)


def describe(published: Published, storage: Storage, version: Version, run: str | None = None) -> dict[str, Any]:
    """Everything `show` prints, as plain data."""
    manifest = version.manifest
    made = manifest.provenance
    return {
        "dataset": manifest.dataset,
        "version": manifest.version,
        "digest": str(manifest.digest),
        "rows": manifest.rows,
        "bytes": manifest.size,
        "tokens": made.tokens,
        "files": [{"kind": f.kind, "path": f.path, "rows": f.rows, "sha256": f.sha256} for f in manifest.files],
        "base": manifest.base,
        "inputs": dict(made.inputs),
        "rejects": reject_counts(published, storage, version, run),
        "job": made.job,
        "run": made.run,
        "fingerprint": made.fingerprint,
        "parameters": made.parameters,
        "components": made.components,
        "code_version": made.code_version,
        "seed": made.seed,
        "owner": made.owner,
        "timings": made.timings,
        "funnel": made.funnel,
        "tombstone_epoch": made.tombstone_epoch,
    }


def reject_counts(published: Published, storage: Storage, version: Version, run: str | None = None) -> dict[str, int]:
    """Rejects by rule of the stage that wrote the version, over the whole version."""
    job = JOBS[writer_of(version.manifest.dataset)] if version.manifest.dataset != "tombstones" else None
    rejects = next((name for name in job.writes if name.startswith("rejects_")), None) if job else None
    if rejects is None:
        return {}
    entry = beside(published, storage, version, rejects, run)
    if entry is None:
        return {}
    counts: Counter[str] = Counter()
    for piece in Version.load(storage, entry.manifest).scan(["rule"]):
        counts.update(piece["rule"].to_pylist())
    return dict(counts.most_common())


def beside(published: Published, storage: Storage, version: Version, dataset: str, run: str | None) -> Entry | None:
    """The version of `dataset` that belongs to the same run or snapshot."""
    if run is not None:
        return Run(storage, run).outputs().get(dataset)
    for snapshot in published.snapshots():
        entry = snapshot.datasets.get(version.manifest.dataset)
        if entry is not None and entry.digest == str(version.manifest.digest):
            return snapshot.datasets.get(dataset)
    return None


def rows(version: Version, count: int, where: str | None, *, raw: bool) -> Iterator[dict[str, Any]]:
    """The first rows in key order. Text of layers that were not scrubbed is left out unless `raw`."""
    column, _, wanted = (where or "").partition("=")
    if where and column not in version.manifest_columns:
        raise UsageError(f"--where: {version.manifest.dataset} has no column {column!r}")
    hidden = _TEXT_COLUMNS if version.manifest.dataset in UNSCRUBBED and not raw else ("body",)
    if where and column in hidden:
        raise UsageError(
            f"--where: {column} of {version.manifest.dataset} is not shown; for unscrubbed text pass --raw"
        )
    kind = version.dataset.schema.field(column).type if where else None
    if kind is not None and pa.types.is_nested(kind):
        raise UsageError(f"--where: {column} is no text, number, day or truth value")
    columns = [c for c in version.manifest_columns if c not in hidden and not c.endswith("signature")]
    for piece in version.scan(columns):
        if where:
            piece = piece.filter(pc.equal(piece[column].cast("string"), wanted))
        for row in piece.slice(0, count).to_pylist():
            yield row
            count -= 1
        if not count:
            return


def snapshot_of(published: Published, reference: str) -> Snapshot | None:
    """A snapshot by id, date or `head`; None where the reference names none."""
    pointer = published.pointer()
    if reference == "head":
        reference = pointer.head or ""
    reference = pointer.days.get(reference, reference)
    return next((s for s in published.snapshots() if s.id == reference), None)


def difference(published: Published, storage: Storage, first: str, second: str) -> dict[str, Any]:
    """What differs between two snapshots (ids, dates, `head`) or two versions of a dataset."""
    a, b = snapshot_of(published, first), snapshot_of(published, second)
    if (a is None) != (b is None):
        raise UsageError(f"{first} and {second}: give two snapshots (id, date, head) or two versions (dataset@version)")
    if a is not None and b is not None:
        names = sorted({*a.datasets, *b.datasets})
        return {n: _entries(storage, a.datasets.get(n), b.datasets.get(n)) for n in names}
    old, new = find(published, storage, first), find(published, storage, second)
    if old.manifest.dataset != new.manifest.dataset:
        raise UsageError(f"{first} and {second} are different datasets")
    return {old.manifest.dataset: _versions(old, new)}


def _entries(storage: Storage, old: Entry | None, new: Entry | None) -> dict[str, Any]:
    if old is None or new is None:
        return {"only_in": "second" if old is None else "first"}
    if old.digest == new.digest:
        return {"same": old.version}
    return _versions(Version.load(storage, old.manifest), Version.load(storage, new.manifest))


def _versions(old: Version, new: Version) -> dict[str, Any]:
    delta = changes(old, new)
    before, after = old.manifest.provenance, new.manifest.provenance
    names = sorted({*before.parameters, *after.parameters})
    return {
        "from": old.manifest.version,
        "to": new.manifest.version,
        "added": len(delta.added),
        "removed": len(delta.removed),
        "changed": len(delta.changed),
        "reasons": dict(reasons(old, new)),
        "sample": {kind: getattr(delta, kind)[:5].to_pylist() for kind in ("added", "removed", "changed")},
        "parameters": {
            n: [before.parameters.get(n), after.parameters.get(n)]
            for n in names
            if before.parameters.get(n) != after.parameters.get(n)
        },
        "components": {
            n: [before.components.get(n), after.components.get(n)]
            for n in sorted({*before.components, *after.components})
            if before.components.get(n) != after.components.get(n)
        },
        "code_version": [before.code_version, after.code_version],
    }


def reasons(old: Version, new: Version) -> Counter[str]:
    """Why rows were hidden, as the delete files written since `old` say; none where `new` was not built upon it."""
    known = {f.path for f in old.manifest.files}
    fresh = [f for f in new.manifest.files if f.kind == "delete" and f.path not in known]
    return Counter(load_deletes(new, fresh)["reason"].to_pylist())
