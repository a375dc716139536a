"""The funnel of a candidate: the night from the manifests, the whole version from the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.cards.figures import Figures
from jobs.datasets import Version
from jobs.declared import JOBS
from pipelines.report.facts import Count, Flow, Missing, Rule, Stage
from pipelines.report.rules import Asked, asked
from pipelines.schemas import STAGES_WITH_REJECTS, rejects_of

_SAYS = {
    "crawl": ("ask politely, keep what was answered", "URLs"),
    "extract": ("decode, find the main text", "pages"),
    "clean": ("language and quality rules", "documents"),
    "scrub": ("replace personal data", "documents"),
    "dedup": ("keep one of each text", "documents"),
}


def stages(versions: Mapping[str, Version], figures: Figures) -> tuple[Stage, ...]:
    """The stages whose datasets are among `versions`, in the order of the pipeline."""
    found = []
    for name in STAGES_WITH_REJECTS:
        output, refused = versions.get(JOBS[name].writes[0]), versions.get(rejects_of(name).name)
        if output is not None and refused is not None:
            known = asked(name, output.manifest.provenance.parameters)
            night = _night(name, output.manifest.provenance.funnel, known)
            whole = (_crawled if name == "crawl" else _whole)(name, output, refused, figures, known)
            found.append(Stage(name, night, whole, *_SAYS[name]))
    return tuple(found)


def _night(stage: str, funnel: Mapping[str, Any], known: Mapping[str, Asked]) -> Flow | Missing:
    if "inputs" not in funnel:
        return Missing(f"{stage} recorded no funnel of this night")
    parts = {name: funnel[name] for name in ("inputs", "emitted", "unchanged", "superseded", "retracted")}
    # every answer of a crawl is a row, also one that says nothing new
    rows = sum(parts[name] for name in ("emitted", "unchanged", "retracted")) if stage == "crawl" else parts["emitted"]
    rejected = funnel["rejected"]
    return Flow(**parts, rejected=sum(rejected.values()), rows_out=rows, rules=_rules(rejected, known))


def _whole(stage: str, output: Version, refused: Version, figures: Figures, known: Mapping[str, Asked]) -> Flow:
    counts = rules_of(refused)
    gone = figures.count("stage_retracted", stage) if stage == "extract" else 0
    return Flow(
        figures.count("stage_input", stage),
        output.rows,
        refused.rows,
        retracted=gone,
        rows_out=output.rows,
        rules=_rules(dict.fromkeys(known, 0) | counts, known),
    )


def _crawled(stage: str, pages: Version, refused: Version, figures: Figures, known: Mapping[str, Asked]) -> Flow:
    """URLs: those with a capture, by whether the page is still there, and those that never gave one."""
    documents, gone = figures.count("stage_input", "extract"), figures.count("stage_retracted", "extract")
    never = rules_of(refused, pages)
    rejected = sum(never.values())
    asked_for: Count = documents if isinstance(documents, Missing) else documents + rejected
    live: Count = gone if isinstance(gone, Missing) else documents
    if not isinstance(documents, Missing) and not isinstance(gone, Missing):
        live = documents - gone
    rules = _rules(dict.fromkeys(known, 0) | never, known)
    return Flow(asked_for, live, rejected, retracted=gone, rows_out=pages.rows, rules=rules)


def rules_of(refused: Version, captured: Version | None = None) -> dict[str, int]:
    """Rejects by rule; with `captured`, only of documents that have no row there."""
    counts: Counter[str] = Counter()
    for piece in refused.scan(["doc_id", "rule"]):
        if captured is not None:
            ids = piece["doc_id"].to_pylist()
            there = pa.array(sorted(set(captured.get(ids, ["doc_id"])["doc_id"].to_pylist())), pa.string())
            piece = piece.filter(pc.invert(pc.is_in(piece["doc_id"], value_set=there)))
        counts.update(piece["rule"].to_pylist())
    return dict(sorted(counts.items()))


def _rules(counts: Mapping[str, int], known: Mapping[str, Asked]) -> tuple[Rule, ...]:
    return tuple(Rule(name, n, *known.get(name, Asked())) for name, n in counts.items())
