"""Items on their way: written to disk as they are read, and read back once it is known which of them count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

ROWS, BYTES = 500, 32_000_000  # of one batch: whatever is reached first ends it

SCHEMA = pa.schema(
    [
        ("seq", pa.int64()),
        ("doc_id", pa.string()),
        ("source", pa.string()),
        ("disposition", pa.string()),  # emitted | unchanged | retracted | rejected | damaged
        ("requested_url", pa.string()),
        ("url", pa.string()),
        ("final_url", pa.string()),
        ("hops", pa.list_(pa.string())),
        ("status", pa.int64()),
        ("content_type", pa.string()),
        ("authorisation", pa.string()),
        ("fetched_at", pa.timestamp("us", "UTC")),
        ("body_hash", pa.string()),
        ("body_bytes", pa.int64()),
        ("body", pa.binary()),  # null where it is the one that is stored already
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("detail", pa.string()),
    ]
)


class Spool:
    """A scratch file of rows of SCHEMA: append to it, then read it back in the same order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = pa.OSFile(str(path), "wb")
        self._out = pa.ipc.new_stream(self._file, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd"))
        self._held: list[dict[str, Any]] = []
        self._size = 0

    def append(self, row: dict[str, Any]) -> None:
        self._held.append(row)
        self._size += len(row.get("body") or b"")
        if len(self._held) >= ROWS or self._size >= BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            self._out.write_table(pa.Table.from_pylist(self._held, schema=SCHEMA))
        self._held, self._size = [], 0

    def batches(self) -> Iterator[pa.Table]:
        """Everything that was appended; nothing can be appended any more."""
        self._flush()
        self._out.close()
        self._file.close()
        with pa.OSFile(str(self._path), "rb") as file, pa.ipc.open_stream(file) as rows:
            for batch in rows:
                yield pa.Table.from_batches([batch])
