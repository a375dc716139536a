import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.evaluate.words import compile_words, occurrences


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("bad", "Bad, BAD! bad", 3),
        ("bad", "badly forbad bad_ 1bad", 0),
        ("bad", "这很bad啊", 1),  # Chinese on both sides is no part of the word
        ("脏话", "不要说脏话脏话。", 2),
        ("A片", "这是a片", 1),
        ("A片", "Visa片", 0),  # a boundary on the Latin side only
        ("c++", "C++ c+ c++11", 2),  # a sign has no boundary
        ("bad dog", "bad dog bad  dog", 1),
        ("straße", "STRASSE", 1),
        (".*", "anything", 0),
        ("плохо", "неплохо, плохо", 1),
    ],
)
def test_words(word, text, found):
    assert occurrences(compile_words([word]), text) == found


def test_the_longer_word_wins_and_blanks_are_no_words():
    pattern = compile_words(["bad", "bad dog", " ", ""])
    assert [m.group() for m in pattern.finditer("bad dog, bad dogs")] == ["bad dog", "bad"]
    assert compile_words([" ", ""]) is None


@given(st.lists(st.text("ab脏c ", min_size=1, max_size=5)), st.text("ab脏c ", max_size=60))
def test_a_text_matches_iff_one_of_the_words_does(words, text):
    """Against one pattern per word."""
    pattern = compile_words(words)
    singles = [compile_words([w]) for w in words]
    assert bool(pattern and pattern.search(text)) == any(s is not None and s.search(text) for s in singles)


def test_the_pattern_does_not_grow_with_shared_prefixes_and_stays_linear():
    words = [f"wort{n:04}" for n in range(400)]
    pattern = compile_words(words)
    assert occurrences(pattern, "wort0007 wort0399 wort0400") == 2
    assert len(pattern.pattern) < 2 * len(compile_words(words[:200]).pattern)
    nasty = compile_words(["aaaaab", "aaab"])
    assert isinstance(nasty, re.Pattern)
    assert cost(nasty, 200_000) < 8 * cost(nasty, 50_000)  # four times the text; quadratic would be sixteen times


def cost(pattern, length):
    best = []
    for _ in range(3):
        began = time.process_time()
        occurrences(pattern, "a" * length)
        best.append(time.process_time() - began)
    return min(best) + 1e-3
