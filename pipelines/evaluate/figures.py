"""A figure, the rows that make it fail, and the two tables they become."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipelines.schemas import METRICS, VIOLATIONS, hash128

DECIMALS = 6


@dataclass(frozen=True)
class Figure:
    """One number about `dataset`. Without a value it says why (law 9)."""

    name: str
    value: float | None
    dimension: str = ""
    reason: str | None = None
    dataset: str = "corpus"

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError(f"figure {self.column}: a missing value needs a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"figure {self.column}: {self.value} is not finite")

    @property
    def column(self) -> str:
        """The figure's name in the wide row that expectations see."""
        return column_of(self.name, self.dimension)


def column_of(name: str, dimension: str) -> str:
    return f"{name}.{dimension}" if dimension else name


def ratio(name: str, part: float, whole: float, empty: str, dimension: str = "") -> Figure:
    """part ÷ whole; without a whole the figure is missing because `empty`."""
    return Figure(name, part / whole, dimension) if whole else Figure(name, None, dimension, empty)


def metrics_table(figures: Iterable[Figure], version: str) -> pa.Table:
    """Rows of METRICS, sorted by id; `version` names the content that was measured."""
    rows = [
        {
            "metric_id": hash128(f.dataset, f.name, f.dimension),
            "dataset": f.dataset,
            "version": version,
            "name": f.name,
            "dimension": f.dimension,
            "value": None if f.value is None else round(float(f.value), DECIMALS),
            "reason": f.reason if f.value is None else None,
        }
        for f in figures
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda r: str(r["metric_id"])), schema=METRICS.schema)


class Failing:
    """Failing rows per figure: at most `limit` of each, those with the smallest ids, whatever order they come in.

    It takes ids, numbers and names of kinds (`detail`), never text of a document.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._rows: dict[str, list[tuple[str, str, float | None]]] = {}

    def add(self, metric: str, ids: Sequence[str], values: Sequence[float] | None = None, detail: str = "") -> None:
        if not len(ids) or not self.limit:
            return
        held = self._rows.setdefault(metric, [])
        held.extend((doc, detail, None if values is None else values[at]) for at, doc in enumerate(ids))
        if len(held) > 2 * self.limit:
            self._rows[metric] = heapq.nsmallest(self.limit, held, key=_id_and_detail)

    def table(self, version: str, dataset: str = "corpus") -> pa.Table:
        """Rows of VIOLATIONS, sorted by id."""
        rows = [
            {
                "violation_id": hash128(dataset, metric, doc, detail),
                "dataset": dataset,
                "version": version,
                "metric": metric,
                "doc_id": doc,
                "value": None if value is None else round(float(value), DECIMALS),
                "detail": detail or None,
            }
            for metric, held in sorted(self._rows.items())
            for doc, detail, value in heapq.nsmallest(self.limit, held, key=_id_and_detail)
        ]
        return pa.Table.from_pylist(sorted(rows, key=lambda r: str(r["violation_id"])), schema=VIOLATIONS.schema)


def _id_and_detail(row: tuple[str, str, float | None]) -> tuple[str, str]:
    return row[:2]
