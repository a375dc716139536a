"""What a run knows of a source's URLs from earlier nights, in columns: a source may have millions of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np

from pipelines.crawl.recrawl import Histories, Numbers

_NO_BODY = bytes(16)


@dataclass(frozen=True, slots=True)
class Known:
    """A URL of the last snapshot. `final_url` is where its validators came from, `depth` how it was found then."""

    doc_id: str
    depth: int = 0
    etag: str | None = None
    last_modified: str | None = None
    final_url: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Visits of a URL: the first and the last day (ordinals; 0: never), intervals between them, those with a change."""

    first: int = 0
    last: int = 0
    intervals: int = 0
    changes: int = 0


class KnownPages(Mapping[str, Known]):
    """Normalised URL -> Known of one source, in the order of adding. About 160 bytes beside the URL itself.

    `waiting` URLs were found, but never visited for want of room.
    """

    def __init__(self) -> None:
        self._texts = bytearray()  # url, etag, last_modified, final_url, joined by NUL
        self._ends = array("Q", [0])
        self._docs = bytearray()
        self._bodies = bytearray()
        self._depths = array("H")
        self._days = array("i")  # first, last
        self._counts = array("H")  # intervals, changes
        self._waiting = bytearray()

    @classmethod
    def of(cls, known: Mapping[str, Known]) -> KnownPages:
        """`known` itself, or its content without any history."""
        if isinstance(known, cls):
            return known
        found = cls()
        for url in sorted(known):
            found.add(url, known[url])
        return found

    def add(
        self,
        url: str,
        known: Known,
        history: History = History(),
        body_hash: str | None = None,
        waiting: bool = False,
    ) -> None:
        """Add a URL that is not there yet. Not while rows are looked up: the index is made anew."""
        final = known.final_url if known.final_url != url else None
        fields = (url, known.etag or "", known.last_modified or "", final or "")
        self._texts += "\0".join(fields).encode("utf-8", "surrogatepass")
        self._ends.append(len(self._texts))
        self._docs += bytes.fromhex(known.doc_id)
        self._bodies += bytes.fromhex(body_hash) if body_hash else _NO_BODY
        self._depths.append(min(known.depth, 65_535))
        self._days.extend((history.first, history.last))
        self._counts.extend((min(history.intervals, 65_535), min(history.changes, 65_535)))
        self._waiting.append(waiting)
        self.__dict__.pop("_by_url", None)
        self.__dict__.pop("_by_document", None)

    # one row

    def row(self, url: str) -> int:
        """The place of `url`; -1 where it is not known."""
        hashes, rows = self._by_url
        wanted = _hash(url.encode("utf-8", "surrogatepass"))
        at = int(np.searchsorted(hashes, wanted))
        while at < len(rows) and hashes[at] == wanted:
            if self.url(int(rows[at])) == url:
                return int(rows[at])
            at += 1
        return -1

    def url(self, row: int) -> str:
        return self._fields(row)[0]

    def known(self, row: int) -> Known:
        url, etag, modified, final = self._fields(row)
        doc_id = self._docs[16 * row : 16 * row + 16].hex()
        validated = bool(etag or modified or final or self.body(row))
        return Known(doc_id, self._depths[row], etag or None, modified or None, final or (url if validated else None))

    def body(self, row: int) -> str | None:
        """Hash of the body that is stored; null where the page is gone or was never had."""
        found = bytes(self._bodies[16 * row : 16 * row + 16])
        return None if found == _NO_BODY else found.hex()

    def body_of(self, doc_id: str) -> str | None:
        """The same for a document."""
        hashes, rows = self._by_document
        wanted = np.array([bytes.fromhex(doc_id)], dtype="V16").view("S16")[0]
        at = int(np.searchsorted(hashes, wanted))
        found = at < len(rows) and self._docs[16 * rows[at] : 16 * rows[at] + 16].hex() == doc_id
        return self.body(int(rows[at])) if found else None

    def depth(self, row: int) -> int:
        return self._depths[row]

    def is_waiting(self, row: int) -> bool:
        return bool(self._waiting[row])

    # all of them

    def __len__(self) -> int:
        return len(self._depths)

    def __iter__(self) -> Iterator[str]:
        return (self.url(row) for row in range(len(self)))

    def __getitem__(self, url: str) -> Known:
        row = self.row(url)
        if row < 0:
            raise KeyError(url)
        return self.known(row)

    def histories(self, lastmod: Numbers | None = None) -> Histories:
        """The rows' histories; `lastmod` is what a sitemap says of each row."""
        days = np.array(self._days, dtype=np.int32).reshape(-1, 2)
        counts = np.array(self._counts, dtype=np.int32).reshape(-1, 2)
        stated = np.zeros(len(self), np.int32) if lastmod is None else lastmod
        return Histories(days[:, 1], counts[:, 0], counts[:, 1], days[:, 1] - days[:, 0], stated)

    def waiting(self) -> Numbers:
        """Rows of URLs that wait for room, the nearest to a seed first."""
        rows = np.nonzero(np.frombuffer(bytes(self._waiting), np.uint8))[0]
        return rows[np.argsort(np.array(self._depths, np.uint16)[rows], kind="stable")]

    def _fields(self, row: int) -> list[str]:
        return self._texts[self._ends[row] : self._ends[row + 1]].decode("utf-8", "surrogatepass").split("\0")

    @cached_property
    def _by_url(self) -> tuple[Numbers, Numbers]:
        hashes = np.empty(len(self), np.uint64)
        for row in range(len(self)):
            text = self._texts[self._ends[row] : self._ends[row + 1]]
            hashes[row] = _hash(text[: text.index(0)])
        order = np.argsort(hashes, kind="stable").astype(np.uint32)
        return hashes[order], order

    @cached_property
    def _by_document(self) -> tuple[Numbers, Numbers]:
        documents = np.frombuffer(bytes(self._docs), "S16")
        order = np.argsort(documents, kind="stable").astype(np.uint32)
        return documents[order], order


def _hash(url: bytes | bytearray) -> np.uint64:
    return np.uint64(int.from_bytes(blake2b(url, digest_size=8).digest()))
