"""Queries that lead to the same clicks: candidates for synonyms (co-click similarity over the bipartite graph).

A query's vector counts, for each item, the different users who clicked on it. Two queries are as similar as the cosine
of their vectors; Jaccard of their items is given beside it (Wen, Nie, Zhang 2001, "Clustering user queries of a search
engine"; Beeferman and Berger 2000). A query that fewer than `min_users` people asked is never shown.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from jobs.errors import UsageError
from pipelines.acquire import rows_csv, rows_json
from pipelines.acquire.queries import Click, click_of
from pipelines.acquire.records import BadRow, Row
from pipelines.acquire.textfile import Text
from pipelines.acquire.values import Malformed
from pipelines.extract.decode import Undecodable

BATCH = 50_000
MEMORY = "1GB"
MAX_LINE = 1_000_000

_SCHEMA = pa.schema([("query", pa.string()), ("item", pa.string()), ("seen_by", pa.string())])
#: Integers throughout, so that neither threads nor order can change a figure.
_PAIRS = """
WITH once AS (SELECT DISTINCT query, item, seen_by FROM clicks),
asked AS (
    SELECT query, count(DISTINCT seen_by) AS users FROM once GROUP BY query HAVING count(DISTINCT seen_by) >= $min_users
),
edges AS (
    SELECT o.query, o.item, count(*) AS weight FROM once o JOIN asked USING (query) GROUP BY o.query, o.item
),
telling AS (SELECT item FROM edges GROUP BY item HAVING count(*) BETWEEN 2 AND $max_queries),
vectors AS (SELECT query, sum(weight * weight) AS square, count(*) AS items FROM edges GROUP BY query),
shared AS (
    SELECT a.query AS a, b.query AS b, sum(a.weight * b.weight) AS dot, count(*) AS common
    FROM edges a JOIN telling USING (item) JOIN edges b USING (item)
    WHERE a.query < b.query
    GROUP BY a.query, b.query
    HAVING count(*) >= $min_common
),
scored AS (
    SELECT s.a, s.b, round(s.dot / sqrt(x.square::DOUBLE * y.square), 6) AS cosine,
           round(s.common / (x.items + y.items - s.common)::DOUBLE, 6) AS jaccard, s.common AS common_items,
           m.users AS users_a, n.users AS users_b
    FROM shared s
    JOIN vectors x ON x.query = s.a JOIN vectors y ON y.query = s.b
    JOIN asked m ON m.query = s.a JOIN asked n ON n.query = s.b
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY a ORDER BY cosine DESC, b) AS rank_a,
           row_number() OVER (PARTITION BY b ORDER BY cosine DESC, a) AS rank_b
    FROM scored WHERE cosine >= $min_cosine
)
SELECT a, b, cosine, jaccard, common_items, users_a, users_b FROM ranked
WHERE rank_a <= $top OR rank_b <= $top
ORDER BY cosine DESC, a, b
"""


@dataclass(frozen=True)
class Limits:
    """What counts as similar, and who may be seen in it."""

    min_users: int = 5  # different people who asked a query
    min_common: int = 2  # items that both queries led to
    min_cosine: float = 0.5
    max_queries: int = 1_000  # an item that more queries lead to (a home page) says nothing
    top: int = 20  # pairs per query


@dataclass
class Mined:
    rows: int = 0
    pairs: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def mine(log: Path, output: Path, fields: Mapping[str, str], limits: Limits) -> Mined:
    """Write the pairs of `log` (CSV, TSV or JSONL, one click per row) to `output`, the most similar first.

    Memory stays within a gigabyte whatever the size of the log: DuckDB spills to a scratch folder beside the output.
    The output appears when it is whole. Raises UsageError where the log cannot be read or has no usable row.
    """
    done = Mined()
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".similar-") as scratch:
        with duckdb.connect(f"{scratch}/clicks.duckdb") as base:
            base.execute(f"SET memory_limit = '{MEMORY}'")
            base.execute("SET temp_directory = $1", [f"{scratch}/spill"])
            base.execute("CREATE TABLE clicks (query VARCHAR, item VARCHAR, seen_by VARCHAR)")
            for table in _tables(log, fields, done):
                base.register("batch", table)
                base.execute("INSERT INTO clicks SELECT * FROM batch")
                base.unregister("batch")
            if done.rows == sum(done.refused.values()):
                raise UsageError(f"{log}: no row has a query, what was clicked and by whom; say where they are")
            found = base.execute(_PAIRS, vars(limits))
            names = [column[0] for column in found.description]
            whole = Path(scratch) / "pairs.jsonl"
            with whole.open("wb") as file:
                while rows := found.fetchmany(10_000):
                    done.pairs += len(rows)
                    file.writelines(orjson.dumps(dict(zip(names, row, strict=True))) + b"\n" for row in rows)
        os.replace(whole, output)
    return done


def _tables(log: Path, fields: Mapping[str, str], done: Mined) -> Iterator[pa.Table]:
    batch: list[Click] = []
    for row in _rows(log):
        done.rows += 1
        try:
            if isinstance(row, BadRow):
                raise Malformed(row.rule)
            batch.append(click_of(row.values, fields))
        except Malformed as error:
            done.refused[f"{error.rule}:{error.detail}" if error.detail else error.rule] += 1
        if len(batch) >= BATCH:
            yield _table(batch)
            batch = []
    if batch:
        yield _table(batch)


def _table(batch: list[Click]) -> pa.Table:
    columns: list[Any] = [pa.array(column, pa.string()) for column in zip(*batch, strict=True)]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def _rows(log: Path) -> Iterator[Row | BadRow]:
    with log.open("rb") as stream:
        try:
            text = Text(stream)
        except Undecodable:
            raise UsageError(f"{log}: this is no text file") from None
        if log.suffix.lower() in (".jsonl", ".ndjson", ".json"):
            yield from rows_json.lines(text, MAX_LINE)
        else:
            yield from rows_csv.rows(text, log.suffix.lower() in (".tsv", ".tab"), MAX_LINE)
