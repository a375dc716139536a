"""Figures of many parsed documents, by format and language, with bootstrap intervals over the documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from pipelines.evaluate.parsing import FIGURES, Judged
from pipelines.evaluate.parsing_retrieval import DEPTHS

SAMPLES = 1_000
SEED = 1
WORST = 25
_CELLS = 4_000_000  # of the drawn table held at once


@dataclass(frozen=True)
class Value:
    """A figure over `documents` of a group with its 95 % interval; null with a reason where nothing was measured."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    documents: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class Group:
    """`by` is all, format or language."""

    by: str
    name: str
    documents: int
    refused: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Worst:
    id: str
    kind: str
    language: str
    character_error_rate: float | None
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Retrieval:
    """Share of queries whose document (and passage) is among the first `depth` blocks, of the parse and of the
    transcripts; null with a reason where there are no queries."""

    depth: int
    parsed: Value
    transcript: Value


@dataclass(frozen=True)
class Report:
    source: str
    documents: int
    refused: int
    unreadable: int  # rows of the file that are no labelled document
    groups: tuple[Group, ...]
    retrieval: tuple[Retrieval, ...]
    worst: tuple[Worst, ...]
    rules: tuple[tuple[str, int], ...]  # what refused documents, and how many
    problems: tuple[str, ...]  # of rows that could not be read: line and reason

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def interval(sizes: Sequence[float], weights: Sequence[float]) -> tuple[float, float, float] | None:
    """sum(sizes) / sum(weights) with its 95 % percentile interval over resampled documents (Efron, 1979)."""
    a, w = np.asarray(sizes, np.float64), np.asarray(weights, np.float64)
    if not a.size or not w.sum():
        return None
    draw = np.random.Generator(np.random.PCG64(SEED))
    drawn: list[npt.NDArray[np.float64]] = []
    step = max(1, _CELLS // a.size)
    for start in range(0, SAMPLES, step):
        rows = draw.integers(0, a.size, (min(step, SAMPLES - start), a.size))
        total = w[rows].sum(axis=1)
        drawn.append(np.divide(a[rows].sum(axis=1), total, out=np.zeros(len(rows)), where=total > 0))
    low, high = np.quantile(np.concatenate(drawn), (0.025, 0.975))
    return float(a.sum() / w.sum()), float(low), float(high)


def value_of(name: str, judged: Sequence[Judged]) -> Value:
    """Error rates are edits over all sizes; every other figure is the mean over the documents that have it."""
    pairs: list[tuple[float, int]] = [j.sums[name] for j in judged if name in j.sums]
    if not pairs:
        pairs = [(value, 1) for j in judged if (value := j.figures[name]) is not None]
    found = interval([p[0] for p in pairs], [p[1] for p in pairs])
    if found is None:
        reasons = Counter(j.reasons[name] for j in judged if name in j.reasons)
        reason = min(reasons, key=lambda r: (-reasons[r], r), default="there are no documents")
        return Value(name, None, reason=reason)
    return _value(name, found, len(pairs))


def _value(name: str, found: tuple[float, float, float], documents: int) -> Value:
    value, low, high = (round(x, 6) for x in found)
    return Value(name, value, low, high, documents)


def groups_of(judged: Sequence[Judged]) -> tuple[Group, ...]:
    ways: tuple[tuple[str, Callable[[Judged], str]], ...] = (
        ("all", lambda j: "all"),
        ("format", lambda j: j.kind),
        ("language", lambda j: j.language),
    )
    out = []
    for by, name_of in ways:
        for name in sorted({name_of(j) for j in judged}):
            mine = [j for j in judged if name_of(j) == name]
            values = tuple(value_of(figure.name, mine) for figure in FIGURES)
            out.append(Group(by, name, len(mine), sum(j.failed is not None for j in mine), values))
    return tuple(out)


def retrieval_of(ranks: Sequence[tuple[int | None, int | None]]) -> tuple[Retrieval, ...]:
    """From the rank of each query's hit in the parse and in the transcripts."""
    out = []
    for depth in DEPTHS:
        values = []
        for side in (0, 1):
            hits = [float(rank[side] is not None and (rank[side] or 0) <= depth) for rank in ranks]
            found = interval(hits, [1] * len(hits))
            name = f"recall_at_{depth}"
            values.append(_value(name, found, len(hits)) if found else Value(name, None, reason="no row has queries"))
        out.append(Retrieval(depth, *values))
    return tuple(out)


def worst_of(judged: Sequence[Judged]) -> tuple[Worst, ...]:
    """The documents with problems: refused ones first, then by error rate."""
    rated = [j for j in judged if j.problems]
    rated.sort(key=lambda j: (j.failed is None, -(j.figures["character_error_rate"] or 0.0), j.id))
    return tuple(
        Worst(j.id, j.kind, j.language, j.figures["character_error_rate"], tuple(j.problems)) for j in rated[:WORST]
    )


def summarise(
    source: str,
    judged: Sequence[Judged],
    ranks: Sequence[tuple[int | None, int | None]],
    unreadable: int,
    problems: Sequence[str],
) -> Report:
    refused = [j.failed for j in judged if j.failed is not None]
    rules = Counter(refused)
    return Report(
        source=source,
        documents=len(judged),
        refused=len(refused),
        unreadable=unreadable,
        groups=groups_of(judged),
        retrieval=retrieval_of(ranks),
        worst=worst_of(judged),
        rules=tuple(sorted(rules.items(), key=lambda item: (-item[1], item[0]))),
        problems=tuple(problems),
    )
