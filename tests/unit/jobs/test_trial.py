"""Trying a stage on a plain file: every row stays or goes, exactly once, and it is the same stage as in a night."""

import base64
import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jobs.trial
from jobs.config import load
from jobs.errors import ConfigError, UsageError
from jobs.trial import STAGES, trial

ENGLISH = (
    "The ferry leaves the harbour at seven in the morning and returns with the evening tide. Bread made with rye flour"
    " keeps for a week when it is wrapped in a linen cloth. Old maps show the coast further east than it is today."
)
CHINESE = (
    "清晨七点渡船离开港口，傍晚随着潮水返回码头，船上的人们都带着新鲜的蔬菜。"
    "用黑麦面粉做的面包包在亚麻布里可以保存一个星期，味道也会慢慢变得更香。"
)
TRADITIONAL = (
    "清晨七點渡船離開港口，傍晚隨著潮水返回碼頭，船上的人們都帶著新鮮的蔬菜。舊地圖上的海岸線比今天更靠東。" * 2
)


@pytest.fixture(scope="module")
def config():
    return load("params.yaml", overrides=["models=/nonexistent"], environ={})


def attempt(config, tmp_path, stage, rows, source="in.jsonl", out="out.jsonl", gone="gone.jsonl", **more):
    """Run the trial over rows (or raw bytes); returns counts, the rows that stay and the rejects."""
    path = tmp_path / source
    if isinstance(rows, bytes):
        path.write_bytes(rows)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    counts = trial(config, stage, path, tmp_path / out, tmp_path / gone, **more)
    return counts, load_rows(tmp_path / out), load_rows(tmp_path / gone)


