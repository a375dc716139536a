import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.report.facts import CardFacts, Flow, Gate, Histogram, Missing, Sample, Total, from_json, to_json


def _small(**changes):
    gate = Gate("not_run", "corpus@0", reason="it is a test")
    return replace(CardFacts("s", "2026-01-01", "r", "o", Total("corpus", "0", "0", 1), gate), **changes)


def test_every_state_survives_the_round_trip(facts):
    assert from_json(to_json(facts)) == facts


def test_json_is_the_same_bytes_each_time_and_holds_in_utf8(facts):
    text = to_json(facts)
    assert text == to_json(from_json(text))
    text.encode("utf-8")


def test_keys_stand_in_declared_order(example):
    keys = list(json.loads(to_json(example("night"))))
    assert keys[:6] == ["snapshot_id", "date", "run", "owner", "total", "gate"]
    assert keys[-1] == "format_version"


@pytest.mark.req("CMP-05")
def test_the_data_card_holds_the_required_parts(example):
    card = json.loads(to_json(example("night")))
    for part in ("provenance", "funnel", "languages", "pii", "composition", "risks", "duplicates", "samples"):
        assert card[part]
    assert card["provenance"]["sources"][0]["licence"] == "GPL-2.0-or-later"


def test_a_missing_figure_is_null_with_its_reason_never_zero():
    card = json.loads(to_json(_small(total=Total("corpus", "0", "0", Missing("no profile ran")))))
    assert card["total"]["rows"] == {"not_measured": "no profile ran"}


def test_a_missing_figure_needs_a_reason():
    with pytest.raises(ValueError, match="reason"):
        Missing(" ")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_cannot_be_written(value):
    with pytest.raises(ValueError):
        to_json(_small(duplicates=Histogram("x", (0, 1), (value,))))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d.update(format_version=99), "format_version"),
        (lambda d: d.update(surprise=1), "card: unknown key 'surprise'"),
        (lambda d: d.pop("owner"), "card: key 'owner' is missing"),
        (lambda d: d["total"].update(rows="12"), "card.total.rows"),
        (lambda d: d["total"].update(rows=True), "card.total.rows"),
        (lambda d: d["gate"].update(verdict="fine"), "card.gate.verdict"),
        (lambda d: d.update(languages=[{"code": "zh", "rows": None}]), r"card.languages\[0\].rows"),
        (lambda d: d.update(lengths=[]), "card.lengths"),
        (lambda d: d["total"].update(rows={"not_measured": 3}), "card.total.rows.not_measured"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(change, place):
    data = json.loads(to_json(_small()))
    change(data)
    with pytest.raises(ValueError, match=place):
        from_json(json.dumps(data))


def test_json_that_is_no_card():
    with pytest.raises(ValueError, match="format_version"):
        from_json("[]")


@given(st.text(st.characters(codec=None)))
def test_any_text_survives(text):
    facts = _small(owner=text)
    written = to_json(facts)
    written.encode("utf-8")
    assert from_json(written) == facts


def test_samples_come_from_scrubbed_layers_only():
    with pytest.raises(ValueError, match="scrubbed layer"):
        Sample("d", "text", "clean")


@pytest.mark.parametrize(("edges", "counts"), [((0, 1), (1, 2)), ((0, 0), (1,)), ((2, 1), (1,)), ((), ())])
def test_a_histogram_needs_increasing_edges(edges, counts):
    with pytest.raises(ValueError, match="edges"):
        Histogram("characters", edges, counts)


def test_filter_rate_counts_only_what_was_judged():
    assert Flow(100, 15, 5, unchanged=80).filter_rate == 0.25
    assert isinstance(Flow(80, 0, 0, unchanged=80).filter_rate, Missing)
    assert Flow(80, Missing("lost"), 0).filter_rate == Missing("lost")
    assert Flow(80, 0, Missing("lost")).filter_rate == Missing("lost")


def test_inputs_without_a_disposition_are_counted():
    assert Flow(100, 60, 20, 10, 5, 5).unaccounted == 0
    assert Flow(100, 60, 20).unaccounted == 20
    assert Flow(10, 6, 6).unaccounted == -2
    assert Flow(10, 6, 4, superseded=Missing("old run")).unaccounted == Missing("old run")
