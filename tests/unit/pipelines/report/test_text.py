import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.report.text import is_hidden, passage, visible

ANY_TEXT = st.text(st.characters(codec=None) | st.sampled_from("<>&\"'⟦⟧:CN_MOBILE\u202e\u200b\x00\ud800\n"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("中文 and English", "中文 and English"),
        ("pay\u200bpal", "pay⟨U+200B⟩pal"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("a\x00b\x1b[31m", "a⟨U+0000⟩b⟨U+001B⟩[31m"),
        ("\ud800", "⟨U+D800⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),  # a tag character: invisible ASCII
        ("\u3164", "⟨U+3164⟩"),  # Hangul filler: a letter without a shape
        ("\uffff", "⟨U+FFFF⟩"),
        ("line\nline\tcell", "line\nline\tcell"),
        ("全角\u3000空格", "全角\u3000空格"),
    ],
)
def test_hidden_characters_are_written_out(text, shown):
    assert visible(text) == shown


@given(ANY_TEXT)
def test_nothing_hidden_is_left_and_utf8_can_hold_it(text):
    shown = visible(text)
    shown.encode("utf-8")
    assert not any(is_hidden(c) for c in shown)
    assert not any(
        unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI") for c in shown
    )


def test_placeholders_of_known_entities_are_marked():
    assert passage("call <CN_MOBILE> & <SCRIPT>", ["CN_MOBILE"]) == (
        'call <mark class="mask">&lt;CN_MOBILE&gt;</mark> &amp; &lt;SCRIPT&gt;'
    )


def test_hashed_placeholders_and_media_keys_are_marked():
    shown = passage("<QQ_NUMBER:9f86> ⟦img:figure-3⟧", ["QQ_NUMBER"])
    assert shown.count("<mark") == 2
    assert '<mark class="media">⟦img:figure-3⟧</mark>' in shown


def test_hidden_characters_of_a_sample_carry_their_name():
    assert passage("\u202e", []) == '<span class="cp" title="RIGHT-TO-LEFT OVERRIDE">U+202E</span>'


@given(ANY_TEXT)
def test_a_passage_is_its_text_and_our_marks_only(text):
    shown = str(passage(text, ["CN_MOBILE"], limit=10_000))
    chips = re.sub(r'<span class="cp" title="[^"<>]*">U\+([0-9A-F]+)</span>', lambda m: chr(int(m[1], 16)), shown)
    bare = re.sub(r'<mark class="(?:mask|media)">|</mark>', "", chips)
    assert "<" not in bare and ">" not in bare
    for escaped, character in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        bare = bare.replace(escaped, character)
    assert bare == text


def test_a_long_sample_is_cut():
    assert passage("文" * 5_000, []) == "文" * 2_000
