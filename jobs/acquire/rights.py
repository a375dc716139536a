"""Which sources may be read at all, by licence and authorisation; and what is stored of those that may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from jobs.datasets import Version
from jobs.writer import VersionWriter
from pipelines.acquire.items import Refused
from pipelines.acquire.licences import verdict
from pipelines.extract.live import GONE
from pipelines.params import SOURCE_CLASSES, CrawlParams, SourceParams
from pipelines.schemas import TOMBSTONE_CANDIDATES

#: What was said to a service: read only where it was both desensitised and authorised.
GUARDED = ("dialogue_service", "request_log")


@dataclass(frozen=True)
class Barred:
    """A source that is not read: nothing of it is opened or fetched."""

    source: SourceParams
    rule: str  # licence | not_authorised
    detail: str

    @property
    def reason(self) -> str:
        return f"source {self.source.name} may not be read: {self.rule} ({self.detail})"

    def refusals(self) -> Iterator[Refused]:
        """One for each place that the source names."""
        for seed in self.source.seeds:
            yield Refused(seed, self.rule, detail=self.detail, url=seed)
        if not self.source.seeds:
            yield Refused(self.source.path or self.source.connection or self.source.name, self.rule, detail=self.detail)


def barred(source: SourceParams, params: CrawlParams) -> Barred | None:
    """Why `source` may not be read; null where it may."""
    if source.source_class in GUARDED and not (source.desensitised and source.authorised):
        missing = [name for name in ("desensitised", "authorised") if not getattr(source, name)]
        return Barred(source, "not_authorised", f"{source.source_class} not {' and not '.join(missing)}")
    if verdict(source.licence) in params.refuse_licences:
        return Barred(source, "licence", source.licence)
    return None


def sorted_out(params: CrawlParams) -> tuple[list[SourceParams], list[Barred]]:
    """The sources that may be read, those that come first in front, and those that may not."""
    refused = [found for source in params.sources if (found := barred(source, params))]
    names = {each.source.name for each in refused}
    return [source for source in params.sources if source.name not in names], refused


def priority(source: SourceParams) -> int:
    return source.priority or SOURCE_CLASSES[source.source_class]


class LicenceCandidates:
    """Tombstone candidates of reason `licence`: what is stored of sources that may no longer be read."""

    def __init__(self, previous: Version | None, day: str) -> None:
        self._previous, self._day = previous, date.fromisoformat(day)

    def update(self, refused: Iterable[Barred], pages: Version | None, writer: VersionWriter) -> None:
        """Add the live documents of `refused`; remove those of sources that may be read again."""
        details = {each.source.name: f"{each.rule}: {each.detail}" for each in refused}
        before = self._before()
        writer.remove(sorted(f"{doc}\0licence" for doc, source in before.items() if source not in details), "admitted")
        if not details or pages is None:
            return
        rows: dict[str, dict[str, object]] = {}
        columns = [n for n in TOMBSTONE_CANDIDATES.schema.names if n not in ("reason", "detail", "since")]
        for piece in pages.scan([*columns, "status"]):
            for page in piece.to_pylist():
                if page["source"] not in details or page["doc_id"] in before or page["status"] == 304:
                    continue
                if page["status"] in GONE:
                    rows.pop(page["doc_id"], None)
                else:
                    stated = {"reason": "licence", "detail": details[page["source"]], "since": self._day}
                    rows[page["doc_id"]] = {**page, **stated}
        writer.upsert(pa.Table.from_pylist(list(rows.values()), schema=TOMBSTONE_CANDIDATES.schema))

    def _before(self) -> dict[str, str]:
        if self._previous is None:
            return {}
        table = self._previous.table(["doc_id", "reason", "source"])
        return {row["doc_id"]: row["source"] for row in table.to_pylist() if row["reason"] == "licence"}
