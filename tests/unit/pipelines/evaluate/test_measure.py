import pyarrow as pa
import pytest

from pipelines.evaluate.measure import MEASURED, STAGE
from pipelines.params import ProfileParams
from pipelines.stage import Context


def measure(texts, words=()):
    table = pa.table({"doc_id": [str(n) for n in range(len(texts))], "text": pa.array(texts, pa.string())})
    emitted = STAGE.apply(STAGE.setup(Context(ProfileParams(sensitive_words=tuple(words)))), table)
    assert emitted.rejects.num_rows == 0 and emitted.rows.schema == MEASURED
    assert emitted.rows["doc_id"].to_pylist() == table["doc_id"].to_pylist()
    return emitted.rows.to_pylist()


def test_sizes_are_code_points_and_bytes():
    found = measure(["", "a文😀", None, " \u3000\n"])
    assert [(r["characters"], r["text_bytes"], r["blank"]) for r in found] == [
        (0, 0, True), (3, 8, False), (0, 0, False), (3, 5, True)
    ]  # fmt: skip


def test_words_are_not_measured_without_a_list():
    assert [r["sensitive"] for r in measure(["bad"], [])] == [None]
    assert [r["sensitive"] for r in measure(["bad", None, "good"], ["bad"])] == [1, 0, 0]


@pytest.mark.req("GAT-07")
def test_what_the_second_scan_finds_is_counted_by_entity():
    found = measure(["a@example.com b@example.com 13812345678", "<EMAIL> and ⟦img:a@example.com⟧", None])
    assert found[0]["residue"] == [{"entity": "CN_MOBILE", "count": 1}, {"entity": "EMAIL", "count": 2}]
    assert found[1]["residue"] == found[2]["residue"] == []


def test_strange_texts_are_measured():
    texts = ["\0" * 1000, "⟦" * 50_000, "\u202e" * 10, "1" * 100_000, "@" * 50_000]
    assert [r["characters"] for r in measure(texts, ["x", "⟦⟦"])] == [len(t) for t in texts]


def test_an_empty_batch_stays_empty():
    assert measure([]) == []
