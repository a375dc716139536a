"""Comparing sorted streams of keys without holding them: the dispositions of a stage's inputs (law 1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.extract.live import GONE, UNCHANGED

_NONE = pa.array([], pa.string())


def aligned(streams: Sequence[Iterable[pa.Table]]) -> Iterator[list[pa.Table]]:
    """Pieces of each stream, cut so that equal keys are in the same round.

    Each stream is sorted by its first column, strings that differ from piece to piece.
    """
    iterators = [iter(s) for s in streams]
    held: list[pa.Table | None] = [_next(i) for i in iterators]
    empty = [t.slice(0, 0) if t is not None else None for t in held]
    while any(t is not None for t in held):
        bound = min(t.column(0)[-1].as_py() for t in held if t is not None)
        round_: list[pa.Table] = []
        for at, table in enumerate(held):
            if table is None:
                nothing = empty[at]
                round_.append(nothing if nothing is not None else pa.table({"key": _NONE}))
                continue
            cut = pc.sum(pc.less_equal(table.column(0), bound)).as_py()
            round_.append(table.slice(0, cut))
            held[at] = table.slice(cut) if cut < table.num_rows else _next(iterators[at])
        yield round_


def _next(pieces: Iterator[pa.Table]) -> pa.Table | None:
    return next((p for p in pieces if p.num_rows), None)


def keys(table: pa.Table) -> pa.Array:
    column = table.column(0)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


@dataclass
class Dispositions:
    """Counts of a stage's keys. `inputs` = rows + rejects where nothing is wrong."""

    inputs: int = 0
    rows: int = 0
    rejects: int = 0
    lost: int = 0  # neither a row nor a reject
    invented: int = 0  # a row or a reject, but no input
    twice: int = 0  # a row and a reject

    @property
    def gap(self) -> int:
        return self.lost + self.invented + self.twice


def dispositions(
    inputs: Iterable[pa.Table], rows: Iterable[pa.Table], rejects: Iterable[pa.Table]
) -> Iterator[tuple[Dispositions, dict[str, list[str]]]]:
    """Per round the running counts (one object, updated) and the keys that are wrong, by kind.

    Every stream is sorted by its first column, a key that is unique within the stream.
    """
    counts = Dispositions()
    for given, emitted, refused in aligned([inputs, rows, rejects]):
        a, b, c = keys(given), keys(emitted), keys(refused)
        out = pa.concat_arrays([b, c])
        wrong = {
            "lost": a.filter(pc.invert(pc.is_in(a, value_set=out))).to_pylist(),
            "invented": sorted(set(out.filter(pc.invert(pc.is_in(out, value_set=a))).to_pylist())),
            "twice": b.filter(pc.is_in(b, value_set=c)).to_pylist(),
        }
        counts.inputs += len(a)
        counts.rows += len(b)
        counts.rejects += len(c)
        for kind, found in wrong.items():
            setattr(counts, kind, getattr(counts, kind) + len(found))
        yield counts, wrong


@dataclass
class Captures:
    """Documents of `pages`: all of them, and those whose last word is not "gone"."""

    documents: int = 0
    live: int = 0


def live_documents(pieces: Iterable[pa.Table], counts: Captures) -> Iterator[pa.Table]:
    """The doc_ids (sorted) that have a live capture, from doc_id and status in the order of (doc_id, capture).

    304 says nothing new; 404 and 410 end a document until it is captured again. `counts` is complete at the end.
    """
    last, state = None, False  # the document at hand, and whether it is live so far
    for piece in pieces:
        ids, statuses = piece["doc_id"].to_pylist(), piece["status"].to_pylist()
        found: list[str | None] = []
        for doc, status in zip(ids, statuses, strict=True):
            if doc != last:
                if state:
                    found.append(last)
                last, state = doc, False
                counts.documents += 1
            if status != UNCHANGED:
                state = status not in GONE
        counts.live += len(found)
        yield pa.table({"doc_id": pa.array(found, pa.string())})
    if state:
        counts.live += 1
        yield pa.table({"doc_id": pa.array([last], pa.string())})
