"""The shape of a map stage: a setup that runs once per worker process, and a pure function over Arrow batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from pipelines.schemas import REJECT

Scope = Literal["row", "causal", "pinned"]

REJECT_SCHEMA = pa.schema([pa.field(name, kind) for name, kind in REJECT])
_NUMBERS = {"value", "threshold", "similarity", "similarity_kept"}
_OWN = {"stage", "rule", "value", "threshold", "detail", "kept_id", "via_id", "similarity", "similarity_kept"}


@dataclass(frozen=True)
class Context:
    """What a stage may see of its surroundings.

    `params` is the stage's own parameter object (pipelines.params), `components` maps names of pinned components
    (model files) to local paths, `secrets` maps names to revealed values and never enters a fingerprint.
    """

    params: Any
    components: Mapping[str, Path] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Emitted:
    """What became of a batch: every input key is in exactly one of the three (law 1).

    `others` (columns: the key, `disposition`) holds keys that lead to no row and no reject: `unchanged`, `superseded`
    by a later capture, or `retracted`. Only stages that fold several rows into one have any.
    """

    rows: pa.Table
    rejects: pa.Table
    others: pa.Table | None = None


@dataclass(frozen=True)
class MapStage:
    """A stage whose output for a row depends on that row (and pinned components) alone.

    `apply` returns the rows that stay (the input's columns, those of `adds` added or replaced) and a reject for each
    of the others. `version` is semantic: raise it whenever the same input would give other output.
    """

    name: str
    version: str
    scope: Scope
    needs: tuple[str, ...]
    adds: tuple[str, ...]
    setup: Callable[[Context], Any]
    apply: Callable[[Any, pa.Table], Emitted]
    components: tuple[str, ...] = ()
    key: tuple[str, ...] = ("doc_id",)


@dataclass(frozen=True)
class Verdict:
    """Why one row does not go on. Numbers are rounded to 6 decimals, so that digests do not hang on the last bit."""

    rule: str
    value: float | None = None
    threshold: float | None = None
    detail: str | None = None
    kept_id: str | None = None
    via_id: str | None = None
    similarity: float | None = None
    similarity_kept: float | None = None


def rejects(stage: str, batch: pa.Table, at: Sequence[int], verdicts: Sequence[Verdict]) -> pa.Table:
    """Reject rows for the rows `at` of `batch`: its common columns (null where it lacks one) and the verdicts."""
    taken = batch.take(pa.array(at, pa.int64()))
    columns = []
    for column in REJECT_SCHEMA:
        if column.name == "stage":
            columns.append(pa.array([stage] * len(verdicts), column.type))
        elif column.name in _OWN:
            values = [getattr(v, column.name) for v in verdicts]
            if column.name in _NUMBERS:
                values = [None if v is None else round(float(v), 6) for v in values]
            columns.append(pa.array(values, column.type))
        elif column.name in taken.column_names:
            columns.append(taken[column.name].combine_chunks().cast(column.type))
        else:
            columns.append(pa.nulls(len(verdicts), column.type))
    return pa.Table.from_arrays(columns, schema=REJECT_SCHEMA)


def replace_columns(table: pa.Table, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    """`table` with `columns` set: replaced in place where they exist, appended otherwise."""
    for name, values in columns.items():
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, values)
        else:
            table = table.append_column(name, values)
    return table
