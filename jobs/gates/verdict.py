"""Holding a suite against figures, and reading the verdict of what is published."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import UsageError
from jobs.gates.engines import BuiltIn, Evaluator
from jobs.gates.suite import BETWEEN, IN_SET, Expectation, Suite
from jobs.snapshots import Published, Snapshot
from jobs.storage import Storage
from pipelines.evaluate.figures import column_of

SHOWN_ROWS = 20
PASSED, FAILED, WARNED, NOT_MEASURED, SKIPPED = "passed", "failed", "warned", "not_measured", "skipped"


@dataclass(frozen=True)
class Seen:
    """A figure as the gate sees it: a finite number, or why there is none. `given`: the profile wrote it as missing."""

    value: float | None
    reason: str = ""
    given: bool = True


def pivot(metrics: pa.Table, dataset: str) -> dict[str, Seen]:
    """The wide row: one entry per figure of `dataset`. Two figures of one name are no figure."""
    row: dict[str, Seen] = {}
    for m in metrics.select(["dataset", "name", "dimension", "value", "reason"]).to_pylist():
        if m["dataset"] != dataset:
            continue
        column = column_of(m["name"] or "", m["dimension"] or "")
        if column in row:
            row[column] = Seen(None, "two figures have this name", given=False)
        elif m["value"] is not None and not math.isfinite(m["value"]):
            row[column] = Seen(None, "it is not a finite number", given=False)
        else:
            row[column] = Seen(m["value"], m["reason"] or "" if m["value"] is None else "", given=bool(m["reason"]))
    return row


def judge(
    metrics: pa.Table, suite: Suite, violations: pa.Table | None = None, engine: Evaluator | None = None
) -> dict[str, Any]:
    """The verdict on rows of METRICS, as plain data. A figure that is missing never passes.

    `results` hold per expectation: id, type, severity, column, observed, reason, expected, status (passed, failed,
    warned, not_measured, skipped), blocks, says, and up to SHOWN_ROWS failing rows from rows of VIOLATIONS.
    """
    engine = engine or BuiltIn()
    row = pivot(metrics, suite.dataset)
    deletions = row.get("deletions_only", Seen(None)).value == 1
    measured = [e for e in suite.expectations if not _skip(e, deletions) and not _unmeasured(e, row)]
    used = sorted({c for e in measured for c in e.columns})
    numbers = {c: v for c in used if (v := row[c].value) is not None}
    holds = dict(zip((e.id for e in measured), engine.evaluate(numbers, measured), strict=True))
    results = [_result(e, row, deletions, holds.get(e.id), violations) for e in suite.expectations]
    return {
        "passed": not any(r["blocks"] for r in results),
        "engine": engine.name,
        "engine_version": engine.version,
        "suite": suite.name,
        "suite_digest": suite.digest,
        "deletions_only": deletions,
        "results": results,
    }


def _skip(expectation: Expectation, deletions: bool) -> bool:
    return deletions and expectation.skip_when == "deletions_only"


def _unmeasured(expectation: Expectation, row: Mapping[str, Seen]) -> dict[str, Seen]:
    absent = Seen(None, "there is no such figure", given=False)
    seen = {c: row.get(c, absent) for c in expectation.columns}
    return {c: s for c, s in seen.items() if s.value is None}


def _result(
    expectation: Expectation,
    row: Mapping[str, Seen],
    deletions: bool,
    holds: bool | None,
    violations: pa.Table | None,
) -> dict[str, Any]:
    missing, critical = _unmeasured(expectation, row), expectation.severity == "critical"
    blocks, reason = False, None
    if _skip(expectation, deletions):
        status, reason = SKIPPED, "the candidate only removes rows"
    elif missing:
        status = NOT_MEASURED
        reason = "; ".join(f"{c}: {s.reason or 'no reason given'}" for c, s in missing.items())
        allowed = expectation.unmeasured == "allow" and all(s.given for s in missing.values())
        blocks = critical and not allowed
    else:
        status = PASSED if holds else FAILED if critical else WARNED
        blocks = status == FAILED
    values = [None if c in missing else row[c].value for c in expectation.columns]
    return {
        "id": expectation.id,
        "type": expectation.type,
        "severity": expectation.severity,
        "column": ", ".join(expectation.columns),
        "observed": values[0] if len(values) == 1 else values,
        "reason": reason,
        "expected": expected(expectation),
        "status": status,
        "blocks": blocks,
        "says": expectation.says,
        "failing": _failing(expectation, violations) if status in (FAILED, WARNED) else [],
    }


def _failing(expectation: Expectation, violations: pa.Table | None) -> list[dict[str, Any]]:
    if violations is None:
        return []
    names = [expectation.violations] if expectation.violations else list(expectation.columns)
    rows = violations.filter(pc.is_in(violations["metric"], value_set=pa.array(names, pa.string())))
    rows = rows.sort_by([("doc_id", "ascending"), ("detail", "ascending")])
    return rows.slice(0, SHOWN_ROWS).select(["doc_id", "value", "detail"]).to_pylist()


def expected(expectation: Expectation) -> str:
    """What is asked of the figure, in a few signs."""
    kwargs = expectation.kwargs
    if expectation.type == BETWEEN:
        low, high = kwargs.get("min_value"), kwargs.get("max_value")
        if low is not None and low == high:
            return f"= {low}"
        parts = []
        if low is not None:
            parts.append(f"{'>' if kwargs.get('strict_min') else '≥'} {low}")
        if high is not None:
            parts.append(f"{'<' if kwargs.get('strict_max') else '≤'} {high}")
        return " and ".join(parts)
    if expectation.type == IN_SET:
        values = kwargs["value_set"]
        return f"= {values[0]}" if len(values) == 1 else f"one of {', '.join(map(str, values))}"
    if len(expectation.columns) == 2:
        return "equal"
    return ", ".join(f"{k} {v}" for k, v in sorted(kwargs.items()) if k != "column")


def differences(result: Mapping[str, Any], datasets: Mapping[str, str]) -> list[str]:
    """Why `result` does not speak for `datasets` (name → digest); empty where it passed on exactly this content."""
    if not result:
        return ["no gate has judged it"]
    found = [] if result.get("passed") is True else ["the gate refused it"]
    judged = result.get("content") or {}
    for name, digest in sorted(datasets.items()):
        if name not in judged:
            found.append(f"{name} was not judged")
        elif judged[name] != digest:
            found.append(f"{name}@{digest} differs from {name}@{judged[name]} that was judged")
    return found


def check(storage: Storage, reference: str = "corpus") -> dict[str, Any]:
    """Whether a published version passed its gate on exactly this content.

    `reference`: a dataset, `dataset@PREFIX` of its digest, `dataset@SNAPSHOT`, or a snapshot's id (all it holds). A
    version that several snapshots share has passed if one of their gates judged it.
    Returns {reference, passed, reasons, snapshot, date, content: {dataset: digest}, gate: the recorded result}.
    Raises UsageError where nothing published is meant.
    """
    published = Published(storage)
    snapshot, content = _meant(published, reference)
    reasons: list[str] = []
    for name, digest in content.items():
        owner = _gate_of(published, name, digest)
        if owner is None:
            reasons += differences(snapshot.gate, {name: digest})
        elif len(content) == 1:
            snapshot = owner
    return {
        "reference": reference,
        "passed": not reasons,
        "reasons": list(dict.fromkeys(reasons)),
        "snapshot": snapshot.id,
        "date": snapshot.date,
        "content": content,
        "gate": dict(snapshot.gate),
    }


def _meant(published: Published, reference: str) -> tuple[Snapshot, dict[str, str]]:
    """The newest snapshot that a reference means, and the digests asked about."""
    name, _, wanted = reference.partition("@")
    for snapshot in _snapshots(published):
        if reference == snapshot.id:
            return snapshot, {n: e.digest for n, e in sorted(snapshot.datasets.items())}
        entry = snapshot.datasets.get(name)
        if entry is not None and (not wanted or wanted == snapshot.id or entry.digest.startswith(wanted)):
            return snapshot, {name: entry.digest}
    raise UsageError(f"nothing published is called {reference!r}; `nightmill history` lists what there is")


def _gate_of(published: Published, name: str, digest: str) -> Snapshot | None:
    """The newest snapshot that holds this version and whose gate passed it."""
    for snapshot in _snapshots(published):
        entry = snapshot.datasets.get(name)
        if entry is not None and entry.digest == digest and not differences(snapshot.gate, {name: digest}):
            return snapshot
    return None


def _snapshots(published: Published) -> Iterator[Snapshot]:
    seen: set[str] = set()
    for snapshot in published.history():
        seen.add(snapshot.id)
        yield snapshot
    for _, day in sorted(published.pointer().days.items(), reverse=True):
        if day not in seen:
            yield published.snapshot(day)


def blocking(result: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [r for r in result["results"] if r["blocks"]]
