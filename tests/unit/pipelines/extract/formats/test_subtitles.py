import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.edits import map_back
from pipelines.extract.formats.subtitles import build, read
from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams

SRT = """1
00:00:01,000 --> 00:00:03,500
<i>The quick brown fox</i>

2
00:00:03,600 --> 00:00:05,000
jumps over the dog &amp; sleeps.

3
00:00:05,100 --> 00:00:06,000
[Music]

4
00:00:20,000 --> 00:00:22,000
- Who was that?
- A fox.
"""
VTT = """WEBVTT - lecture
Kind: captions
Language: zh

NOTE a comment
over two lines

STYLE
::cue { color: red }

intro
00:01.000 --> 00:04.000 align:start position:0%
<v 王老师>今天我们讲<c.yellow>机器学习</c>，

00:04.000 --> 00:06.000
<v 王老师>它是人工智能的一个分支。

00:06.500 --> 00:08.000
<v 学生>为什么<00:07.000>要学？
"""
ROLLING = """WEBVTT

00:00:01.000 --> 00:00:02.000
so this is what

00:00:02.000 --> 00:00:03.000
so this is what
we are going to do

00:00:03.000 --> 00:00:04.000
we are going to do
today.
"""


@pytest.mark.req("EXT-16")
def test_cues_become_sentences_and_turns_paragraphs():
    assert build(SRT).text == ("The quick brown fox jumps over the dog & sleeps.\n\nWho was that?\n\nA fox.")
    built = build(VTT)
    assert built.text == "王老师: 今天我们讲机器学习，它是人工智能的一个分支。\n\n学生: 为什么要学？"
    assert [b.kind for b in built.blocks] == ["paragraph", "paragraph"]


def test_rolling_captions_are_said_once():
    assert build(ROLLING).text == "so this is what we are going to do today."


def test_every_word_leads_back_to_its_cue():
    text, edits, _, _ = build(SRT)
    at = text.index("jumps")
    start, end = map_back(edits, at, at + 5)
    assert SRT[start:end] == "jumps"


def test_a_long_talk_gets_paragraphs_at_ends_of_sentences():
    times = [f"00:{i // 60:02}:{i % 60:02}" for i in range(60)]
    cues = "".join(f"{i}\n{t},000 --> {t},900\nOne more sentence of a talk.\n\n" for i, t in enumerate(times))
    built = build(cues)
    assert len(built.blocks) == 3 and all(b.end - b.start < 720 for b in built.blocks)


@pytest.mark.parametrize("charset", ["utf-8-sig", "gb18030", "utf-16", "big5"])
def test_reads_the_charsets_of_subtitle_files(charset):
    body = "1\r\n00:00:01,000 --> 00:00:02,000\r\n這是一部關於海洋與天空的電影，講述漁夫的故事。\r\n\r\n"
    found = read(body.encode(charset), "application/x-subrip", ExtractParams(min_characters=5))
    assert isinstance(found, Extracted) and found.text == "這是一部關於海洋與天空的電影，講述漁夫的故事。"
    assert found.kind == "subtitles"


def test_language_of_the_head():
    found = read(VTT.encode(), "text/vtt", ExtractParams(min_characters=5))
    assert isinstance(found, Extracted) and found.language_hint == "zh"


@pytest.mark.parametrize(
    ("body", "rule"),
    [(b"", "empty_page"), (b"WEBVTT\n\n", "empty_page"), (b"1\n00:00:01,000 --> 00:00:02,000\nHm.\n", "too_short"),
     (bytes(3000), "not_text")],
)  # fmt: skip
def test_refusals(body, rule):
    assert read(body, "text/vtt", ExtractParams()).rule == rule


PARTS = st.sampled_from(
    ["1\n", "\n", "00:01.000 --> 00:02.000\n", "00:00:01,000 --> 99:99:99,999\n", "<v A>", "- a", "b.", "中", "&lt;",
     "<i>", "[x]", "♪", "\r\n", "\x00", "&#0;", "{\\an8}", " ", "&lrm;"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=40))
def test_edits_and_blocks_fit_any_file(replayed, parts):
    source = "".join(parts)
    built = build(source)
    replayed(source, built.text, built.edits)
    inside = {i for b in built.blocks for i in range(b.start, b.end)}
    assert all(built.text[i].isspace() for i in range(len(built.text)) if i not in inside)


def test_work_grows_with_the_file_only():
    cue = "00:01.000 --> 00:02.000\n"

    def seconds(n):
        start = time.process_time()
        for hostile in (
            "<" * n,
            "[" * n,
            "{\\" * n,
            "- " * n,
            "&#1" * n,
            "a\n" * n,
            (cue + "x\n\n") * n,
            "<v " * n,
            " " * n,
        ):
            build(cue + hostile)
        return time.process_time() - start

    seconds(100)
    assert seconds(16_000) < 40 * max(seconds(2_000), 0.01)