def load_rows(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    raw = path.read_bytes()
    return [json.loads(row) for row in (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()]


def page(text, charset):
    html = f'<html><head><meta charset="{charset}"></head><body><article><p>{text}</p></article></body></html>'
    return base64.b64encode(html.encode(charset)).decode()


def test_extract_reads_pages_of_any_charset(config, tmp_path):
    rows = [
        {"id": "gbk", "url": "https://example.cn/1", "body": page(CHINESE, "gbk"), "keep": {"me": 1}},
        {"id": "big5", "body": page(TRADITIONAL, "big5"), "content_type": "text/html"},
        {"id": "utf16", "body": base64.b64encode(f"<p>{ENGLISH}</p>".encode("utf-16")).decode()},
        {"id": "text", "html": f"<p>{ENGLISH}</p>"},
        {"id": "short", "html": "<p>x</p>"},
        {"id": "none", "html": ""},
        {"id": "bad", "body": "***"},
    ]
    counts, out, gone = attempt(config, tmp_path, "extract", rows)
    texts = {r["id"]: r["text"] for r in out}
    assert texts == {"gbk": CHINESE, "big5": TRADITIONAL, "utf16": ENGLISH, "text": ENGLISH}
    assert {r["id"] for r in gone} == {"short", "none", "bad"}
    assert (counts["in"], counts["out"], counts["rejected"]) == (7, 4, 3) and counts["warning"] == ""
    first = next(r for r in out if r["id"] == "gbk")
    assert first["keep"] == {"me": 1} and first["url"] == "https://example.cn/1"
    assert not {"body", "html", "edits", "doc_id"} & set(first)


def test_edits_on_demand(config, tmp_path):
    _, out, _ = attempt(config, tmp_path, "clean", [{"id": "a", "text": f"  {ENGLISH}\r\n"}], with_edits=True)
    assert out[0]["edits"] and {"start", "end", "new_length"} == set(out[0]["edits"][0])


def test_rejects_say_rule_value_and_threshold(config, tmp_path):
    counts, out, gone = attempt(config, tmp_path, "clean", [{"id": 7, "text": "Too short."}])
    assert out == [] and counts["rules"] == {gone[0]["rule"]: 1}
    assert gone[0]["id"] == "7" and gone[0]["stage"] == "clean"
    assert gone[0]["value"] < gone[0]["threshold"] and "kept_id" not in gone[0]


def test_scrub_masks(config, tmp_path):
    _, out, _ = attempt(config, tmp_path, "scrub", [{"id": "a", "text": "Mail anna.smith@example.com now."}])
    assert "anna" not in out[0]["text"] and "<EMAIL>" in out[0]["text"]


def test_dedup_keeps_the_first_of_equal_and_of_near_rows(config, tmp_path):
    rows = [{"id": "a", "text": ENGLISH}, {"id": "a", "text": CHINESE}, {"id": "b", "text": ENGLISH}, {"id": "c"}]
    rows.append({"id": "d", "text": ENGLISH.replace("today", "then"), "more": [1]})
    counts, out, gone = attempt(config, tmp_path, "dedup", rows)
    assert out == [{"id": "a", "text": ENGLISH}, {"id": "a", "text": CHINESE}]
    assert [(r["id"], r["rule"], r.get("kept_id")) for r in gone if r["id"] != "c"] == [
        ("b", "exact_duplicate", "a"),
        ("d", "near_duplicate", "a"),
    ]
    assert counts["rules"] == {"exact_duplicate": 1, "near_duplicate": 1, "malformed_row": 1}


def test_dedup_of_nothing(config, tmp_path):
    for rows in (b"", b"\n", b"{"):
        counts, out, _ = attempt(config, tmp_path, "dedup", rows)
        assert out == [] and counts["out"] == 0


@pytest.mark.parametrize("stage", [*STAGES, "dedup"])
def test_an_empty_file(config, tmp_path, stage):
    counts, out, gone = attempt(config, tmp_path, stage, b"")
    assert (counts["in"], out, gone) == (0, [], [])


def test_a_cut_file_warns_with_its_last_line(config, tmp_path):
    whole = gzip.compress(b"".join(b'{"id":%d,"text":"%s"}\n' % (i, ENGLISH.encode() + b"%d" % i) for i in range(2000)))
    counts, out, gone = attempt(config, tmp_path, "clean", whole[: len(whole) // 2], source="in.jsonl.gz")
    assert counts["rules"]["truncated_input"] == 1 and gone[-1]["rule"] == "truncated_input"
    assert f"after line {counts['in'] - 1}" in counts["warning"]
    assert counts["in"] == len(out) + len(gone) > 100


def test_parquet_in_and_out(config, tmp_path):
    rows = [{"id": "a", "text": ENGLISH, "n": 1, "raw": b"\xff"}, {"id": "b", "text": "short", "n": 2, "raw": None}]
    files = {"source": "in.parquet", "out": "out.parquet", "gone": "gone.parquet"}
    counts, out, gone = attempt(config, tmp_path, "clean", rows, **files)
    assert [(r["id"], r["n"], r["raw"], r["text"]) for r in out] == [("a", 1, b"\xff", ENGLISH)]
    assert [r["id"] for r in gone] == ["b"] and gone[0]["kept_id"] is None
    assert counts["in"] == 2


def test_rejects_in_parquet_keep_every_column(config, tmp_path):
    rows = [{"id": "m"}, {"id": "a", "text": ENGLISH}, {"id": "b", "text": ENGLISH}]
    _, _, gone = attempt(config, tmp_path, "dedup", rows, gone="gone.parquet")
    assert {(r["id"], r["kept_id"], r["similarity"]) for r in gone} == {("m", None, None), ("b", "a", 1.0)}


def test_gzip_out(config, tmp_path):
    _, out, _ = attempt(config, tmp_path, "clean", [{"id": "a", "text": ENGLISH}], out="out.jsonl.gz")
    assert out[0]["id"] == "a"


def test_no_files_only_counts(config, tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b'{"id":1,"text":"x"}\n{')
    counts = trial(config, "clean", tmp_path / "in.jsonl", None, None)
    assert (counts["in"], counts["out"], counts["rejected"]) == (2, 0, 2)
    assert [p.name for p in tmp_path.iterdir()] == ["in.jsonl"]


def test_one_file_cannot_hold_both(config, tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match="name two files"):
        trial(config, "clean", tmp_path / "in.jsonl", tmp_path / "x.jsonl", tmp_path / "y" / ".." / "x.jsonl")


def test_a_file_may_be_replaced_by_its_result(config, tmp_path):
    _, out, _ = attempt(config, tmp_path, "clean", [{"id": "a", "text": ENGLISH}], out="in.jsonl")
    assert out[0]["id"] == "a"


def test_a_missing_secret_is_said_before_anything_is_written(tmp_path):
    config = load("params.yaml", overrides=["models=/nonexistent", "scrub.hash_key=pii"], environ={})
    (tmp_path / "in.jsonl").write_bytes(b'{"id":1,"text":"x"}')
    with pytest.raises(ConfigError, match="pii"):
        trial(config, "scrub", tmp_path / "in.jsonl", tmp_path / "out.jsonl", None)
    assert not (tmp_path / "out.jsonl").exists()


ROW = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["a", "b", 1, 2.5, None, ["x"], "\ud800"]),
        "text": st.sampled_from([ENGLISH, CHINESE, "", "\0", "x\ud800", "短", 7, None, "<br>" * 40, "13800138000"])
        | st.text(max_size=20),
        "url": st.sampled_from(["https://example.org", "", "::", None, 3]),
        "lang": st.sampled_from(["en", "zh", "xx", "", None]),
        "html": st.sampled_from([f"<p>{ENGLISH}</p>", "", "<", "\ud800", None, 5]) | st.text(max_size=20),
        "body": st.sampled_from(["", "AAAA", "****", page(CHINESE, "gbk"), None, 5]),
        "more": st.sampled_from([None, 1, "x", {"y": []}, "\udfff", 2**80]),
    },
)
LINE = ROW.map(lambda row: json.dumps(row).encode()) | st.sampled_from([b"{", b"[]", b"\xff", b"null"])


@pytest.mark.req("OBS-01")
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(LINE, max_size=10), st.sampled_from([*STAGES, "dedup"]), st.sampled_from([1, 3, 256]))
def test_every_row_is_in_exactly_one_file(config, tmp_path, lines, stage, batch):
    if stage == "extract":  # a first row without a page says that these are records
        lines = [b'{"id": "first", "html": 5}', *lines]
    before, jobs.trial.BATCH_ROWS = jobs.trial.BATCH_ROWS, batch
    try:
        counts, out, gone = attempt(config, tmp_path, stage, b"\n".join(lines))
    finally:
        jobs.trial.BATCH_ROWS = before
    assert len(out) + len(gone) == len(lines) == counts["in"] == counts["out"] + counts["rejected"]
    assert counts["out"] == len(out) and sum(counts["rules"].values()) == len(gone)
    names = Counter()
    for at, raw in enumerate(lines, 1):
        try:
            row = json.loads(raw)
            name = row.get("id") if isinstance(row, dict) else None
        except ValueError:
            name = None
        text = f"line:{at}" if name is None else name if isinstance(name, str) else json.dumps(name)
        names[text.replace("\ud800", "\ufffd")] += 1
    assert Counter(r["id"] for r in out + gone) == names
    for reject in gone:
        assert reject["stage"] == stage and reject["rule"]
        assert "ferry" not in json.dumps(reject) and "渡船" not in str(reject)


