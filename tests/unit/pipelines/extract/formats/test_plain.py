import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.formats.plain import build, read, source_text
from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams

PARAMS = ExtractParams()
CHINESE = """第一章　总则

　　第一条　为了规范数据处理活动，保障数据安全，制定本办法。
　　第二条　在境内开展数据处理活动及其安全监管，适用本办法。

1.1 范围

● 个人数据
● 重要数据
"""
ENGLISH = """CHAPTER 1. THE ROAD

This is a text which somebody wrapped at about seventy columns, and so
it goes on on the next line, as editors of old did when they wrote for
terminals.

- a first item
  that goes on
- a second item

Roses are red
Violets are blue
"""


def shown(text):
    built = build(text)
    return built.text, [(b.kind, b.level) for b in built.blocks]


def test_chinese_paragraphs_headings_and_items():
    text, kinds = shown(CHINESE)
    assert text == (
        "# 第一章　总则\n\n第一条　为了规范数据处理活动，保障数据安全，制定本办法。\n\n"
        "第二条　在境内开展数据处理活动及其安全监管，适用本办法。\n\n## 1.1 范围\n\n- 个人数据\n- 重要数据"
    )
    assert kinds == [
        ("heading", 1),
        ("paragraph", 0),
        ("paragraph", 0),
        ("heading", 2),
        ("list_item", 1),
        ("list_item", 1),
    ]


def test_wrapped_english_is_joined_and_verse_is_not():
    text, kinds = shown(ENGLISH)
    assert text == (
        "# CHAPTER 1. THE ROAD\n\nThis is a text which somebody wrapped at about seventy columns, and so it goes on on "
        "the next line, as editors of old did when they wrote for terminals.\n\n"
        "- a first item that goes on\n- a second item\n\nRoses are red\nViolets are blue"
    )
    assert [k for k, _ in kinds] == ["heading", "paragraph", "list_item", "list_item", "paragraph"]


def test_wrapped_chinese_is_joined_without_spaces():
    line = "这是一段由编辑器在固定列数处折行的中文文本它的每一行都一样长"
    assert shown(f"{line}\n{line}\n{line}\n完。")[0] == line * 3 + "完。"


def test_underlined_headings_lose_their_line():
    text, kinds = shown("Title of it\n===========\n\nText under the title.\n\nPart\n----\nMore.\n")
    assert text == "# Title of it\n\nText under the title.\n\n## Part\n\nMore."
    assert kinds[0] == ("heading", 1) and kinds[2] == ("heading", 2)


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gbk", "gb18030", "big5", "utf-16", "utf-16-le", "utf-32"])
def test_charsets(charset):
    text = "數據安全與個人信息保護的基本要求，是這份文件的主題。" * 4
    named = "; charset=utf-16le" if charset == "utf-16-le" else ""
    found = read(text.encode(charset), f"text/plain{named}", PARAMS)
    assert isinstance(found, Extracted) and found.text == text and found.kind == "plain"


def test_markup_in_a_text_says_nothing_about_its_encoding():
    text = "在网页里写 <meta charset=shift_jis> 表示编码，这里只是引用它的写法，与本文的编码没有关系。"
    found = read(text.encode("gbk"), "text/plain", PARAMS)
    assert isinstance(found, Extracted) and found.text == text


@pytest.mark.parametrize(
    ("body", "rule"),
    [(b"", "empty_page"), (b" \n\x00\n", "empty_page"), (b"short", "too_short"), (bytes(3000), "not_text"),
     (b"\x89PNG\r\n\x1a\n" + bytes(90), "not_text"), (b"x" * 200, "page_too_large")],
)  # fmt: skip
def test_refusals(body, rule):
    limit = 100 if rule == "page_too_large" else 10_000
    body = body if rule != "page_too_large" else gzip.compress(body)
    verdict = read(body, "text/plain", ExtractParams(max_page_bytes=limit))
    assert verdict.rule == rule


@given(st.text(st.sampled_from("ab 第一章1.-=•\n\r\t\x00。，\u3000\ufeff"), max_size=120))
def test_edits_and_blocks_fit_any_text(replayed, text):
    built = build(text)
    replayed(text, built.text, built.edits)
    inside = {i for b in built.blocks for i in range(b.start, b.end)}
    assert all(built.text[i].isspace() for i in range(len(built.text)) if i not in inside)
    assert all(b.start < b.end for b in built.blocks)


def test_the_source_is_the_decoded_file():
    assert source_text("甲乙\r\n丙".encode("gbk"), "text/plain; charset=gbk", 100) == "甲乙\r\n丙"


def test_work_grows_with_the_text_only():
    def seconds(n):
        start = time.process_time()
        for line in ("a\n", "=\n", "1.1\n", "- x\n", "a\n\n", " " * 9 + "x", "\x00\n"):
            build(line * n)
        return time.process_time() - start

    seconds(100)
    assert seconds(16_000) < 40 * max(seconds(2_000), 0.01)
