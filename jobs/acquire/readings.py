"""How each kind of source but the web is read: one function per kind, found by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast

from jobs.config import Config
from jobs.errors import ConfigError
from pipelines.acquire.items import Item, Refused
from pipelines.params import CrawlParams, SourceParams

#: Reads a whole source, in an order that depends on the source alone. Raises SourceUnavailable where nothing can be
#: read; whatever is wrong with one item is a Refused. It may be called again after a kill; what it must not ask for
#: twice it journals in the folder, which is the run's.
Reading = Callable[[SourceParams, Config, Path], Iterator[Item | Refused]]

READINGS = {
    "files": "jobs.acquire.files:items",
    "sql": "jobs.acquire.sql:read",
    "api": "jobs.acquire.api:read",
}


class SourceUnavailable(Exception):
    """A source as a whole cannot be read. `rule` is that of its reject; the message names source and place."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def reading_of(kind: str) -> Reading:
    module, _, function = READINGS[kind].partition(":")
    return cast(Reading, getattr(importlib.import_module(module), function))


def check_declared(params: CrawlParams) -> None:
    """Raises ConfigError for sources that share a name, lack what their kind needs, or name what does not exist."""
    names = [source.name for source in params.sources]
    if twin := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"crawl.sources: two sources are called {twin}; rename one")
    for source in params.sources:
        needed = {"web": ("seeds",), "files": ("path",), "sql": ("connection", "query"), "api": ("seeds",)}[source.kind]
        if missing := [name for name in needed if not getattr(source, name)]:
            raise ConfigError(f"crawl.sources: {source.name} is of kind {source.kind} and needs `{missing[0]}`")
        _check_shape(source)
        for name in ("items_at", "next_at"):
            pointer = getattr(source, name)
            if pointer and not pointer.startswith("/"):
                raise ConfigError(
                    f"crawl.sources: {source.name}: {name} must be a JSON pointer, such as /data/items; it is {pointer}"
                )


def _check_shape(source: SourceParams) -> None:
    if source.shape == "auto":
        return
    from pipelines.acquire.shapes import SHAPES, field_names

    if source.shape not in SHAPES:
        raise ConfigError(
            f"crawl.sources: {source.name}: no shape is called {source.shape}; valid: auto, {', '.join(SHAPES)}"
        )
    valid = field_names(SHAPES[source.shape])
    if valid and (unknown := [name for name in source.fields if name not in valid]):
        raise ConfigError(
            f"crawl.sources: {source.name}: fields: shape {source.shape} has no `{unknown[0]}`; valid: "
            f"{', '.join(sorted(valid))}"
        )


def check_secrets(sources: Iterable[SourceParams], config: Config) -> None:
    """Raises ConfigError for a secret that is not there: before the night begins, not in the middle of it."""
    for source in sources:
        for name in (source.connection if source.kind == "sql" else "", source.auth if source.kind == "api" else ""):
            if name:
                try:
                    config.secret(name)
                except ConfigError as error:
                    raise ConfigError(f"crawl.sources: {source.name}: {error}") from None