def test_rejects_do_not_replace_the_input(config, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"id":"a","text":"x"}\n')
    with pytest.raises(UsageError, match="is the input"):
        trial(config, "scrub", path, None, tmp_path / "." / "in.jsonl")
    assert path.read_bytes() == b'{"id":"a","text":"x"}\n'


@pytest.mark.parametrize("stage", ["clean", "scrub", "dedup"])
def test_a_file_of_texts_may_call_anything_a_body(config, tmp_path, stage):
    rows = [{"id": "a", "text": ENGLISH, "body": 5}, {"id": "b", "text": CHINESE, "body": {"x": "y"}}]
    counts, stay, _ = attempt(config, tmp_path, stage, rows)
    assert counts["out"] == 2 and [row["id"] for row in stay] == ["a", "b"]


HTML = f"<html><body><article><p>{ENGLISH}</p></article></body></html>".encode()


@pytest.mark.parametrize("name", ["page.html", "page", "page.htm.gz", "misnamed.txt"])
def test_extract_takes_a_document_as_it_is(config, tmp_path, name):
    raw = gzip.compress(HTML) if name.endswith(".gz") else HTML
    counts, stay, gone = attempt(config, tmp_path, "extract", raw, source=name)
    assert [row["id"] for row in stay] == [name] and stay[0]["text"].startswith("The ferry") and not gone
    assert "body" not in stay[0] and counts["in"] == 1


@pytest.mark.req("EXT-01")
def test_extract_takes_an_archive_of_the_web_and_says_what_is_lost(config, tmp_path):
    def record(url, block):
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Length: {len(block)}\r\n\r\n"
        return gzip.compress(head.encode() + block + b"\r\n\r\n")

    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + HTML
    gone_page = b"HTTP/1.1 404 Not Found\r\n\r\n"
    raw = record("http://e.org/a", page) + record("http://e.org/b", gone_page) + record("http://e.org/c", page)[:-9]
    counts, stay, gone = attempt(config, tmp_path, "extract", raw, source="crawl.bin")
    assert [row["url"] for row in stay] == ["http://e.org/a"]
    assert [(row["rule"], row["value"]) for row in gone] == [("http_status", 404), ("truncated", None)]
    assert "truncated" in counts["warning"] and counts["in"] == 3


def test_extract_takes_records_that_are_no_pages(config, tmp_path):
    rows = [{"instruction": f"Explain ferry number {n}.", "output": ENGLISH} for n in range(3)]
    counts, stay, gone = attempt(config, tmp_path, "extract", rows)
    assert counts["out"] == 3 and not gone and ENGLISH in stay[0]["text"]


@pytest.mark.parametrize(("name", "kind"), [("x.html", "html"), ("x.jsonl", "pdf"), ("x.csv", "csv")])
def test_stages_of_texts_name_what_they_cannot_read(config, tmp_path, name, kind):
    raw = {"html": HTML, "pdf": b"%PDF-1.4\n", "csv": b"id,text\n1,x\n"}[kind]
    with pytest.raises(UsageError, match=rf"is {kind}; clean reads rows"):
        attempt(config, tmp_path, "clean", raw, source=name)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.xlsx", "out.csv.gz", "out.parquet.gz", "out.PARQUET"])
def test_an_output_is_never_of_another_format_than_its_name(config, tmp_path, name):
    with pytest.raises(UsageError, match=r"use \.jsonl, \.jsonl\.gz or \.parquet"):
        attempt(config, tmp_path, "scrub", [{"id": "a", "text": ENGLISH}], out=name)
    with pytest.raises(UsageError, match=r"is not written"):
        attempt(config, tmp_path, "scrub", [{"id": "a", "text": ENGLISH}], gone=name)
    assert not (tmp_path / name).exists()
