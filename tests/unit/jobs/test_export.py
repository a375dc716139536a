"""Exports: complete, in key order, and never half a file."""

import gzip
import io
import json

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.datasets import Version
from jobs.errors import Terminal, UsageError
from jobs.export import export
from jobs.snapshots import Published
from jobs.storage import LocalStorage, MemoryStorage
from jobs.writer import write_version
from pipelines.schemas import CORPUS, PAGES


@pytest.fixture(scope="module")
def corpus(made_lake):
    return Published(LocalStorage(made_lake)).find("corpus")


def test_jsonl(corpus, tmp_path):
    assert export(corpus, tmp_path / "x.jsonl", "jsonl", None, io.BytesIO()) == corpus.rows
    rows = [json.loads(line) for line in (tmp_path / "x.jsonl").read_bytes().splitlines()]
    assert [r["doc_id"] for r in rows] == corpus.table()["doc_id"].to_pylist()
    assert {"text", "url", "since", "lang"} <= set(rows[0]) and not {"signals", "findings"} & set(rows[0])
    assert rows[0]["since"] == str(corpus.table()["since"][0])


def test_every_line_of_an_export_parses_and_the_last_one_is_not_empty(corpus, tmp_path):
    export(corpus, tmp_path / "x.jsonl", "jsonl", None, io.BytesIO())
    lines = (tmp_path / "x.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b"" and len(lines) == corpus.rows and all(orjson.loads(line) for line in lines)


def test_gzip_and_standard_output(corpus, tmp_path):
    out = io.BytesIO()
    export(corpus, None, "jsonl", ["doc_id", "text"], out)
    export(corpus, tmp_path / "x.jsonl.gz", "jsonl", ["doc_id", "text"], io.BytesIO())
    assert gzip.decompress((tmp_path / "x.jsonl.gz").read_bytes()) == out.getvalue()
    assert list(orjson.loads(out.getvalue().splitlines()[0])) == ["doc_id", "text"]


def test_parquet(corpus, tmp_path):
    assert export(corpus, tmp_path / "x.parquet", "parquet", ["text", "signals"], io.BytesIO()) == corpus.rows
    assert pq.read_table(tmp_path / "x.parquet").equals(corpus.table(["text", "signals"]))


def test_an_empty_version(tmp_path):
    storage = MemoryStorage()
    version = Version(storage, write_version(storage, CORPUS, []))
    assert export(version, tmp_path / "x.jsonl", "jsonl", None, io.BytesIO()) == 0
    assert (tmp_path / "x.jsonl").read_bytes() == b""
    export(version, tmp_path / "x.parquet", "parquet", ["doc_id", "since"], io.BytesIO())
    assert pq.read_table(tmp_path / "x.parquet").schema.names == ["doc_id", "since"]


def test_bytes_are_base64():
    storage = MemoryStorage()
    table = pa.table({"doc_id": ["a"], "capture": ["b"], "body": [b"\0\xff"]})
    version = Version(storage, write_version(storage, PAGES, [table]))
    out = io.BytesIO()
    export(version, None, "jsonl", ["body", "fetched_at"], out)
    assert orjson.loads(out.getvalue()) == {"body": "AP8=", "fetched_at": None}


def test_unknown_columns(corpus, tmp_path):
    with pytest.raises(UsageError, match="corpus has no column 'nose'; it has doc_id"):
        export(corpus, tmp_path / "x.jsonl", "jsonl", ["nose"], io.BytesIO())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.parquet"])
def test_a_failure_leaves_the_old_file_alone(lake, tmp_path, name):
    version = Published(lake.storage).find("corpus")
    (tmp_path / name).write_bytes(b"old")
    for file in version.data_files:
        (lake.storage.root / file.path).write_bytes(b"damaged")
    with pytest.raises(Terminal, match="cannot be read"):
        export(version, tmp_path / name, name.split(".")[1], None, io.BytesIO())
    assert (tmp_path / name).read_bytes() == b"old"
    assert not list(tmp_path.glob(".x*"))
