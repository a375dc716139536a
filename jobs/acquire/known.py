"""What the last snapshot knows of the URLs to visit again."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from jobs.datasets import Version
from jobs.effects.stored import History, Known, KnownPages
from pipelines.extract.live import UNCHANGED

#: Rejects of URLs that were never asked for. Those of the second kind wait for room, or for other filters.
NEVER = ("bad_url", "max_depth", "trap", "not_canonical")
WAITING = ("max_pages", "blocked", "adult_url")
NOT_VISITED = (*NEVER, *WAITING)

_COLUMNS = ("doc_id", "source", "url", "depth", "status", "etag", "last_modified", "final_url", "body_hash")
_DEPTH = re.compile(r"depth ([0-9]{1,5})")


class Bodies:
    """The hashes of the bodies that are stored of the documents of some sources."""

    def __init__(self, known: Mapping[str, KnownPages]) -> None:
        self._known = known

    def get(self, source: str, doc_id: str) -> str | None:
        """The hash; null where nothing is stored, or the page is gone, or the source is none of these."""
        return self._known[source].body_of(doc_id) if source in self._known else None

    def covers(self, source: str) -> bool:
        """Whether this source's pages are known here: those that are visited are, imported ones not."""
        return source in self._known


def known_pages(pages: Version | None, sources: Iterable[str]) -> tuple[dict[str, KnownPages], Bodies]:
    """Per source, every URL seen so far with its validators and history; and the hashes of the stored bodies."""
    known = {source: KnownPages() for source in sources}
    for folded in _folded(pages, known) if pages and known else ():
        folded.add_to(known[folded.source])
    return known, Bodies(known)


class _Folded:
    """The captures of one document, folded in the order of days. A body is stored until another or a 404 comes."""

    def __init__(self, doc_id: str, source: str, url: str) -> None:
        self.doc_id, self.source, self.url = doc_id, source, url
        self.first = self.last = self.intervals = self.changes = self.depth = 0
        self.validators: tuple[str | None, str | None, str | None] = (None, None, None)
        self.body: str | None = None

    def add(self, day: int, depth: int | None, status: int, body: str | None, *validators: Any) -> None:
        changed = status != UNCHANGED and body != self.body
        if self.first:
            self.intervals += 1
            self.changes += changed
        self.first, self.last = self.first or day, day
        if status != UNCHANGED:
            self.depth, self.body = depth or 0, body
            self.validators = validators if body is not None else (None, None, None)

    def add_to(self, known: KnownPages) -> None:
        history = History(self.first, self.last, self.intervals, self.changes)
        page = Known(self.doc_id, self.depth, *self.validators)
        known.add(self.url, page, history, self.body)


def _folded(pages: Version, sources: Container[str]) -> Iterator[_Folded]:
    """Captures come sorted by document and day, so that one document at a time is in memory."""
    current: _Folded | None = None
    for piece in pages.scan([*_COLUMNS, "capture_day"]):
        columns = (piece[name].to_pylist() for name in (*_COLUMNS, "capture_day"))
        for doc_id, source, url, depth, status, etag, modified, final, body, day in zip(*columns, strict=True):
            if source not in sources:
                continue
            if current is None or current.doc_id != doc_id:
                if current is not None:
                    yield current
                current = _Folded(doc_id, source, url)
            current.add(day.toordinal(), depth, status, body, etag, modified, final)
    if current is not None:
        yield current


def add_failed(rejects: Version | None, known: Mapping[str, KnownPages], depths: Mapping[str, int]) -> None:
    """Add what was found and is not stored: it could not be had, or had to wait.

    The page that links to it may be unchanged, or not due, and is not read again then. `depths` are the sources'
    max_depth, by source: links of pages that failed are followed only where a page that is read leads to them.
    """
    found = []
    for piece in rejects.scan(["doc_id", "source", "url", "rule", "detail"]) if rejects else ():
        for row in piece.to_pylist():
            source, rule = row["source"], row["rule"]
            if rule in NEVER or source not in depths or not row["url"] or known[source].row(row["url"]) >= 0:
                continue
            told = _DEPTH.fullmatch(row["detail"] or "") if rule == "max_pages" else None
            found.append((source, row["url"], Known(row["doc_id"], int(told[1]) if told else depths[source]), rule))
    for source, url, page, rule in found:
        known[source].add(url, page, waiting=rule in WAITING)
