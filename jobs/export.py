"""Writing a version out of the lake as JSONL or Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.datasets import Version
from jobs.errors import UsageError
from jobs.inspection import beside
from jobs.plainfiles import compressed, plain, whole
from jobs.snapshots import Published
from jobs.storage import Storage
from pipelines.extract.resources import Form, put_out

_INTERNAL = {"edits", "findings", "signals", "signature", "body"}
_SPANS = {"edits", "findings", "blocks"}  # of the text with its keys


@dataclass(frozen=True)
class Keys:
    """What becomes of media keys, and the `documents` whose resource table says what they stand for."""

    form: Form = "keys"
    documents: Version | None = None

    def put_out(self, piece: pa.Table) -> pa.Table:
        """The rows with their texts in this form; columns doc_id and text."""
        if self.form == "keys" or "text" not in piece.column_names:
            return piece
        held = pc.fill_null(pc.match_substring(piece["text"], "⟦"), False)
        if not pc.any(held).as_py():
            return piece
        rows = piece.filter(held)
        media: dict[str, Any] = {}
        if self.documents is not None:
            found = self.documents.get(rows["doc_id"].to_pylist(), ["doc_id", "media"])
            media = dict(zip(found["doc_id"].to_pylist(), found["media"].to_pylist(), strict=True))
        ids, texts = rows["doc_id"].to_pylist(), rows["text"].to_pylist()
        new = [put_out(text, media.get(doc), self.form) for doc, text in zip(ids, texts, strict=True)]
        at = piece.schema.get_field_index("text")
        text = pc.replace_with_mask(piece["text"].combine_chunks(), held.combine_chunks(), pa.array(new, pa.string()))
        return piece.set_column(at, "text", text)


def keys_of(published: Published, storage: Storage, version: Version, form: Form) -> Keys:
    """Keys in the documents of the version's own snapshot. Raises UsageError where there are none to look into."""
    if form != "markdown" or version.manifest.dataset == "documents":
        return Keys(form, version if form == "markdown" else None)
    entry = beside(published, storage, version, "documents", None)
    if entry is None:
        raise UsageError(f"no documents lie beside {version.manifest.version}, which say what its media keys stand for")
    return Keys(form, Version.load(storage, entry.manifest))


def export(
    version: Version,
    target: Path | None,
    form: str,
    columns: Sequence[str] | None,
    stdout: IO[bytes],
    keys: Keys = Keys(),
) -> int:
    """Stream the version to `target` (or `stdout`); returns the rows written. The file appears when it is whole."""
    left_out = _INTERNAL if keys.form == "keys" else _INTERNAL | _SPANS
    chosen = list(columns or (c for c in version.manifest_columns if c not in left_out))
    unknown = [c for c in chosen if c not in version.manifest_columns]
    if unknown:
        raise UsageError(
            f"{version.manifest.dataset} has no column {unknown[0]!r}; it has {', '.join(version.manifest_columns)}"
        )
    spans = [c for c in chosen if c in _SPANS]
    if spans and keys.form != "keys":
        raise UsageError(
            f"{spans[0]} point into the text with its media keys; leave it out or export with --media keys"
        )
    if form == "parquet":
        assert target is not None
        return _parquet(version, target, chosen, keys)
    if target is None:
        return _jsonl(version, stdout, chosen, keys)
    with whole(target) as aside, compressed(aside, target.suffix == ".gz") as out:
        return _jsonl(version, out, chosen, keys)


def _pieces(version: Version, columns: Sequence[str], keys: Keys) -> Iterator[pa.Table]:
    needed = columns if keys.form == "keys" or "doc_id" in columns else ["doc_id", *columns]
    for piece in version.scan(needed):
        yield keys.put_out(piece).select(list(columns))


def _jsonl(version: Version, out: Any, columns: Sequence[str], keys: Keys) -> int:
    rows = 0
    for piece in _pieces(version, columns, keys):
        out.write(
            b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE, default=plain) for row in piece.to_pylist())
        )
        rows += piece.num_rows
    return rows


def _parquet(version: Version, target: Path, columns: Sequence[str], keys: Keys) -> int:
    rows = 0
    writer: pq.ParquetWriter | None = None
    schema = version.table(columns).schema if not version.rows else None
    with whole(target) as aside:
        for piece in _pieces(version, columns, keys):
            writer = writer or pq.ParquetWriter(aside, piece.schema, compression="zstd")
            writer.write_table(piece)
            rows += piece.num_rows
        if writer is None:
            writer = pq.ParquetWriter(aside, schema, compression="zstd")
        writer.close()
    return rows
