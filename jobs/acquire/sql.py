"""Sources of kind `sql`: the rows of one query against any database that SQLAlchemy reaches, as a stream.

The query is the configuration's own text and is never put together from anything. The session is read-only where the
database can be told so, and rolled back always. Neither the address of the database nor a value is ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.acquire.readings import SourceUnavailable
from jobs.config import Config
from jobs.errors import ConfigError, UsageError
from pipelines.acquire.items import Item, Refused
from pipelines.acquire.records import Row, items
from pipelines.acquire.rows_csv import column_names
from pipelines.params import SourceParams

if TYPE_CHECKING:
    import sqlalchemy as sa

FETCH_ROWS = 1_000
_READS = re.compile(r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*(?:select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")
_READ_ONLY = {"sqlite": "PRAGMA query_only = ON", "mysql": "SET SESSION TRANSACTION READ ONLY"}
_PLAIN = (str, int, float, bool, bytes, memoryview, Decimal, datetime, date, time, dict, list, tuple, type(None))


def read(source: SourceParams, config: Config, workspace: Path | None = None) -> Iterator[Item | Refused]:
    """The records of the query, in the order of `id_field` where there is one.

    Raises SourceUnavailable where the database does not answer, ConfigError for a query that is no reading one, and
    UsageError where SQLAlchemy or a driver is not installed.
    """
    try:
        import sqlalchemy as sa
    except ImportError:
        raise UsageError(f"source {source.name} needs SQLAlchemy: pip install nightmill[sql]") from None
    query = source.query.strip().rstrip(";")
    if not _READS.match(query):
        raise ConfigError(f"crawl.sources: {source.name}: query must be a SELECT, WITH, VALUES or TABLE")
    engine = _engine(sa, source, config)
    try:
        yield from items(_rows(sa, engine, query, source.id_field), source.name, source)
    except sa.exc.SQLAlchemyError as error:
        told = type(getattr(error, "orig", None) or error).__name__
        raise SourceUnavailable(
            "source_unavailable",
            f"source {source.name}: the database refused or broke off ({told}); look at the secret "
            f"{source.connection}, the query, and whether the server is up",
        ) from None
    finally:
        engine.dispose()


def _engine(sa: Any, source: SourceParams, config: Config) -> sa.Engine:
    try:
        url = sa.make_url(config.secret(source.connection))
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            path = config.path(url.database)
            if not path.is_file():
                raise SourceUnavailable("source_missing", f"source {source.name}: its database file does not exist")
            url = url.set(database=str(path))
        return sa.create_engine(url, hide_parameters=True)
    except sa.exc.ArgumentError:
        raise ConfigError(f"the secret {source.connection} is no SQLAlchemy URL (dialect://…)") from None
    except ImportError as error:
        raise UsageError(f"source {source.name}: the driver {error.name} is not installed") from None


def _rows(sa: Any, engine: sa.Engine, query: str, id_field: str) -> Iterator[Row]:
    dialect = engine.dialect.name
    options: dict[str, Any] = {"stream_results": True, "yield_per": FETCH_ROWS}
    if dialect == "postgresql":
        options |= {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection:
        if dialect in _READ_ONLY:
            connection.exec_driver_sql(_READ_ONLY[dialect])
        statement = sa.text(_PARAMETER.sub(r"\:", query))  # a colon in the query is a colon, not a parameter
        if id_field:
            table = statement.columns(sa.column(id_field)).subquery("records")
            statement = sa.select(sa.text("*")).select_from(table).order_by(table.c[id_field])
        result = connection.execute(statement)
        names = column_names(list(result.keys()))
        for number, values in enumerate(result, 1):
            yield Row(number, {name: _plain(value) for name, value in zip(names, values, strict=True)})


def _plain(value: Any) -> Any:
    """A value of a kind that records know; others (UUID, interval, enum) as the database writes them."""
    return value if isinstance(value, _PLAIN) else str(value)
