"""Other people's files: whatever is in them, every row comes out as a row or as a named malformed one."""

import base64
import gzip
import json
import os
import random
import threading
from datetime import date
from decimal import Decimal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jobs.plainfiles as plainfiles
from jobs.errors import UsageError
from jobs.plainfiles import Malformed, plain, read_rows, write_rows


def read(path, kind="text"):
    return list(read_rows(path, kind))


def read_bytes(tmp_path, data, kind="text", name="x.jsonl"):
    path = tmp_path / name
    path.write_bytes(data)
    return read(path, kind)


def line(**row):
    return json.dumps(row).encode() + b"\n"


def test_rows(tmp_path):
    rows = read_bytes(tmp_path, line(id="a", text="x", extra=[1, {"y": None}]) + b"\n  \n" + b'{"id":"b","text":""}')
    assert rows == [{"id": "a", "text": "x", "extra": [1, {"y": None}]}, {"id": "b", "text": ""}]


@pytest.mark.parametrize(
    ("given_id", "text"),
    [(5, "5"), (0, "0"), (1.5, "1.5"), (True, "true"), ([1, "a"], '[1, "a"]'), ("", ""), ("\ud800x", "\ufffdx")],
)
def test_ids_become_text(tmp_path, given_id, text):
    assert read_bytes(tmp_path, line(id=given_id, text="x"))[0]["id"] == text


def test_duplicate_ids_are_not_our_business(tmp_path):
    assert [r["text"] for r in read_bytes(tmp_path, line(id="a", text="1") + line(id="a", text="2"))] == ["1", "2"]


def test_a_byte_order_mark(tmp_path):
    assert read_bytes(tmp_path, b"\xef\xbb\xbf" + line(id="a", text="x"))[0]["id"] == "a"


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"secret text"', "not a JSON object"),
        (b'{"text":"x"}', "no `id`"),
        (b'{"id":null,"text":"x"}', "no `id`"),
        (b'{"id":"a"}', "no `text`"),
        (b'{"id":"a","text":null}', "no `text`"),
        (b'{"id":"a","text":7}', "`text` is not text"),
        (b'{"id":"a","text":["secret text"]}', "`text` is not text"),
        (b'{"id":"a","text":"x","url":{}}', "`url` is not text"),
        (b'{"id":"a","text":"secret text", \xff}', "not UTF-8"),
        ("中文".encode("gb18030"), "not UTF-8"),
        (b"\0\0\0", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"id":' + b"9" * 5000 + b"}", "a huge number"),
        (b'{"id":"a","text":"secret text"', "not JSON"),
    ],
)
def test_malformed_rows_say_what_is_wrong_and_never_what_they_say(tmp_path, raw, detail):
    good = line(id="z", text="x")
    before, found, after = read_bytes(tmp_path, good + raw + b"\n" + good)
    assert before == after == {"id": "z", "text": "x"}
    assert isinstance(found, Malformed) and found.rule == "malformed_row" and found.line == 2
    assert detail in found.detail and "secret" not in repr(found)


def test_lone_surrogates_become_replacement_characters(tmp_path):
    (row,) = read_bytes(tmp_path, b'{"id":"a","text":"x\\ud800y \\ud83d\\udc4d"}')
    assert row["text"] == "x\ufffdy 👍"


def test_an_over_long_line_is_one_malformed_row(tmp_path, monkeypatch):
    monkeypatch.setattr(plainfiles, "MAX_LINE", 40)
    rows = read_bytes(tmp_path, line(id="a", text="x") + line(id="b", text="y" * 200) + line(id="c", text="z"))
    assert [r["id"] if isinstance(r, dict) else r.detail for r in rows] == ["a", "longer than 40 bytes", "c"]
    assert read_bytes(tmp_path, b"x" * 100)[0].detail == "longer than 40 bytes"


def test_nothing(tmp_path):
    assert read_bytes(tmp_path, b"") == []
    assert read_bytes(tmp_path, b"\n\n") == []
    assert read_bytes(tmp_path, gzip.compress(b"")) == []


def test_gzip_is_recognised_by_its_first_bytes(tmp_path):
    assert read_bytes(tmp_path, gzip.compress(line(id="a", text="x")), name="x.jsonl")[0]["id"] == "a"
    assert read_bytes(tmp_path, line(id="a", text="x"), name="x.jsonl.gz")[0]["id"] == "a"
    two = gzip.compress(line(id="a", text="x")) + gzip.compress(line(id="b", text="x"))
    assert [r["id"] for r in read_bytes(tmp_path, two)] == ["a", "b"]


