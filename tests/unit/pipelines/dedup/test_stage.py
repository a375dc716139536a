from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipelines.dedup import stage
from pipelines.dedup.minhash import exact_hashes, features
from pipelines.params import DedupParams
from pipelines.stage import REJECT_SCHEMA, Context, Verdict

PARAMS = DedupParams()
BASE = " ".join(f"word{i}" for i in range(40))
CHINESE = "北京今天下雨了，路上很滑，大家出门要小心。" * 2


def batch(texts: list[str | None], langs: list[str | None]) -> pa.Table:
    return pa.table(
        {
            "doc_id": [f"{i:032x}" for i in range(len(texts))],
            "text": pa.array(texts, pa.string()),
            "lang": pa.array(langs, pa.string()),
            "kept": pa.array(range(len(texts)), pa.int64()),
        }
    )


def test_features_adds_its_columns_and_rejects_nothing():
    rows = batch([BASE, CHINESE, "", None], ["en", "zh", "en", None])
    state = stage.FEATURES.setup(Context(PARAMS))
    out = stage.FEATURES.apply(state, rows)
    assert out.rejects.num_rows == 0 and out.rejects.schema == REJECT_SCHEMA
    assert out.rows.column_names == [*rows.column_names, *stage.FEATURES.adds]
    assert out.rows.select(rows.column_names).equals(rows)
    assert out.rows["exact"].to_pylist() == exact_hashes(rows["text"]).to_pylist()
    assert out.rows["shingles"].to_pylist() == [36, 21, 0, 0]  # 40 words; 42 characters that repeat after 21
    signatures = features(rows["text"], rows["lang"], PARAMS).signatures
    assert [np.frombuffer(s, "<u4").tolist() for s in out.rows["signature"].to_pylist()] == signatures.tolist()
    assert out.rows["signature"].to_pylist()[2] == b"\xff" * 512


def test_features_of_no_rows():
    out = stage.FEATURES.apply(PARAMS, batch([], []))
    assert out.rows.num_rows == 0 and set(stage.FEATURES.adds) <= set(out.rows.column_names)


@pytest.mark.parametrize(
    "wrong", [{"threshold": 0.0}, {"threshold": 1.1}, {"bands": 0}, {"rows": 0}, {"shingle_words": 0}, {"seed": -1}]
)
def test_parameters_without_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PARAMS, **wrong)


@pytest.mark.req("DED-01", "DED-02")
@pytest.mark.parametrize("with_lang", [True, False])
def test_deduplicate_keeps_the_first_of_a_file(with_lang):
    rows = [
        ("n1", BASE, "en"),
        ("n2", CHINESE, "zh"),
        ("n3", BASE + " more", "en"),  # 36 of 37 shingles
        ("n4", " " + BASE.replace(" ", "\n"), "en"),
        ("n5", CHINESE + "了", "zh"),
        ("n6", "something else", "en"),
        ("n1", BASE.upper(), "en"),  # an id may repeat; the case is no difference of shingles
    ]
    table = pa.table(dict(zip(("id", "text", "lang"), map(list, zip(*rows, strict=True)), strict=True)))
    found = stage.deduplicate(table if with_lang else table.drop_columns("lang"), PARAMS)
    assert found.kept.tolist() == [True, True, False, False, False, True, False]
    near = stage.verdict("n1", "near_duplicate", round(36 / 37, 6), PARAMS)
    assert found.verdicts[0] == near
    assert near == Verdict("near_duplicate", 0.972973, 0.8, None, "n1", "n1", 0.972973, 0.972973)
    assert found.verdicts[1] == Verdict("exact_duplicate", 1.0, 1.0, None, "n1", "n1", 1.0, 1.0)
    # 42 characters that repeat after 21 have 21 shingles; one more character adds one
    assert found.verdicts[2] == stage.verdict("n2", "near_duplicate", round(21 / 22, 6), PARAMS)
    assert (found.verdicts[3].kept_id, found.verdicts[3].similarity) == ("n1", 1.0)


def test_deduplicate_no_rows():
    table = pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())})
    found = stage.deduplicate(table, PARAMS)
    assert len(found.kept) == 0 and found.verdicts == []
