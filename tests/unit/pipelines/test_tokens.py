"""The basic token count: known answers by hand, and a second implementation with another engine."""

import pyarrow as pa
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tokens import TOKENIZER, count_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("   \n\t", 0),
        ("hello world", 2),
        ("data-driven don't 3.14", 6),
        ("snake_case", 2),
        ("你好，世界。", 4),
        ("我用Python写code", 5),
        ("데이터 test", 4),
        ("データ", 3),  # the long-vowel sign is common to several scripts: a word of its own
        ("！？…—《》", 0),
        ("👍🏽 😀 ok", 1),
        ("❤️", 0),  # a symbol and a variation selector
        ("e\u0301a", 1),  # an accent joins its letter
        ("\u0301", 0),
        ("naïve café", 2),
        ("a\u00a0b\u3000c\u2028d\u2003e", 5),  # spaces beyond ASCII part words
        ("\u3000\u00a0", 0),
        ("a\u200bb", 2),  # a format character parts words
        ("a\0b", 2),
        ("العربية русский", 2),
    ],
)
def test_known_counts(text, tokens):
    assert count_tokens(pa.array([text])).to_pylist() == [tokens]


def test_shape_and_type():
    assert TOKENIZER == "basic-1"
    found = count_tokens(pa.chunked_array([["a b"], [], [None, "字字"]], pa.string()))
    assert found.type == pa.int64() and found.to_pylist() == [2, None, 2]


def by_regex(text):
    # version 1 of the rule in a second engine, whose \s knows all of Unicode
    cjk = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}"
    apart = rf"\s\p{{Z}}\p{{P}}\p{{S}}\p{{C}}{cjk}"
    return len(regex.findall(rf"[{cjk}]|[^{apart}\p{{M}}][^{apart}]*", text))


SAMPLE = (
    "abcdefXYZäß019 \t\n\u00a0\u3000.,!-_'“”，。《》"
    "你好世界漢字ひらがなカタカナー한국어العربيةрусский😀❤\ufe0f\u200d\u0301\u200b\0$€°"
)


@given(st.text(alphabet=SAMPLE, max_size=60))
def test_agrees_with_another_regular_expression_engine(text):
    assert count_tokens(pa.array([text])).to_pylist() == [by_regex(text)]


@given(st.text(alphabet=SAMPLE, max_size=30), st.text(alphabet=SAMPLE, max_size=30))
def test_lines_add_up(first, second):
    both = count_tokens(pa.array([f"{first}\n{second}"])).to_pylist()[0]
    assert both == sum(count_tokens(pa.array([first, second])).to_pylist())
