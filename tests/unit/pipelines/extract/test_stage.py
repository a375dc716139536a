import pyarrow as pa
import pytest

from pipelines.edits import Edit, from_dicts
from pipelines.extract.formats import html as html_format
from pipelines.extract.stage import STAGE, extract
from pipelines.params import ExtractParams
from pipelines.schemas import hash128
from pipelines.stage import REJECT_SCHEMA, Context, Emitted, Verdict

ENGLISH = (
    "The harbour was quiet that morning, and the boats lay still. Nobody had told the crew why the pilot was late."
)
CHINESE = "港口那天早晨很安静，船都停着不动。没有人告诉船员领航员为什么迟到，大家只好在甲板上等消息。"


def site(body: str, *, lang: str = "en", title: str = "Harbour | Daily News", charset: str = "utf-8") -> str:
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="{charset}"><title>{title}</title>'
        "<style>p{color:red}</style><script>var p = '<p>no text</p>';</script></head><body>"
        '<header><a href="/">Daily News</a></header><nav><ul><li><a href="/a">World news</a></li>'
        '<li><a href="/b">Sports pages</a></li></ul></nav>'
        '<div id="cookie-banner"><p>We use cookies to improve your experience on this site, accept them.</p></div>'
        '<p class="url"><a href="https://example.org/harbour">https://example.org/harbour</a></p>'
        f'<div class="story"><h1>Harbour</h1>{body}<ol class="footnotes"><li>See the log of the pilot.</li></ol></div>'
        "<aside><p>Advertisement: buy our boats today, they are cheaper than ever before, and they float.</p></aside>"
        "<footer><p>Copyright Daily News. All rights reserved, and every right is reserved twice.</p></footer>"
        "</body></html>"
    )


def run(**columns: object) -> Emitted:
    count = len(next(iter(columns.values())))
    table = pa.table({"doc_id": [f"{i:032x}" for i in range(count)], "content_type": [None] * count, **columns})
    return STAGE.apply(STAGE.setup(Context(ExtractParams())), table)


def one(body: bytes) -> Emitted:
    return run(body=pa.array([body], pa.binary()))


def verdict(body: bytes | None) -> tuple[str, float | None, float | None, str | None]:
    done = run(body=pa.array([body], pa.binary()))
    assert done.rows.num_rows == 0
    assert done.rejects.schema == REJECT_SCHEMA
    row = done.rejects.to_pylist()[0]
    assert row["stage"] == "extract" and row["doc_id"] == f"{0:032x}"
    return row["rule"], row["value"], row["threshold"], row["detail"]


@pytest.mark.req("EXT-02", "EXT-04")
def test_only_the_main_text_remains():
    other = ENGLISH[::-1].strip(".")
    body = f"<p>{ENGLISH}</p><p onclick=\"alert('x > y')\">{other}.</p><pre>if a &lt; b:\n    go()</pre>"
    row = one(site(body).encode()).rows.to_pylist()[0]
    assert row["text"] == f"{ENGLISH}\n\n{other}.\n\n```\nif a < b:\n    go()\n```"
    assert row["title"] == "Harbour"
    assert row["language_hint"] == "en"
    assert row["text_hash"] == hash128(row["text"])


def test_edits_reproduce_the_decoded_page():
    for charset, text in (
        ("utf-8", ENGLISH),
        ("utf-8", CHINESE),
        ("gbk", CHINESE),
        ("big5", "這是一個關於港口的故事，" * 9),
    ):
        source = site(f"<p>{text}&amp;\n<b>x</b></p><p>{text}</p>", charset=charset)
        row = one(source.encode(charset)).rows.to_pylist()[0]
        old = new = 0
        for edit in [*from_dicts(row["edits"]), Edit(len(source), len(source), 0)]:
            size = edit.start - old
            assert source[old : edit.start] == row["text"][new : new + size]
            old, new = edit.end, new + size + edit.new_length
        assert new == len(row["text"])
        assert text in row["text"]


@pytest.mark.parametrize(
    ("text", "declared", "codec", "charset"),
    [
        (CHINESE, "utf-8", "gbk", ("gbk", "gb18030")),
        (CHINESE, "gb2312", "gbk", ("gbk",)),
        (CHINESE, "utf-8", "utf-16-le", ("utf-16le",)),
        ("這是一個關於港口的故事，大家都在等領航員的消息。" * 3, "big5", "big5", ("big5",)),
        (ENGLISH, "utf-8", "ascii", ("utf-8",)),
    ],
)
def test_charsets(text, declared, codec, charset):
    row = one(site(f"<p>{text}</p>", lang="zh-CN", charset=declared).encode(codec)).rows.to_pylist()[0]
    assert row["text"] == text
    assert row["charset"] in charset
    assert row["language_hint"] == "zh"


