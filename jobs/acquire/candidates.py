"""Tombstone candidates: stored documents whose page is gone, or that may not be fetched any more.

A ban is what the site says: robots.txt, a reservation (opt_out), or the status 402 or 451 (refused). Silence is none:
a server that does not answer, or breaks, changes nothing. A candidate stays, with the day on which it was first seen,
until a visit finds the page open again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from jobs.acquire.known import Bodies
from jobs.datasets import Version
from jobs.effects.frontier import Batch
from jobs.writer import VersionWriter
from pipelines.crawl.requests import pages_table, rejects_table
from pipelines.extract.live import GONE, UNCHANGED, WITHDRAWN
from pipelines.schemas import TOMBSTONE_CANDIDATES, capture_id

REASONS = ("gone", "robots", "opt_out", "refused")  # `licence` is jobs.acquire.rights'
FORBIDDING = (402, 451)  # payment required, unavailable for legal reasons


def ban(reject: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """Reason and detail where a reject row of the crawl says that the page may not be had."""
    rule, detail = reject["rule"], reject["detail"]
    if rule == "robots" and detail == "disallow_rule":
        return "robots", detail
    if rule == "opt_out":
        return "opt_out", detail
    if rule == "http_status" and reject["value"] in FORBIDDING:
        return "refused", str(int(reject["value"]))
    return None


class Candidates:
    """The candidates of a night: new ones are added, those that came back are taken out."""

    def __init__(self, previous: Version | None, day: str, bodies: Bodies, pages: Version | None) -> None:
        self._previous, self._day, self._bodies, self._pages = previous, day, bodies, pages

    def update(self, batch: Batch, writer: VersionWriter) -> None:
        """Add the stored documents of `batch` that are gone or banned, remove those that are there again."""
        pages = batch.pages.drop_columns(["body"]).to_pylist()
        said: dict[str, tuple[dict[str, Any], tuple[str, str | None] | None]] = {}
        for page in pages:
            said[page["doc_id"]] = (page, ("gone", str(page["status"])) if page["status"] in GONE else None)
        for reject in batch.rejects.to_pylist():
            if (found := ban(reject)) is not None:
                said[reject["doc_id"]] = (reject, found)
        before = self._before(list(said))
        stored = self._stored([row for row, found in said.values() if found])
        now = {(doc, found[0]) for doc, (_, found) in said.items() if found}
        over = {(doc, reason) for doc, reasons in before.items() for reason in reasons} - now
        writer.remove([f"{doc}\0{reason}" for doc, reason in sorted(over)], "back")
        rows = [
            {**row, "reason": found[0], "detail": found[1], "since": date.fromisoformat(self._day)}
            for doc, (row, found) in said.items()
            if found and found[0] not in before.get(doc, ()) and (doc in before or doc in stored)
        ]
        if rows:
            writer.upsert(pa.Table.from_pylist(rows, schema=TOMBSTONE_CANDIDATES.schema))

    def withdrawn(self, batch: Batch) -> Batch:
        """`batch` with a capture of status 451 in place of each reject that bans a stored document: it goes then."""
        rejects = batch.rejects.to_pylist()
        stored = self._stored([row for row in rejects if ban(row)])
        banned = [row for row in rejects if ban(row) and row["doc_id"] in stored]
        if not banned:
            return batch
        gone = {row["doc_id"] for row in banned}
        pages = [self._withdrawal(row) for row in banned]
        return Batch(
            pa.concat_tables([batch.pages, pages_table(pages)]),
            rejects_table([row for row in rejects if row["doc_id"] not in gone]),
            batch.aliases,
        )

    def _withdrawal(self, reject: dict[str, Any]) -> dict[str, Any]:
        reason, detail = ban(reject) or ("", None)
        return {
            **reject,
            "capture": capture_id(self._day, None),
            "capture_day": date.fromisoformat(self._day),
            "requested_url": reject["url"],
            "final_url": reject["url"],
            "hops": [],
            "status": WITHDRAWN,
            "authorisation": f"withdrawn: {reason} {detail or ''}".rstrip(),
        }

    def _stored(self, rows: Iterable[Mapping[str, Any]]) -> set[str]:
        """The documents among `rows` of which last night's pages hold a body."""
        found: set[str] = set()
        imported: list[str] = []
        for row in rows:
            if not self._bodies.covers(row["source"]):
                imported.append(row["doc_id"])
            elif self._bodies.get(row["source"], row["doc_id"]) is not None:
                found.add(row["doc_id"])
        if self._pages is not None and imported:
            captures = self._pages.get(imported, ["doc_id", "status", "body_hash"]).to_pylist()  # in the order of days
            last = {row["doc_id"]: row["body_hash"] for row in captures if row["status"] != UNCHANGED}
            found.update(doc for doc, body in last.items() if body is not None)
        return found

    def _before(self, documents: list[str]) -> dict[str, set[str]]:
        """Document -> reasons for which it has been a candidate."""
        found: dict[str, set[str]] = {}
        if self._previous is not None and documents:
            for row in self._previous.get(documents, ["doc_id", "reason"]).to_pylist():
                if row["reason"] in REASONS:
                    found.setdefault(row["doc_id"], set()).add(row["reason"])
        return found
