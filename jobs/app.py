"""What every command shares: the configuration, the lake and how to print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from jobs.config import Config, load


@dataclass
class App:
    params: str | None
    profile: str | None
    overrides: tuple[str, ...]
    quiet: bool
    debug: bool

    @cached_property
    def config(self) -> Config:
        return load(self.params, profile=self.profile, overrides=self.overrides)

    @cached_property
    def storage(self) -> Any:
        from jobs.storage import storage_at

        return storage_at(self.config.lake)

    @cached_property
    def published(self) -> Any:
        from jobs.snapshots import Published

        return Published(self.storage)

    @property
    def root(self) -> Path:
        return self.config.root


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Aligned columns; numbers to the right."""
    cells = [[_cell(row.get(c)) for c in columns] for row in rows]
    widths = [max([len(c), *(len(r[i]) for r in cells)]) for i, c in enumerate(columns)]
    click.echo("  ".join(c.ljust(w) for c, w in zip(columns, widths, strict=True)).rstrip())
    for row, cell in zip(rows, cells, strict=True):
        parts = [
            text.rjust(w) if isinstance(row.get(c), int | float) else text.ljust(w)
            for text, c, w in zip(cell, columns, widths, strict=True)
        ]
        click.echo("  ".join(parts).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return printable(str(value))


def printable(text: str) -> str:
    """`text` on one line: what does not print is spelt out, so that a name from outside cannot steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
