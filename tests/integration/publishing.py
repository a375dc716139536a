"""Small nights for the stores: two datasets, `pages` and `url_aliases`, written without running jobs.

As a script it publishes one such night: publishing.py STORE ROOT DAY PARENT TEXT
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
from nights import Capture, alias_row, day, page_row

from jobs.context import store_outputs
from jobs.errors import NightmillError
from jobs.manifest import Provenance
from jobs.snapshots import Entry, Published, Snapshot
from jobs.storage import LocalStorage, Storage
from jobs.stores.base import Store
from jobs.writer import write_version
from pipelines.schemas import PAGES, URL_ALIASES

BOTH = frozenset({"pages", "url_aliases"})


def open_store(kind: str, root: Path) -> Store:
    storage = LocalStorage(root / "lake")
    if kind == "dvc":
        from jobs.stores.dvc_store import DvcStore

        return DvcStore(storage, root / "registry")
    return Published(storage)


@dataclass
class Nights:
    """What a test says about a store: its storage and what is written into it."""

    storage: Storage
    store: Store

    @property
    def published(self) -> Published:
        """The readers' side."""
        return Published(self.storage)

    def pages(self, text: int) -> Entry:
        rows = [page_row(Capture(0, text=text), day(0))]
        manifest = write_version(self.storage, PAGES, [pa.Table.from_pylist(rows, schema=PAGES.schema)])
        return store_outputs(self.storage, {"pages": manifest})["pages"]

    def aliases(self, number: int, **inputs: str) -> Entry:
        rows = [alias_row(number) | {"since": date(2026, 1, 1)}]
        tables = [pa.Table.from_pylist(rows, schema=URL_ALIASES.schema)]
        manifest = write_version(self.storage, URL_ALIASES, tables, Provenance(inputs=inputs))
        return store_outputs(self.storage, {"url_aliases": manifest})["url_aliases"]

    def night(self, on: int, text: int, parent: str | None = None) -> Snapshot:
        """A gated candidate for day `on` whose content is named by `text`."""
        return self.candidate(on, parent, {"pages": self.pages(text), "url_aliases": self.aliases(text)})

    def candidate(self, on: int, parent: str | None, own: dict[str, Entry]) -> Snapshot:
        carried = self.store.snapshot(parent).datasets if parent else {}
        gate = {"passed": True, "content": {name: entry.digest for name, entry in own.items()}}
        at = f"{day(on)}T03:00:00+00:00"
        return Snapshot(day(on), parent, f"run-{on}", {**carried, **own}, gate=gate, published_at=at)

    def publish(self, on: int, text: int, parent: str | None = None) -> Snapshot:
        return self.store.publish(self.night(on, text, parent), written=BOTH)


def main(kind: str, root: str, on: str, parent: str, text: str) -> int:
    store = open_store(kind, Path(root))
    nights = Nights(LocalStorage(Path(root) / "lake"), store)
    try:
        print(nights.publish(int(on), int(text), parent or None).id)
    except NightmillError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
