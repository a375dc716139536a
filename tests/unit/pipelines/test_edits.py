"""Edits: hand cases, and properties over random replacements of texts whose characters are all different."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.edits import Edit, apply_edits, as_dicts, compose, from_dicts, map_back, map_forward, normalise


def test_apply_by_hand():
    text, edits = apply_edits("0123456789", [(0, 1, "ab"), (4, 6, ""), (8, 8, "X")])
    assert text == "ab12367X89"
    assert edits == [Edit(0, 1, 2), Edit(4, 6, 0), Edit(8, 8, 1)]


def test_apply_joins_what_touches_and_counts_characters_not_bytes():
    text, edits = apply_edits("你好👍世界", [(2, 3, ""), (3, 4, "地球")])
    assert text == "你好地球界" and edits == [Edit(2, 4, 2)]
    assert apply_edits("", []) == ("", [])
    assert apply_edits("", [(0, 0, "x")]) == ("x", [Edit(0, 0, 1)])


@pytest.mark.parametrize(
    "replacements", [[(2, 1, "")], [(3, 4, ""), (1, 2, "")], [(0, 3, ""), (2, 4, "")], [(9, 11, "")], [(-1, 0, "")]]
)
def test_bad_replacements(replacements):
    with pytest.raises(ValueError, match="out of order or outside"):
        apply_edits("0123456789", replacements)


def test_normalise_by_hand():
    assert normalise([Edit(5, 6, 1), Edit(0, 2, 0), Edit(3, 3, 0), Edit(2, 3, 4)]) == [Edit(0, 3, 4), Edit(5, 6, 1)]
    assert normalise([Edit(3, 3, 1), Edit(3, 3, 2)]) == [Edit(3, 3, 3)]
    assert normalise([]) == []


@pytest.mark.parametrize("bad", [[Edit(3, 2, 0)], [Edit(0, 1, -1)], [Edit(-2, 1, 0)], [Edit(0, 3, 0), Edit(2, 4, 0)]])
def test_normalise_refuses(bad):
    with pytest.raises(ValueError, match=r"malformed|overlap"):
        normalise(bad)


def test_stored_form_round_trip():
    edits = [Edit(0, 3, 1), Edit(7, 7, 2)]
    assert as_dicts(edits)[0] == {"start": 0, "end": 3, "new_length": 1}
    assert from_dicts(as_dicts(edits)) == edits
    assert from_dicts(None) == []


@pytest.mark.parametrize(
    ("edits", "span", "origin"),
    [
        ([], (2, 5), (2, 5)),
        ([Edit(0, 3, 0)], (0, 2), (3, 5)),  # behind a deletion
        ([Edit(2, 4, 0)], (0, 2), (0, 2)),  # before one
        ([Edit(2, 4, 0)], (0, 4), (0, 6)),  # across one
        ([Edit(2, 4, 5)], (3, 4), (2, 4)),  # within a replacement: the whole of what was replaced
        ([Edit(2, 4, 5)], (6, 8), (2, 5)),  # a border within one
        ([Edit(2, 2, 3)], (3, 4), (2, 2)),  # inserted from nothing
        ([Edit(2, 4, 1), Edit(6, 9, 1)], (2, 6), (2, 9)),
        ([Edit(2, 4, 0)], (2, 2), (2, 4)),  # an empty span where something was taken out
    ],
)
def test_map_back_by_hand(edits, span, origin):
    assert map_back(edits, *span) == origin


def test_compose_by_hand():
    # 0123456789 → 0129 (3..8 gone) → 01x9 (2 replaced): together 2..8 became one character
    assert compose([Edit(3, 9, 0)], [Edit(2, 3, 1)]) == [Edit(2, 9, 1)]
    # replacing a part of what was put in
    assert compose([Edit(1, 2, 5)], [Edit(3, 4, 0)]) == [Edit(1, 2, 4)]
    # far apart: both stay, in the coordinates of the first text
    assert compose([Edit(0, 4, 1)], [Edit(5, 6, 0)]) == [Edit(0, 4, 1), Edit(8, 9, 0)]
    assert compose([Edit(5, 6, 0)], [Edit(0, 4, 1)]) == [Edit(0, 4, 1), Edit(5, 6, 0)]
    # what was put in is taken out again
    assert compose([Edit(3, 3, 2)], [Edit(3, 5, 0)]) == []
    assert compose([], [Edit(1, 2, 3)]) == compose([Edit(1, 2, 3)], []) == [Edit(1, 2, 3)]


@st.composite
def replacements(draw, length):
    borders = sorted(draw(st.lists(st.integers(0, length), max_size=10)))
    pairs = zip(borders[::2], borders[1::2], strict=False)
    return [(a, b, draw(st.integers(0, 3))) for a, b in pairs]


def fresh(count, taken):
    """`count` characters that occur nowhere else."""
    return "".join(chr(0x4E00 + taken + i) for i in range(count))


@st.composite
def two_rounds(draw):
    old = fresh(draw(st.integers(0, 12)), 0)
    texts, rounds, taken = [old], [], len(old)
    for _ in range(2):
        made = []
        for a, b, new in draw(replacements(len(texts[-1]))):
            made.append((a, b, fresh(new, taken)))
            taken += new
        text, edits = apply_edits(texts[-1], made)
        texts.append(text)
        rounds.append(edits)
    return texts, rounds


def check_describes(old, new, edits):
    """The edits are normal, lead from length to length, and what is outside them is the same text."""
    assert edits == normalise(edits)
    assert all(a.end < b.start for a, b in pairwise(edits))
    at = shift = 0
    for edit in edits:
        assert old[at : edit.start] == new[at + shift : edit.start + shift]
        at, shift = edit.end, shift + edit.new_length - (edit.end - edit.start)
    assert old[at:] == new[at + shift :]


@given(two_rounds())
def test_what_is_outside_the_edits_is_unchanged(case):
    (old, middle, new), (first, then) = case
    check_describes(old, middle, first)
    check_describes(middle, new, then)
    check_describes(old, new, compose(first, then))


@given(two_rounds(), st.data())
def test_map_back_covers_the_origin(case, data):
    (old, _, new), (first, then) = case
    start = data.draw(st.integers(0, len(new)))
    end = data.draw(st.integers(start, len(new)))
    direct = map_back(compose(first, then), start, end)
    stepwise = map_back(first, *map_back(then, start, end))
    for a, b in (direct, stepwise):
        assert 0 <= a <= b <= len(old)
        if start < end:
            assert set(new[start:end]) & set(old) <= set(old[a:b])
    if start < end:
        # joined edits can only widen
        assert direct[0] <= stepwise[0] and stepwise[1] <= direct[1]


@given(two_rounds())
def test_a_span_without_edits_maps_to_itself_exactly(case):
    (old, _, new), (first, then) = case
    edits = compose(first, then)
    for at, character in enumerate(new):
        if character in old:
            a, b = map_back(edits, at, at + 1)
            assert old[a:b] == character or any(e.start <= old.index(character) < e.end for e in edits)


@given(st.data())
def test_compose_is_associative_in_what_it_says(data):
    texts, rounds = data.draw(two_rounds())
    third = data.draw(replacements(len(texts[-1])))
    new, edits = apply_edits(texts[-1], [(a, b, "x" * n) for a, b, n in third])
    left = compose(compose(*rounds), edits)
    right = compose(rounds[0], compose(rounds[1], edits))
    for found in (left, right):
        assert sum(e.new_length - (e.end - e.start) for e in found) == len(new) - len(texts[0])
    # whoever joins more says less, but neither leaves out what the other knows to have changed
    kept = [set(range(len(texts[0]))) - {i for e in found for i in range(e.start, e.end)} for found in (left, right)]
    gone = {i for i, c in enumerate(texts[0]) if c not in new}
    assert all(not (k & gone) for k in kept)


@pytest.mark.parametrize(
    ("edits", "span", "place"),
    [
        ([], (2, 5), (2, 5)),
        ([Edit(0, 3, 0)], (3, 5), (0, 2)),  # behind a deletion
        ([Edit(2, 4, 0)], (0, 2), (0, 2)),  # before one
        ([Edit(2, 4, 0)], (0, 6), (0, 4)),  # across one
        ([Edit(2, 4, 0)], (2, 4), (2, 2)),  # the one
        ([Edit(2, 4, 5)], (3, 4), (2, 7)),  # within a replacement: the whole of it
        ([Edit(2, 4, 5)], (0, 3), (0, 7)),  # a border within one
        ([Edit(3, 3, 2)], (0, 3), (0, 3)),  # before an insertion
        ([Edit(3, 3, 2)], (3, 4), (3, 6)),  # it belongs to what follows
        ([Edit(0, 1, 0), Edit(5, 6, 9)], (1, 5), (0, 4)),
    ],
)
def test_map_forward_by_hand(edits, span, place):
    assert map_forward(edits, [span]) == [place]


def test_map_forward_takes_many_spans_in_any_order():
    edits = [Edit(2, 4, 0), Edit(8, 8, 1)]
    spans = [(8, 9), (0, 2), (4, 8), (0, 9)]
    assert map_forward(edits, spans) == [map_forward(edits, [span])[0] for span in spans]
    assert map_forward(edits, spans) == [(6, 8), (0, 2), (2, 6), (0, 8)]


@given(st.data())
def test_map_forward_finds_every_character_that_stays(data):
    text = "".join(chr(0x4E00 + i) for i in range(data.draw(st.integers(0, 30))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    new, edits = apply_edits(text, [(a, b, data.draw(st.sampled_from(["", "x", "yz"]))) for a, b in pairs])
    start, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    ((first, last),) = map_forward(edits, [(start, end)])
    assert 0 <= first <= last <= len(new)
    for place, character in enumerate(text):
        if character in new:
            assert (first <= new.index(character) < last) == (start <= place < end)
    # and back again: nothing of the span that stayed is lost
    back = map_back(edits, first, last)
    kept = [place for place in range(start, end) if text[place] in new]
    assert not kept or (back[0] <= kept[0] and kept[-1] < back[1])
