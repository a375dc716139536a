"""Items of files, databases and interfaces on their way to `pages`: read once, settled, handed on in batches.

Sources are read in two steps. The first reads every item to a scratch file and notes in a ledger which one speaks for
its document; the second hands those on, so that a document has one capture a night however often it comes. A body that
is stored already is not written again.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from jobs.acquire.intake import Intake
from jobs.acquire.ledger import CAPTURED, REFUSED, UNCHANGED, Ledger
from jobs.acquire.readings import SourceUnavailable, reading_of
from jobs.acquire.rights import Barred
from jobs.acquire.spool import Spool
from jobs.context import JobContext
from jobs.datasets import Version
from jobs.effects.frontier import Batch
from pipelines.acquire.addresses import address, normal, storable
from pipelines.acquire.items import Item, Refused
from pipelines.crawl.filters import UrlFilter
from pipelines.crawl.requests import STAGE, aliases_table, body_hash, pages_table, rejects_table
from pipelines.crawl.urls import url_id
from pipelines.extract.live import GONE
from pipelines.params import SourceParams
from pipelines.schemas import capture_id, document_id

_REFUSALS = ("rejected", "damaged")


class Imports:
    """The imported part of a night. Call `read`, then `batches`, then `outdated`; close it, or use it with `with`.

    `items` counts what was read, `others` what became neither page nor reject, `unavailable` says which sources could
    not be read and why.
    """

    def __init__(
        self,
        ctx: JobContext,
        sources: Sequence[SourceParams],
        barred: Sequence[Barred],
        pages: Version | None,
        rejects: Version | None,
        url_filter: UrlFilter | None = None,
    ) -> None:
        self._ctx, self._pages = ctx, pages
        self._intake = Intake(ctx.parameters(), url_filter)
        self._day, self._tenant = ctx.pins.date, ctx.config.settings.tenant
        self._open, self._barred = sources, barred
        self._sources = {source.name: source for source in (*sources, *(each.source for each in barred))}
        self._folder = ctx.workspace / "import"
        shutil.rmtree(self._folder, ignore_errors=True)  # of a reading that was killed
        self._folder.mkdir(parents=True)
        self._ledger = Ledger(self._folder / "ledger.sqlite", pages, rejects, self._sources)
        self._spool = Spool(self._folder / "items.arrow")
        self._whole: set[str] = set()  # sources of which nothing was lost
        self._seq = 0
        self.items = 0
        self.others: Counter[str] = Counter()
        self.unavailable: list[str] = []

    def __enter__(self) -> Imports:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._ledger.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def inputs(self) -> int:
        """Items read and refused, origins barred, and documents found missing."""
        return self._seq

    def read(self) -> None:
        """Read all sources. Only what the disk refuses makes it raise."""
        for barred in self._barred:
            for refused in barred.refusals():
                self._refuse(barred.source, refused)
            self.unavailable.append(barred.reason)
        for source in self._open:
            self._read(source)

    def _read(self, source: SourceParams) -> None:
        whole, before = source.complete, self.items
        try:
            for found in reading_of(source.kind)(source, self._ctx.config, self._ctx.workspace):
                self.items += 1
                self._ctx.report(1)
                if isinstance(found, Item):
                    self._take(source, found)
                else:
                    self._refuse(source, found)
                    whole = whole and not found.lost
            if self.items == before:
                raise SourceUnavailable("nothing_found", f"source {source.name}: {_origin(source)} holds no items")
        except SourceUnavailable as error:
            # An empty folder is more often one that is not mounted than one that was emptied
            whole = False
            self.unavailable.append(str(error))
            self._refuse(source, Refused(_origin(source), error.rule))
        if whole:
            self._whole.add(source.name)
            self._miss(source)

    def _take(self, source: SourceParams, item: Item) -> None:
        url = address(item.name, item.url)
        doc = document_id(self._tenant, source.name, url)
        state, stored = self._ledger.before(doc)
        digest = body_hash(item.body) if item.status == 200 else None
        row = {
            "requested_url": storable(item.url or item.name),
            "url": url,
            "final_url": normal(item.final_url) or normal(item.url),
            "hops": list(dict.fromkeys(hop for hop in map(normal, item.hops) if hop)),
            "status": item.status,
            "content_type": item.content_type or None,
            "authorisation": item.evidence or source.evidence or None,
            "fetched_at": item.fetched_at,
        }
        at = round(item.fetched_at.timestamp() * 1_000_000) if item.fetched_at else 0
        if item.status == 304:
            same = {"disposition": "unchanged"} if state == "live" else _rejected("revisit_without_original")
            self._spool_row(source, doc, UNCHANGED, at, row | same)
        elif item.status in GONE:
            self._spool_row(
                source, doc, CAPTURED, at, row | {"disposition": "unchanged" if state == "gone" else "retracted"}
            )
        elif digest is None:
            self._spool_row(source, doc, REFUSED, at, row | _rejected("http_status", item.status))
        elif no := self._intake.refusal(item, url):
            self._spool_row(source, doc, CAPTURED, at, row | _rejected(no.rule, no.value, no.threshold, no.detail))
        elif digest == stored:
            self._spool_row(source, doc, CAPTURED, at, row | {"disposition": "unchanged"})
        else:
            sizes = {"body_hash": digest, "body_bytes": len(item.body), "body": item.body}
            self._spool_row(source, doc, CAPTURED, at, row | sizes | {"disposition": "emitted"})

    def _refuse(self, source: SourceParams, refused: Refused) -> None:
        url = address(refused.name, refused.url)
        row = {"requested_url": storable(refused.name), "url": url}
        verdict = _rejected(refused.rule, refused.value, refused.threshold, refused.detail)
        if refused.lost:
            verdict["disposition"] = "damaged"
        self._spool_row(source, document_id(self._tenant, source.name, url), REFUSED, 0, row | verdict)

    def _spool_row(self, source: SourceParams, doc: str, weight: int, at: int, row: dict[str, Any]) -> None:
        self._ledger.see(doc, source.name, weight, at, self._seq)
        self._spool.append({**row, "seq": self._seq, "doc_id": doc, "source": source.name})
        self._seq += 1

    def _miss(self, source: SourceParams) -> None:
        """What the source had last night and has no more is gone."""
        assert self._pages is not None or not any(self._ledger.missing(source.name))
        for docs in self._ledger.missing(source.name):
            assert self._pages is not None
            last = {row["doc_id"]: row for row in self._pages.get(docs, ["doc_id", "url", "requested_url"]).to_pylist()}
            for doc in docs:
                gone = {"url": last[doc]["url"], "requested_url": last[doc]["requested_url"], "final_url": None}
                self._spool_row(
                    source, doc, CAPTURED, 0, gone | {"hops": [], "status": 410, "disposition": "retracted"}
                )

    def batches(self) -> Iterator[Batch]:
        """Pages, rejects and aliases, one of each document; what else there was is counted in `others`."""
        for table in self._spool.batches():
            chosen = self._ledger.chosen(table["doc_id"].to_pylist())
            rows = table.drop_columns(["body"]).to_pylist()
            speaking = [
                at for at, row in enumerate(rows) if chosen[row["doc_id"]] == row["seq"] or self._speaks_for_place(row)
            ]
            self.others["superseded"] += len(rows) - len(speaking)
            self.others["unchanged"] += sum(rows[at]["disposition"] == "unchanged" for at in speaking)
            kept = [at for at in speaking if rows[at]["disposition"] != "unchanged"]
            bodies = table["body"].take(pa.array(kept, pa.int64())).to_pylist()
            yield self._batch([rows[at] | {"body": body} for at, body in zip(kept, bodies, strict=True)])
            pa.default_memory_pool().release_unused()  # what the allocator holds back would look like growth

    def _speaks_for_place(self, row: dict[str, Any]) -> bool:
        """Whether `row` tells of damage while another item has its URL: it is a reject by its place then."""
        place = address(row["requested_url"], None)
        if row["disposition"] != "damaged" or place == row["url"]:
            return False
        doc = document_id(self._tenant, row["source"], place)
        row |= {"url": place, "doc_id": doc}
        return self._ledger.claim(doc, row["source"], row["seq"])

    def _batch(self, rows: list[dict[str, Any]]) -> Batch:
        self._ledger.settle([row["doc_id"] for row in rows])
        pages = [self._common(row) | row for row in rows if row["disposition"] not in _REFUSALS]
        rejects = [
            self._common(row) | row | {"stage": STAGE, "capture": capture_id(self._day, None)}
            for row in rows
            if row["disposition"] in _REFUSALS
        ]
        names = [alias for row in pages if row["status"] == 200 for alias in self._aliases(row)]
        return Batch(pages_table(pages), rejects_table(rejects), aliases_table(names))

    def _common(self, row: dict[str, Any]) -> dict[str, Any]:
        source = self._sources[row["source"]]
        return {
            "tenant_id": self._tenant,
            "source_class": source.source_class,
            "licence": source.licence,
            "authorised": source.authorised,
            "subject_ids": [],
            "capture": capture_id(self._day, row["body_hash"]),
            "capture_day": date.fromisoformat(self._day),
            "depth": 0,
        }

    def _aliases(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        urls = [("requested", row["url"]), *(("hop", hop) for hop in row["hops"])]
        for kind, url in urls + ([("final", row["final_url"])] if row["final_url"] else []):
            yield {
                "url_id": url_id(url),
                "doc_id": row["doc_id"],
                "kind": kind,
                "url": url,
                "tenant_id": self._tenant,
                "since": date.fromisoformat(self._day),
            }

    def outdated(self) -> Iterator[list[str]]:
        """Documents whose reject of last night no longer stands and that `batches` did not name."""
        return self._ledger.outdated(self._whole)


def _rejected(
    rule: str, value: float | None = None, threshold: float | None = None, detail: str | None = None
) -> dict[str, Any]:
    numbers = {
        "value": None if value is None else round(float(value), 6),
        "threshold": None if threshold is None else round(float(threshold), 6),
    }
    return {"disposition": "rejected", "rule": rule, "detail": detail, **numbers}


def _origin(source: SourceParams) -> str:
    return source.path or source.connection or next(iter(source.seeds), source.name)
