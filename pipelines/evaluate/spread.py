"""How a whole number is spread over rows: exact quantiles and a histogram, from counts of distinct values.

Memory: one entry per distinct value. For lengths of texts these are at most the square root of twice the total length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipelines.evaluate.figures import Figure

#: Lower edges in characters; each bucket ends below the next edge, the last one is open.
EDGES = (0, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288)


class Spread:
    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def add(self, values: npt.NDArray[np.int64]) -> None:
        distinct, counts = np.unique(values, return_counts=True)
        for value, count in zip(distinct.tolist(), counts.tolist(), strict=True):
            self.counts[value] += count

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    @property
    def total(self) -> int:
        return sum(value * count for value, count in self.counts.items())

    def quantile(self, share: float) -> int:
        """The smallest value that at least `share` of the rows do not exceed (nearest rank)."""
        need, seen = share * self.rows, 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= need:
                return value
        raise ValueError("a quantile of no rows")

    def histogram(self, edges: Sequence[int] = EDGES) -> list[int]:
        """Rows per bucket; values below the first edge count in the first bucket."""
        found = [0] * len(edges)
        for value, count in self.counts.items():
            found[max(int(np.searchsorted(edges, value, side="right")) - 1, 0)] += count
        return found


def bucket(at: int, edges: Sequence[int] = EDGES) -> str:
    """`low:high` of a bucket, high excluded; the last has no high."""
    return f"{edges[at]}:{edges[at + 1]}" if at + 1 < len(edges) else f"{edges[at]}:"


def length_figures(lengths: Spread, empty: str) -> list[Figure]:
    """Figures `length` (min, median, p95, max, mean) and `length_count` (dimension: bucket), in characters."""
    counts = [Figure("length_count", count, bucket(at)) for at, count in enumerate(lengths.histogram())]
    names = ("min", "median", "p95", "max", "mean")
    if not lengths.rows:
        return [*counts, *(Figure("length", None, name, empty) for name in names)]
    values = (*(lengths.quantile(q) for q in (0.0, 0.5, 0.95, 1.0)), lengths.total / lengths.rows)
    return [*counts, *(Figure("length", value, name) for name, value in zip(names, values, strict=True))]
