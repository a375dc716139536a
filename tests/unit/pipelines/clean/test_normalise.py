"""Normalisation against known answers and an independent implementation by regular expressions."""

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.atoms import ATOM
from pipelines.characters import kinds
from pipelines.clean import normalise
from pipelines.edits import from_dicts, map_back
from pipelines.texts import from_arrow


def run(text: str, chinese: bool = True) -> tuple[str, list]:
    texts, bad = from_arrow(pa.array([text], pa.string()))
    assert not bad
    marked = normalise.mark(texts)
    composed = normalise.precompose(texts, marked)
    if composed:
        texts = from_arrow(pa.array([composed[0][0]]))[0]
        marked = normalise.mark(texts)
    new = normalise.rewrite(texts, marked, np.array([chinese]))
    return new.texts.text(0), from_dicts(normalise.prepend(new.edits, composed)[0].as_py())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("plain text", "plain text"),
        ("a\r\nb\rc\x0bd\u2028e\x85f", "a\nb\nc\nd\ne\nf"),
        ("zero\u200bwidth \ufeffmark \u202ebidi\u202c soft\u00adhyphen", "zerowidth mark bidi softhyphen"),
        ("NUL\x00 and \x1bescape\x7f", "NUL and escape"),
        ("trailing \t\u00a0\nspaces \u3000", "trailing\nspaces"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("a\n\n\n\n\n \n\t\nb", "a\n\n\nb"),
        ("\n\n  indented\n\n", "  indented"),
        ("col\tcol", "col\tcol"),
        ("tag\U000e0041s", "tags"),
        ("e\u0301tait \u212b", "\u00e9tait \u00c5"),
        ("e\u200b\u0301", "\u00e9"),
        ("full－width １２ stays", "full－width １２ stays"),
        ("\ufffd stays", "\ufffd stays"),
    ],
)
def test_known_answers(before: str, after: str) -> None:
    assert run(before)[0] == after


@pytest.mark.req("CLN-04")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("中 文", "中文"),
        ("中 文 排　版", "中文排版"),
        ("中 \u200b 文", "中文"),
        ("用 Python 写 code review 的人", "用 Python 写 code review 的人"),
        ("New York 很 大", "New York 很大"),
        ("表\t格", "表\t格"),  # a tab separates columns
        ("中\n文", "中\n文"),
        ("中 ，文", "中 ，文"),
        ("中 <PHONE> 文 ⟦img:a1⟧ 文", "中 <PHONE> 文 ⟦img:a1⟧ 文"),
    ],
)
def test_spaces_between_chinese_characters_go_and_words_are_never_glued(before: str, after: str) -> None:
    assert run(before)[0] == after


@pytest.mark.req("CLN-04")
def test_texts_of_other_languages_keep_their_spaces() -> None:
    assert run("東 京", chinese=False)[0] == "東 京"


_CODE = "> ```py\n> 中 文\n> ```\n\n````\n中 文  字\n```\n中 文\n````\n"
CODE = f"词 语\n\n{_CODE}中 文\n\n| 甲 乙 | 丙 |\n- 中 文\n  - 中\n    1. 文"
CODE_AFTER = f"词语\n\n{_CODE}中文\n\n| 甲乙 | 丙 |\n- 中文\n  - 中\n    1. 文"


def test_code_and_marks_keep_their_spaces() -> None:
    assert run(CODE)[0] == CODE_AFTER
    indented = "```\n  中 文\n\n\n        x = '中  文'\n\ty\n```"
    assert run(indented) == (indented, [])


ALPHABET = st.sampled_from(
    ["```", "````\n", "`",
     *"ab 中文。\n\n\t\r", "  ", "\u3000", "\xa0", "\u2000", "\x00", "\x0b", "\u200b", "\u202e", "\ufeff",
     "\u0301", "e", "\u212b", "한", "\u1100", "\u1161", "\u11a8", "⟦", "⟧", "⟦img:x\u200be\u0301⟧", "<PHONE>",
     "\U000e0041", "😀",
     "\u2028", "\uf900"]
)  # fmt: skip
TEXTS = st.lists(ALPHABET, max_size=40).map("".join) | st.text(max_size=40)
MEDIA = r"⟦[a-z]{1,16}:[^⟦⟧\s\x00-\x1f]{1,200}⟧"
SPACE = r"[ \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]"
HAN = r"[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]"
GONE = (r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufdd0-\ufdef"
        r"\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
        + "".join(f"{chr(p * 0x10000 + 0xFFFE)}{chr(p * 0x10000 + 0xFFFF)}" for p in range(1, 17)) + "]")  # fmt: skip


