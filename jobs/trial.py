"""Trying a stage on a plain file: the pipeline alone, no lake, no run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.components import available
from jobs.config import Config
from jobs.engines.base import Task, Worker
from jobs.errors import UsageError
from jobs.plainfiles import Malformed, Rows, read_rows, write_rows
from pipelines.stage import Context, Emitted, rejects

STAGES = {
    "extract": "pipelines.extract.stage:STAGE",
    "clean": "pipelines.clean.stage:STAGE",
    "scrub": "pipelines.pii.stage:STAGE",
}
BATCH_ROWS = 256
_STRINGS = ("url", "lang", "html", "text", "content_type")
_REJECTS = pa.schema(
    [
        ("id", pa.string()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("detail", pa.string()),
        ("kept_id", pa.string()),
        ("similarity", pa.float64()),
    ]
)
_REJECT_FIELDS = ("stage", "rule", "value", "threshold", "detail", "kept_id", "similarity")


def trial(
    config: Config, stage: str, source: Path, output: Path | None, rejected: Path | None, *, with_edits: bool = False
) -> dict[str, Any]:
    """Run `stage` over the rows of `source`; returns counts: in, out, rejected, rules, warning.

    Every row ends in `output` or in `rejected`; a row that cannot be read becomes a reject of rule `malformed_row`,
    a file that ends too early one of rule `truncated_input`. Raises UsageError for files that cannot be.
    """
    if output is not None and rejected is not None and output.resolve() == rejected.resolve():
        raise UsageError(f"{output} cannot hold both the rows that stay and the rejects; name two files")
    if rejected is not None and rejected.resolve() == source.resolve():
        raise UsageError(f"{rejected} is the input; rejects written there would replace it")
    run = _deduplicating(config) if stage == "dedup" else _mapping(config, stage)
    rules: Counter[str] = Counter()
    counts = {"in": 0, "out": 0, "rejected": 0}
    warning = ""
    with ExitStack() as files:
        write = files.enter_context(write_rows(output))
        refuse = files.enter_context(write_rows(rejected, _REJECTS))

        def stay(row: dict[str, Any]) -> None:
            counts["out"] += 1
            write(row)

        for rows, bad in _batches(source, None if stage == "dedup" else BATCH_ROWS, stage == "extract"):
            counts["in"] += len(rows) + len(bad)
            for row in run(rows, stay, with_edits) if rows else ():
                rules[row["rule"]] += 1
                counts["rejected"] += 1
                refuse(row)
            for malformed in bad:
                rules[malformed.rule] += 1
                counts["rejected"] += 1
                refuse(
                    {
                        "id": malformed.id,
                        "stage": stage,
                        "rule": malformed.rule,
                        "value": None,
                        "threshold": None,
                        "detail": f"line {malformed.line}: {malformed.detail}",
                    }
                )
                if malformed.rule == "truncated_input":
                    warning = f"{source}: the file ends too early after line {malformed.line}: {malformed.detail}"
    return {"stage": stage, **counts, "rules": dict(rules.most_common()), "warning": warning}


def _batches(source: Path, size: int | None, pages: bool) -> Iterator[tuple[list[dict[str, Any]], list[Malformed]]]:
    rows: list[dict[str, Any]] = []
    bad: list[Malformed] = []
    for found in read_rows(source, "page" if pages else "text"):
        if isinstance(found, Malformed):
            bad.append(found)
        else:
            rows.append(found)
        if size is not None and len(rows) + len(bad) >= size:
            yield rows, bad
            rows, bad = [], []
    if rows or bad:
        yield rows, bad


Runner = Callable[[list[dict[str, Any]], Rows, bool], Iterator[dict[str, Any]]]


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """The batch with a `doc_id` per position, since the ids of other people's files need not be unique."""
    columns: dict[str, pa.Array] = {"doc_id": pa.array([f"{i:032x}" for i in range(len(rows))], pa.string())}
    for name in _STRINGS:
        if any(row.get(name) is not None for row in rows):
            columns[name] = pa.array([row.get(name) for row in rows], pa.string())
    bodies = [row.get("body") for row in rows]
    if any(isinstance(body, bytes) for body in bodies):  # in a file of texts a `body` may be anything
        columns["body"] = pa.array([body if isinstance(body, bytes) else None for body in bodies], pa.binary())
    return pa.table(columns)


def _mapping(config: Config, stage: str) -> Runner:
    params = config.section(stage)
    key = getattr(params, "hash_key", "")
    worker = Worker(Task(STAGES[stage], Context(params, available(config), {key: config.secret(key)} if key else {})))
    needs = worker.stage.needs

    def run(rows: list[dict[str, Any]], write: Rows, with_edits: bool) -> Iterator[dict[str, Any]]:
        table = _table(rows)
        for name in needs:
            if name not in table.column_names:
                table = table.append_column(
                    name, pa.nulls(table.num_rows, pa.binary() if name == "body" else pa.string())
                )
        emitted = worker(table)
        yield from _split(rows, emitted, write, with_edits)

    return run


def _split(rows: list[dict[str, Any]], emitted: Emitted, write: Rows, with_edits: bool) -> Iterator[dict[str, Any]]:
    for found in emitted.rows.to_pylist():
        source = rows[int(found.pop("doc_id"), 16)]
        if not with_edits:
            found.pop("edits", None)
        write({k: v for k, v in {**source, **found}.items() if k not in ("html", "body")})
    for found in emitted.rejects.to_pylist():
        yield _reject(rows, found)


def _reject(rows: list[dict[str, Any]], found: dict[str, Any]) -> dict[str, Any]:
    out = {"id": rows[int(found["doc_id"], 16)]["id"], **{name: found[name] for name in _REJECT_FIELDS}}
    if found["kept_id"] is None:
        out.pop("kept_id"), out.pop("similarity")
    else:
        out["kept_id"] = rows[int(found["kept_id"], 16)]["id"]
    return out


def _deduplicating(config: Config) -> Runner:
    from pipelines.dedup.stage import deduplicate

    params = config.section("dedup")

    def run(rows: list[dict[str, Any]], write: Rows, with_edits: bool) -> Iterator[dict[str, Any]]:
        table = _table(rows)
        found = deduplicate(table.rename_columns(["id", *table.column_names[1:]]), params)
        for row, stays in zip(rows, found.kept, strict=True):
            if stays:
                write(row)
        goes = [at for at, stays in enumerate(found.kept) if not stays]
        refused = rejects("dedup", table, goes, found.verdicts)
        for row in refused.to_pylist():
            yield _reject(rows, row)

    return run
