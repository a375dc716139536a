import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dedup import shingles
from pipelines.dedup.minhash import exact_hashes, features
from pipelines.params import DedupParams

PARAMS = DedupParams()


def lower(word: str) -> str:
    return "".join("σ" if c == "ς" else c.lower()[0] for c in word)


def reference(text: str, lang: str, size: int = 5) -> set[tuple[str, ...]]:
    """The definition in plain Python: shingles as tuples of tokens."""
    if lang in ("zh", "ja", "ko"):
        tokens = [c for c in text if not c.isspace()]
    else:
        tokens = [lower(w) for w in re.findall(r"\w+", text)]
    if not tokens:
        return set()
    size = min(size, len(tokens))
    return {tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)}


def sets(texts: list[str | None], langs: list[str | None] | None, params: DedupParams = PARAMS) -> list[set[int]]:
    found = shingles.shingle_sets(pa.array(texts, pa.string()), None if langs is None else pa.array(langs), params)
    assert all((np.diff(hashes.astype(object)) > 0).all() for hashes in found)
    return [set(hashes.tolist()) for hashes in found]


def one(text: str, lang: str = "en") -> set[int]:
    return sets([text], [lang])[0]


CHARACTERS = st.one_of(
    st.sampled_from(
        "aAbBzZ09_ \t\n\x00\x1c.,-'éÉİıςΣσßẞǅµͅ²ⅷ\u00a0\u0085\u2003\u3000中文字かなカ한글Ａ𝒜𠀀😀\u0301\u200b\ufffd"
    ),
    st.characters(exclude_categories=("Cs",)),
)
TEXTS = st.text(CHARACTERS, max_size=60)


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["en", "zh"])), max_size=5), st.integers(1, 6))
def test_hashes_stand_for_exactly_the_shingles_of_the_definition(rows, size):
    params = DedupParams(shingle_words=size, shingle_characters=size)
    mapping: dict[int, tuple] = {}
    for (text, lang), hashes in zip(rows, sets([t for t, _ in rows], [lang for _, lang in rows], params), strict=True):
        expected = reference(text, lang, size)
        assert len(hashes) == len(expected)
        for shingle in expected:  # a shingle has one hash, wherever it stands
            (value,) = sets([" ".join(shingle) if lang == "en" else "".join(shingle)], [lang], params)[0]
            assert value in hashes
            assert mapping.setdefault(value, (lang, shingle)) == (lang, shingle)


def test_every_code_point_is_folded_and_classed_as_the_definition_says():
    fold, marks = shingles.tables()
    for code in range(0x110000):
        char = chr(code)
        word = char.isalnum() or char == "_"
        if code >= len(fold):
            assert not word and not char.isspace()
        else:
            assert fold[code] == (ord(lower(char)) if word else 0)
            assert bool(marks[code] & 1) == char.isspace()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("One two, three four five", "one TWO three...four\u00a0five"),
        ("ÉCOLE Ünïcode ÅNGSTRÖM ЖУК ΟΔΟΣ", "école ünïcode ångström жук οδος"),
        ("a b c d e a b c d e", "a b c d e a b c d e a b c d e"),  # a set: repetition does not count
    ],
)
def test_equal_sets(a, b):
    assert one(a) == one(b) != set()


def test_white_space_does_not_count_in_chinese():
    assert one("北京 今天\u3000下雨\n了", "zh") == one("北京今天下雨了", "zh")
    assert len(one("北京今天下雨了", "zh")) == 3


@pytest.mark.parametrize("lang", ["en", "zh", None])
def test_media_keys_count_as_spaces(lang):
    plain = ["北京今天下雨了 and a boat lay still", "no key here at all, only words"]
    first = ["⟦img:0123456789abcdef⟧\n北京今天下雨了\n⟦img:aa⟧\nand a boat⟦video:ffff⟧ lay still", plain[1]]
    second = [first[0].replace("aa", "bbbb"), plain[1]]
    langs = lang and [lang] * 2
    assert sets(first, langs) == sets(second, langs) == sets([plain[0], plain[1]], langs)
    exact = exact_hashes(pa.array(first)).to_pylist()
    assert exact == exact_hashes(pa.array(second)).to_pylist()
    assert exact[1] == exact_hashes(pa.array(plain)).to_pylist()[1]
    assert one("⟦img:⟧ x") != one("x")  # no key


def test_malformed_bytes_beside_a_media_key():
    buffers = pa.array(["⟦img:aa⟧ stay".encode() + b"\xe4", b"\xe2\x9f", "⟦img:bb⟧".encode()]).buffers()
    column = pa.Array.from_buffers(pa.string(), 3, buffers)
    assert len(set(exact_hashes(column).to_pylist())) == 3


