"""The shape of a stage: reject rows and column replacement."""

import pyarrow as pa

from pipelines.stage import REJECT_SCHEMA, Context, Verdict, rejects, replace_columns

BATCH = pa.table(
    {"doc_id": ["a", "b", "c"], "url": ["u1", "u2", "u3"], "text": ["secret"] * 3, "authorised": [True] * 3}
)


def test_rejects_take_the_common_columns_of_their_rows():
    found = rejects("clean", BATCH, [2, 0], [Verdict("short", 1, 2.5), Verdict("lang", detail="fr")])
    assert found.schema == REJECT_SCHEMA
    assert found["doc_id"].to_pylist() == ["c", "a"] and found["url"].to_pylist() == ["u3", "u1"]
    assert found["stage"].to_pylist() == ["clean", "clean"] and found["rule"].to_pylist() == ["short", "lang"]
    assert found["value"].to_pylist() == [1.0, None] and found["threshold"].to_pylist() == [2.5, None]
    assert found["detail"].to_pylist() == [None, "fr"] and found["tenant_id"].to_pylist() == [None, None]
    assert "secret" not in str(found.to_pylist())


def test_numbers_are_rounded_for_the_digest():
    verdict = Verdict("near", 1 / 3, 2 / 3, kept_id="k", via_id="v", similarity=0.1 + 0.2, similarity_kept=0.9999999)
    (row,) = rejects("dedup", BATCH, [1], [verdict]).to_pylist()
    assert (row["value"], row["threshold"]) == (0.333333, 0.666667)
    assert (row["similarity"], row["similarity_kept"]) == (0.3, 1.0)
    assert (row["kept_id"], row["via_id"]) == ("k", "v")


def test_the_stage_of_an_input_does_not_stay():
    before = rejects("extract", BATCH, [0], [Verdict("x", 5.0)])
    (row,) = rejects("clean", before, [0], [Verdict("y")]).to_pylist()
    assert (row["stage"], row["rule"], row["value"], row["doc_id"]) == ("clean", "y", None, "a")


def test_no_rejects_have_the_schema_too():
    assert rejects("clean", BATCH, [], []).schema == REJECT_SCHEMA
    assert rejects("clean", BATCH.slice(0, 0), [], []).num_rows == 0


def test_chunked_batches():
    batch = pa.concat_tables([BATCH.slice(0, 1), BATCH.slice(1)])
    assert rejects("s", batch, [1], [Verdict("r")])["doc_id"].to_pylist() == ["b"]


def test_replace_columns_keeps_the_order():
    found = replace_columns(BATCH, {"text": pa.array(["x", "y", "z"]), "new": pa.array([1, 2, 3])})
    assert found.column_names == ["doc_id", "url", "text", "authorised", "new"]
    assert found["text"].to_pylist() == ["x", "y", "z"] and BATCH["text"].to_pylist() == ["secret"] * 3


def test_a_context_does_not_print_its_secrets():
    assert "hunter2" not in repr(Context(None, {}, {"key": "hunter2"}))
