import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.characters import Kind
from pipelines.clean.counts import Counts, Extra, count
from pipelines.clean.normalise import mark, rewrite
from pipelines.texts import from_arrow


def counts(*texts: str) -> Counts:
    column, _ = from_arrow(pa.array(texts, pa.string()))
    return count(column, mark(column))


def one(text: str, column: int) -> int:
    return int(counts(text).table[0, column])


def test_kinds_are_counted_apart() -> None:
    table = counts("Ab 中文，の 한 7% €").table[0]
    assert [int(table[k]) for k in (Kind.LATIN, Kind.HAN, Kind.KANA, Kind.HANGUL, Kind.DIGIT)] == [2, 2, 1, 1, 1]
    assert [int(table[k]) for k in (Kind.PUNCTUATION, Kind.SYMBOL, Kind.SPACE)] == [2, 1, 4]


def test_characters_leave_out_white_space_and_media_keys() -> None:
    assert counts("a b\n⟦img:0f⟧ c", "", "⟦img 中").characters.tolist() == [3, 0, 5]


def test_words_hold_a_letter_or_digit() -> None:
    assert one("It's 3 o'clock -- isn't it?\n* x", Extra.WORDS) == 6


def test_function_words_ignore_case_and_need_the_whole_word() -> None:
    assert one("The THE then café thé xthe the", Extra.FUNCTION) == 4
    assert one("The THE then café thé xthe the", Extra.LATIN_WORDS) == 7


@pytest.mark.parametrize(("text", "lines", "duplicates"), [
    ("", 0, 0), ("a", 1, 0), ("a\na", 2, 1), ("a\n\n  a  \nb\na", 4, 2), ("ab\nba\nb a", 3, 1), ("a\r\na\x0ba", 3, 2),
])  # fmt: skip
def test_lines_seen_before(text: str, lines: int, duplicates: int) -> None:
    assert (one(text, Extra.LINES), one(text, Extra.DUPLICATE_LINES)) == (lines, duplicates)


PLAIN = "标题\n港口 很静\nan item\n第二项\nquoted\ndef f(): pass\nDay Price\n周一 5\n词\n释义"
MARKED = (
    "## 标题\n\n港口 很静\n\n- an item\n  10. 第二项\n\n> - quoted\n>\n> ```python\n> def f(): pass\n> ```\n\n"
    "| Day | Price |\n| --- | :-: |\n| 周一 | 5 |\n\n⟦img:0f⟧\n\n词\n: 释义\n"
)


def test_markdown_marks_do_not_count() -> None:
    plain, marked = counts(PLAIN, MARKED).table
    columns = [column for column in range(len(plain)) if column != Kind.SPACE]
    assert marked[columns].tolist() == plain[columns].tolist()


@pytest.mark.parametrize(
    ("text", "characters"),
    [("#tag", 4), ("-5", 2), ("1.5 m", 4), ("a | b", 3), ("----", 4), ("``x``", 5), (">x", 2), ("| a | b |\nc | d", 5),
     ("- - x", 1), ("1234567890. x", 12), ("####### x", 8), ("|x|\n|-|\n|y|", 2), ("| a\\|b |", 4), ("|", 0),
     ("```", 0), ("\x00-\x00 \x00x", 1), ("|-\x00\u2028x", 1)],
)  # fmt: skip
def test_only_marks_where_markdown_has_them_are_left_out(text: str, characters: int) -> None:
    assert counts(text).characters.tolist() == [characters]


@pytest.mark.parametrize(("text", "characters"), [
    ("<p>one</p>", 7), ("a < b > c", 0), ("<PHONE>", 0), ("<BR/>", 5), ('<a href="x">', 12), ("vector<int>", 0),
    ("&nbsp;&#160;&#xa0;", 18), ("R&D; AT&T;", 0), ("<p <p>", 3), ("<p", 0), ("&", 0), ("<", 0), ("</", 0), ("&#", 0),
])  # fmt: skip
def test_markup(text: str, characters: int) -> None:
    assert one(text, Extra.MARKUP) == characters


@pytest.mark.parametrize(("text", "characters"), [
    ("plain café naïve Ünïcödé", 0),
    ("café".encode().decode("latin-1"), 2),
    ("it’s".encode().decode("cp1252"), 2),
    ("的。".encode().decode("gbk", "ignore"), 1),
    ("锟斤拷", 2),
    ("烫手的山芋在屯里", 0),
])  # fmt: skip
def test_garbled(text: str, characters: int) -> None:
    assert one(text, Extra.GARBLED) == characters


ALPHABET = st.sampled_from([*"ab中の한7，. \n\t<>&;⟦⟧p/é", "⟦img:a⟧", "\r\n", "\u2028", "\x00", "\u3000", "<b>", "the"])


@given(st.lists(st.lists(ALPHABET, max_size=30).map("".join) | st.text(max_size=30), max_size=5))
def test_counts_are_those_of_the_normalised_text_and_of_each_text_alone(texts: list[str]) -> None:
    column, _ = from_arrow(pa.array(texts, pa.string()))
    marked = mark(column)
    table = count(column, marked).table
    plain = rewrite(column, marked, np.zeros(len(texts), np.bool_)).texts
    assert (count(plain, mark(plain)).table == table).all()
    for row, text in enumerate(texts):
        assert (counts(text).table[0] == table[row]).all()


def test_long_and_hostile_texts_cost_in_proportion_to_their_length() -> None:
    """Work that is quadratic would show as counts: every search stops where the next one of its kind begins."""
    for piece in ("<p ", "&#", "⟦img:", "⟦", "<", "&nbsp", " \t", "\n \n"):
        counts(piece * 500_000)
