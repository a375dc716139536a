"""Reading published versions from Python: batches, rows, and a place to go on from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.datasets import KEY, Version
from jobs.errors import UsageError
from jobs.snapshots import Published
from jobs.storage import storage_at


def load(reference: str, *, lake: str | Path = "lake", columns: Sequence[str] | None = None) -> Loaded:
    """The published version behind `dataset`, `dataset@DIGEST_PREFIX` or `dataset@SNAPSHOT`.

    Raises UsageError for an unknown dataset, version or column.
    """
    published = Published(storage_at(str(lake)))
    return Loaded(published.find(reference), columns)


def gate(reference: str = "corpus", *, lake: str | Path = "lake") -> dict[str, Any]:
    """Whether a published version (as in load(), or a snapshot id) passed its gate on exactly its content.

    Keys: passed, reasons (why not), snapshot, date, content (dataset → digest), gate (the result with every
    expectation). Raises UsageError for an unknown reference.
    """
    from jobs.gates.verdict import check

    return check(storage_at(str(lake)), reference)


class Loaded:
    """A published version, iterated in key order. One iteration at a time; it can be stopped and taken up again."""

    def __init__(self, version: Version, columns: Sequence[str] | None = None) -> None:
        self._version = version
        self._columns = self._known(columns or version.manifest_columns)
        self._behind: str | None = None  # key of the last row that was handed out

    def _known(self, columns: Sequence[str]) -> list[str]:
        unknown = [c for c in columns if c not in self._version.manifest_columns]
        if unknown:
            has = ", ".join(self._version.manifest_columns)
            raise UsageError(f"{self._version.manifest.dataset} has no column {unknown[0]!r}; it has {has}")
        return list(columns)

    @property
    def version(self) -> str:
        return self._version.manifest.version

    @property
    def digest(self) -> str:
        return str(self._version.manifest.digest)

    def __len__(self) -> int:
        return self._version.rows

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([self._version.dataset.schema.field(c) for c in self._columns])

    def batches(self, columns: Sequence[str] | None = None, batch_size: int = 1024) -> Iterator[pa.RecordBatch]:
        """Record batches of at most `batch_size` rows, behind the place of the last one."""
        chosen = self._known(columns or self._columns)
        for piece in self._version.scan(chosen, extras=True):
            if self._behind is not None:
                piece = piece.filter(pc.greater(piece[KEY], self._behind))
            for batch in piece.combine_chunks().to_batches(batch_size):
                self._behind = batch[KEY][-1].as_py()
                yield batch.select(chosen)
        self._behind = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for piece in self._version.scan(self._columns, extras=True):
            if self._behind is not None:
                piece = piece.filter(pc.greater(piece[KEY], self._behind))
            rows = piece.select(self._columns).to_pylist()
            for key, row in zip(piece[KEY].to_pylist(), rows, strict=True):
                self._behind = key
                yield row
        self._behind = None

    def state_dict(self) -> dict[str, Any]:
        """Where the iteration stands; plain data."""
        return {"digest": self.digest, "behind": self._behind}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on behind the place of `state`. Raises UsageError where it belongs to another version."""
        if state.get("digest") != self.digest:
            raise UsageError(f"this place belongs to {state.get('digest')}, not to {self.digest}")
        self._behind = state["behind"]

    def to_huggingface(self) -> Any:
        """A `datasets.IterableDataset` over the rows, from their beginning."""
        try:
            import datasets
        except ImportError:
            raise UsageError("to_huggingface() needs the package `datasets`") from None
        return datasets.IterableDataset.from_generator(
            _rows, gen_kwargs={"version": self._version, "columns": self._columns}
        )


def _rows(version: Version, columns: list[str]) -> Iterator[dict[str, Any]]:
    yield from Loaded(version, columns)
