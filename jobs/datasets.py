"""Reading dataset versions: base, delta and delete files merged into one stream of live rows in key order.

Every data file is sorted by key, so a scan is a merge that holds one row group per overlapping file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs import manifest as manifests
from jobs.errors import Terminal
from jobs.manifest import DataFile, Manifest
from jobs.storage import Storage
from pipelines.schemas import DATASETS, Dataset

HASH = "_hash"  # physical column: BLAKE2b-128 of the row's canonical encoding
KEY = "_key"  # logical column: the key columns joined by NUL
SEQ = "_seq"  # logical column: the sequence number of the row's file


def key_of(table: pa.Table, key: Sequence[str]) -> pa.Array:
    """The key of each row as one string; columns are joined by NUL, so that order is that of the columns."""
    columns = [table[name] for name in key]
    joined = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, "\0")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def sorted_by_key(table: pa.Table) -> pa.Table:
    return table.take(pc.sort_indices(table[KEY]))


@dataclass(frozen=True)
class Changes:
    """Keys (joined by NUL) that differ between two versions, each sorted."""

    added: pa.Array
    changed: pa.Array
    removed: pa.Array

    def __len__(self) -> int:
        return len(self.added) + len(self.changed) + len(self.removed)


class Version:
    """One immutable version of a dataset."""

    def __init__(self, storage: Storage, manifest: Manifest, path: str = "") -> None:
        self.storage = storage
        self.manifest = manifest
        self.path = path
        self._open: dict[str, pq.ParquetFile] = {}

    @classmethod
    def load(cls, storage: Storage, path: str) -> Version:
        return cls(storage, manifests.load(storage, path), path)

    @property
    def dataset(self) -> Dataset:
        return DATASETS[self.manifest.dataset]

    @property
    def rows(self) -> int:
        return self.manifest.rows

    @property
    def data_files(self) -> list[DataFile]:
        return [f for f in self.manifest.files if f.kind != "delete"]

    def parquet(self, file: DataFile) -> pq.ParquetFile:
        if file.path not in self._open:
            try:
                self._open[file.path] = pq.ParquetFile(self.storage.open(file.path))
            except FileNotFoundError:
                raise Terminal(f"{file.path} of {self.manifest.version} is missing; roll back or restore it") from None
            except (pa.ArrowInvalid, OSError) as error:
                raise Terminal(f"{file.path} of {self.manifest.version} cannot be read: {error}") from error
        return self._open[file.path]

    @cached_property
    def deletes(self) -> pa.Table:
        """key, reason, run, row_hash, row_seq (of the hidden row's file) and seq of every delete file."""
        return load_deletes(self, [f for f in self.manifest.files if f.kind == "delete"])

    @cached_property
    def _hidden(self) -> tuple[pa.Array, np.ndarray]:
        last = self.deletes.group_by("key").aggregate([("seq", "max")])
        return last["key"].combine_chunks(), last["seq_max"].to_numpy()

    def live(self, table: pa.Table, file: DataFile) -> pa.Table:
        """The rows of a piece of `file` that no later delete file hides."""
        keys, last = self._hidden
        if not len(keys):
            return table
        at = pc.index_in(table[KEY], value_set=keys).fill_null(-1).to_numpy()
        dead = (at >= 0) & (last[at] > file.seq)
        return table.filter(pa.array(~dead)) if dead.any() else table

    def scan(
        self, columns: Sequence[str] | None = None, *, since: int = -1, extras: bool = False
    ) -> Iterator[pa.Table]:
        """Live rows in key order, in pieces of at most a few row groups.

        `since` leaves out files up to that sequence number; `extras` adds the columns KEY, HASH and SEQ.
        """
        files = [f for f in self.data_files if f.seq > since]
        wanted = list(columns if columns is not None else self.manifest_columns)
        for piece in _merge(self, files, wanted):
            yield piece if extras else piece.select(wanted)

    @property
    def manifest_columns(self) -> list[str]:
        return [name for name, _, _ in self.manifest.schema]

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole version in memory; for small datasets."""
        pieces = list(self.scan(columns))
        if pieces:
            return pa.concat_tables(pieces)
        names = columns if columns is not None else self.manifest_columns
        return pa.schema([self.dataset.schema.field(n) for n in names]).empty_table()

    def get(self, ids: Sequence[str], columns: Sequence[str] | None = None, *, extras: bool = False) -> pa.Table:
        """Live rows whose first key column is among `ids`, in key order. Reads only row groups that may hold them."""
        wanted = list(columns if columns is not None else self.manifest_columns)
        ordered = sorted(set(ids))
        pieces = []
        for file in self.data_files:
            for group in _groups_with(self, file, ordered):
                piece = read_group(self, file, group, wanted)
                piece = piece.filter(pc.is_in(piece[self.dataset.key[0]], value_set=pa.array(ordered, pa.string())))
                pieces.append(self.live(piece, file))
        if not pieces:
            names = dict.fromkeys([*wanted, *self.dataset.key] if extras else wanted)
            extra = [pa.field(KEY, pa.string()), pa.field(HASH, pa.binary(16)), pa.field(SEQ, pa.int64())]
            columns = [self.dataset.schema.field(n) for n in names]
            return pa.schema([*columns, *(extra if extras else [])]).empty_table()
        found = sorted_by_key(pa.concat_tables(pieces))
        return found if extras else found.select(wanted)

    def check(self) -> None:
        """Re-hash every file. Raises Terminal naming the first that differs from the manifest."""
        import hashlib

        for file in self.manifest.files:
            try:
                found = hashlib.sha256(self.storage.read(file.path)).hexdigest()
            except FileNotFoundError:
                found = "nothing"
            if found != file.sha256:
                raise Terminal(f"{file.path} of {self.manifest.version} is damaged: SHA-256 {found} ≠ {file.sha256}")


def load_deletes(version: Version, files: Iterable[DataFile]) -> pa.Table:
    pieces = []
    for file in files:
        with _reading(version, file):
            table = version.parquet(file).read()
        pieces.append(table.append_column("seq", pa.array(np.full(table.num_rows, file.seq), pa.int64())))
    return pa.concat_tables(pieces) if pieces else pa.schema([*DELETE_SCHEMA, ("seq", pa.int64())]).empty_table()


DELETE_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("reason", pa.string()),
        ("run", pa.string()),
        ("row_hash", pa.binary(16)),
        ("row_seq", pa.int64()),
    ]
)


@contextmanager
def _reading(version: Version, file: DataFile) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise Terminal(f"{file.path} of {version.manifest.version} is damaged: {error}; roll back") from error


def read_group(version: Version, file: DataFile, group: int, columns: Sequence[str]) -> pa.Table:
    """A row group with KEY, HASH and SEQ. A damaged file raises Terminal."""
    physical = list(dict.fromkeys([*columns, *version.dataset.key, HASH]))
    with _reading(version, file):
        table = version.parquet(file).read_row_group(group, columns=physical, use_threads=False)
    for name in physical:
        if name not in table.column_names:  # the file is older than the column
            table = table.append_column(name, pa.nulls(table.num_rows, version.dataset.schema.field(name).type))
    table = table.append_column(KEY, key_of(table, version.dataset.key))
    table = table.append_column(SEQ, pa.array(np.full(table.num_rows, file.seq), pa.int64()))
    return table.select(list(dict.fromkeys([*columns, *version.dataset.key, KEY, HASH, SEQ])))


def _groups_with(version: Version, file: DataFile, ids: Sequence[str]) -> Iterator[int]:
    """Row groups whose range of the first key column holds one of the sorted `ids`."""
    from bisect import bisect_left

    first = version.dataset.key[0]
    if not ids or ids[-1] < file.min_key.split("\0")[0] or ids[0] > file.max_key.split("\0")[0]:
        return
    parquet = version.parquet(file)
    column = parquet.schema_arrow.get_field_index(first)
    for group in range(parquet.num_row_groups):
        stats = parquet.metadata.row_group(group).column(column).statistics
        at = bisect_left(ids, stats.min)
        if at < len(ids) and ids[at] <= stats.max:
            yield group


class _Cursor:
    """A file's live rows not yet merged: what is loaded, and which row group comes next."""

    def __init__(self, version: Version, file: DataFile, columns: Sequence[str]) -> None:
        self.version, self.file, self.columns = version, file, columns
        self.groups = version.parquet(file).num_row_groups
        self.next = 0
        self.rows: pa.Table | None = None

    def fill(self) -> bool:
        """Load until there is a row; False at the end."""
        while (self.rows is None or not self.rows.num_rows) and self.next < self.groups:
            piece = read_group(self.version, self.file, self.next, self.columns)
            self.next += 1
            self.rows = self.version.live(piece, self.file)
        return bool(self.rows is not None and self.rows.num_rows)

    @property
    def last(self) -> str:
        assert self.rows is not None
        return self.rows[KEY][-1].as_py()

    @property
    def more(self) -> bool:
        return self.next < self.groups

    def take(self, bound: str) -> pa.Table:
        """Cut off and return the rows up to and including `bound`."""
        assert self.rows is not None
        count = self.rows.num_rows if self.last <= bound else pc.sum(pc.less_equal(self.rows[KEY], bound)).as_py()
        taken, self.rows = self.rows.slice(0, count), self.rows.slice(count)
        return taken


def _merge(version: Version, files: Sequence[DataFile], columns: Sequence[str]) -> Iterator[pa.Table]:
    waiting = sorted(files, key=lambda f: (f.min_key, f.path))
    active: list[_Cursor] = []
    while True:
        active = [c for c in active if c.fill()]
        if not active and not waiting:
            return
        bound = _bound(active)
        while waiting and (bound is None or waiting[0].min_key <= bound):
            cursor = _Cursor(version, waiting.pop(0), columns)
            if cursor.fill():
                active.append(cursor)
            bound = _bound(active)
        if bound is None:
            return
        pieces = [p for c in active if (p := c.take(bound)).num_rows]
        if len(pieces) > 1:
            yield sorted_by_key(pa.concat_tables(pieces))
        elif pieces:
            yield pieces[0]


def _bound(active: Sequence[_Cursor]) -> str | None:
    """Up to which key everything is loaded: no file's next row group can hold a smaller one."""
    open_ends = [c.last for c in active if c.more]
    if open_ends:
        return min(open_ends)
    return max((c.last for c in active), default=None)


def changes(old: Version | None, new: Version) -> Changes:
    """What differs from `old` to `new`; costs what was written since where `new` was built upon `old`."""
    if old is None:
        keys = [piece[KEY].combine_chunks() for piece in new.scan([], extras=True)]
        return Changes(_concat(keys), _strings([]), _strings([]))
    return _changes_by_files(old, new) if _built_upon(new, old) else _changes_by_scan(old, new)


def _built_upon(new: Version, old: Version) -> bool:
    """Whether `new` has the files of `old` and, beside them, only younger ones."""
    known = set(old.manifest.files)
    own = set(new.manifest.files) - known
    return known <= set(new.manifest.files) and all(f.seq > old.manifest.last_seq for f in own)


def fresh_rows(
    old: Version, new: Version, delta: Changes, columns: Sequence[str] | None = None, at_once: int = 2048
) -> Iterator[pa.Table]:
    """The added and changed rows of `new` in key order; reads only what was written since `old` where it can."""
    keys = _sorted(pa.concat_arrays([delta.added, delta.changed]))
    wanted = list(columns if columns is not None else new.manifest_columns)
    if _built_upon(new, old):
        pieces = new.scan(wanted, since=old.manifest.last_seq, extras=True)
    else:
        ids = list(dict.fromkeys(key.partition("\0")[0] for key in keys.to_pylist()))
        pieces = (new.get(ids[at : at + at_once], wanted, extras=True) for at in range(0, len(ids), at_once))
    for piece in pieces:
        found = piece.filter(pc.is_in(piece[KEY], value_set=keys))
        if found.num_rows:
            yield found.select(wanted)


def _changes_by_files(old: Version, new: Version) -> Changes:
    since = old.manifest.last_seq
    fresh = load_deletes(new, [f for f in new.manifest.files if f.kind == "delete" and f.seq > since])
    hidden = fresh.filter(pc.less_equal(fresh["row_seq"], since))  # rows that `old` could see
    live = [p.select([KEY, HASH]) for p in new.scan([], since=since, extras=True)]
    return _compare(
        hidden.select(["key", "row_hash"]).rename_columns([KEY, HASH]),
        pa.concat_tables(live) if live else pa.schema([(KEY, pa.string()), (HASH, pa.binary(16))]).empty_table(),
    )


def _compare(old: pa.Table, new: pa.Table) -> Changes:
    """Keys of two tables (KEY, HASH) with unique keys."""
    old_keys, new_keys = old[KEY].combine_chunks(), new[KEY].combine_chunks()
    at = pc.index_in(new_keys, value_set=old_keys)
    before = old[HASH].combine_chunks().take(at)
    differs = pc.not_equal(before, new[HASH].combine_chunks()).fill_null(False)
    return Changes(
        _sorted(new_keys.filter(at.is_null())),
        _sorted(new_keys.filter(differs)),
        _sorted(old_keys.filter(pc.invert(pc.is_in(old_keys, value_set=new_keys)))),
    )


def _changes_by_scan(old: Version, new: Version) -> Changes:
    parts = [_compare(a, b) for a, b in _side_by_side(old, new)]
    return Changes(*(_concat([getattr(p, kind) for p in parts]) for kind in ("added", "changed", "removed")))


def _side_by_side(old: Version, new: Version) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Aligned pieces (KEY, HASH) of two versions: equal keys are always in the same pair."""
    empty = pa.schema([(KEY, pa.string()), (HASH, pa.binary(16))]).empty_table()
    streams = [(p.select([KEY, HASH]) for p in v.scan([], extras=True)) for v in (old, new)]
    held = [next(s, empty) for s in streams]
    while held[0].num_rows or held[1].num_rows:
        bound = min(t[KEY][-1].as_py() for t in held if t.num_rows)
        cut = [pc.sum(pc.less_equal(t[KEY], bound)).as_py() or 0 for t in held]
        yield held[0].slice(0, cut[0]), held[1].slice(0, cut[1])
        rest = [t.slice(n) for t, n in zip(held, cut, strict=True)]
        held = [r if r.num_rows else next(s, empty) for r, s in zip(rest, streams, strict=True)]


def _strings(values: Sequence[str]) -> pa.Array:
    return pa.array(values, pa.string())


def _sorted(keys: pa.Array) -> pa.Array:
    return keys.take(pc.sort_indices(keys))


def _concat(arrays: Sequence[pa.Array]) -> pa.Array:
    return pa.concat_arrays(arrays) if arrays else _strings([])
