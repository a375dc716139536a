import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.evaluate.parsing_text import (
    Places,
    distance,
    grams,
    in_order,
    overlap,
    paragraphs,
    plain,
    script_of,
    tokens,
    word_distance,
)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("# Title\n\nA  **bold**\tword", "Title A bold word"),
        ("- one\n- two\n1. three\n> said", "one two three said"),
        ("> - 1. deep", "deep"),
        ("| a | b |\n|---|---|\n| c | d |", "a b c d"),
        ("```python\nx = 1\n```", "x = 1"),
        ("中文 分\n行，也 一样。 And English", "中文分行，也一样。 And English"),
        ("e\u0301", "é"),
        ("before\n\n⟦img:3f2a⟧\n\nafter", "before after"),
        ("--- \nend", "end"),
        ("", ""),
    ],
)
def test_the_plain_form(text, form):
    assert plain(text) == form


def test_tokens_are_words_and_single_wide_characters():
    assert tokens("It's 东京 and 3.5 서울") == ["It", "s", "东", "京", "and", "3", "5", "서", "울"]


def naive(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def test_known_distances():
    assert distance("kitten", "sitting") == 3
    assert word_distance(["the", "cat", "sat"], ["the", "sat", "cat"]) == 2


@given(st.text("ab中", max_size=30), st.text("ab中", max_size=30))
def test_distances_are_those_of_the_textbook(a, b):
    assert distance(a, b) == naive(a, b)
    assert word_distance(list(a), list(b)) == naive(a, b)


def test_overlap_ignores_order_of_parts():
    assert overlap(["a", "b", "c", "d"], ["a", "b", "c", "d"]) == (1.0, 1.0)
    assert overlap(["a", "b", "c", "d", "e"], ["a", "b", "c", "d"]) == (1.0, 0.5)
    assert overlap([], ["a"]) == (0.0, None)
    assert overlap(["a"], []) == (None, 0.0)
    assert grams(["a", "b"]) == [("a", "b")]


def test_paragraphs_are_divided_by_blank_lines_or_by_lines():
    assert paragraphs("a\nb\n\nc\n \n---\n\n") == ["a\nb", "c"]
    assert paragraphs("a\nb") == ["a", "b"]
    assert paragraphs("") == []


def test_places():
    places = Places(["one two three four", "five six", "一二三四五"])
    assert places.find("one two three four") == (1.0, 1.0, 0)
    assert places.find("three four five six") == (1.0, 0.0, None)
    assert places.find("three four five six seven")[0] == pytest.approx(2 / 3)
    assert places.find("six") == (1.0, 1.0, 1)
    assert places.find("seven") == (0.0, 0.0, None)
    assert places.find("二三四") == (1.0, 1.0, 2)


@pytest.mark.parametrize(
    ("positions", "share"),
    [([0, 1, 2, 3], 1.0), ([3, 2, 1, 0], 0.25), ([0, 2, 1, 3], 0.75), ([1, 1, 1], 1.0), ([5], None), ([], None)],
)
def test_order_is_the_longest_run_that_never_goes_back(positions, share):
    assert in_order(positions) == share


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("日常的中文文字", "zh"),
        ("ひらがなの文", "ja"),
        ("한국어", "ko"),
        ("English", "latin"),
        ("привет", "other"),
        ("…", "none"),
    ],
)
def test_scripts(text, script):
    assert script_of(text) == script


def test_hostile_texts_cost_linear_time():
    def seconds(size):
        start = time.process_time()
        for piece in ("> ", "- ", "|", "-|", "1. ", "#", " \n", "a b ", "中 "):
            text = piece * size
            paragraphs(text)
            Places([text] * 2).find(text)
        return time.process_time() - start

    seconds(100)
    assert seconds(16_000) < 14 * max(seconds(4_000), 0.01)
