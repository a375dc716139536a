import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.formats.markdown import build, read
from pipelines.extract.frontmatter import front_matter
from pipelines.extract.result import Extracted, Media
from pipelines.params import ExtractParams

TEXT = """Title
=====

A <b>bold</b> word, `a <tag> in code` and ![a picture](img/b.png "x").
Second line <!-- a comment -->

- one
- two
  - three

1. first

> said
> twice

***

| a | b |
|---|---|
| 1 | 2 |

```py
x = 1

y = "<b>"
```

<div align=center>
<img src=x> Text
</div>

[ref]: http://example.org

## 第二节 方法
完。
"""
PARAMS = ExtractParams(min_characters=5)


def test_text_stays_as_it_is_and_blocks_are_told():
    built = build(TEXT)
    assert [(b.kind, b.level, built.text[b.start : b.end]) for b in built.blocks] == [
        ("heading", 1, "# Title"),
        ("paragraph", 0, 'A bold word, `a <tag> in code` and ![a picture](img/b.png "x").\nSecond line'),
        ("list_item", 1, "- one"),
        ("list_item", 1, "- two"),
        ("list_item", 2, "  - three"),
        ("list_item", 1, "1. first"),
        ("quote", 1, "> said\n> twice"),
        ("table", 0, "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("code", 0, '```py\nx = 1\n\ny = "<b>"\n```'),
        ("paragraph", 0, "Text"),
        ("heading", 2, "## 第二节 方法"),
        ("paragraph", 0, "完。"),
    ]
    assert [b.parent for b in built.blocks] == [None] + [0] * 10 + [10]
    assert "\n\n- one\n- two\n  - three\n1. first\n\n> said" in built.text


def test_images_become_keys_where_they_are_asked_for():
    media: list[Media] = []
    built = build("See ![a cat](img/cat.png) and `![no](code.png)`.", media=media, keys=True)
    assert [m[1:] for m in media] == [("img", "img/cat.png", "a cat")]
    assert built.text == f"See {media[0].key} and `![no](code.png)`."


def test_front_matter():
    body = (
        "---\ntitle: 数据安全指南\n"
        "author: [王小明, {name: Li}]\ndate: 2024-03-05\nlicense: CC BY 4.0\nlang: zh-CN\n---\n"
        "# 第一章\n\n正文从这里开始，讲述数据安全的基本要求。\n"
    )
    found = read(body.encode(), "text/markdown", PARAMS)
    assert isinstance(found, Extracted)
    assert (found.title, found.author, found.published) == ("数据安全指南", "王小明, Li", "2024-03-05")
    assert (found.stated_licence, found.language_hint, found.kind) == ("CC-BY-4.0", "zh", "markdown")
    assert found.text.startswith("# 第一章\n\n正文")


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("+++\ntitle = 'T'\ndate = 2020-01-02T03:04:05Z\n+++\nx", "T"),
        ("---\ntitle: [unclosed\n---\nx", None),
        ("---\njust a rule\n---\nx", None),
        ("---\ntitle: never closed\n", None),
        ("---\na: &a [x]\nb: [*a, *a]\ntitle: !!python/object/apply:os.system [x]\n---\n", None),
        ("---\n" + "[" * 5000 + "\n---\n", None),
        ("text", None),
    ],
)
def test_front_matter_that_is_none_is_text(source, title):
    found = front_matter(source)
    assert found.title == title and (found.end > 0) == (title is not None)


def test_title_is_the_highest_heading():
    found = read(b"## Sub\n\nSome text here.\n\n# **The** `title`\n", "text/markdown", PARAMS)
    assert isinstance(found, Extracted) and found.title == "The title"


@pytest.mark.parametrize(
    ("body", "rule"),
    [(b"", "empty_page"), (b"<!-- only a comment, however long it may be -->", "empty_page"), (b"# a", "too_short"),
     (bytes(3000), "not_text")],
)  # fmt: skip
def test_refusals(body, rule):
    assert read(body, "text/markdown", PARAMS).rule == rule


PARTS = st.sampled_from(
    ["# a", "\n", "\r\n", "- ", "1. ", "> ", "```", "    ", "|a|b|", "|-|-|", "<b>", "<!--", "-->", "===", "---", "\t",
     "![x](y)", "`", "中。", " ", "\x00", "[r]: u", "\u2028", "\x0c", "\x85"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=40), st.booleans())
def test_edits_and_blocks_fit_any_text(replayed, parts, keys):
    source = "".join(parts)
    built = build(source, keys=keys)
    replayed(source, built.text, built.edits)
    inside = {i for b in built.blocks for i in range(b.start, b.end)}
    assert all(built.text[i].isspace() for i in range(len(built.text)) if i not in inside)


def test_work_grows_with_the_text_only():
    marks = (">", "- ", "[a]: b\n", "[a\n", "|a", "|a|\n|-|\n",
             "<a\n", "<!--", "```\n", "![", "> a\n", "1) a\n", "`a``b",
             "<b>", "![a](b)", "\x00")  # fmt: skip

    def seconds(n):
        start = time.process_time()
        for mark in marks:
            build(mark * n, keys=True)
        return time.process_time() - start

    seconds(50)
    assert seconds(8_000) < 40 * max(seconds(1_000), 0.01)
