import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.params import ScrubParams
from pipelines.pii import stage
from pipelines.pii.residue import residue
from pipelines.pii.stage import STAGE
from pipelines.schemas import SCRUBBED
from pipelines.stage import Context, Emitted


def run(*texts: str | None, secrets: dict[str, str] | None = None, **params: object) -> Emitted:
    state = STAGE.setup(Context(ScrubParams(**params), secrets=secrets or {}))  # type: ignore[arg-type]
    table = {"doc_id": [f"{i:032x}" for i in range(len(texts))], "text": pa.array(texts, pa.string())}
    return STAGE.apply(state, pa.table(table))


def reasons(emitted: Emitted) -> list[tuple]:
    return [(r["doc_id"][-1], r["rule"], r["value"], r["threshold"], r["detail"]) for r in emitted.rejects.to_pylist()]


@pytest.mark.req("PII-02", "PII-03")
def test_rows_are_masked_with_findings_and_edits() -> None:
    emitted = run("没有", "手机13812345678。")
    clean, masked = emitted.rows.to_pylist()
    assert (clean["text"], clean["findings"], clean["edits"]) == ("没有", [], [])
    assert masked["text"] == "手机<CN_MOBILE>。"
    assert masked["findings"] == [{"entity": "CN_MOBILE", "start": 2, "end": 13}]
    assert masked["edits"] == [{"start": 2, "end": 13, "new_length": 11}]
    SCRUBBED.conform(emitted.rows)


def test_titles_are_scrubbed_too() -> None:
    state = STAGE.setup(Context(ScrubParams(policies={"QQ_NUMBER": "drop_row"})))
    titles = ["Write to a@b.cn", None, "QQ：12345678", "plain"]
    table = {"doc_id": list("abcd"), "text": ["x"] * 4, "title": pa.array(titles, pa.string())}
    emitted = STAGE.apply(state, pa.table(table))
    assert emitted.rows["title"].to_pylist() == ["Write to <EMAIL>", None, "plain"]
    assert emitted.rejects["rule"].to_pylist() == ["pii_QQ_NUMBER"]


@pytest.mark.req("PII-02")
def test_a_policy_can_drop_the_row() -> None:
    emitted = run("QQ：12345678", "a@b.cn", policies={"QQ_NUMBER": "drop_row"})
    assert reasons(emitted) == [("0", "pii_QQ_NUMBER", 1, 0, None)]
    assert emitted.rows["text"].to_pylist() == ["<EMAIL>"]


def test_hash_needs_its_secret() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        run(default_policy="hash", hash_key="pii")
    emitted = run("a@b.cn", default_policy="hash", hash_key="pii", secrets={"pii": "s3cret"})
    assert emitted.rows["text"][0].as_py().startswith("<EMAIL:")


@pytest.mark.parametrize(("params", "message"), [
    ({"policies": {"CN_PHONE": "mask"}}, "no entity is called 'CN_PHONE'"),
    ({"policies": {"EMAIL": "erase"}}, "no policy is called 'erase'"),
    ({"default_policy": ""}, "no policy is called ''"),
])  # fmt: skip
def test_wrong_parameters_are_refused(params: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**params)


def test_the_key_is_not_shown() -> None:
    context = Context(ScrubParams(default_policy="hash", hash_key="pii"), secrets={"pii": "s3cret"})
    assert "s3cret" not in repr(STAGE.setup(context))


def test_bad_rows_do_not_take_their_batch_along(monkeypatch: pytest.MonkeyPatch) -> None:
    def scrub(text: str, *rest: object) -> stage.Scrubbed:
        if "a@b.cn" in text:
            raise RecursionError(text)
        return original(text, *rest)  # type: ignore[arg-type]

    original = stage.scrub
    monkeypatch.setattr(stage, "scrub", scrub)
    emitted = run("a@b.cn", None, "13812345678")
    assert reasons(emitted) == [("0", "scrub_error", None, None, "RecursionError"),
                                ("1", "scrub_error", None, None, "MissingText")]  # fmt: skip
    assert emitted.rows["text"].to_pylist() == ["<CN_MOBILE>"]


def test_text_that_is_not_utf8_is_a_reject() -> None:
    data = b"\xff\xfea@b.cn"
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.array([0, 2, 8], np.int32)), pa.py_buffer(data)]
    )
    emitted = STAGE.apply(
        STAGE.setup(Context(ScrubParams())), pa.table({"doc_id": ["0" * 32, "1" * 32], "text": broken})
    )
    assert reasons(emitted) == [("0", "scrub_error", None, None, "UnicodeDecodeError")]
    assert emitted.rows["text"].to_pylist() == ["<EMAIL>"]


def test_an_empty_batch_is_fine() -> None:
    emitted = run()
    assert (emitted.rows.num_rows, emitted.rejects.num_rows) == (0, 0)
    assert set(STAGE.adds) <= set(emitted.rows.column_names)


HOSTILE = st.sampled_from(["", "\x00", "1" * 3000, "1 " * 999, "a@" * 999, "⟦" * 99, "１" * 99, "<PHONE>", "😀a@b.cn",
                           "手机13812345678", "11010519491231002X", "QQ：12345678", "A" * 9999, "\n" * 99])  # fmt: skip


@given(st.lists(HOSTILE | st.text(max_size=60), max_size=8), st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_every_row_has_one_end_whatever_its_batch_and_nothing_is_left(texts: list[str], cut: int) -> None:
    whole = run(*texts)
    assert whole.rows.num_rows == len(texts)
    assert not any(residue(whole.rows["text"]).values())
    table = pa.table({"doc_id": [f"{i:032x}" for i in range(len(texts))], "text": pa.array(texts, pa.string())})
    state = STAGE.setup(Context(ScrubParams()))
    parts = [STAGE.apply(state, table.slice(0, cut)).rows, STAGE.apply(state, table.slice(cut)).rows]
    assert pa.concat_tables(parts).to_pylist() == whole.rows.to_pylist()
