"""A second engine for the conformance tests: it does what a cluster may do and a laptop never does.

Batches are cut anew, shuffled, and some are computed twice with the first result thrown away, as after a retry.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pyarrow as pa

from jobs.engines.base import Task, Worker
from pipelines.stage import Emitted


class ShuffleEngine:
    name = "shuffle"

    def __init__(self, seed: int = 0, retry_share: float = 0.3) -> None:
        self.random = random.Random(seed)
        self.retry_share = retry_share

    def map(self, task: Task, batches: Iterable[pa.Table]) -> Iterator[Emitted]:
        pieces = [piece for batch in batches for piece in self._cut(batch, task.load().key[0])]
        self.random.shuffle(pieces)
        workers = [Worker(task), Worker(task)]
        for piece in pieces:
            worker = self.random.choice(workers)
            if self.random.random() < self.retry_share:
                worker(piece)
            yield self.random.choice(workers)(piece)

    def _cut(self, batch: pa.Table, key: str) -> Iterator[pa.Table]:
        """Random pieces; rows of one first key column stay together, as a partitioning would keep them."""
        ids = batch[key].to_pylist()
        starts = [i for i in range(1, len(ids)) if ids[i] != ids[i - 1]]
        cuts = sorted(self.random.sample(starts, self.random.randint(0, min(3, len(starts)))))
        for start, end in zip([0, *cuts], [*cuts, len(ids)], strict=True):
            yield batch.slice(start, end - start)

    def close(self) -> None:
        pass
