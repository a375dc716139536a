"""Trying a stage on a plain file: the pipeline alone, no lake, no run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.acquire.unpack import unpacked
from jobs.components import available
from jobs.config import Config
from jobs.engines.base import Task, Worker
from jobs.errors import UsageError
from jobs.plainfiles import Malformed, Rows, head_of, open_ahead, parquet_columns, rows_of, write_rows
from pipelines.acquire.items import Item, Refused
from pipelines.acquire.router import peeled
from pipelines.params import SourceParams
from pipelines.stage import Context, Emitted, rejects

STAGES = {
    "extract": "pipelines.extract.stage:STAGE",
    "clean": "pipelines.clean.stage:STAGE",
    "scrub": "pipelines.pii.stage:STAGE",
}
BATCH_ROWS, BATCH_BYTES = 256, 64_000_000
ROWS = ("jsonl", "json", "parquet")  # formats of rows
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
    a file that ends too early one of rule `truncated_input`. `extract` takes a file of any format that a source may
    hold; what is no document in it is a reject too. Raises UsageError for files that cannot be.
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

        for rows, bad in _batches(_input(source, stage), None if stage == "dedup" else BATCH_ROWS):
            counts["in"] += len(rows) + len(bad)
            for row in run(rows, stay, with_edits) if rows else ():
                rules[row["rule"]] += 1
                counts["rejected"] += 1
                refuse(row)
            for unread in bad:
                rules[unread.rule] += 1
                counts["rejected"] += 1
                refuse(_refusal(unread, stage))
                if isinstance(unread, Refused):
                    warning = f"{unread.name}: {unread.rule}; more may be lost" if unread.lost else warning
                elif unread.rule == "truncated_input":
                    warning = f"{source}: the file ends too early after line {unread.line}: {unread.detail}"
    return {"stage": stage, **counts, "rules": dict(rules.most_common()), "warning": warning}


def _batches(
    found: Iterator[dict[str, Any] | Malformed | Refused], size: int | None
) -> Iterator[tuple[list[dict[str, Any]], list[Malformed | Refused]]]:
    rows: list[dict[str, Any]] = []
    bad: list[Malformed | Refused] = []
    held = 0
    for each in found:
        if isinstance(each, Malformed | Refused):
            bad.append(each)
        else:
            rows.append(each)
            held += len(each.get("body") or b"") if isinstance(each.get("body"), bytes) else 0
        if size is not None and (len(rows) + len(bad) >= size or held >= BATCH_BYTES):
            yield rows, bad
            rows, bad, held = [], [], 0
    if rows or bad:
        yield rows, bad


def _input(source: Path, stage: str) -> Iterator[dict[str, Any] | Malformed | Refused]:
    """The rows of a file: those it holds, or, for `extract`, one for each document in a file of another format."""
    with open_ahead(source) as handle:
        kind, head = peeled(source.name, head_of(handle))
        if stage != "extract":
            if kind not in (*ROWS, "txt", "unknown"):
                raise UsageError(
                    f"{source} is {kind}; {stage} reads rows with `id` and `text` as JSONL or Parquet, and "
                    f"`nightmill try extract {source} -o texts.jsonl` writes such rows"
                )
            yield from rows_of(handle, source, "text")
        elif kind in ROWS and (not head or _holds_pages(kind, head, source)):
            yield from rows_of(handle, source, "page")
        else:
            for found in unpacked(handle, source.name, SourceParams("file", kind="files", path=str(source))):
                yield _row(found) if isinstance(found, Item) else found


def _holds_pages(kind: str, head: bytes, source: Path) -> bool:
    """Whether rows are pages (`html` or `body`) and no records of their own; a broken first row counts as a page."""
    if kind == "parquet":
        return source.is_file() and bool({"html", "body"} & set(parquet_columns(source)))
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return kind == "jsonl"
    return "html" in row or "body" in row if isinstance(row, dict) else kind == "jsonl"


def _row(item: Item) -> dict[str, Any] | Refused:
    if item.status != 200:
        return Refused(item.name, "http_status", item.status, url=item.url)
    return {"id": item.name, "url": item.url, "content_type": item.content_type, "body": item.body}


def _refusal(bad: Malformed | Refused, stage: str) -> dict[str, Any]:
    """The reject row of what could not be read."""
    row = {"stage": stage, "rule": bad.rule, "value": None, "threshold": None}
    if isinstance(bad, Malformed):
        return {"id": bad.id, **row, "detail": f"line {bad.line}: {bad.detail}"}
    return {"id": bad.name, **row, "value": bad.value, "threshold": bad.threshold, "detail": bad.detail}


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
