"""The digest against a second implementation, written from docs/digest.md alone: row by row, in plain Python."""

import math
import re
import struct
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.digest import Digest, digest_of, row_hashes, type_name
from pipelines.schemas import Dataset

PAGE = Path(__file__).resolve().parents[3] / "docs" / "digest.md"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# The second implementation. Types are written as in the page: "int64", "list<string>", "struct<a:int64,b:string>".
def parts_of(text):
    """The parts of `a:int64,b:list<string>` at the commas that stand in no brackets."""
    out, depth, held = [], 0, ""
    for character in text:
        depth += (character == "<") - (character == ">")
        if character == "," and not depth:
            out.append(held)
            held = ""
        else:
            held += character
    return [*out, held] if held else out


def value_bytes(kind, value):
    return b"\x00" if value is None else b"\x01" + payload(kind, value)


def payload(kind, value):
    if kind == "int64":
        return value.to_bytes(8, "little", signed=True)
    if kind == "date":
        return (value - date(1970, 1, 1)).days.to_bytes(8, "little", signed=True)
    if kind == "timestamp":
        return ((value - EPOCH) // timedelta(microseconds=1)).to_bytes(8, "little", signed=True)
    if kind == "bool":
        return b"\x01" if value else b"\x00"
    if kind == "float64":
        if math.isnan(value):
            return bytes.fromhex("000000000000f87f")
        return struct.pack("<d", 0.0 if value == 0 else value)
    if kind in ("string", "binary"):
        raw = value.encode() if isinstance(value, str) else value
        return len(raw).to_bytes(8, "little") + raw
    if kind.startswith("list<"):
        return len(value).to_bytes(8, "little") + b"".join(value_bytes(kind[5:-1], v) for v in value)
    fields = [part.partition(":")[::2] for part in parts_of(kind[len("struct<") : -1])]
    return b"".join(column_bytes(n, t, value[n]) for n, t in sorted(fields))


def column_bytes(name, kind, value):
    return name.encode() + b"\0" + kind.encode() + b"\0" + value_bytes(kind, value)


def naive(columns, rows):
    """`columns`: name → type; `rows`: dicts. The hash of every row."""
    return [
        blake2b(b"".join(column_bytes(n, columns[n], row[n]) for n in sorted(columns)), digest_size=16).digest()
        for row in rows
    ]


def arrow(kind):
    simple = {
        "int64": pa.int64(),
        "float64": pa.float64(),
        "string": pa.string(),
        "binary": pa.binary(),
        "bool": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", "UTC"),
    }
    if kind in simple:
        return simple[kind]
    if kind.startswith("list<"):
        return pa.list_(arrow(kind[5:-1]))
    return pa.struct([(n, arrow(t)) for n, _, t in (p.partition(":") for p in parts_of(kind[len("struct<") : -1]))])


def table_of(columns, rows):
    """A table and a dataset of these columns."""
    schema = pa.schema([(n, arrow(t)) for n, t in columns.items()])
    arrays = [pa.array([row[n] for row in rows], schema.field(n).type) for n in columns]
    return pa.Table.from_arrays(arrays, schema=schema), Dataset("x", (), schema)


VALUES = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(allow_nan=True) | st.sampled_from([0.0, -0.0, math.nan, -math.nan, math.inf]),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "binary": st.binary(max_size=5),
    "bool": st.booleans(),
    "date": st.dates(),
    "timestamp": st.datetimes(timezones=st.just(UTC)),
}


def values_of(kind):
    if kind in VALUES:
        own = VALUES[kind]
    elif kind.startswith("list<"):
        own = st.lists(values_of(kind[5:-1]), max_size=3)
    else:
        own = st.fixed_dictionaries(
            {n: values_of(t) for n, _, t in (p.partition(":") for p in parts_of(kind[len("struct<") : -1]))}
        )
    return st.none() | own


KINDS = st.recursive(
    st.sampled_from(sorted(VALUES)),
    lambda inner: (
        inner.map(lambda t: f"list<{t}>")
        | st.dictionaries(st.sampled_from(["a", "b", "é"]), inner, min_size=1, max_size=3).map(
            lambda fields: "struct<" + ",".join(f"{n}:{t}" for n, t in sorted(fields.items())) + ">"
        )
    ),
    max_leaves=4,
)


@st.composite
def datasets(draw):
    columns = draw(st.dictionaries(st.sampled_from(["id", "b", "a", "字"]), KINDS, min_size=1, max_size=3))
    row = st.fixed_dictionaries({n: values_of(t) for n, t in columns.items()})
    return columns, draw(st.lists(row, max_size=6))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(datasets())
def test_agrees_with_the_second_implementation(case):
    columns, rows = case
    table, dataset = table_of(columns, rows)
    assert row_hashes(table, dataset) == naive(columns, rows)
    for name, kind in columns.items():
        assert type_name(table[name].type) == kind


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(datasets(), st.data())
def test_slices_and_chunks_do_not_matter(case, data):
    columns, rows = case
    table, dataset = table_of(columns, rows)
    start = data.draw(st.integers(0, len(rows)))
    end = data.draw(st.integers(start, len(rows)))
    assert row_hashes(table.slice(start, end - start), dataset) == naive(columns, rows[start:end])
    cut = pa.concat_tables([table.slice(start), table.slice(0, start)])
    assert row_hashes(cut, dataset) == naive(columns, rows[start:] + rows[:start])


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(datasets(), st.randoms(use_true_random=False))
def test_order_and_pieces_do_not_matter_and_rows_can_be_taken_out(case, random):
    columns, rows = case
    table, dataset = table_of(columns, rows)
    whole = digest_of([table], dataset)
    order = list(range(len(rows)))
    random.shuffle(order)
    mixed = table.take(pa.array(order, pa.int64()))
    cut = random.randint(0, len(rows))
    assert digest_of([mixed.slice(0, cut), mixed.slice(cut)], dataset) == whole
    assert whole.rows == len(rows)
    assert whole.total == sum(int.from_bytes(h, "little") for h in naive(columns, rows)) % 2**128
    hashes = row_hashes(mixed, dataset)
    assert whole.minus(hashes[:cut]) == Digest().plus(hashes[cut:])
    assert whole.minus(hashes) == Digest()


