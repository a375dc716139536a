import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.clean.published import RULES
from pipelines.clean.stage import STAGE
from pipelines.edits import from_dicts
from pipelines.params import CleanParams
from pipelines.schemas import CLEAN
from pipelines.stage import Context, Emitted

ENGLISH = "The weather is fine today, and we should all go for a long walk in the old park by the river. " * 3
CHINESE = (
    "今天天气很好，我们一起去公园散步，然后去吃饭。路上有很多人，大家都很高兴，孩子们在湖边放风筝。昨天下了一场大雨。"
)


def run(*texts: str | None, params: CleanParams = CleanParams(), **columns: list) -> Emitted:  # noqa: B008
    table = {"doc_id": [f"{i:032x}" for i in range(len(texts))], "text": pa.array(texts, pa.string()), **columns}
    return STAGE.apply(STAGE.setup(Context(params)), pa.table(table))


def reasons(emitted: Emitted) -> list[tuple]:
    return [(r["rule"], r["value"], r["threshold"], r["detail"]) for r in emitted.rejects.to_pylist()]


@pytest.mark.req("CLN-09", "CLN-17")
def test_rows_have_language_signals_and_edits() -> None:
    emitted = run(ENGLISH + "\u200b", CHINESE)
    english, chinese = emitted.rows.to_pylist()
    assert (english["lang"], chinese["lang"]) == ("en", "zh")
    assert english["text"] == ENGLISH.rstrip()
    assert [tuple(e) for e in from_dicts(english["edits"])] == [(len(ENGLISH) - 1, len(ENGLISH) + 1, 0)]
    assert chinese["edits"] == []
    names = {s["name"] for s in english["signals"]}
    assert {"characters@1", "words@1", "symbol_share@1"} <= names
    assert {s["name"]: s["value"] for s in english["signals"]}["words@1"] == 63
    CLEAN.conform(emitted.rows)


@pytest.mark.req("CLN-02")
def test_a_chinese_rule_never_sees_an_english_page() -> None:
    emitted = run(ENGLISH, CHINESE)
    english, chinese = ({s["name"] for s in row["signals"]} for row in emitted.rows.to_pylist())
    assert "chinese_characters@1" in chinese - english
    assert "words@1" in english - chinese


@pytest.mark.req("CLN-02")
def test_a_chinese_page_with_too_few_chinese_characters_goes() -> None:
    few = "版本说明九个汉字在 " + "1.2.3 4.5.6 " * 6
    assert reasons(run(few)) == [("min_chinese_characters", 9, 10, None)]


@pytest.mark.req("CLN-16", "CLN-17", "OBS-01")
@pytest.mark.parametrize(("text", "reason"), [
    ("short", ("min_characters", 5, 50, None)),
    ("x" * 600, ("max_characters", 600, 500, None)),
    (ENGLISH + "\ufffd" * 9, ("garbled_share", 0.038298, 0.02, None)),
    ("Heute ist das Wetter schön, also gehen wir im Park spazieren.", ("language", None, None, "und")),
    ("The weather is fine and we will be at the park until it is time to go.", ("min_words", 17, 30, None)),
    (ENGLISH + "€ 😀" * 60, ("symbol_share", 0.346821, 0.3, None)),
    (CHINESE + "！" * 60, ("punctuation_share", 0.570248, 0.35, None)),
    ((ENGLISH[:97] + "\n") * 4, ("duplicate_line_share", 0.75, 0.3, None)),
    (ENGLISH + "<p>&nbsp;" * 5, ("markup_share", 0.163636, 0.1, None)),
])  # fmt: skip
def test_the_first_rule_that_fails_is_the_reason(text: str, reason: tuple) -> None:
    [found] = reasons(run(text, params=CleanParams(max_characters=500)))
    assert found[0] == reason[0]
    assert found[1:] == (pytest.approx(reason[1], abs=0.02) if reason[1] else None, *reason[2:])


def test_a_rule_that_is_off_measures_but_does_not_reject() -> None:
    emitted = run("short", params=CleanParams(off=("min_characters", "language*", "gopher_*", "fineweb_*", "c4_*")))
    assert emitted.rejects.num_rows == 0
    assert {"name": "characters@1", "value": 5.0} in emitted.rows["signals"][0].as_py()


