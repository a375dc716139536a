"""Known answers: by hand, from a second implementation in plain Python, and from spaCy 3.8 (the words)."""

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.clean import c4, lines, repetition, words
from pipelines.clean.c4 import Left
from pipelines.clean.lines import Line
from pipelines.clean.stage import STAGE
from pipelines.params import CleanParams
from pipelines.stage import Context
from pipelines.texts import Texts, from_arrow

NONE = np.zeros(1, np.bool_)
ALL = np.ones(1, np.bool_)


def texts_of(text: str) -> Texts:
    return from_arrow(pa.array([text]))[0]


def cut(text: str, chinese: bool = False) -> list[str]:
    texts = texts_of(text)
    found = words.find(texts, ALL if chinese else NONE, NONE)
    return [bytes(texts.data[a:b]).decode() for a, b in zip(found.starts, found.ends, strict=True)]


def shares(text: str) -> dict[str, float]:
    texts = texts_of(text)
    found = repetition.of_words(words.find(texts, NONE, NONE), lines.measure(texts)[:, Line.CHARACTERS])
    return {name: float(values[0]) for name, values in found.items()}


def of_lines(text: str) -> dict[str, int]:
    return {column.name: int(lines.measure(texts_of(text))[0, column]) for column in Line}


def left(text: str) -> dict[str, int]:
    texts = texts_of(text)
    measured = c4.measure(texts, words.find(texts, NONE, NONE))[0]
    return {column.name: int(measured[column]) for column in Left if measured[column]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("don't stop", "do|n't|stop"),
        ("I'd say it's theirs, dogs' too", "I|'d|say|it|'s|theirs|,|dogs|'|too"),
        ("we cannot and/or will not", "we|can|not|and/or|will|not"),
        ("e.g. at 5km, U.S. and 3.5% of $5", "e.g.|at|5|km|,|U.S.|and|3.5|%|of|$|5"),
        ('"Hi!" (see foo.bar/baz)', '"|Hi|!|"|(|see|foo.bar/baz|)'),
        ("http://a.com/x,y e-mail@x.com", "http://a.com/x,y|e-mail@x.com"),
        ("well-known a/b 10-20 5+3 x=3", "well|-|known|a|/|b|10|-|20|5|+|3|x=3"),
        ("... wait… Mr. Smith. end.Next", "...|wait|…|Mr.|Smith|.|end|.|Next"),
        ("#tag ** -- hello—world bar:baz", "#|tag|*|*|--|hello|—|world|bar|:|baz"),
        (" \n\t ", ""),
    ],
)
def test_words_are_those_of_spacy(text: str, expected: str) -> None:
    assert cut(text) == [part for part in expected.split("|") if part]


@pytest.mark.req("CLN-25")
def test_chinese_words_are_segmented() -> None:
    assert cut("我来到北京清华大学。 Hello world", chinese=True) == [
        "我", "来到", "北京", "清华大学", "。", "Hello", "world",
    ]  # fmt: skip


def test_equal_words_have_equal_hashes_whatever_stands_around_them() -> None:
    texts = texts_of('river (river) river, "river"')
    found = words.find(texts, NONE, NONE)
    rivers = [h for a, b, h in zip(found.starts, found.ends, found.hashes, strict=True) if b - a == 5]
    assert len(rivers) == 4 and len(set(rivers)) == 1


@given(st.text(max_size=200))
def test_words_lie_in_order_without_overlap_and_cover_all_but_space(text: str) -> None:
    texts = texts_of(text)
    found = words.find(texts, NONE, NONE)
    assert all(a < b for a, b in zip(found.starts, found.ends, strict=True))
    assert all(b <= a for b, a in zip(found.ends[:-1], found.starts[1:], strict=True))
    covered = "".join(bytes(texts.data[a:b]).decode() for a, b in zip(found.starts, found.ends, strict=True))
    space = words.classes()
    assert covered == "".join(c for c in text if not space[ord(c)] & words.SPACE)


@pytest.mark.req("CLN-12")
def test_the_most_frequent_n_gram_by_hand() -> None:
    found = shares("I am Frank, I am Frank, I am Frank")  # 34 characters
    assert found["top_2_gram"] == pytest.approx(3 * len("I am") / 34)
    assert found["top_3_gram"] == pytest.approx(3 * len("I am Frank") / 34)
    assert found["repeated_5_gram"] == pytest.approx(len("IamFrank,I") / 34)  # too few words are left for another


def top(found: list[str], n: int) -> int:
    grams = [" ".join(found[i : i + n]) for i in range(len(found) - n + 1)]
    gram, count = Counter(grams).most_common(1)[0] if grams else ("", 0)
    return len(gram) * count


def repeated(found: list[str], n: int) -> int:
    seen, characters, i = set(), 0, 0
    while i + n <= len(found):
        gram = tuple(found[i : i + n])
        if gram in seen:
            characters += sum(map(len, gram))
        i += n if gram in seen else 1
        seen.add(gram)
    return characters


@given(st.lists(st.sampled_from(["a", "bb", "ccc", "dd", "é", "x,"]), min_size=1, max_size=60))
def test_n_grams_as_a_plain_implementation_counts_them(parts: list[str]) -> None:
    text = " ".join(parts)
    found = cut(text)
    expected = {f"top_{n}_gram": top(found, n) for n in repetition.TOP}
    expected |= {f"repeated_{n}_gram": repeated(found, n) for n in repetition.REPEATED}
    assert shares(text) == pytest.approx({name: value / len(text) for name, value in expected.items()})


