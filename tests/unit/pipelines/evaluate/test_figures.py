import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.evaluate.figures import Failing, Figure, metrics_table, ratio
from pipelines.schemas import hash128


def test_a_missing_value_needs_a_reason_and_a_value_is_finite():
    with pytest.raises(ValueError, match=r"figure share\.zh: a missing value needs a reason"):
        Figure("share", None, "zh")
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="is not finite"):
            Figure("share", value)


def test_ratio_without_a_whole_is_missing():
    assert ratio("r", 1, 4, "empty").value == 0.25
    assert ratio("r", 0, 0, "empty", "zh") == Figure("r", None, "zh", "empty")


def test_metrics_are_rounded_keyed_and_sorted():
    table = metrics_table([Figure("a", 1 / 3), Figure("b", None, "x", "why")], "corpus@1")
    rows = {r["name"]: r for r in table.to_pylist()}
    assert rows["a"]["value"] == 0.333333 and rows["a"]["reason"] is None and rows["a"]["dimension"] == ""
    assert (rows["b"]["value"], rows["b"]["reason"]) == (None, "why")
    assert rows["b"]["metric_id"] == hash128("corpus", "b", "x")
    assert table["metric_id"].to_pylist() == sorted(table["metric_id"].to_pylist())


@given(st.lists(st.tuples(st.integers(0, 99), st.sampled_from("xy")), unique=True), st.randoms(), st.integers(0, 8))
def test_failing_rows_are_the_smallest_ids_in_any_order(rows, order, limit):
    def table(given):
        failing = Failing(limit)
        for number, detail in given:
            failing.add("m", [f"{number:02}"], [number], detail)
        return failing.table("v")

    shuffled = rows[:]
    order.shuffle(shuffled)
    assert table(rows).equals(table(shuffled))
    found = {(r["doc_id"], r["detail"]) for r in table(rows).to_pylist()}
    assert found == set(sorted((f"{n:02}", d) for n, d in rows)[:limit])