def test_an_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no rule is called 'min_word'"):
        STAGE.setup(Context(CleanParams(off=("min_word",))))


def test_a_language_that_the_row_brings_is_believed() -> None:
    emitted = run(CHINESE, ENGLISH, lang=["fr", None])
    assert emitted.rows["lang"].to_pylist() == ["en"]
    assert reasons(emitted) == [("language", None, None, "fr")]


def test_bad_rows_do_not_take_their_batch_along() -> None:
    data = b"\xff\xfe\xed\xa0\x80" + ENGLISH[:256].encode()  # not UTF-8, a lone surrogate, a text
    offsets = np.array([0, 2, 5, len(data)], np.int32)
    broken = pa.Array.from_buffers(pa.string(), 3, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    state = STAGE.setup(Context(CleanParams()))
    emitted = STAGE.apply(state, pa.table({"doc_id": ["0" * 32, "1" * 32, "2" * 32], "text": broken}))
    assert reasons(emitted) == [("clean_error", None, None, "UnicodeDecodeError")] * 2
    assert emitted.rows["text"].to_pylist() == [ENGLISH[:256].rstrip()]
    assert reasons(run(None)) == [("clean_error", None, None, "MissingText")]


def test_a_model_that_fails_rejects_the_row_alone() -> None:
    def model(text: str) -> tuple[str, float]:
        if "river" in text:
            raise RuntimeError("no")
        return "de", 0.9

    state = STAGE.setup(Context(CleanParams(languages=("de", "zh"))))
    object.__setattr__(state, "model", model)
    table = pa.table(
        {"doc_id": ["0" * 32, "1" * 32, "2" * 32], "text": [ENGLISH, CHINESE, "Wir gehen im Park spazieren. " * 9]}
    )
    emitted = STAGE.apply(state, table)
    assert reasons(emitted) == [("clean_error", None, None, "RuntimeError")]
    assert emitted.rows["lang"].to_pylist() == ["zh", "de"]


def test_an_empty_batch_is_fine() -> None:
    emitted = run()
    assert (emitted.rows.num_rows, emitted.rejects.num_rows) == (0, 0)
    assert set(STAGE.adds) <= set(emitted.rows.column_names)


HOSTILE = st.sampled_from(
    ["", "\x00", "\u200b" * 100, "😀" * 100, "\u202e" + ENGLISH, "a" * 5000, CHINESE * 20, ENGLISH * 20, "e\u0301" * 99,
     "⟦" * 999, "<p " * 999, "\n" * 999, "مرحبا بالعالم " * 20, "⟦img:a b⟧" + CHINESE, "\ue000" * 99, "한" * 99]
)  # fmt: skip


@given(st.lists(HOSTILE | st.text(max_size=200), max_size=8), st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_every_row_has_one_end_whatever_its_batch(texts: list[str], cut: int) -> None:
    whole = run(*texts)
    assert whole.rows.num_rows + whole.rejects.num_rows == len(texts)
    assert set(whole.rows["doc_id"].to_pylist()).isdisjoint(whole.rejects["doc_id"].to_pylist())
    table = pa.table({"doc_id": [f"{i:032x}" for i in range(len(texts))], "text": pa.array(texts, pa.string())})
    state = STAGE.setup(Context(CleanParams()))
    parts = [STAGE.apply(state, table.slice(0, cut)), STAGE.apply(state, table.slice(cut))]
    assert pa.concat_tables([p.rows for p in parts]).to_pylist() == whole.rows.to_pylist()
    assert pa.concat_tables([p.rejects for p in parts]).to_pylist() == whole.rejects.to_pylist()


@given(st.lists(HOSTILE | st.text(max_size=200), max_size=8))
@settings(max_examples=40, deadline=None)
def test_cleaning_what_is_clean_changes_nothing(texts: list[str]) -> None:
    params = CleanParams(off=tuple(rule.name for rule in RULES))
    once = run(*texts, params=params).rows
    twice = run(*once["text"].to_pylist(), params=params).rows
    assert twice["text"].to_pylist() == once["text"].to_pylist()
    assert all(not e for e in twice["edits"].to_pylist())
