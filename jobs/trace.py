"""The trace of a run: one JSON line per finished span of work.

A line holds run, job, name, start (UTC), seconds, cpu_seconds (children that were waited for included), rows_in and
rows_out (null where nobody counted), peak_rss_mb (of the process or its largest child, so far), outcome (`done`, or
that of the error, see jobs/errors.py) and error (its type, or null).

Lines are appended with one write each: several processes may share the file, and a kill loses at most the last line,
which `read` leaves out and the next writer does not glue itself to.
"""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.errors import NightmillError


@dataclass
class Span:
    """What the work inside the block reports; null until it does."""

    rows_in: int | None = None
    rows_out: int | None = None


class Trace:
    def __init__(self, path: Path, run: str, job: str) -> None:
        self.path, self.run, self.job = path, run, job
        path.parent.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def span(self, name: str, rows_in: int | None = None) -> Iterator[Span]:
        """Measure the block and append its line, also when it raises."""
        work = Span(rows_in)
        start, wall, cpu = datetime.now(UTC), time.perf_counter(), _cpu_seconds()
        outcome, error = "done", None
        try:
            yield work
        except BaseException as raised:
            outcome = raised.outcome if isinstance(raised, NightmillError) else NightmillError.outcome
            error = type(raised).__name__
            raise
        finally:
            self._append(
                {
                    "run": self.run,
                    "job": self.job,
                    "name": name,
                    "start": start.isoformat(timespec="milliseconds"),
                    "seconds": round(time.perf_counter() - wall, 3),
                    "cpu_seconds": round(_cpu_seconds() - cpu, 3),
                    "rows_in": work.rows_in,
                    "rows_out": work.rows_out,
                    "peak_rss_mb": round(_peak_kb() / 1024, 1),
                    "outcome": outcome,
                    "error": error,
                }
            )

    def _append(self, line: dict[str, Any]) -> None:
        data = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":  # a kill left half a line
                data = b"\n" + data
            os.write(file, data)
        finally:
            os.close(file)


def read(path: Path) -> list[dict[str, Any]]:
    """The spans of a trace file in the order in which they ended; half lines are left out. No file, no spans."""
    spans = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            spans.append(json.loads(line))
        except ValueError:
            continue
    return spans


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _peak_kb() -> int:
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