def block(kind):
    return re.search(rf"```{kind}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]


def vectors():
    return [orjson.loads(line) for line in block("jsonl").splitlines() if line.strip()]


def revived(kind, value):
    """A value as the page writes it in JSON."""
    if value is None:
        return None
    if kind == "float64":
        return float(value)
    if kind == "binary":
        return bytes.fromhex(value)
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "timestamp":
        return datetime.fromisoformat(value)
    if kind.startswith("list<"):
        return [revived(kind[5:-1], v) for v in value]
    if kind.startswith("struct<"):
        fields = dict(part.partition(":")[::2] for part in parts_of(kind[len("struct<") : -1]))
        return {n: revived(fields[n], v) for n, v in value.items()}
    return value


@pytest.mark.req("VER-08")
@pytest.mark.parametrize("vector", vectors(), ids=lambda v: v["what"])
def test_vectors_of_the_page(vector):
    columns = vector["columns"]
    rows = [{n: revived(columns[n], v) for n, v in row.items()} for row in vector["rows"]]
    table, dataset = table_of(columns, rows)
    assert str(digest_of([table], dataset)) == vector["digest"]
    total = sum(int.from_bytes(h, "little") for h in naive(columns, rows)) % 2**128
    assert f"{total:032x}.{len(rows)}" == vector["digest"]


def test_the_page_shows_the_bytes_of_a_row():
    encoded = bytes.fromhex("".join(line.partition("#")[0] for line in block("hex").splitlines()).replace(" ", ""))
    columns, row = {"n": "int64", "id": "string"}, {"n": 7, "id": "a"}
    table, dataset = table_of(columns, [row])
    assert row_hashes(table, dataset) == [blake2b(encoded, digest_size=16).digest()]
    assert f"`{blake2b(encoded, digest_size=16).hexdigest()}`" in PAGE.read_text("utf-8")


def hashed(kind, value):
    table, dataset = table_of({"x": kind}, [{"x": value}])
    return row_hashes(table, dataset)[0]


def test_what_differs_and_what_does_not():
    assert hashed("string", None) != hashed("string", "")
    assert hashed("list<int64>", None) != hashed("list<int64>", []) != hashed("list<int64>", [None])
    assert hashed("float64", -0.0) == hashed("float64", 0.0)
    assert hashed("float64", math.nan) == hashed("float64", struct.unpack("<d", b"\x01\0\0\0\0\0\xf8\xff")[0])
    assert hashed("string", "a") != hashed("binary", b"a")
    assert hashed("int64", 0) != hashed("date", date(1970, 1, 1))
    assert hashed("list<string>", ["ab", "c"]) != hashed("list<string>", ["a", "bc"])
    assert hashed("struct<a:int64>", None) != hashed("struct<a:int64>", {"a": None})


def test_a_hidden_value_below_a_null_does_not_count():
    field = pa.StructArray.from_arrays([pa.array([1, 2])], ["a"], mask=pa.array([True, False]))
    clean = pa.array([None, {"a": 2}], field.type)
    dataset = Dataset("x", (), pa.schema([("x", field.type)]))
    assert row_hashes(pa.table({"x": field}), dataset) == row_hashes(pa.table({"x": clean}), dataset)
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 3]), pa.array([1, 2, 3]), mask=pa.array([True, False]))
    plain = pa.array([None, [3]], lists.type)
    dataset = Dataset("x", (), pa.schema([("x", lists.type)]))
    assert row_hashes(pa.table({"x": lists}), dataset) == row_hashes(pa.table({"x": plain}), dataset)


def test_only_identity_columns_count():
    schema = pa.schema([("id", pa.string()), ("at", pa.int64()), ("score", pa.float64())])
    dataset = Dataset("x", ("id",), schema, {"at": "observed", "score": "inexact"})
    a, b = (pa.table({"id": ["k"], "at": [n], "score": [n / 3]}, schema=schema) for n in (1, 2))
    assert row_hashes(a, dataset) == row_hashes(b, dataset)


def test_text_form():
    digest = Digest(3, 255)
    assert str(digest) == "000000000000000000000000000000ff.3"
    assert Digest.parse(str(digest)) == digest
    assert Digest(1, 0xABCDEF << 104).prefix == "abcdef0000000000"
    for bad in ("", "ff.3", "g" * 32 + ".1", "0" * 32, "0" * 32 + ".-1", "0" * 32 + ".1\n", "A" * 32 + ".1"):
        with pytest.raises(ValueError, match="not a digest"):
            Digest.parse(bad)


def test_the_sum_wraps():
    full = (2**128 - 1).to_bytes(16, "little")
    assert Digest().plus([full, (1).to_bytes(16, "little")]) == Digest(2, 0)
    assert Digest(1, 0).minus([full]) == Digest(0, 1)


@pytest.mark.parametrize("kind", [pa.int32(), pa.large_string(), pa.timestamp("ms"), pa.map_(pa.string(), pa.int64())])
def test_other_types_have_no_encoding(kind):
    with pytest.raises(TypeError, match="no canonical encoding"):
        type_name(pa.list_(kind))
    with pytest.raises(TypeError, match="no canonical encoding"):
        row_hashes(pa.table({"x": pa.nulls(1, kind)}), Dataset("x", (), pa.schema([("x", kind)])))
