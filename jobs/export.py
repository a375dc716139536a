"""Writing a version out of the lake as JSONL or Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow.parquet as pq

from jobs.datasets import Version
from jobs.errors import UsageError
from jobs.plainfiles import compressed, plain, whole

_INTERNAL = {"edits", "findings", "signals", "signature", "body"}


def export(version: Version, target: Path | None, form: str, columns: Sequence[str] | None, stdout: IO[bytes]) -> int:
    """Stream the version to `target` (or `stdout`); returns the rows written. The file appears when it is whole."""
    chosen = list(columns or (c for c in version.manifest_columns if c not in _INTERNAL))
    unknown = [c for c in chosen if c not in version.manifest_columns]
    if unknown:
        raise UsageError(
            f"{version.manifest.dataset} has no column {unknown[0]!r}; it has {', '.join(version.manifest_columns)}"
        )
    if form == "parquet":
        assert target is not None
        return _parquet(version, target, chosen)
    if target is None:
        return _jsonl(version, stdout, chosen)
    with whole(target) as aside, compressed(aside, target.suffix == ".gz") as out:
        return _jsonl(version, out, chosen)


def _jsonl(version: Version, out: Any, columns: Sequence[str]) -> int:
    rows = 0
    for piece in version.scan(columns):
        out.write(
            b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE, default=plain) for row in piece.to_pylist())
        )
        rows += piece.num_rows
    return rows


def _parquet(version: Version, target: Path, columns: Sequence[str]) -> int:
    rows = 0
    writer: pq.ParquetWriter | None = None
    schema = version.table(columns).schema if not version.rows else None
    with whole(target) as aside:
        for piece in version.scan(columns):
            writer = writer or pq.ParquetWriter(aside, piece.schema, compression="zstd")
            writer.write_table(piece)
            rows += piece.num_rows
        if writer is None:
            writer = pq.ParquetWriter(aside, schema, compression="zstd")
        writer.close()
    return rows