def test_a_cut_gzip_gives_its_lines_and_says_so(tmp_path):
    rng = random.Random(1)
    lines = [line(id=str(i), text=rng.randbytes(200).hex()) for i in range(300)]
    packed = gzip.compress(b"".join(lines))
    for cut in (len(packed) // 2, len(packed) - 1, 12):
        *rows, last = read_bytes(tmp_path, packed[:cut])
        assert isinstance(last, Malformed) and last.rule == "truncated_input" and last.line == len(rows)
        assert [r["id"] for r in rows] == [str(i) for i in range(len(rows))]
    assert len(rows) == 0
    broken = packed[: len(packed) // 2] + b"\0" * 50 + packed[len(packed) // 2 + 50 :]
    assert read_bytes(tmp_path, broken)[-1].rule == "truncated_input"
    assert read_bytes(tmp_path, gzip.compress(lines[0]) + b"tail")[-1].rule == "truncated_input"


def test_pages(tmp_path):
    body = "<p>编码</p>".encode("gbk")
    good = line(id="a", body=base64.b64encode(body).decode()) + line(id="b", html="<p>x</p>")
    assert [r.get("body") for r in read_bytes(tmp_path, good, "page")] == [body, None]
    bad = line(id="a", body="not base64!") + line(id="b", body=7) + line(id="c") + line(id="d", body="中")
    details = [r.detail for r in read_bytes(tmp_path, bad, "page")]
    assert details == ["`body` is not base64"] * 2 + ["neither `html` nor `body`", "`body` is not base64"]


def test_parquet(tmp_path):
    path = tmp_path / "x.parquet"
    table = pa.table(
        {"id": [1, None, 3], "text": ["a", "b", None], "day": [date(2026, 1, 1)] * 3, "n": [1.5, None, 2.0]}
    )
    pq.write_table(table, path)
    first, second, third = read(path)
    assert first == {"id": "1", "text": "a", "day": date(2026, 1, 1), "n": 1.5}
    assert (second.detail, third.detail) == ("no `id`", "no `text`")
    pq.write_table(pa.table({"id": ["a"], "body": [b"\0\xff"]}), path)
    assert read(path, "page")[0]["body"] == b"\0\xff"
    pq.write_table(pa.table({"id": ["a"], "text": pa.array([b"bytes \xff"])}), path)
    assert read(path)[0]["text"] == "bytes \ufffd"


def test_one_bad_string_in_parquet_costs_one_row(tmp_path):
    path = tmp_path / "x.parquet"
    raw = pa.array([b"a", b"\xff\xfe", b"c"])
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    pq.write_table(pa.table({"id": ["1", "2", "3"], "text": text}), path)
    first, second, third = read(path)
    assert (first["text"], third["text"]) == ("a", "c")
    assert (second.rule, second.line, second.detail) == ("malformed_row", 2, "not UTF-8")


def test_broken_parquet(tmp_path):
    path = tmp_path / "x.parquet"
    for data in (b"", b"PAR1", b"{}", b"PAR1" + b"\xff" * 100 + b"PAR1"):
        path.write_bytes(data)
        with pytest.raises(UsageError, match=r"x\.parquet cannot be read as Parquet"):
            read(path)
    pq.write_table(pa.table({"id": [str(i) for i in range(99)], "text": ["x" * i for i in range(99)]}), path)
    raw = bytearray(path.read_bytes())
    raw[10:60] = bytes(255 - b for b in raw[10:60])
    path.write_bytes(bytes(raw))
    assert read(path)[-1].rule == "truncated_input"


def written(path, rows, schema=None):
    path.unlink(missing_ok=True)
    with write_rows(path, schema) as write:
        for row in rows:
            write(row)
        assert not path.exists()
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return path


def test_write_jsonl(tmp_path):
    rows = [{"id": "a", "text": "字\n"}, {"id": "b", "day": date(2026, 1, 1), "raw": b"\xff", "n": Decimal("1.5")}]
    found = [orjson.loads(r) for r in written(tmp_path / "x.jsonl", rows).read_bytes().splitlines()]
    assert found == [{"id": "a", "text": "字\n"}, {"id": "b", "day": "2026-01-01", "raw": "/w==", "n": "1.5"}]


def test_write_what_orjson_refuses(tmp_path):
    path = written(tmp_path / "x.jsonl.gz", [{"id": "a", "more": "\ud800", "n": 2**70, "raw": b"\0"}])
    assert json.loads(gzip.decompress(path.read_bytes())) == {"id": "a", "more": "\ud800", "n": 2**70, "raw": "AA=="}


def test_write_nothing(tmp_path):
    assert written(tmp_path / "x.jsonl", []).read_bytes() == b""
    with write_rows(None) as write:
        write({"id": "a"})


def test_a_failure_leaves_no_file(tmp_path):
    for name in ("x.jsonl", "x.jsonl.gz", "x.parquet"):
        with pytest.raises(RuntimeError), write_rows(tmp_path / name) as write:
            write({"id": "a"})
            raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_parquet_has_the_columns_of_all_rows_not_of_the_first(tmp_path):
    path = written(tmp_path / "x.parquet", [{"id": "a"}, {"id": "b", "kept_id": "a", "n": 1}, {"id": "c", "n": None}])
    assert pq.read_table(path).to_pylist() == [
        {"id": "a", "kept_id": None, "n": None},
        {"id": "b", "kept_id": "a", "n": 1},
        {"id": "c", "kept_id": None, "n": None},
    ]


def test_parquet_in_many_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(plainfiles, "PARQUET_ROWS", 2)
    schema = pa.schema([("id", pa.string()), ("value", pa.float64())])
    rows = [{"id": str(i), **({"value": 0.5} if i > 2 else {})} for i in range(5)]
    found = pq.read_table(written(tmp_path / "x.parquet", rows, schema)).to_pylist()
    assert [r["value"] for r in found] == [None, None, None, 0.5, 0.5]
    assert pq.read_table(written(tmp_path / "x.parquet", [], schema)).schema == schema
    with pytest.raises(UsageError, match="column 'late' is missing in the first 2 rows"):
        written(tmp_path / "y.parquet", [{"id": "a"}, {"id": "b"}, {"id": "c", "late": 1}])
    assert pq.read_table(
        written(tmp_path / "x.parquet", [{"id": "a", "n": None}] * 2 + [{"id": "c", "n": "s"}])
    ).num_rows


@pytest.mark.parametrize("values", [[1, "a"], ["\ud800"], [2**70], [{"a": 1}, [1]], [b"x", 1]])
def test_what_parquet_cannot_hold_is_a_clear_error(tmp_path, values):
    with pytest.raises(UsageError, match=r"column 'x' has values .* write \.jsonl"):
        written(tmp_path / "y.parquet", [{"id": "a", "x": v} for v in values])
    assert list(tmp_path.iterdir()) == []


def test_plain():
    assert (plain(b"\0"), plain(Decimal("1.50")), plain(date(2026, 1, 2))) == ("AA==", "1.50", "2026-01-02")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "text", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(JSON.map(lambda v: json.dumps(v).encode()) | st.binary(max_size=12), max_size=6))
def test_every_line_is_one_row_or_one_malformed_row(tmp_path, lines):
    raw = b"\n".join(lines)
    expected = sum(bool(part.strip()) for part in raw.split(b"\n"))
    rows = [
        r for r in read_bytes(tmp_path, b" " + raw) if not (isinstance(r, Malformed) and r.rule == "truncated_input")
    ]
    assert len(rows) == expected
    for row in rows:
        if isinstance(row, dict):
            row["text"].encode(), row["id"].encode()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_loses_no_row(tmp_path, pack):
    pipe, rows = tmp_path / "pipe", [{"id": str(i), "text": "x" * 200} for i in range(200)]
    os.mkfifo(pipe)
    data = pack(b"".join(line(**row) for row in rows))
    feeder = threading.Thread(target=pipe.write_bytes, args=(data,))
    feeder.start()
    assert read(pipe) == rows
    feeder.join()


def test_a_link_stays_and_its_file_gets_the_rows(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "far" / "x.jsonl")
    with write_rows(tmp_path / "link.jsonl") as write:
        write({"id": "a"})
    assert (tmp_path / "link.jsonl").is_symlink() and (tmp_path / "far" / "x.jsonl").read_bytes() == b'{"id":"a"}\n'
    assert os.listdir(tmp_path / "far") == ["x.jsonl"]


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    with write_rows(pipe) as write:
        write({"id": "a"})
    reader.join()
    assert got == [b'{"id":"a"}\n'] and pipe.is_fifo() and os.listdir(tmp_path) == ["pipe"]