def test_fewer_tokens_than_a_shingle_are_one_shingle():
    assert len(one("only four words here")) == 1
    assert len(one("短文", "zh")) == 1
    assert one("a b") != one("b") and one("\x00\x00ab", "zh") != one("ab", "zh")


@pytest.mark.parametrize("text", ["", " \n\u3000", "... -- !?"])
def test_no_token_no_shingle(text):
    assert one(text) == set()
    assert sets([None], [None]) == [set()]


def test_sets_of_different_profiles_are_disjoint():
    assert not one("北京今天下雨了 a b c", "zh") & one("北京今天下雨了 a b c", "en")
    assert not one("x", "zh") & one("x", "en")


@pytest.mark.parametrize(
    ("lang", "profile"),
    [("zh", 1), ("zh-TW", 1), ("ZH_hans", 1), ("ja", 1), ("ko-KR", 1), ("en", 0), ("zha", 0), ("", 2), (None, 2)],
)
def test_profile_by_language(lang, profile):
    assert shingles.profiles(pa.array([lang], pa.string()), 1).tolist() == [profile]


def test_profile_by_script_where_the_language_is_missing():
    texts = ["北京今天下雨了", "the word 中 means middle", "すべて見る", "한국어 문장", "", "12 34"]
    langs = ["zh", "en", "ja", "ko", "en", "en"]
    assert sets(texts, None) == sets(texts, langs) == sets(texts, [None] * 6)


def test_slices_chunks_and_large_strings_give_the_same():
    texts = ["a b c d e f", "ü ö ä ß é è", "", "北京今天下雨了"]
    langs = pa.array(["en", "en", "en", "zh"])
    whole = sets(texts, langs.to_pylist())
    chunked = pa.chunked_array([texts[:1], texts[1:]])
    for column in (chunked, pa.array(texts, pa.large_string()), pa.array(["x", *texts, "y"]).slice(1, 4)):
        assert [set(s.tolist()) for s in shingles.shingle_sets(column, langs, PARAMS)] == whole
    assert shingles.shingle_sets(pa.array([], pa.string()), pa.array([], pa.string()), PARAMS) == []
    assert shingles.shingle_sets(pa.chunked_array([], pa.string()), None, PARAMS) == []


@given(st.binary(max_size=40), st.sampled_from(["en", "zh", None]))
def test_malformed_bytes_are_read_within_the_text(raw, lang):
    buffers = pa.array([b"stay", raw, b"away"]).buffers()
    column = pa.Array.from_buffers(pa.string(), 3, buffers)
    alone = pa.Array.from_buffers(pa.string(), 1, pa.array([raw]).buffers())
    langs = None if lang is None else pa.array([lang] * 3)
    found = shingles.shingle_sets(column, langs, PARAMS)
    assert found[1].tolist() == shingles.shingle_sets(alone, langs and langs[:1], PARAMS)[0].tolist()
    assert len(found[0]) == len(found[2]) == 1


def test_hashes_are_stable():
    """Known answers, computed with Python integers from the definition in the module's docstring."""
    mask, letter, token = (1 << 64) - 1, 0xD6E8FEB86659FD93, 0x9E3779B97F4A7C15

    def mix(value: int) -> int:
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            value = ((value ^ value >> 33) * factor) & mask
        return value ^ value >> 33

    def polynomial(values: list[int], base: int) -> int:
        total = 0
        for value in values:
            total = (total * base + value) & mask
        return total

    words = [mix(polynomial([ord(c) for c in word], letter)) for word in ("one", "two", "drei", "vier", "ünf")]
    assert one("One two Drei VIER Ünf") == {mix(polynomial(words, token) ^ 0x243F6A8885A308D3)}
    assert one("北京", "zh") == {mix(polynomial([0x5317 + 1, 0x4EAC + 1], token) ^ 0x13198A2E03707344)}


def test_distinct_keeps_the_first_of_each():
    values = np.random.default_rng(7).integers(0, 50, 200).astype(np.uint64)
    front = values.copy()
    count = shingles.distinct(front, len(front), np.empty(512, np.uint64))
    assert sorted(front[:count].tolist()) == sorted(set(values.tolist()))
    assert list(dict.fromkeys(values.tolist())) == front[:count].tolist()


def test_a_huge_text_goes_through_the_sorting_path():
    numbers = np.arange(1_100_000) % 600_000
    text = " ".join(map(str, numbers))
    (hashes,) = sets([text], ["en"])
    assert len(hashes) == 600_000
    assert features(pa.array([text]), pa.array(["en"]), PARAMS).shingles.tolist() == [600_000]
