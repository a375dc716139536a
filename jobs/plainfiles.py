"""Other people's files: JSONL (also gzipped) and Parquet in, the same out, and a place for every broken row."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.errors import UsageError
from pipelines.acquire.router import HEAD_BYTES

Rows = Callable[[dict[str, Any]], None]
MAX_LINE = 256 << 20  # bytes; a longer line is no row of text
WRITTEN = (".jsonl", ".ndjson", ".parquet")  # the first two also gzipped
PARQUET_ROWS = 1024  # rows held before they are written to a Parquet file


@dataclass(frozen=True)
class Malformed:
    """A row that cannot be read. `detail` names what is wrong, never what the row says."""

    id: str
    rule: str
    line: int
    detail: str


def read_rows(path: Path, kind: str) -> Iterator[dict[str, Any] | Malformed]:
    """Rows of a `text` file (`id`, `text`) or a `page` file (`id`, and `html` or base64 `body`), `body` decoded."""
    with open_ahead(path) as handle:
        yield from rows_of(handle, path, kind)


def open_ahead(path: Path) -> io.BufferedReader:
    """The file, open to be read once; its beginning can be peeked at, even that of a pipe."""
    return cast(io.BufferedReader, path.open("rb", buffering=HEAD_BYTES))


def head_of(handle: io.BufferedReader) -> bytes:
    """The first bytes of what `open_ahead` opened; they stay to be read."""
    return handle.peek(HEAD_BYTES)[:HEAD_BYTES]


def rows_of(handle: io.BufferedReader, path: Path, kind: str) -> Iterator[dict[str, Any] | Malformed]:
    """read_rows() of a file that is open already."""
    is_parquet = path.suffix == ".parquet" or head_of(handle).startswith(b"PAR1")
    for line, found in _parquet(path) if is_parquet else _jsonl(handle):
        yield found if isinstance(found, Malformed) else _checked(found, kind, line)


def _jsonl(handle: io.BufferedReader) -> Iterator[tuple[int, dict[str, Any] | Malformed]]:
    line = 0
    with _unzipped(handle) as lines:
        while True:
            try:
                raw = lines.readline(MAX_LINE)
            except (EOFError, OSError, zlib.error) as error:
                yield line, Malformed(f"line:{line}", "truncated_input", line, str(error) or type(error).__name__)
                return
            if not raw:
                return
            line += 1
            if len(raw) >= MAX_LINE and not raw.endswith(b"\n"):
                while raw and not raw.endswith(b"\n"):
                    raw = lines.readline(MAX_LINE)
                yield line, Malformed(f"line:{line}", "malformed_row", line, f"longer than {MAX_LINE} bytes")
            elif raw.strip():
                yield line, _parsed(raw, line)


@contextmanager
def _unzipped(handle: io.BufferedReader) -> Iterator[IO[bytes]]:
    """The file's bytes, unzipped where they begin like gzip's."""
    if handle.peek(2)[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=handle) as unzipped:
            yield unzipped  # type: ignore[misc]
    else:
        yield handle


def _parsed(raw: bytes, line: int) -> dict[str, Any] | Malformed:
    try:
        value = json.loads(raw.decode("utf-8-sig" if line == 1 else "utf-8"))
    except UnicodeDecodeError:
        return Malformed(f"line:{line}", "malformed_row", line, "not UTF-8; convert the file first (iconv)")
    except RecursionError:
        return Malformed(f"line:{line}", "malformed_row", line, "not JSON: nested too deeply")
    except ValueError as error:
        return Malformed(f"line:{line}", "malformed_row", line, f"not JSON: {getattr(error, 'msg', 'a huge number')}")
    if not isinstance(value, dict):
        return Malformed(f"line:{line}", "malformed_row", line, "not a JSON object")
    return value


def parquet_columns(path: Path) -> list[str]:
    """The column names of a Parquet file. Raises UsageError where it is none."""
    return list(_parquet_file(path).schema_arrow.names)


def _parquet_file(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"{path} cannot be read as Parquet: {error}") from error


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any] | Malformed]]:
    file = _parquet_file(path)
    line = 0
    try:
        for batch in file.iter_batches(256):
            for row in _parquet_batch(batch, line + 1):
                line += 1
                yield line, row
    except (pa.ArrowInvalid, OSError) as error:
        yield line, Malformed(f"line:{line}", "truncated_input", line, type(error).__name__)


def _parquet_batch(batch: pa.RecordBatch, line: int) -> list[dict[str, Any] | Malformed]:
    try:
        return batch.to_pylist()
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            return [Malformed(f"line:{line}", "malformed_row", line, "not UTF-8")]
        return [row for at in range(batch.num_rows) for row in _parquet_batch(batch.slice(at, 1), line + at)]


def _checked(row: dict[str, Any], kind: str, line: int) -> dict[str, Any] | Malformed:
    """The row with an `id` as text, valid Unicode, and `body` as bytes."""
    if row.get("id") is None:
        return Malformed(f"line:{line}", "malformed_row", line, "no `id`")
    row = {**row, "id": _repaired(row["id"]) if isinstance(row["id"], str) else json.dumps(row["id"], default=plain)}

    def broken(what: str) -> Malformed:
        return Malformed(row["id"], "malformed_row", line, what)

    for name in ("text", "html", "url", "lang", "content_type"):
        value = row.get(name)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if value is not None and not isinstance(value, str):
            return broken(f"`{name}` is not text")
        if value is not None:
            row[name] = _repaired(value)
    if kind == "text":
        return row if row.get("text") is not None else broken("no `text`")
    if row.get("body") is None:
        return row if row.get("html") is not None else broken("neither `html` nor `body`")
    if isinstance(row["body"], bytes):
        return row
    try:
        row["body"] = base64.b64decode(row["body"], validate=True)
    except (binascii.Error, ValueError, TypeError):
        return broken("`body` is not base64")
    return row


def _repaired(text: str) -> str:
    """Lone surrogates, which JSON can spell but no encoding can hold, as U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def plain(value: Any) -> Any:
    """What JSON lacks, as text: bytes in base64, anything else as Python writes it."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


@contextmanager
def write_rows(path: Path | None, schema: pa.Schema | None = None) -> Iterator[Rows]:
    """A function that writes one row; the file appears when all are written. None writes nowhere.

    A Parquet file has the columns of `schema`, or those of the first rows; UsageError where a later row does not fit,
    and for a name that promises another format.
    """
    if path is None:
        yield lambda row: None
        return
    _check_name(path)
    with whole(path) as aside:
        if path.suffix == ".parquet":
            with _parquet_rows(aside, schema) as write:
                yield write
        else:
            with compressed(aside, path.suffix == ".gz") as out:
                yield lambda row: out.write(_line(row)) and None


def _check_name(path: Path) -> None:
    """Raises UsageError for a suffix of a format that is not written. A pipe or device may have any name."""
    if path.exists() and not path.is_file():
        return
    suffix = Path(path.name.removesuffix(".gz")).suffix
    if suffix not in ("", *WRITTEN) or (suffix == ".parquet" and path.suffix == ".gz"):
        raise UsageError(f"{path}: {path.suffix} is not written; use .jsonl, .jsonl.gz or .parquet")


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A name beside `target` that becomes it at the end and vanishes on failure.

    A link stays and the file behind it is replaced. What is no file (a pipe, a device) is written to as it is.
    """
    if target.exists() and not target.is_file():
        yield target
        return
    target = target.resolve()
    aside = target.with_name(f".{target.name}.part")
    try:
        yield aside
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def compressed(path: Path, zipped: bool) -> Any:
    """A file to write bytes to, gzipped on demand; to be used as a context manager."""
    return gzip.open(path, "wb", 6) if zipped else path.open("wb")


