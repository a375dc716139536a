"""The local engine: a pool of worker processes over batches, with bounded work in flight."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain

import pyarrow as pa

from jobs.engines.base import Task, Worker, lean_memory
from jobs.errors import Transient
from pipelines.stage import Emitted

_worker: Worker | Exception | None = None


def _start(task: Task) -> None:
    global _worker  # one stage per worker process, set up once
    threading.Thread(target=_end_with_parent, daemon=True).start()
    lean_memory()
    try:
        _worker = Worker(task)
    except Exception as error:  # raised with the first batch: here the pool would only say that a worker died
        _worker = error


def _end_with_parent() -> None:
    """A killed job takes its workers along; they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _apply(batch: pa.Table) -> Emitted:
    if isinstance(_worker, Exception):
        raise _worker
    assert _worker is not None
    return _worker(batch)


INLINE_ROWS = 256  # starting processes costs more than so few rows do


class LocalEngine:
    """`workers` processes; with one worker, or up to `inline_rows` rows, everything runs in this process."""

    name = "local"

    def __init__(self, workers: int = 0, inline_rows: int = INLINE_ROWS) -> None:
        self.workers = workers or os.cpu_count() or 1
        self.inline_rows = inline_rows

    def map(self, task: Task, batches: Iterable[pa.Table]) -> Iterator[Emitted]:
        stream = iter(batches)
        head = _first(stream, self.inline_rows)
        if self.workers == 1 or sum(batch.num_rows for batch in head) <= self.inline_rows:
            worker = Worker(task) if head else None
            for batch in chain(head, stream):
                assert worker is not None
                yield worker(batch)
            return
        yield from self._in_pool(task, chain(head, stream))

    def _in_pool(self, task: Task, batches: Iterable[pa.Table]) -> Iterator[Emitted]:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.workers, spawn, _start, (task,)) as pool:
            flying: deque[Future[Emitted]] = deque()
            try:
                for batch in batches:
                    flying.append(pool.submit(_apply, batch))
                    if len(flying) > 2 * self.workers:
                        yield flying.popleft().result()
                while flying:
                    yield flying.popleft().result()
            except BrokenProcessPool as error:
                raise Transient(
                    f"a worker of {task.stage} died (killed, or out of memory); run the job again, "
                    "with fewer engine.workers if it happens twice"
                ) from error
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        pass


def _first(stream: Iterator[pa.Table], rows: int) -> list[pa.Table]:
    """Take batches until there are more than `rows` rows."""
    taken: list[pa.Table] = []
    while sum(batch.num_rows for batch in taken) <= rows:
        batch = next(stream, None)
        if batch is None:
            break
        taken.append(batch)
    return taken
