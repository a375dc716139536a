"""The schemas: keys, roles, identifiers with fixed vectors, and conforming a table."""

from hashlib import blake2b

import pyarrow as pa
import pytest

from jobs.digest import type_name
from pipelines.schemas import (
    COMMON,
    DATASETS,
    DOCUMENTS,
    PAGES,
    STAGES_WITH_REJECTS,
    TOMBSTONES,
    capture_id,
    document_id,
    hash128,
    rejects_of,
)

ROWS = [name for name in DATASETS if name in {"pages", "documents", "clean", "scrubbed", "corpus"}]


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_every_dataset_is_sound(dataset):
    assert dataset.schema.names[0] == dataset.key[0]  # row groups are found by the statistics of the first column
    assert set(dataset.key) <= set(dataset.schema.names)
    assert len(set(dataset.schema.names)) == len(dataset.schema.names)
    assert set(dataset.roles) <= set(dataset.schema.names)
    assert set(dataset.key) <= set(dataset.identity)
    assert all(dataset.schema.field(k).type == pa.string() for k in dataset.key)
    for field in dataset.schema:
        type_name(field.type)  # raises TypeError for a type without canonical encoding


@pytest.mark.parametrize("name", [*ROWS, *(f"rejects_{s}" for s in STAGES_WITH_REJECTS)])
def test_every_layer_says_whose_a_row_is(name):
    assert DATASETS[name].schema.names[: len(COMMON)] == [column for column, _ in COMMON]


def test_times_are_no_identity():
    assert PAGES.role("fetched_at") == PAGES.role("elapsed_ms") == "observed"
    assert TOMBSTONES.role("requested_at") == "observed"
    assert PAGES.role("body_hash") == "identity"
    assert "lang_score" not in DATASETS["corpus"].identity


def test_identifiers_have_fixed_vectors():
    assert hash128() == "cae66941d9efbd404e4d88758ea67670"  # b2sum -l 128 of nothing
    assert document_id("t", "s", "https://example.org/0") == "9f8aea0beb0237edaa4bf526d686d8c3"  # b2sum -l 128
    assert capture_id("2026-01-31", "ab") == "2026-01-31:ab"
    assert capture_id("2026-01-31", None) == "2026-01-31:"


def test_parts_do_not_run_into_one_another():
    assert hash128("ab", "c") != hash128("a", "bc") != hash128("abc")
    assert hash128("é") == hash128("é".encode())
    one = blake2b((2).to_bytes(8, "little") + b"ab", digest_size=16).hexdigest()
    assert hash128("ab") == one
    assert document_id("a", "b", "c") != document_id("b", "a", "c")


def test_a_lone_surrogate_has_a_hash_too():
    assert len(hash128("\ud800")) == 32 and hash128("\ud800") != hash128("\ud801")


def test_conform_selects_orders_and_casts():
    table = pa.table({"extra": [1], "text": ["x"], "doc_id": ["a"], "density": pa.array([1], pa.int32())})
    found = DOCUMENTS.conform(table)
    assert found.schema == DOCUMENTS.schema
    assert found["density"].to_pylist() == [1.0] and found["url"].to_pylist() == [None]
    assert "extra" not in found.column_names


def test_conform_joins_chunks_and_takes_no_rows():
    table = pa.concat_tables([pa.table({"doc_id": [i]}) for i in ("b", "a")])
    assert DOCUMENTS.conform(table)["doc_id"].num_chunks == 1
    assert DOCUMENTS.conform(table.slice(0, 0)).num_rows == 0


def test_conform_refuses():
    with pytest.raises(KeyError, match="key column 'capture'"):
        PAGES.conform(pa.table({"doc_id": ["a"]}))
    with pytest.raises(pa.ArrowInvalid):
        PAGES.conform(pa.table({"doc_id": ["a"], "capture": ["b"], "status": ["many"]}))
    with pytest.raises(pa.ArrowInvalid):
        PAGES.conform(pa.table({"doc_id": ["a"], "capture": ["b"], "status": [1.5]}))


def test_one_reject_dataset_per_stage():
    assert {rejects_of(s).name for s in STAGES_WITH_REJECTS} <= set(DATASETS)
    assert rejects_of("clean").key == ("doc_id",)