def _line(row: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE, default=plain)
    except TypeError:  # lone surrogates or huge numbers in fields that pass through
        return json.dumps(row, default=plain).encode() + b"\n"


@contextmanager
def _parquet_rows(path: Path, schema: pa.Schema | None) -> Iterator[Rows]:
    held: list[dict[str, Any]] = []
    writer: list[pq.ParquetWriter] = []

    def flush() -> None:
        table = _table(held, writer[0].schema if writer else schema)
        if not writer:
            writer.append(pq.ParquetWriter(path, table.schema, compression="zstd"))
        writer[0].write_table(table)
        held.clear()

    def write(row: dict[str, Any]) -> None:
        held.append(row)
        if len(held) >= PARQUET_ROWS:
            flush()

    try:
        yield write
        if held or not writer:
            flush()
    finally:
        if writer:
            writer[0].close()


def _table(rows: list[dict[str, Any]], schema: pa.Schema | None) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    if schema is not None and (more := [name for name in names if name not in schema.names]):
        raise UsageError(f"column {more[0]!r} is missing in the first {PARQUET_ROWS} rows; write .jsonl instead")
    columns = {
        name: _column(name, [row.get(name) for row in rows], schema.field(name).type if schema is not None else None)
        for name in (schema.names if schema is not None else names)
    }
    return pa.table(columns, schema=schema)


def _column(name: str, values: list[Any], kind: pa.DataType | None) -> pa.Array:
    try:
        found = pa.array(values, kind)
    except (
        pa.ArrowInvalid,
        pa.ArrowTypeError,
        pa.ArrowNotImplementedError,
        OverflowError,
        UnicodeEncodeError,
    ) as error:
        raise UsageError(f"column {name!r} has values that no one Parquet type holds; write .jsonl instead") from error
    return found.cast(pa.string()) if pa.types.is_null(found.type) else found
