"""The funnel of a night: how many keys a stage had to judge, and the one disposition of each (law 1).

`inputs` are the keys that the stage looked at in this night or that ended in it. They add up:

    inputs = emitted + rejected + unchanged + superseded + retracted

emitted     lead to rows of the output
rejected    lead to a reject, by rule
unchanged   were looked at and say nothing new: answered by 304, or with the body known already
superseded  were replaced by a later capture that was looked at in the same night
retracted   are gone: the page (404, 410), or the row that the stage was given until last night

An edited row is judged anew and is emitted or rejected. Keys whose verdict stands without a look are `untouched` and
no inputs: input_rows = inputs - keys that left the source + untouched. With `rebuilt` there was no base to build on:
every key of the version is an input of the night.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from jobs.datasets import Changes
from pipelines.stage import Emitted


def funnel(
    rows: int,
    delta: Changes | None,
    looked_at: int,
    emitted: int,
    rejected: Mapping[str, int],
    others: Mapping[str, int] = Counter(),
) -> dict[str, Any]:
    """The night of one stage. `rows` are those of its source, `delta` the source's changes (None: no base).

    `looked_at` is counted where keys go in, so that a key that got lost on the way shows.
    """
    added, changed, removed = (rows, 0, 0) if delta is None else map(len, (delta.added, delta.changed, delta.removed))
    return {
        "rebuilt": delta is None,
        "input": {"added": added, "changed": changed, "removed": removed},
        "input_rows": rows,
        "inputs": looked_at + removed,
        "emitted": emitted,
        "rejected": dict(sorted(rejected.items())),
        "unchanged": others.get("unchanged", 0),
        "superseded": others.get("superseded", 0),
        "retracted": removed + others.get("retracted", 0),
        "untouched": rows - looked_at,
    }


class Tally:
    """Counts what goes into a map stage and what comes out of it."""

    def __init__(self) -> None:
        self.looked_at = self.emitted = 0
        self.rules: Counter[str] = Counter()
        self.others: Counter[str] = Counter()

    def given(self, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Count the batches on their way in."""
        for batch in batches:
            self.looked_at += batch.num_rows
            yield batch

    def add(self, emitted: Emitted) -> int:
        """Count a batch; returns how many rows and rejects it gave."""
        self.emitted += emitted.rows.num_rows
        self.rules.update(emitted.rejects["rule"].to_pylist())
        if emitted.others is not None:
            self.others.update(emitted.others["disposition"].to_pylist())
        return emitted.rows.num_rows + emitted.rejects.num_rows

    def funnel(self, delta: Changes | None, rows: int) -> dict[str, Any]:
        return funnel(rows, delta, self.looked_at, self.emitted, self.rules, self.others)
