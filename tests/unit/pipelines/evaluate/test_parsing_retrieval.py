import math

import pytest

from pipelines.evaluate.parsing_retrieval import K1, B, Index, Query, found_at, terms


def index(*blocks):
    found = Index()
    for document, block in blocks:
        found.add(document, block)
    return found


def test_terms_are_words_and_pairs_of_wide_characters():
    assert terms("Red 红茶 tea") == ["red", "红", "茶", "tea", "红茶"]


def test_ranking_is_that_of_the_formula():
    found = index((0, "red tea"), (1, "red red wine"), (2, "green leaves of tea"))
    lengths = [2, 3, 4]

    def score(block, counts):
        total = 0.0
        for held, count in counts:
            weight = math.log(1 + (3 - held + 0.5) / (held + 0.5))
            total += weight * count * (K1 + 1) / (count + K1 * (1 - B + B * lengths[block] / 3))
        return total

    scores = {0: score(0, [(2, 1), (2, 1)]), 1: score(1, [(2, 2)]), 2: score(2, [(2, 1)])}
    assert found.ranked("red tea", 3) == sorted(scores, key=lambda b: -scores[b])
    assert found.ranked("coffee", 3) == []


def test_equal_blocks_stand_in_their_order():
    assert index((0, "a"), (1, "a"), (2, "a")).ranked("a", 2) == [0, 1]


@pytest.mark.parametrize(
    ("query", "rank"),
    [
        (Query(1, "green tea"), 1),
        (Query(0, "tea"), 1),
        (Query(1, "tea"), 2),
        (Query(1, "tea", "green leaves"), 2),
        (Query(1, "tea", "something else"), None),
        (Query(2, "tea"), None),
        (Query(0, ""), None),
    ],
)
def test_the_rank_of_the_first_hit(query, rank):
    assert found_at(index((0, "tea"), (1, "green leaves of tea")), query) == rank


def test_an_empty_index_finds_nothing():
    assert found_at(Index(), Query(0, "tea")) is None
