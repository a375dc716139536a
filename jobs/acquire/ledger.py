"""Which item speaks for each document tonight: bookkeeping on disk, so that memory does not grow with a source."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from jobs.datasets import Version

REFUSED, UNCHANGED, CAPTURED = range(3)  # what counts more: a capture, its repetition, a refusal
State = Literal["new", "live", "gone"]
_AT_ONCE = 500  # keys per query

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768; PRAGMA temp_store = FILE;
CREATE TABLE known (doc TEXT PRIMARY KEY, source TEXT NOT NULL, hash TEXT) WITHOUT ROWID;
CREATE TABLE refused (doc TEXT PRIMARY KEY, source TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen (doc TEXT PRIMARY KEY, source TEXT, weight INT, at INT, seq INT) WITHOUT ROWID;
"""
_SEE = """
INSERT INTO seen VALUES (?, ?, ?, ?, ?) ON CONFLICT (doc) DO UPDATE
SET weight = excluded.weight, at = excluded.at, seq = excluded.seq
WHERE (excluded.weight, excluded.at, excluded.seq) > (weight, at, seq)
"""


class Ledger:
    """Documents known from last night and items seen tonight, in a scratch database that nobody else reads."""

    def __init__(self, path: Path, pages: Version | None, rejects: Version | None, sources: Iterable[str]) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")
        names = set(sources)
        for doc, source, status, body in _rows(pages, ["doc_id", "source", "status", "body_hash"]):
            if source in names and status != 304:
                self._db.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?)", (doc, source, body))
        for doc, source in _rows(rejects, ["doc_id", "source"]):
            if source in names:
                self._db.execute("INSERT INTO refused VALUES (?, ?)", (doc, source))

    def before(self, doc: str) -> tuple[State, str | None]:
        """What the last snapshot says of a document, and its body's hash."""
        row = self._db.execute("SELECT hash FROM known WHERE doc = ?", (doc,)).fetchone()
        return ("new", None) if row is None else ("gone", None) if row[0] is None else ("live", row[0])

    def see(self, doc: str, source: str, weight: int, at: int, seq: int) -> None:
        """Item number `seq`, captured at `at`: the weightiest of a document counts, then the latest, then the last."""
        self._db.execute(_SEE, (doc, source, weight, at, seq))

    def claim(self, doc: str, source: str, seq: int) -> bool:
        """Whether item number `seq` may speak for a document that no other item has named."""
        row = (doc, source, REFUSED, 0, seq)
        return self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?)", row).rowcount == 1

    def chosen(self, docs: list[str]) -> dict[str, int]:
        """The number of the item that speaks for each of these documents."""
        found: dict[str, int] = {}
        for at in range(0, len(docs), _AT_ONCE):
            part = docs[at : at + _AT_ONCE]
            found.update(
                self._db.execute(f"SELECT doc, seq FROM seen WHERE doc IN ({','.join('?' * len(part))})", part)
            )
        return found

    def missing(self, source: str) -> Iterator[list[str]]:
        """Documents of the source that were live and were not seen, in order, some at a time."""
        after = ""
        while True:
            rows = self._db.execute(
                "SELECT doc FROM known WHERE doc > ? AND source = ? AND hash IS NOT NULL"
                " AND doc NOT IN (SELECT doc FROM seen) ORDER BY doc LIMIT ?",
                (after, source, _AT_ONCE),
            ).fetchall()
            if not rows:
                return
            yield [doc for (doc,) in rows]
            after = rows[-1][0]

    def settle(self, docs: list[str]) -> None:
        """These documents have a page or a reject of tonight."""
        self._db.executemany("DELETE FROM refused WHERE doc = ?", ((doc,) for doc in docs))

    def outdated(self, whole: set[str]) -> Iterator[list[str]]:
        """Last night's rejects that no longer stand: unchanged documents, and, in sources read whole, what is gone."""
        for source in sorted({name for (name,) in self._db.execute("SELECT DISTINCT source FROM refused")}):
            among = "" if source in whole else " AND doc IN (SELECT doc FROM seen)"
            rows = self._db.execute(f"SELECT doc FROM refused WHERE source = ?{among} ORDER BY doc", (source,))
            while part := rows.fetchmany(_AT_ONCE):
                yield [doc for (doc,) in part]

    def close(self) -> None:
        self._db.close()


def _rows(version: Version | None, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    for piece in version.scan(columns) if version else ():
        yield from zip(*(piece[name].to_pylist() for name in columns), strict=True)