def test_text_without_body_is_taken_from_html():
    done = run(
        id=["a", "b", "c"],
        body=pa.array([None, site(f"<p>{CHINESE}</p>").encode(), None], pa.binary()),
        html=[site(f"<p>{ENGLISH}</p>"), "unused", None],
    )
    rows = done.rows.to_pylist()
    assert [(r["id"], r["text"], r["charset"]) for r in rows] == [("a", ENGLISH, "unicode"), ("b", CHINESE, "utf-8")]
    assert "body" not in done.rows.column_names and "html" not in done.rows.column_names
    assert [(r["rule"], r["doc_id"]) for r in done.rejects.to_pylist()] == [("empty_page", f"{2:032x}")]


def test_html_alone():
    table = pa.table({"doc_id": ["x"], "html": [site(f"<p>{ENGLISH}</p>")]})
    assert STAGE.apply(ExtractParams(), table).rows["text"].to_pylist() == [ENGLISH]


def test_an_empty_batch_has_the_same_columns():
    table = pa.table({"doc_id": pa.array([], pa.string()), "body": pa.array([], pa.binary())})
    done = STAGE.apply(ExtractParams(), table)
    assert set(STAGE.adds) < set(done.rows.column_names)
    assert done.rejects.schema == REJECT_SCHEMA


def test_reject_rules():
    assert verdict(b"") == ("empty_page", 0.0, None, None)
    assert verdict(None) == ("empty_page", 0.0, None, None)
    assert verdict(b"\xef\xbb\xbf \n\t") == ("empty_page", 0.0, None, None)
    assert verdict(b"<html><body><script>x()</script></body></html>") == ("no_main_text", 0.0, 25.0, None)
    assert verdict(b"<p>short text</p>") == ("too_short", 10.0, 25.0, None)
    assert verdict(b"\x89PNG\r\n\x1a\n" + bytes(range(256))) == ("needs_ocr", None, None, "png")
    assert verdict(b"a" * 10_000_001) == ("page_too_large", 10_000_001.0, 10_000_000.0, None)


@pytest.mark.req("EXT-03")
def test_low_density_is_a_reject_only_where_a_floor_is_set():
    table = pa.table({"doc_id": ["x"], "html": [site(f"<p>{ENGLISH}</p>")]})
    density = STAGE.apply(ExtractParams(), table).rows["density"][0].as_py()
    assert 0.2 < density < 0.8
    rejected = STAGE.apply(ExtractParams(min_density=0.9), table).rejects.to_pylist()[0]
    assert (rejected["rule"], rejected["value"], rejected["threshold"]) == ("low_density", density, 0.9)


def test_an_unexpected_error_rejects_its_page_only(monkeypatch):

    def fail_on_marker(source, *rest):
        if "MARKER" in source:
            raise RuntimeError("secret text of the page")
        return original(source, *rest)

    original = html_format.parse
    monkeypatch.setattr(html_format, "parse", fail_on_marker)
    done = run(html=[site(f"<p>{ENGLISH}</p>"), "<p>MARKER"])
    assert done.rows.num_rows == 1
    assert done.rejects.to_pylist()[0]["rule"] == "extract_error"
    assert done.rejects.to_pylist()[0]["detail"] == "RuntimeError"


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000 + f"<p>{ENGLISH}</p>" + "</div>" * 200_000,
        "<div>" * 200_000 + ENGLISH,
        ENGLISH.replace(" ", "\x00 ") + "\x00" * 20,
        "<p>" + (ENGLISH + " ") * 10_000,
        f"<p>{ENGLISH} &#xFFFFFFFF; &#999999999999; &amp &;; &#; &#x; &CounterClockwiseContourIntegral;",
        f"<p>{ENGLISH}</p><script>document.write('<p>never closed",
        f"<p>{ENGLISH}</p><!-- never closed",
        f"<table><tr><td>{ENGLISH}</table></table></td></div></body></html></html>",
        ENGLISH,
    ],
)
def test_bad_markup_keeps_its_text(html):
    row = one(html.encode()).rows.to_pylist()[0]
    assert row["text"].startswith("The harbour was quiet")
    assert "never closed" not in row["text"] and "\x00" not in row["text"]


def test_a_row_depends_on_itself_alone():
    pages = [site(f"<p>{ENGLISH}</p>").encode(), b"<p>x", site(f"<p>{CHINESE}</p>").encode()]
    together = run(body=pa.array(pages, pa.binary()))
    apart = [one(p) for p in pages]
    assert together.rows["text"].to_pylist() == [t for a in apart for t in a.rows["text"].to_pylist()]
    assert together.rejects.num_rows == sum(a.rejects.num_rows for a in apart) == 1


def test_documents_have_a_limit_of_their_own():
    params = ExtractParams(max_page_bytes=100, max_document_bytes=1_000)
    text = ENGLISH.encode()
    assert extract(text * 2, None, "text/plain", params).text.startswith("The harbour")
    assert extract(text * 2, None, "text/html", params) == Verdict("page_too_large", 2 * len(text), 100)
    assert extract(text * 20, None, "text/plain", params) == Verdict("page_too_large", 20 * len(text), 1_000)
