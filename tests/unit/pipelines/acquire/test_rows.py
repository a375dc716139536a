"""Tables and files of records: everyday ones, odd ones and broken ones. Every row is an item or a refusal."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.acquire import rows_csv, rows_excel, rows_json, rows_lines, rows_parquet, shapes
from pipelines.acquire.items import Item, Refused
from pipelines.acquire.records import Row, items
from pipelines.acquire.router import format_of, reader_of
from pipelines.acquire.textfile import Text
from pipelines.extract import route
from pipelines.extract.formats import record
from pipelines.params import ExtractParams, SourceParams
from pipelines.stage import Verdict

SHAPES = ["auto", *shapes.SHAPES]
NAMES = [
    *sorted({name for shape in shapes.SHAPES.values() for names in shape.names.values() for name in names}),
    "id", "url", "message_id", "parent_id", "role", "replies", "sku", "price", "name", "reviews", "phone",
]  # fmt: skip
HEADS = ["", "question,answer\n", "[", '{"text":', "PAR1", "PK\x03\x04", "[10:00] <a> "]

QA = "question,answer\n什么是猫？,一种动物。\n"


def read(module, data, name, **source):
    return list(module.read(io.BytesIO(data), name, SourceParams("s", kind="files", **source)))


def csv_items(text, name="a.csv", **source):
    return read(rows_csv, text if isinstance(text, bytes) else text.encode(), name, **source)


def bodies(found):
    return [json.loads(item.body) for item in found if isinstance(item, Item)]


def rules(found):
    return [(item.name, item.rule) for item in found if isinstance(item, Refused)]


def text_of(item):
    return record.read(item.body, item.content_type, ExtractParams(min_characters=1)).text


@pytest.mark.req("CRL-07")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_a_table_is_read_in_any_encoding(encoding):
    text = QA + "".join(f"问题{i}在哪里？,答案在这里的第{i}页。\n" for i in range(20))
    found = csv_items(text.encode(encoding))
    assert len(bodies(found)) == 21 and not rules(found)
    assert bodies(found)[0]["qas"][0]["question"] == "什么是猫？"
    assert "\ufeff" not in found[0].body.decode()


@pytest.mark.parametrize(
    "text",
    [
        "question,answer\r\nQ,A\r\n",
        "question,answer\rQ,A\r",
        "question;answer\nQ;A\n",
        "question\tanswer\nQ\tA\n",
        "question|answer\nQ|A",
        "\n\nquestion,answer\n,\nQ,A\n",
        '"question","answer"\n"Q","A"\n',
    ],
)
def test_delimiters_and_line_ends_of_every_system(text):
    assert bodies(csv_items(text)) == [{"qas": [{"question": "Q", "answers": ["A"]}]}]


def test_quoted_line_ends_belong_to_the_cell():
    (fields,) = bodies(csv_items('text,title\r\n"one\r\n\r\n""two"", three",T\r\n'))
    assert fields == {"title": "T", "text": 'one\n\n"two", three'}


def test_doubled_and_empty_headers_are_told_apart():
    assert rows_csv.column_names(["a", "", "a", "a_2", None, "a"]) == ["a", "column_2", "a_3", "a_2", "column_5", "a_4"]
    (fields,) = bodies(csv_items("x,x,\n1,2,3\n", shape="record"))
    assert [line["value"] for line in fields["sections"][0]["groups"][0]] == ["1", "2", "3"]


def test_rows_that_do_not_fit_are_refused_with_file_and_row():
    found = csv_items('text,title\nok,a\nshort\nlong,b,c\nok2,d\n"bad"quote,e\nok3,f\n')
    assert [b["text"] for b in bodies(found)] == ["ok", "ok2", "ok3"]
    assert rules(found) == [("a.csv#3", "row_width"), ("a.csv#4", "row_width"), ("a.csv#6", "bad_quoting")]


def test_a_quote_that_never_closes_is_told_with_its_lines():
    found = csv_items('text\none\n"two\nthree\nfour\n')
    assert bodies(found) == [{"text": "one"}]
    (refused,) = [item for item in found if isinstance(item, Refused)]
    assert (refused.rule, refused.detail, refused.lost) == ("bad_quoting", "lines 3 to 5", True)


def test_cells_of_ten_megabytes_pass_and_larger_rows_do_not():
    big = "x" * 10_000_000
    found = csv_items(f'text\n"{big}"\nsmall\n', max_item_bytes=11_000_000)
    assert [len(b["text"]) for b in bodies(found)] == [10_000_000, 5]
    found = csv_items(f'text\n{big}\nsmall\n"{big[:600]}\n{big[:600]}"\nlast\n', max_item_bytes=1000)
    assert [b["text"] for b in bodies(found)] == ["small", "last"]
    assert [rule for _, rule in rules(found)] == ["too_large", "too_large"]


def test_bytes_that_the_encoding_lacks_cost_one_row():
    text = "text,title\n" + "很好的天气,甲\n" * 3
    found = csv_items(text.encode() + b"\xff\xfe\xfd,b\n" + "再来,乙\n".encode())
    assert rules(found) == [("a.csv#3", "duplicate_id"), ("a.csv#4", "duplicate_id"), ("a.csv#5", "undecodable")]
    assert len(bodies(found)) == 2


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n\n"])
def test_empty_tables_are_refused(data):
    assert rules(csv_items(data)) == [("a.csv", "empty_file")]


def test_binary_is_no_table():
    (refused,) = csv_items(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    assert refused.rule == "undecodable" and refused.lost


def test_a_line_without_end_is_never_held_whole():
    held = 0

    class Endless(io.RawIOBase):
        left = 400

        def read(self, size=-1):
            nonlocal held
            held = max(held, size)
            self.left -= 1
            return b"x" * min(size, 100_000) if self.left > 0 else b""

    numbers = [(number, line) for number, line in Text(Endless()).lines(1000)]
    assert numbers == [(1, None)] and held <= 1 << 20


@pytest.mark.parametrize(
    ("data", "count"),
    [
        ('{"text":"a"}\n{"text":"b"}\n', 2),
        ('[{"text":"a"},\n {"text":"b"}]', 2),
        ('{"version":"1","data":[{"text":"a"},{"text":"b"}],"n":1}', 2),
        ('{"text":"a"}', 1),
        ('{\n  "text": "a"\n}\n{\n  "text": "b"\n}', 2),
        ('{"text":"a","data":[1,2]}', 1),
        ("[]", 0),
    ],
)
def test_json_in_every_layout(data, count):
    found = read(rows_json, data.encode(), "a.json")
    assert [b["text"] for b in bodies(found)] == ["a", "b"][:count]
    assert len(found) == max(count, 1)


def test_lines_of_json_go_wrong_one_by_one():
    lines = [
        '{"text":"a"}',
        "{bad",
        "",
        "[1]",
        '{"text":NaN}',
        '{"text":"b","n":Infinity}',
        "[" * 100_000,
        '{"text":"c"}',
    ]
    found = read(rows_json, "\r\n".join(lines).encode(), "a.jsonl")
    assert [b["text"] for b in bodies(found)] == ["a", "b", "c"]
    assert rules(found) == [
        ("a.jsonl#2", "bad_json"),
        ("a.jsonl#4", "not_an_object"),
        ("a.jsonl#5", "missing_field"),
        ("a.jsonl#7", "bad_json"),
    ]


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ('[{"text":"a"},{"text":', "truncated"),
        ('[{"text":"a"},{"text":}]', "bad_json"),
        ('[{"text":"a"} {"text":"b"}]', "bad_json"),
        ('[{"text":"a"},' + "[" * 200_000, "bad_json"),
        ('[{"text":"a"},{"text":"' + "b" * 500_000 + '"}]', "too_large"),
    ],
)
def test_an_array_is_read_up_to_its_damage(data, rule):
    found = read(rows_json, data.encode(), "a.json", max_item_bytes=3000 if rule == "too_large" else 10**6)
    assert [b["text"] for b in bodies(found)] == ["a"]
    assert (found[-1].rule, found[-1].lost) == (rule, True)


def test_reading_json_is_linear_in_its_size():
    class Counting(io.BytesIO):
        asked = 0

        def read(self, size=-1):
            data = super().read(size)
            Counting.asked += len(data)
            return data

    data = json.dumps([{"text": "x" * 50_000, "id": i} for i in range(40)]).encode()
    assert len(list(rows_json.read(Counting(data), "a.json", SourceParams("s", kind="files")))) == 40
    assert Counting.asked == len(data)


def workbook(fill, **state):
    book = openpyxl.Workbook()
    fill(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.req("CRL-07")
def test_a_workbook_is_read_sheet_by_sheet():
    def fill(book):
        first = book.active
        first.title = "商品"
        first.append([None, None])
        first.append(["商品名称", "价格", "上架日期", "品牌", "类别"])
        first.append(["杯子", 12.5, datetime(2024, 3, 1), "甲", "厨房"])
        first.append([None, None, None, None, None])
        first.append(["盘子", Decimal("8"), date(2024, 3, 2), "甲", None])
        first.merge_cells("E3:E5")
        hidden = book.create_sheet("内部")
        hidden.append(["text"])
        hidden.append(["secret"])
        hidden.sheet_state = "hidden"

    found = read(rows_excel, workbook(fill), "a.xlsx")
    assert rules(found) == [("a.xlsx/内部", "hidden_sheet")]
    cup, plate = (item for item in found if isinstance(item, Item))
    assert cup.name.startswith("a.xlsx/商品#")
    assert text_of(cup) == "# 杯子\n\n- 品牌：甲\n- 分类：厨房\n- 价格：12.5\n- 上架日期：2024-03-01"
    assert text_of(plate) == "# 盘子\n\n- 品牌：甲\n- 分类：厨房\n- 价格：8\n- 上架日期：2024-03-02"


def test_formulas_count_as_their_stored_value():
    def fill(book):
        book.active.append(["name", "price", "sku", "total"])
        book.active.append(["Cup", 2, "c", "=B2*2"])
        book.active.append(["Plate", 3, "p", 6])

    data = workbook(fill)
    found = read(rows_excel, data, "a.xlsx")
    assert rules(found) == [("a.xlsx/Sheet#2", "formula_without_value")] and len(bodies(found)) == 1
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            body = old.read(part)
            new.writestr(
                part, body.replace(b"<v></v>", b"<v>4</v>").replace(b"<v/>", b"<v>4</v>").replace(b"<v />", b"<v>4</v>")
            )
    found = read(rows_excel, out.getvalue(), "a.xlsx")
    assert not rules(found) and "- Amount: 4" in text_of(found[0])


def test_a_workbook_that_is_none_is_refused():
    def part(name, body):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, body)
        return out.getvalue()

    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    cases = {
        b"": "unreadable_file",
        b"PK\x03\x04broken": "unreadable_file",
        part("x", b"y"): "unreadable_file",
        part("xl/worksheets/sheet1.xml", bytes(80_000_000)): "decompression_limit",
        ole: "unsupported_format",
        ole + "EncryptedPackage".encode("utf-16-le"): "encrypted",
    }
    for data, rule in cases.items():
        (refused,) = read(rows_excel, data, "a.xlsx")
        assert (refused.rule, refused.lost) == (rule, True)
    assert rules(read(rows_excel, workbook(lambda book: None), "a.xlsx")) == [("a.xlsx/Sheet", "empty_sheet")]


def parquet(table, **options):
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


@pytest.mark.req("CRL-07")
def test_parquet_and_arrow_with_nested_columns():
    rows = [
        {
            "id": "1",
            "context": "C",
            "question": "Q?",
            "answers": {"text": ["A"], "answer_start": [0]},
            "image": b"\x00",
        },
        {"id": "2", "context": "C", "question": "R?", "answers": {"text": [], "answer_start": []}, "image": None},
    ]
    table = pa.Table.from_pylist(rows)
    stream, file = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    for data in (parquet(table, row_group_size=1), stream.getvalue(), file.getvalue()):
        found = read(rows_parquet, data, "a.parquet")
        assert [item.name for item in found] == ["a.parquet#id:1", "a.parquet#id:2"]
        assert bodies(found)[0] == {"context": "C", "qas": [{"question": "Q?", "answers": ["A"]}]}
        assert bodies(found)[1]["qas"][0]["answers"] == []


def test_broken_parquet_is_one_refusal():
    whole = parquet(pa.table({"text": ["a"] * 10}))
    for data in (whole[:-20], b"PAR1" + bytes(50) + b"PAR1", b"", whole[:4] + bytes(100) + whole[104:]):
        found = read(rows_parquet, data, "a.parquet")
        assert rules(found)[-1][1] in ("unreadable_file", "empty_file") and not bodies(found)
    assert rules(read(rows_parquet, parquet(pa.table({"text": pa.array([], pa.string())})), "a.parquet")) == [
        ("a.parquet", "empty_file")
    ]


NGINX = (
    '203.0.113.9 - ann [10/Oct/2000:13:55:36 -0700] "GET /shop/13800138000/cart?token=abc HTTP/1.1" 200 2326 '
    '"http://ref.example/" "Mozilla/5.0 (Ann)"\n'
)


@pytest.mark.req("CRL-11")
def test_of_request_logs_only_business_fields_survive():
    nested = {
        "@timestamp": "2024-03-01T10:00:00Z",
        "client": {"ip": "203.0.113.9", "phone": "13800138000"},
        "headers": {"authorization": "Bearer abc", "cookie": "sid=1"},
        "user": "ann",
        "http": {"verb": "POST", "target": "https://api.example/v1/chat?key=abc#x", "code": 200},
        "body": {"messages": [{"content": "怎么退货？"}]},
    }
    names = {
        "time": "@timestamp", "method": "http.verb", "path": "http.target", "status": "http.code",
        "question": "body.messages.0.content", "ip": "client.ip",
    }  # fmt: skip
    log = NGINX + json.dumps(nested, ensure_ascii=False) + "\nnonsense\n"
    found = read(rows_lines, log.encode(), "access.log", shape="request_log")
    assert bodies(found)[0] == {
        "time": "2000-10-10T13:55:36-07:00", "method": "GET", "path": "/shop/{id}/cart",
        "status": "200", "bytes": "2326",
    }  # fmt: skip
    assert rules(found) == [("access.log#2", "missing_field"), ("access.log#3", "bad_line")]
    (mapped,) = bodies(read(rows_lines, json.dumps(nested).encode(), "x.log", shape="request_log", fields=names))
    assert mapped == {
        "time": "2024-03-01T10:00:00Z", "method": "POST", "path": "/v1/chat", "status": "200", "question": "怎么退货？",
    }  # fmt: skip
    item = read(rows_lines, log.encode(), "access.log", shape="request_log")[0]
    assert text_of(item) == "2000-10-10T13:55:36-07:00 GET /shop/{id}/cart 200 2326 B"


IRC = """=== root changed the topic of #ubuntu to: Support
[23:50] <ubot2> Welcome
[23:52] <bob> how do I mount /dev/sdb1?
[23:55] <al1ce> bob: try mount -a
[00:05] <bob> thanks al1ce, works
[00:06] * bob leaves
[01:30] <carl> anyone?
"""


def test_channel_logs_become_conversations_without_nicks():
    found = read(rows_lines, IRC.encode(), "2024-03-01.txt", shape="irc")
    assert [text_of(item) for item in found] == [
        "A: Welcome\n\nB: how do I mount /dev/sdb1?\n\nC: B: try mount -a\n\nB: thanks C, works",
        "A: anyone?",
    ]
    assert not any(nick in item.body for item in found for nick in (b"bob", b"al1ce", b"carl", b"ubot2"))


def test_a_text_file_is_a_log_only_where_its_source_says_so():
    source = SourceParams("s", kind="files")
    reader = reader_of(format_of("access.log", NGINX.encode()))
    assert [item.content_type for item in reader(io.BytesIO(NGINX.encode()), "access.log", source)] == ["text/plain"]
    (item,) = reader(io.BytesIO(NGINX.encode()), "access.log", replace(source, shape="request_log"))
    assert item.content_type.endswith("shape=request_log")


def test_files_of_rows_are_told_by_their_beginning():
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    assert [format_of("a.xlsx", ole), format_of("a", b"PARE"), format_of("a.arrow", b"\xff\xff\xff\xff\x10\0")] == [
        "xls",
        "parquet",
        "arrow",
    ]


SRT = """1
00:00:01,000 --> 00:00:03,000
Where is the ferry to the island?

