"""Tombstone candidates: stored documents whose page is gone, or whose site no longer allows it."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from jobs.datasets import Version
from jobs.effects.frontier import Batch
from jobs.writer import VersionWriter
from pipelines.extract.live import GONE
from pipelines.schemas import TOMBSTONE_CANDIDATES


class Candidates:
    """The candidates of a night: new ones are added, those that came back are taken out."""

    def __init__(self, previous: Version | None, day: str) -> None:
        self._previous, self._day = previous, date.fromisoformat(day)

    def update(self, batch: Batch, writer: VersionWriter) -> None:
        """Add the pages of `batch` that are gone, remove those that are there again."""
        pages = batch.pages.drop_columns(["body"]).to_pylist()
        gone = [page for page in pages if page["status"] in GONE]
        before = (
            set(self._previous.get([page["doc_id"] for page in pages], ["doc_id"])["doc_id"].to_pylist())
            if (self._previous is not None and pages)
            else set()
        )
        writer.remove(sorted(before - {page["doc_id"] for page in gone}), "back")
        rows = [
            {**page, "reason": "gone", "detail": str(page["status"]), "since": self._day}
            for page in gone
            if page["doc_id"] not in before
        ]
        if rows:
            writer.upsert(pa.Table.from_pylist(rows, schema=TOMBSTONE_CANDIDATES.schema))
