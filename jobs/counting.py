"""Counting values that may be many – hosts, hashes – on disk: memory stays bounded (law 10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

MEMORY = "512MB"  # of the database; beyond it counts spill to disk
_AT_ONCE = 100_000  # buffered rows per insert
_COUNTS = pa.schema([("figure", pa.string()), ("value", pa.string()), ("n", pa.int64())])
_HASHES = pa.schema([("tenant", pa.string()), ("hash", pa.string()), ("doc_id", pa.string())])


class DiskCounts:
    """Counts per (figure, value), and documents that share a hash. Nulls are not counted."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._sql = connection
        self._sql.execute("CREATE TABLE counts (figure VARCHAR, value VARCHAR, n BIGINT)")
        self._sql.execute("CREATE TABLE hashes (tenant VARCHAR, hash VARCHAR, doc_id VARCHAR)")
        self._held: dict[str, list[pa.Table]] = {"counts": [], "hashes": []}

    def add(
        self, figure: str, values: pa.Array | pa.ChunkedArray, weights: pa.Array | pa.ChunkedArray | None = None
    ) -> None:
        """Count each value once, or with its weight."""
        if weights is None:
            weights = pa.repeat(pa.scalar(1, pa.int64()), len(values))
        table = pa.table({"value": values, "n": weights})
        table = table.filter(pc.and_(table["value"].is_valid(), table["n"].is_valid()))
        sums = table.group_by("value").aggregate([("n", "sum")])
        name = pa.repeat(pa.scalar(figure, pa.string()), sums.num_rows)
        self._hold("counts", pa.table([name, sums["value"], sums["n_sum"]], schema=_COUNTS))

    def add_hashes(self, tenants: pa.ChunkedArray, hashes: pa.ChunkedArray, doc_ids: pa.ChunkedArray) -> None:
        self._hold("hashes", pa.table([tenants.fill_null(""), hashes, doc_ids], schema=_HASHES))

    def top(self, figure: str, limit: int) -> list[tuple[str, int]]:
        """The values with the highest counts; of equal ones the smaller value first."""
        self._flush("counts")
        return self._sql.execute(
            "SELECT value, CAST(sum(n) AS BIGINT) AS total FROM counts WHERE figure = ? "
            "GROUP BY value ORDER BY total DESC, value LIMIT ?",
            [figure, limit],
        ).fetchall()

    def distinct(self, figure: str) -> int:
        self._flush("counts")
        return self._number("SELECT count(DISTINCT value) FROM counts WHERE figure = ?", [figure])

    def count(self, figure: str, value: str) -> int:
        self._flush("counts")
        query = "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM counts WHERE figure = ? AND value = ?"
        return self._number(query, [figure, value])

    def shared(self, limit: int) -> tuple[int, list[str]]:
        """How many documents share their hash with another of the same tenant, and the first ids of them."""
        self._flush("hashes")
        self._sql.execute(
            "CREATE OR REPLACE TEMP TABLE twins AS SELECT h.doc_id FROM hashes h SEMI JOIN "
            "(SELECT tenant, hash FROM hashes GROUP BY tenant, hash HAVING count(*) > 1) AS g "
            "ON h.tenant = g.tenant AND h.hash = g.hash"
        )
        rows = self._sql.execute("SELECT doc_id FROM twins ORDER BY doc_id LIMIT ?", [limit]).fetchall()
        return self._number("SELECT count(*) FROM twins", []), [doc for (doc,) in rows]

    def _number(self, query: str, values: list[object]) -> int:
        return int(self._sql.execute(query, values).fetchall()[0][0])  # fetchone leaves the connection busy

    def _hold(self, table: str, rows: pa.Table) -> None:
        held = self._held[table]
        held.append(rows)
        if sum(t.num_rows for t in held) >= _AT_ONCE:
            self._flush(table)

    def _flush(self, table: str) -> None:
        if self._held[table]:
            self._sql.register("piece", pa.concat_tables(self._held[table]))
            self._sql.execute(f"INSERT INTO {table} SELECT * FROM piece")  # table: one of the two above
            self._sql.unregister("piece")
            self._held[table] = []


@contextmanager
def disk_counts(folder: Path) -> Iterator[DiskCounts]:
    """Counts in a database of their own below `folder`, removed afterwards."""
    with TemporaryDirectory(prefix="counts-", dir=folder) as place:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": str(Path(place) / "spill"),
            "threads": 1,
            "autoinstall_known_extensions": False,
        }
        with duckdb.connect(str(Path(place) / "counts.duckdb"), config=settings) as connection:
            yield DiskCounts(connection)
