"""Parquet and Arrow files: one record per row, nested columns as they are, pictures and other bytes left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.acquire.items import Damaged, Item, Refused
from pipelines.acquire.records import BadRow, Row, items
from pipelines.params import SourceParams

BATCH_BYTES = 32_000_000  # of a batch, by the average row of its row group
REPEATED_BYTES = 100_000_000  # of a batch, if each row repeated the largest value that a dictionary may hold
MAX_BATCH_ROWS = 4_096
MAX_GROUP_BYTES = 2_000_000_000  # of a row group, unpacked
MAX_RATIO, RATIO_FROM = 5_000, 1_000_000_000  # a row group that unpacks to more than this is a bomb
STEP = 16  # rows that are Python objects at one time
_STREAM = b"\xff\xff\xff\xff"


def read(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """The rows of a file as items."""
    head = stream.read(4)
    stream.seek(0)
    rows = _parquet(stream) if head in (b"PAR1", b"PARE") else _arrow(stream, head == _STREAM)
    yield from items(_guarded(rows), name, source)


def _guarded(batches: Iterator[pa.RecordBatch | BadRow]) -> Iterator[Row | BadRow]:
    """The rows of batches, up to the first that cannot be read."""
    number = 0
    try:
        for batch in batches:
            if isinstance(batch, BadRow):
                yield batch
                return
            batch = _readable(batch)
            for at in range(0, batch.num_rows, STEP):
                for values in batch.slice(at, STEP).to_pylist():
                    number += 1
                    yield Row(number, values)
        if not number:
            yield BadRow(0, "empty_file")
    except Damaged:
        raise
    except Exception as error:  # Arrow's errors, and what Python's own conversions raise
        encrypted = "encrypt" in str(error).lower() or "decrypt" in str(error).lower()
        rule = "encrypted" if encrypted else "unreadable_file"
        yield BadRow(number + 1 if number else 0, rule, detail=type(error).__name__, lost=True)


def _parquet(stream: IO[bytes]) -> Iterator[pa.RecordBatch | BadRow]:
    file = pq.ParquetFile(stream)
    columns = [field.name for field in file.schema_arrow if not _is_bytes(field.type)]
    for group in range(file.num_row_groups):
        meta = file.metadata.row_group(group)
        chunks = [meta.column(at) for at in range(meta.num_columns)]
        packed, unpacked = sum(each.total_compressed_size for each in chunks), meta.total_byte_size
        repeated = sum(each.total_uncompressed_size for each in chunks if _has_dictionary(each))
        if unpacked > MAX_GROUP_BYTES or (unpacked > RATIO_FROM and unpacked > MAX_RATIO * max(packed, 1)):
            yield BadRow(0, "decompression_limit", unpacked, MAX_GROUP_BYTES, f"row group {group}", lost=True)
            return
        average = BATCH_BYTES * max(meta.num_rows, 1) // max(unpacked, 1)
        rows = max(1, min(MAX_BATCH_ROWS, average, REPEATED_BYTES // max(repeated, 1)))
        yield from file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False)


def _arrow(stream: IO[bytes], is_stream: bool) -> Iterator[pa.RecordBatch]:
    if is_stream:
        yield from pa.ipc.open_stream(stream)
    else:
        file = pa.ipc.open_file(stream)
        for at in range(file.num_record_batches):
            yield file.get_batch(at)


def _has_dictionary(chunk: pq.ColumnChunkMetaData) -> bool:
    """Whether rows of a column may share one stored text, so that reading them takes more than their place says."""
    return chunk.physical_type == "BYTE_ARRAY" and any("DICTIONARY" in each for each in chunk.encodings)


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _readable(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.select([field.name for field in batch.schema if not _is_bytes(field.type)])
