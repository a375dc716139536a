"""Rows of a database, read by the query and by nothing else."""

import sqlite3
from decimal import Decimal
from uuid import UUID

import pytest

from jobs.acquire import sql
from jobs.acquire.readings import SourceUnavailable
from jobs.config import load
from jobs.errors import ConfigError, UsageError
from pipelines.acquire.items import Item
from pipelines.params import SourceParams

ROWS = [(3, "Cup", "Acme", 3.5), (1, "杯子", "某某", 12.0), (2, "Plate", "Acme", None)]


@pytest.fixture
def base(tmp_path, monkeypatch):
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE goods (id INTEGER, name TEXT, brand TEXT, price REAL)")
        connection.executemany("INSERT INTO goods VALUES (?, ?, ?, ?)", ROWS)
    monkeypatch.setenv("SHOP", "sqlite:///shop.db")
    (tmp_path / "params.yaml").write_text("secrets: {shop: env:SHOP}\n")
    return tmp_path


def read(base, query="SELECT id, name AS goods_name, brand, price FROM goods", **source):
    source = SourceParams("shop", kind="sql", connection="shop", query=query, **source)
    return list(sql.read(source, load(base / "params.yaml", environ={})))


@pytest.mark.req("CRL-07", "EXT-13")
def test_rows_come_in_the_order_of_their_id_under_it(base):
    found = read(base, id_field="id")
    assert [item.name for item in found] == ["1", "2", "3"]
    assert [item.content_type.partition("=")[2] for item in found] == ["product"] * 3
    assert '"name":"杯子"' in found[0].body.decode()


def test_without_an_id_field_the_file_of_the_name_is_the_source(base):
    assert sorted(item.name for item in read(base)) == ["shop#id:1", "shop#id:2", "shop#id:3"]


def test_a_night_reads_a_database_and_says_what_is_gone(nights, balanced, base, monkeypatch):
    monkeypatch.setenv("SHOP", f"sqlite:///{base / 'shop.db'}")
    nights.overrides = ["secrets.shop=env:SHOP"]
    query = "SELECT id, name AS goods_name, brand, price FROM goods"
    nights.sources = [f"{{name: shop, kind: sql, connection: shop, query: '{query}', id_field: id}}"]
    first = nights.run(0, ["extract"])
    assert first["emitted"] == 3 and balanced(first)
    with sqlite3.connect(base / "shop.db") as connection:
        connection.execute("DELETE FROM goods WHERE id = 2")
        connection.execute("UPDATE goods SET price = 4 WHERE id = 3")
    second = nights.run(1)
    assert (second["emitted"], second["unchanged"], second["retracted"]) == (1, 1, 1) and balanced(second)
    assert nights.live()["item:2"] == 410


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM goods", "UPDATE goods SET id = 1", "PRAGMA user_version", "", "DROP TABLE goods; SELECT 1"],
)
def test_only_queries_that_read_are_run(base, query):
    with pytest.raises(ConfigError, match="must be a SELECT"):
        read(base, query)


def test_the_session_is_read_only_also_behind_a_with(base):
    with pytest.raises(SourceUnavailable):
        read(base, "WITH x AS (SELECT 1) DELETE FROM goods")
    assert len(read(base)) == 3


@pytest.mark.parametrize(
    "query", ["SELECT id, '12:30:00' AS a, ':x' AS text FROM goods;", "-- ours\n/* : */ select 5 id"]
)
def test_colons_and_percent_signs_of_a_query_are_no_parameters(base, query):
    assert all(isinstance(item, Item) for item in read(base, query))
    assert len(read(base, "SELECT * FROM goods WHERE name LIKE 'C%'")) == 1


def test_columns_of_one_name_are_both_kept(base):
    (item,) = read(base, "SELECT a.name, b.name FROM goods a JOIN goods b ON a.id = 1 AND b.id = 3", shape="record")
    assert '"name":"杯子"' in item.body.decode() and '"value":"Cup"' in item.body.decode()


def test_nothing_that_is_said_names_the_address_or_a_value(base, monkeypatch, caplog):
    monkeypatch.setenv("SHOP", "sqlite:////nowhere/canary-secret.db")
    with pytest.raises(SourceUnavailable) as caught:
        read(base)
    assert caught.value.rule == "source_missing" and "canary" not in str(caught.value)
    monkeypatch.setenv("SHOP", "canary-secret")
    with pytest.raises(ConfigError) as caught:
        read(base)
    assert "canary" not in str(caught.value)
    monkeypatch.setenv("SHOP", "sqlite:///shop.db")
    with pytest.raises(SourceUnavailable) as caught:
        read(base, "SELECT nothing FROM goods WHERE name = 'canary-value'")
    assert caught.value.rule == "source_unavailable" and "canary" not in str(caught.value) + caplog.text


def test_a_missing_driver_is_named(base, monkeypatch):
    monkeypatch.setenv("SHOP", "mysql+nosuchdriver://canary:canary@localhost/x")
    with pytest.raises((UsageError, ConfigError)) as caught:
        read(base)
    assert "canary" not in str(caught.value)


def test_values_of_every_type_are_records_values():
    assert sql._plain(UUID(int=5)) == "00000000-0000-0000-0000-000000000005"
    assert sql._plain(Decimal("1.50")) == Decimal("1.50") and sql._plain(None) is None
