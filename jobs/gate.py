"""The `gate` job: nothing is published whose expectations did not pass on exactly that content (law 6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from jobs.context import JobContext, Result
from jobs.context import fingerprint as fingerprint_of
from jobs.datasets import Version
from jobs.errors import GateRefused, Transient
from jobs.gates.engines import evaluator
from jobs.gates.suite import Suite, load
from jobs.gates.verdict import NOT_MEASURED, blocking, judge

VERSION = "1"
FILE = "gate.json"
_NAMED = 5  # expectations, and rows of each, that a refusal names


def fingerprint(ctx: JobContext) -> str:
    """Suite and content: a verdict holds for what it judged and nothing else."""
    content = hashlib.blake2b(json.dumps(content_of(ctx), sort_keys=True).encode(), digest_size=16).hexdigest()
    return fingerprint_of(f"gate/{VERSION}/{_suite(ctx).digest}/{content}", ctx.parameters(), {})


def run(ctx: JobContext) -> Result:
    """Judge; write gate.json either way. Raises GateRefused where an expectation blocks."""
    suite, content = _suite(ctx), content_of(ctx)
    metrics, violations = ctx.input("metrics"), ctx.input("violations")
    _check_fresh(metrics, content, ctx)
    result = judge(metrics.table(), suite, violations.table(), evaluator(ctx.parameters().engine))
    result |= {"run": ctx.run.name, "date": ctx.pins.date, "content": content}
    # The record of an earlier verdict goes first: it must not make this one look up to date when the content returns.
    ctx.storage.delete(f"{ctx.run.folder}/jobs/{ctx.job.name}.json")
    ctx.run.write(FILE, result)
    if not result["passed"]:
        raise GateRefused(refusal(result, ctx.input("corpus").manifest.version, ctx.run.name))
    return Result(result=result)


def _suite(ctx: JobContext) -> Suite:
    return load(ctx.config.path(ctx.parameters().suite))


def content_of(ctx: JobContext) -> dict[str, str]:
    """Digest of every dataset that this run would publish."""
    return {name: entry.digest for name, entry in sorted(ctx.run.outputs().items())}


def _check_fresh(metrics: Version, content: Mapping[str, str], ctx: JobContext) -> None:
    """The figures were measured on the run's present content."""
    for name, reference in sorted(metrics.manifest.provenance.inputs.items()):
        if reference != f"{name}@{content.get(name)}":
            raise Transient(
                f"{name} was written again after the figures were measured; "
                f"run `nightmill run profile --date {ctx.pins.date} --run {ctx.run.name}`, then gate again"
            )


def refusal(result: Mapping[str, Any], version: str, run: str) -> str:
    """One paragraph: what failed, what was seen, on which rows, and what to do next."""
    blocked = blocking(result)
    parts = [_sentence(r) for r in blocked[:_NAMED]]
    if len(blocked) > _NAMED:
        parts.append(f"and {len(blocked) - _NAMED} more")
    return (
        f"{version} is refused by suite {result['suite']}: {len(blocked)} of {len(result['results'])} expectations "
        f"block. {'; '.join(parts)}. Nothing was published and the candidate stays for inspection: "
        f"`nightmill show violations --run {run} --rows 100` lists the failing rows, "
        f"runs/{run}/{FILE} the whole verdict."
    )


def _sentence(result: Mapping[str, Any]) -> str:
    if result["status"] == NOT_MEASURED:
        return f"{result['id']}: not measured ({result['reason']}), expected {result['expected']}"
    ids = list(dict.fromkeys(row["doc_id"] for row in result["failing"]))
    rows = f" in rows {', '.join(ids[:_NAMED])}{' …' if len(ids) > _NAMED else ''}" if ids else ""
    return f"{result['id']}: {result['column']} is {_shown(result['observed'])}, expected {result['expected']}{rows}"


def _shown(observed: Any) -> str:
    if isinstance(observed, list):
        return " and ".join(map(_shown, observed))
    return str(int(observed)) if float(observed).is_integer() else str(observed)