def test_lines_by_hand() -> None:
    found = of_lines("• one\n- two...\n\n\nA sentence ends here, it does so.\n- two...\n")
    assert (found["LINES"], found["FILLED"], found["BULLETS"], found["ELLIPSES"]) == (6, 4, 3, 2)
    assert (found["FINAL"], found["SHORT"], found["REPEATED_CHARACTERS"]) == (3, 3, len("- two..."))
    assert (found["PIECES"], found["REPEATED_PIECES"]) == (5, 1)  # the last one is empty
    assert (found["PARAGRAPHS"], found["BREAKS"], found["DOTS"], found["LONGEST"]) == (2, 6, 2, 33)


def repeats(parts: list[str]) -> tuple[int, int, int]:
    again = [part for i, part in enumerate(parts) if part in parts[:i]]
    return len(parts), len(again), sum(map(len, again))


@given(st.text(alphabet="ab\n .", max_size=60))
def test_lines_and_paragraphs_as_a_plain_implementation_counts_them(text: str) -> None:
    found = of_lines(text)
    pieces = repeats(re.split("\n+", text))
    assert (found["PIECES"], found["REPEATED_PIECES"], found["REPEATED_PIECE_CHARACTERS"]) == pieces
    paragraphs = repeats(re.split("\n{2,}", text.strip()))
    names = ("PARAGRAPHS", "REPEATED_PARAGRAPHS", "REPEATED_PARAGRAPH_CHARACTERS")
    assert tuple(found[name] for name in names) == paragraphs
    filled = [line for line in text.split("\n") if line.strip()]
    assert found["FILLED"] == len(filled)
    assert found["FINAL"] == sum(line.endswith(".") for line in filled)
    assert found["ELLIPSES"] == sum(line.rstrip().endswith("...") for line in text.splitlines())
    assert (found["CHARACTERS"], found["DOTS"]) == (len(text), text.count("..."))


def test_c4_lines_by_reason() -> None:
    text = "\n".join([
        "This line stays. It has two sentences.",
        "no final mark here",
        "Too short.",
        "Please enable Javascript to go on.",
        "Read our Privacy Policy before you do.",
        "x" * 1001 + " is one long word.",
        'A quotation ends it." [12]',
        "Cited as it should be.[3][edit]",
        "It trails off in dots...",
        "A function { stands } here.",
        "Lorem Ipsum stands in for text.",
    ])  # fmt: skip
    expected = {"LINES": 2, "SENTENCES": 3, "LOREM": 1, "CURLY": 1, "LONG_WORD": 1, "NO_FINAL": 3, "FEW_WORDS": 1}
    assert left(text) == expected | {"NOTICE": 2}


def test_sentences_end_behind_all_their_marks() -> None:
    assert left('Really?! "Yes." (No.) Mr. Smith paid 3.5 dollars.')["SENTENCES"] == 4


GOOD = """The harbour of the old town was built when ships had to wait for the tide, and most did so with patience.
A stone pier keeps the waves away from the boats, so that people have been able to work there in all seasons.
Fishermen sell their catch on the quay before sunrise. Later in the day children play between the nets and the ropes."""


def verdicts(text: str, **params: object) -> list[tuple[str, float]]:
    table = pa.table({"doc_id": ["0" * 32], "text": [text], "lang": ["en"]})
    rejects = STAGE.apply(STAGE.setup(Context(CleanParams(off=(), **params))), table).rejects.to_pylist()
    return [(row["rule"], row["value"]) for row in rejects]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (GOOD.replace(".", "").replace(",", "")[:200], "gopher_min_words"),
        ("it is to be or to do as we go by " * 6, "gopher_min_word_length"),
        (GOOD.replace(" and ", " # # # # # ").replace(" the ", " # # # "), "gopher_hashes_per_word"),
        (GOOD.replace(" the ", " the ... ").replace(" of ", " … of ").replace(" and ", " ... and "),
         "gopher_ellipses_per_word"),
        ("\n".join("- " + line for line in GOOD.split("\n")), "gopher_bullet_lines"),
        (GOOD.replace(".\n", "...\n").replace("ropes.", "ropes..."), "gopher_ellipsis_lines"),
        (GOOD + "\n\n" + GOOD, "gopher_repeated_paragraphs"),
        (GOOD.replace(".", ";").replace(";", " ;"), "fineweb_final_lines"),
        (GOOD.replace("town was", "town {was}"), "c4_curly"),
        (GOOD.replace("town was", "lorem ipsum town was"), "c4_placeholder"),
    ],
)  # fmt: skip
def test_each_rule_turns_away_what_it_is_for(text: str, rule: str) -> None:
    assert [name for name, _ in verdicts(text, c4_min_sentences=4, max_duplicate_line_share=1.0)] == [rule]
    assert verdicts(GOOD, c4_min_sentences=4) == []


@pytest.mark.req("CLN-12")
def test_a_text_that_repeats_itself_goes_in_chinese_too() -> None:
    text = "今天天气很好，我们去公园散步吧。" * 8
    table = pa.table({"doc_id": ["0" * 32], "text": [text], "lang": ["zh"]})
    params = CleanParams(off=("fineweb_*", "c4_*"))
    [reject] = STAGE.apply(STAGE.setup(Context(params)), table).rejects.to_pylist()
    assert reject["rule"].startswith("gopher_") and reject["value"] > reject["threshold"]


def test_tables_are_filled_at_most_to_the_half() -> None:
    assert [repetition.table_size(n) for n in (1, 32, 33, 100_000)] == [64, 64, 128, 262_144]