2
00:00:04,000 --> 00:00:06,000
它七点就开走了。
"""
VTT = """WEBVTT

00:01.000 --> 00:03.000
Welcome back to the <b>channel</b>.

00:04.000 --> 00:06.000
今天我们去坐船。
"""


@pytest.mark.req("CRL-14")
@pytest.mark.parametrize(("name", "text"), [("film.srt", SRT), ("talk.vtt", VTT), ("2024.txt", IRC)])
def test_subtitles_and_channel_logs_come_in_and_become_text(name, text):
    source = SourceParams("s", kind="files", shape="irc" if name == "2024.txt" else "auto", source_class="subtitles")
    item = next(iter(reader_of(format_of(name, text.encode()))(io.BytesIO(text.encode()), name, source)))
    found = route.format_of(item.body, item.content_type).read(item.body, item.content_type, ExtractParams())
    assert "00:0" not in found.text and "<b>" not in found.text and "-->" not in found.text
    assert any(words in found.text for words in ("它七点就开走了", "今天我们去坐船", "how do I mount"))


def test_lines_that_nobody_said_are_refused():
    found = read(rows_lines, b"what is this\n[10:00] <a> hi\n", "x.txt", shape="irc")
    assert rules(found) == [("x.txt#1", "bad_line")] and len(bodies(found)) == 1


@pytest.mark.parametrize(
    "line", ["[10:00] <" + "x" * 200_000, '1 - [x] "' + '\\"' * 100_000, "a " * 100_000 + "[", "{" * 100_000]
)
def test_hostile_lines_end_in_one_refusal(line):
    for shape in ("irc", "request_log"):
        (refused,) = read(rows_lines, line.encode(), "x.log", shape=shape)
        assert isinstance(refused, Refused)


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), json_like, max_size=5), max_size=4), st.sampled_from(SHAPES))
def test_every_row_ends_as_items_or_as_one_refusal_and_every_item_can_be_rendered(rows, shape):
    found = list(items(map(Row, range(1, 99), rows), "f", SourceParams("s", kind="files", shape=shape)))
    for item in found:
        if isinstance(item, Item):
            assert not isinstance(record.read(item.body, item.content_type, ExtractParams(min_characters=0)), Verdict)
            assert record.source_text(item.body, item.content_type, 10**8) == item.body.decode()
    assert len(found) >= len(rows) or shape in ("auto", "openassistant_rows")  # messages may become one tree


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(HEADS),
)
def test_no_bytes_make_a_reader_raise(data, head):
    for module, shape in ((rows_csv, "auto"), (rows_json, "auto"), (rows_excel, "auto"), (rows_parquet, "auto"),
                          (rows_lines, "irc"), (rows_lines, "request_log")):  # fmt: skip
        read(module, head.encode() + data, "a.jsonl" if module is rows_json and head == "" else "a", shape=shape)


def sheet(rows):
    """A workbook whose sheet is this XML."""
    out = io.BytesIO()
    xml = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(io.BytesIO(workbook(lambda book: None))) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            body = old.read(part)
            if part.filename.endswith("sheet1.xml"):
                vast = '<dimension ref="A1:XFD1048576"/>'
                body = f'<worksheet xmlns="{xml}">{vast}<sheetData>{rows}</sheetData></worksheet>'.encode()
            new.writestr(part, body)
    return out.getvalue()


def cell(place, value):
    return f'<c r="{place}" t="str"><v>{value}</v></c>'


def test_a_sheet_that_claims_to_be_vast_costs_what_it_holds():
    head = f'<row r="1">{cell("A1", "text")}</row><row r="2">{cell("A2", "one")}</row>'
    found = read(rows_excel, sheet(head), "a.xlsx")
    assert bodies(found) == [{"text": "one"}]
    wide = read(rows_excel, sheet(head + f'<row r="3">{cell("XFD3", "x")}</row>'), "a.xlsx")
    assert rules(wide) == [("a.xlsx/Sheet#3", "too_many_columns")]
    deep = read(rows_excel, sheet(head + f'<row r="99999999">{cell("A99999999", "x")}</row>'), "a.xlsx")
    assert rules(deep)[0][1] in ("too_many_rows", "unreadable_file") and bodies(deep) == [{"text": "one"}]


def test_a_text_that_a_dictionary_repeats_is_not_unpacked_for_all_rows_at_once():
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), pa.array(["x" * 1_000_000]))
    table = pa.table({"id": list(range(3000)), "text": text})
    data = parquet(table, compression="zstd", dictionary_pagesize_limit=10**8, store_schema=False)
    assert len(data) < 1_000_000
    before = pa.total_allocated_bytes()
    reader = rows_parquet.read(io.BytesIO(data), "a.parquet", SourceParams("s", kind="files"))
    assert [len(next(reader).body) for _ in range(50)][-1] > 1_000_000
    assert pa.total_allocated_bytes() - before < 600_000_000