def joined(text: str) -> str:
    """Spaces between Chinese characters taken out, outside fences."""
    fence, lines = 0, []
    for line in text.split("\n"):
        ticks = re.match(rf"(?:{SPACE}|>)*(`{{3,}})([^`]*)\Z", line)
        if ticks and not fence:
            fence = len(ticks[1])
        elif ticks and len(ticks[1]) >= fence and not ticks[2].strip():
            fence = 0
        if not fence:
            line = re.sub(f"(?<={HAN})(?:(?!\t){SPACE})+(?={HAN})", "", line)
        lines.append(line)
    return "\n".join(lines)


def reference(text: str) -> str:
    """The same steps one after the other, with media keys put aside as one private character each."""
    keys: list[str] = []

    def aside(match: re.Match) -> str:
        keys.append(match.group())
        return "\U0010fff0"

    text = re.sub(MEDIA, aside, text.replace("\U0010fff0", ""))
    text = re.sub("\r\n|[\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    text = re.sub(GONE, "", text)
    text = unicodedata.normalize("NFC", text)
    text = re.sub(f"{SPACE}+(?=\n|\\Z)", "", text)
    text = re.sub("\n{4,}", "\n\n\n", text).strip("\n")
    text = joined(text)
    it = iter(keys)
    return re.sub("\U0010fff0", lambda _: next(it), text)


@given(TEXTS.filter(lambda t: "\U0010fff0" not in t and not re.search("[\u1160-\u11ff]", t)))
@example("\r\r\n\n中 \x00 文\r")
@example("⟦img:⟦img:a⟧ ⟧")
def test_equals_the_independent_implementation(text: str) -> None:
    assert run(text)[0] == reference(text)


@given(TEXTS)
def test_edits_map_every_kept_piece_to_the_same_piece_before(text: str) -> None:
    new, edits = run(text)
    at_old = at_new = 0
    for edit in edits:
        assert edit.start >= at_old and (edit.start > at_old or at_old == 0)  # sorted, apart from each other
        kept = edit.start - at_old
        assert text[at_old : edit.start] == new[at_new : at_new + kept]
        at_old, at_new = edit.end, at_new + kept + edit.new_length
    assert text[at_old:] == new[at_new:]
    if new:
        assert 0 <= map_back(edits, 0, len(new))[0] <= map_back(edits, 0, len(new))[1] <= len(text)


@given(TEXTS)
def test_a_second_time_changes_nothing(text: str) -> None:
    once = run(text)[0]
    assert run(once) == (once, [])


@given(TEXTS)
def test_atoms_come_through(text: str) -> None:
    before = [m.group() for m in re.finditer(MEDIA, text)]
    after = [m.group() for m in ATOM.finditer(run(text)[0])]
    assert [key for key in after if key in before and key.startswith("⟦")][: len(before)] == before


def test_characters_taken_for_stable_are_their_own_composition() -> None:
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000 and normalise._stable(code):
            character = chr(code)
            assert unicodedata.combining(character) == 0
            assert unicodedata.is_normalized("NFC", character)
            assert not 0x1161 <= code <= 0x11FF  # vowels and finals compose with what stands before


def test_kinds_of_characters() -> None:
    table = kinds()
    names = {"a": 1, "é": 1, "中": 2, "の": 3, "カ": 3, "한": 4, "ж": 5, "ω": 6, "ع": 7, "א": 8, "ก": 9, "न": 10,
             "ქ": 11, "\u0301": 12, "7": 13, "。": 14, "、": 14, "€": 15, "😀": 15, "\u3000": 16, "\t": 16,
             "\ufffd": 17, "\ue000": 17, "×": 15, "〇": 2, "々": 2}  # fmt: skip
    assert {c: int(table[ord(c)]) for c in names} == names
