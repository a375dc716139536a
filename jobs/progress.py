"""How far the work is: a bar on a terminal, otherwise a plain line every few seconds, or nothing.

with Progress("extract", total=5_000) as progress:
    progress.advance(256)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TextIO

EVERY_SECONDS = 10.0


class Progress:
    """Counts `unit`s of work up to `total` (None: unknown). Not for use from several threads."""

    def __init__(
        self,
        label: str,
        total: int | None = None,
        unit: str = "rows",
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        every_seconds: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.label, self.total, self.unit, self.done = label, total, unit, 0
        self._stream = stream or sys.stderr
        self._quiet, self._every, self._clock = quiet, every_seconds, clock
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        self._started = self._spoke = self._clock()
        if not self._quiet and self._stream.isatty():
            self._bar = _bar(self._stream)
            self._task = self._bar.add_task(self.label, total=self.total, unit=self.unit)
            self._bar.start()
        return self

    def advance(self, count: int = 1) -> None:
        self.done += count
        if self._bar is not None:
            self._bar.advance(self._task, count)
        elif not self._quiet and self._clock() - self._spoke >= self._every:
            self._spoke = self._clock()
            self._say(self.line())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif not self._quiet:
            seconds = self._clock() - self._started
            how = "" if kind is None else f", stopped by {kind.__name__}"
            self._say(f"{self.label}: {self.done:,} {self.unit} in {_duration(seconds)}{self._rate()}{how}")

    def line(self) -> str:
        """The state in words: `extract: 1,200 of 5,000 rows (24 %), 310 rows/s, 12 s left`."""
        if not self.total:
            return f"{self.label}: {self.done:,} {self.unit}{self._rate()}"
        seconds = self._clock() - self._started
        left = f", {_duration(seconds / self.done * max(0, self.total - self.done))} left" if self.done else ""
        share = f"{100 * self.done / self.total:.0f} %"
        return f"{self.label}: {self.done:,} of {self.total:,} {self.unit} ({share}){self._rate()}{left}"

    def _rate(self) -> str:
        seconds = self._clock() - self._started
        if seconds <= 0 or not self.done:
            return ""
        rate = self.done / seconds
        return f", {rate:,.0f} {self.unit}/s" if rate >= 10 else f", {rate:.2g} {self.unit}/s"

    def _say(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _bar(stream: TextIO) -> Any:
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[unit]}"),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        console=Console(file=stream),
    )
