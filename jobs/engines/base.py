"""What an engine does: run a map stage over batches. An engine schedules nothing that its framework schedules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import pyarrow as pa

from jobs.errors import ConfigError, Terminal
from pipelines.stage import Context, Emitted, MapStage


@dataclass(frozen=True)
class Task:
    """A map stage by reference (`module:NAME`), so that it travels to other processes, and its context."""

    stage: str
    context: Context

    def load(self) -> MapStage:
        module, _, name = self.stage.partition(":")
        return getattr(import_module(module), name)


class Engine(Protocol):
    name: str

    def map(self, task: Task, batches: Iterable[pa.Table]) -> Iterator[Emitted]:
        """Apply the stage to every batch. The results may come in any order and differently cut."""
        ...

    def close(self) -> None: ...


def lean_memory() -> None:
    """Give freed buffers back to the system: Arrow's default pool keeps them, and a stage would seem to grow."""
    pa.set_memory_pool(pa.system_memory_pool())


class Worker:
    """A stage with its state, as one process holds it."""

    def __init__(self, task: Task) -> None:
        self.stage = task.load()
        try:
            self.state: Any = self.stage.setup(task.context)
        except ValueError as error:  # a stage refuses its parameters: trying again would not help
            raise ConfigError(f"stage {self.stage.name} cannot start: {error}") from error

    def __call__(self, batch: pa.Table) -> Emitted:
        emitted = self.stage.apply(self.state, batch)
        account(self.stage, batch, emitted)
        return emitted


def account(stage: MapStage, batch: pa.Table, emitted: Emitted) -> None:
    """Law 1, checked on every batch: each input key has exactly one disposition. Raises Terminal otherwise."""
    given = _keys(batch, stage.key)
    parts = [_keys(t, stage.key) for t in (emitted.rows, emitted.rejects, emitted.others) if t is not None]
    found = [key for part in parts for key in sorted(set(part))]
    if sorted(found) == sorted(set(given)):
        return
    lost = sorted(set(given) - set(found))
    more = sorted(set(found) - set(given))
    twice = sorted({k for k in found if found.count(k) > 1}) if not lost and not more else []
    kind, keys = ("lost", lost) if lost else ("invented", more) if more else ("disposed of twice", twice)
    raise Terminal(f"stage {stage.name} {stage.version}: {len(keys)} keys {kind}, e.g. {keys[0]}; this is a defect")


def _keys(table: pa.Table, key: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(zip(*(table[name].to_pylist() for name in key), strict=True))
