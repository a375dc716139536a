"""The gate's verdict as the card shows it, with the rows that failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from jobs.datasets import Version
from jobs.gates.verdict import NOT_MEASURED, blocking, differences
from jobs.snapshots import Entry
from pipelines.report.facts import Count, Expectation, Failing, Gate, Missing
from pipelines.report.numbers import number

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")


def gate_facts(
    result: Mapping[str, Any] | None,
    outputs: Mapping[str, Entry],
    corpus: Version,
    violations: pa.Table | None,
    parameters: Mapping[str, Any],
) -> Gate:
    """`result`: gate.json. A verdict on other content than `outputs` is none."""
    content = corpus.manifest.version
    if not result:
        return Gate("not_run", content, reason="the gate has not run")
    suite = f"{result['suite']} ({result['suite_digest'][:12]})"
    judged = {"passed": True, "content": result["content"]}  # whether it passed is another question
    other = differences(judged, {name: entry.digest for name, entry in outputs.items()})
    if other:
        return Gate("not_run", content, suite, f"its verdict is about other content: {'; '.join(other)}")
    most = parameters.get("gate", {}).get("max_violations", 0)
    expectations = tuple(_expectation(r, violations, most) for r in result["results"])
    if result["passed"]:
        return Gate("passed", content, suite, expectations=expectations)
    blocked = blocking(result)
    if all(r["status"] == NOT_MEASURED for r in blocked):
        unknown = "; ".join(f"{r['id']}: {r['reason']}" for r in blocked)
        return Gate("not_enough_data", content, suite, unknown, expectations)
    return Gate("refused", content, suite, expectations=expectations)


def _expectation(result: Mapping[str, Any], violations: pa.Table | None, most: int) -> Expectation:
    rows = _failing(result, violations)
    count: Count = len(rows)
    if most and len(rows) >= most:
        count = Missing(f"{most} or more, no more are kept")
    return Expectation(
        name=result["id"],
        status=result["status"],
        observed=_observed(result),
        threshold=_NUMBER.sub(lambda match: number(float(match[0])), result["expected"]),
        says=result["says"],
        failing_rows=count,
        failing=tuple(Failing(row["doc_id"], row["value"], row["detail"] or "") for row in rows),
    )


def _failing(result: Mapping[str, Any], violations: pa.Table | None) -> list[Mapping[str, Any]]:
    """All rows that are kept of the expectation's figure; of another figure, those that the gate named."""
    named: list[Mapping[str, Any]] = result["failing"]
    if not named or violations is None:
        return named
    kept = [row for row in violations.to_pylist() if row["metric"] in result["column"].split(", ")]
    return sorted(kept, key=lambda row: (row["doc_id"], row["detail"] or "")) if len(kept) > len(named) else named


def _observed(result: Mapping[str, Any]) -> float | str | Missing:
    observed = result["observed"]
    if isinstance(observed, list):
        return " and ".join("not measured" if v is None else number(v) for v in observed)
    if observed is None:
        return Missing(result["reason"] or "no reason given")
    return float(observed)
