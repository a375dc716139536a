"""Writing dataset versions: rows come in any order, a delta on top of a base comes out, with its digest."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.datasets import DELETE_SCHEMA, HASH, KEY, SEQ, Version, key_of, sorted_by_key
from jobs.digest import Digest, row_hashes, type_name
from jobs.errors import Terminal
from jobs.manifest import DataFile, FileKind, Manifest, Provenance
from jobs.storage import Storage
from pipelines.schemas import Dataset

FLUSH_BYTES = 64 << 20
GROUP_ROWS, GROUP_BYTES = 1024, 16 << 20
REMOVALS_AT_ONCE = 50_000
MAX_DELTAS = 24  # more delta or delete files than this are rewritten into base files


class VersionWriter:
    """Collects upserts and removals against `base` and turns them into a manifest.

    A row equal to the base's row of the same key writes nothing. A key that comes twice raises Terminal.
    """

    def __init__(self, storage: Storage, dataset: Dataset, base: Version | None = None, *, run: str = "") -> None:
        self.storage, self.dataset, self.base, self.run = storage, dataset, base, run
        self.digest = base.manifest.digest if base else Digest()
        self.seq = base.manifest.last_seq + 1 if base else 0
        self.counts = {"added": 0, "changed": 0, "unchanged": 0, "removed": 0}
        self._buffer: list[pa.Table] = []
        self._buffered = 0
        self._files: list[DataFile] = []
        self._unchanged: list[pa.Array] = []  # keys, for twins that come later
        self._deletes: list[pa.Table] = []
        self._gone: dict[str, list[str]] = {}

    def upsert(self, table: pa.Table) -> None:
        """Add rows or replace those of the same key."""
        if not table.num_rows:
            return
        table = self.dataset.conform(table)
        self._buffer.append(table)
        self._buffered += table.nbytes
        if self._buffered >= FLUSH_BYTES:
            self._flush()

    def remove(self, keys: Sequence[str] | pa.Array | pa.ChunkedArray, reason: str) -> None:
        """Hide the rows of these keys (joined by NUL); keys that the base lacks are no error."""
        if self.base is None or not len(keys):
            return
        gone = self._gone.setdefault(reason, [])
        gone.extend(keys.to_pylist() if isinstance(keys, pa.Array | pa.ChunkedArray) else keys)
        if len(gone) >= REMOVALS_AT_ONCE:
            self._remove(reason)

    def _remove(self, reason: str) -> None:
        assert self.base is not None
        found = _locate(self.base, pa.array(self._gone.pop(reason), pa.string()))
        written = [pc.any(pc.is_in(found[KEY], value_set=keys)).as_py() for keys in self._unchanged]
        if any(written):
            raise Terminal(self._both)
        self._hide(found, reason)
        self.counts["removed"] += found.num_rows

    def finish(self, provenance: Provenance) -> Manifest:
        self._flush()
        for reason in sorted(self._gone):
            self._remove(reason)
        files = [*(self.base.manifest.files if self.base else ()), *self._files]
        if self._deletes:
            deletes = pa.concat_tables(self._deletes)
            if pc.count_distinct(deletes["key"]).as_py() != deletes.num_rows:
                raise Terminal(self._both)
            files.append(self._write("delete", deletes.take(pc.sort_indices(deletes["key"])), deletes["key"]))
        manifest = Manifest(
            dataset=self.dataset.name,
            schema=tuple((f.name, type_name(f.type), self.dataset.role(f.name)) for f in self.dataset.schema),
            key=self.dataset.key,
            digest=self.digest,
            files=tuple(files),
            base=self.base.path or None if self.base else None,
            provenance=provenance,
        )
        if max(sum(f.kind == kind for f in files) for kind in ("delta", "delete")) > MAX_DELTAS:
            return compact(self.storage, Version(self.storage, manifest))
        return manifest

    @property
    def _both(self) -> str:
        return f"{self.dataset.name}: a key is both written and removed, or removed twice, in one version"

    def _hide(self, found: pa.Table, reason: str) -> None:
        if not found.num_rows:
            return
        self.digest = self.digest.minus(found[HASH].to_pylist())
        self._deletes.append(
            pa.table(
                {
                    "key": found[KEY],
                    "reason": pa.array([reason] * found.num_rows, pa.string()),
                    "run": pa.array([self.run] * found.num_rows, pa.string()),
                    "row_hash": found[HASH],
                    "row_seq": found[SEQ],
                },
                schema=DELETE_SCHEMA,
            )
        )

    def _flush(self) -> None:
        if not self._buffer:
            return
        table = pa.concat_tables(self._buffer).combine_chunks()
        self._buffer, self._buffered = [], 0
        table = table.append_column(HASH, pa.array(row_hashes(table, self.dataset), pa.binary(16)))
        table = sorted_by_key(table.append_column(KEY, key_of(table, self.dataset.key)))
        if table[KEY].null_count:
            raise Terminal(f"{self.dataset.name}: {table[KEY].null_count} rows have no key ({self.dataset.key})")
        self._refuse_twins(table[KEY].combine_chunks())
        table = self._drop_unchanged(table)
        if table.num_rows:
            self.digest = self.digest.plus(table[HASH].to_pylist())
            kind: FileKind = "delta" if self.base else "base"
            self._files.append(self._write(kind, table.drop_columns([KEY]), table[KEY]))

    def _refuse_twins(self, keys: pa.Array) -> None:
        if len(keys) > 1 and pc.any(pc.equal(keys[1:], keys[:-1])).as_py():
            at = pc.index(pc.equal(keys[1:], keys[:-1]), True).as_py()
            raise Terminal(f"{self.dataset.name}: two rows with key {keys[at].as_py()!r}")
        for file in self._files:
            if keys[0].as_py() <= file.max_key and file.min_key <= keys[-1].as_py():
                written = key_of(
                    pq.read_table(self.storage.open(file.path), columns=list(self.dataset.key)), self.dataset.key
                )
                self._refuse_known(keys, written)
        for unchanged in self._unchanged:
            self._refuse_known(keys, unchanged)

    def _refuse_known(self, keys: pa.Array, known: pa.Array) -> None:
        twin = pc.index(pc.is_in(keys, value_set=known), True).as_py()
        if twin >= 0:
            raise Terminal(f"{self.dataset.name}: two rows with key {keys[twin].as_py()!r}")

    def _drop_unchanged(self, table: pa.Table) -> pa.Table:
        if self.base is None:
            self.counts["added"] += table.num_rows
            return table
        found = _locate(self.base, table[KEY].combine_chunks())
        at = pc.index_in(found[KEY].combine_chunks(), value_set=table[KEY].combine_chunks())
        same = pc.equal(found[HASH].combine_chunks(), table[HASH].combine_chunks().take(at))
        self._hide(found.filter(pc.invert(same)), "superseded")
        unchanged = found.filter(same)
        if unchanged.num_rows:
            self._unchanged.append(unchanged[KEY].combine_chunks())
        self.counts["unchanged"] += unchanged.num_rows
        self.counts["changed"] += found.num_rows - unchanged.num_rows
        self.counts["added"] += table.num_rows - found.num_rows
        return table.filter(pc.invert(pc.is_in(table[KEY], value_set=unchanged[KEY].combine_chunks())))

    def _write(self, kind: FileKind, table: pa.Table, keys: pa.ChunkedArray) -> DataFile:
        return write_file(self.storage, self.dataset.name, kind, self.seq, table, keys)


def write_file(
    storage: Storage, dataset: str, kind: FileKind, seq: int, table: pa.Table, keys: pa.ChunkedArray
) -> DataFile:
    """Write a table sorted by `keys` as one content-named Parquet file."""
    local = storage.scratch() / f"{uuid.uuid4().hex}.parquet"
    with pq.ParquetWriter(local, table.schema, compression="zstd", write_statistics=True) as out:
        for group in _groups(table):
            out.write_table(group, row_group_size=max(group.num_rows, 1))
    with local.open("rb") as handle:
        sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
    size = local.stat().st_size
    path = f"data/{dataset}/{sha256[:32]}.parquet"
    storage.adopt(local, path)
    return DataFile(kind, seq, path, sha256, table.num_rows, size, keys[0].as_py(), keys[-1].as_py())


def _groups(table: pa.Table) -> Iterable[pa.Table]:
    """Slices of at most GROUP_ROWS rows and, unless one row alone is larger, GROUP_BYTES bytes."""
    at = 0
    while at < table.num_rows:
        rows = min(GROUP_ROWS, table.num_rows - at)
        while rows > 1 and table.slice(at, rows).nbytes > GROUP_BYTES:
            rows //= 2
        yield table.slice(at, rows)
        at += rows


def _locate(version: Version, keys: pa.Array) -> pa.Table:
    """KEY, HASH and SEQ of the live rows with these keys."""
    ids = pc.list_element(pc.split_pattern(keys, "\0"), 0) if len(version.dataset.key) > 1 else keys
    found = version.get(ids.to_pylist(), [], extras=True).select([KEY, HASH, SEQ])
    return found.filter(pc.is_in(found[KEY], value_set=keys))


def compact(storage: Storage, version: Version) -> Manifest:
    """The same content as plain base files: same digest, no deletes, no deltas."""
    files: list[DataFile] = []
    held: list[pa.Table] = []
    size = 0

    def flush() -> None:
        nonlocal held, size
        if held:
            table = pa.concat_tables(held).combine_chunks()
            columns = [*version.manifest_columns, HASH]
            files.append(write_file(storage, version.dataset.name, "base", 0, table.select(columns), table[KEY]))
            held, size = [], 0

    for piece in version.scan(extras=True):
        held.append(piece)
        size += piece.nbytes
        if size >= FLUSH_BYTES:
            flush()
    flush()
    old = version.manifest
    return Manifest(
        old.dataset, old.schema, old.key, old.digest, tuple(files), version.path or old.base, old.provenance
    )


def write_version(
    storage: Storage, dataset: Dataset, tables: Iterable[pa.Table], provenance: Provenance | None = None
) -> Manifest:
    """A version made of `tables` alone."""
    writer = VersionWriter(storage, dataset)
    for table in tables:
        writer.upsert(table)
    return writer.finish(provenance or Provenance())
