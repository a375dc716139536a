"""Law 9: a missing figure is null with its reason; a first publication has no change figure; null never passes."""

import pytest
from nights import Capture, Lake, day

from jobs.errors import GateRefused
from jobs.runner import Options, run_job


def metrics(lake, snapshot):
    return {(r["name"], r["dimension"]): r for r in lake.rows(snapshot, "metrics")}


def measured(lake, on, captures):
    return lake.night(on, {on: captures}, stages=("extract", "clean", "scrub", "dedup", "profile"))


def test_a_first_publication_has_no_change_and_the_next_one_has():
    lake = Lake()
    first = metrics(lake, measured(lake, day(0), [Capture(0, text=0)]))
    second = metrics(lake, measured(lake, day(1), [Capture(1, text=4)]))
    assert first["change_rows", ""]["value"] is None and "first publication" in first["change_rows", ""]["reason"]
    assert second["change_rows", ""]["value"] == 1.0 and second["change_rows", ""]["reason"] is None


def test_every_null_has_a_reason_and_every_value_none():
    lake = Lake()
    for figure in metrics(lake, measured(lake, day(0), [])).values():
        assert (figure["value"] is None) == bool(figure["reason"]), figure


def test_an_empty_corpus_has_no_shares_and_no_mean_length():
    lake = Lake()
    found = metrics(lake, measured(lake, day(0), [Capture(0, junk=True)]))
    assert found["rows", ""]["value"] == 0
    for name in (("length", "mean"), ("duplicate_rate", ""), ("pii_residue", "")):
        row = found.get(name) or next(r for (n, d), r in found.items() if f"{n}.{d}" == ".".join(name))
        if name[0] != "pii_residue":
            assert row["value"] is None and row["reason"], row


def test_a_figure_that_nobody_measured_blocks_the_gate(tmp_path):
    suite = tmp_path / "suite.json"
    suite.write_text(
        '{"name": "s", "meta": {}, "expectations": [{"type": "expect_column_values_to_be_between",'
        ' "kwargs": {"column": "change_rows", "min_value": -1, "max_value": 5}, "severity": "critical", "meta": {}}]}'
    )
    lake = Lake(overrides=[f"gate.suite={suite}"])
    lake.captured(day(0), {day(0): [Capture(0, text=0)]}, Options())
    for job in ("extract", "clean", "scrub", "dedup", "profile"):
        run_job(job, day(0), config=lake.config, storage=lake.storage)
    with pytest.raises(GateRefused, match="change_rows"):
        run_job("gate", day(0), config=lake.config, storage=lake.storage)
