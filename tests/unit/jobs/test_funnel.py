"""Law 1 on the night's funnel: what goes in is what comes out, and a lost key shows."""

import pyarrow as pa
import pytest

from jobs.datasets import Changes
from jobs.funnel import Tally, funnel
from pipelines.stage import REJECT_SCHEMA, Emitted


def delta(added, changed, removed):
    return Changes(*(pa.array([f"{count}-{n}" for n in range(count)]) for count in (added, changed, removed)))


def batch(rows):
    return pa.table({"doc_id": pa.array([str(n) for n in range(rows)])})


def refusals(*rules):
    return pa.Table.from_pylist([{"rule": rule} for rule in rules], schema=REJECT_SCHEMA)


@pytest.mark.req("CMP-05")
def test_an_increment_counts_edits_once_and_leaves_the_rest_untouched():
    found = funnel(100, delta(5, 3, 2), looked_at=8, emitted=6, rejected={"b": 1, "a": 1})
    assert found == {
        "rebuilt": False,
        "input": {"added": 5, "changed": 3, "removed": 2},
        "input_rows": 100,
        "inputs": 10,
        "emitted": 6,
        "rejected": {"a": 1, "b": 1},
        "unchanged": 0,
        "superseded": 0,
        "retracted": 2,
        "untouched": 92,
    }
    assert list(found["rejected"]) == ["a", "b"]


def test_without_a_base_every_row_is_an_input():
    found = funnel(7, None, looked_at=7, emitted=7, rejected={})
    assert (found["rebuilt"], found["inputs"], found["untouched"], found["input"]["added"]) == (True, 7, 0, 7)


def test_a_tally_counts_keys_as_they_go_in_so_that_a_lost_one_shows():
    tally = Tally()
    assert [b.num_rows for b in tally.given([batch(4), batch(5)])] == [4, 5]
    others = pa.table({"disposition": ["unchanged", "superseded", "retracted", "retracted"]})
    assert tally.add(Emitted(batch(2), refusals("x", "x"), others)) == 4
    found = tally.funnel(delta(0, 9, 1), 20)
    parts = found["emitted"] + sum(found["rejected"].values())
    parts += found["unchanged"] + found["superseded"] + found["retracted"]
    assert found["inputs"] - parts == 1  # nine went in, eight came out, one had left the source
    assert (found["retracted"], found["untouched"]) == (3, 11)
