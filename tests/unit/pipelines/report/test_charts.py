import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.report import charts
from pipelines.report.charts import Part
from pipelines.report.facts import Flow, Histogram, Missing


def _widths(svg):
    return [float(rect.get("width").rstrip("%")) for rect in ET.fromstring(svg).iter("rect")]


def test_a_bar_is_to_scale():
    assert _widths(charts.bar([Part("a", "kept", 30), Part("b", "gone", 10)], 80, "x")) == [37.5, 12.5]


def test_a_bar_tells_its_figures_to_those_who_cannot_see_it():
    svg = ET.fromstring(charts.bar([Part("a", "kept", 1_200)], 2_000, "clean"))
    assert svg.get("aria-label") == "clean: kept 1,200"
    assert svg.get("role") == "img"


def test_what_exists_can_be_seen():
    assert _widths(charts.bar([Part("a", "one in a billion", 1)], 10**9, "x")) == [0.5]


@given(st.lists(st.integers(0, 10**15), max_size=8), st.integers(0, 10**15))
def test_a_bar_never_leaves_its_track(values, total):
    assert sum(_widths(charts.bar([Part("a", "p", v) for v in values], total, "x"))) <= 100.01


def test_labels_are_escaped():
    svg = ET.fromstring(charts.bar([Part("a", '"><script>\u202e', 1)], 1, '"><script>'))
    assert "<script>⟨U+202E⟩" in svg.get("aria-label")
    assert [e.tag for e in svg.iter()] == ["svg", "rect", "title"]


def test_dispositions_leave_out_what_is_zero_missing_or_unchanged():
    flow = Flow(20, 5, 3, unchanged=10, superseded=Missing("old run"), retracted=2)
    assert [(p.style, p.value) for p in charts.dispositions(flow)] == [
        ("emitted", 5),
        ("retracted", 2),
        ("rejected", 3),
    ]


def test_a_connector_narrows_and_stays_in_its_box():
    assert 'points="0,0 50.000,0 25.000,10 0,10"' in charts.connector(0.5, 0.25)
    assert 'points="0,0 100.000,0 0.000,10 0,10"' in charts.connector(7, -1)


LENGTHS = Histogram("characters", (0, 10, 100, 1_000), (4, 8, 0))


def test_histogram_columns_are_to_scale():
    rects = list(ET.fromstring(charts.histogram(LENGTHS, "lengths")).iter("rect"))
    assert [float(r.get("height").rstrip("%")) for r in rects] == [50, 100, 0]
    assert rects[1].find("title").text == "10 to 100 characters: 8"


@pytest.mark.parametrize(("value", "place"), [(0, 0), (10, 100 / 3), (55, 50), (1_000, 100), (1_001, None), (-1, None)])
def test_a_value_has_its_place_on_the_axis(value, place):
    found = charts.position(LENGTHS, value)
    assert found == (None if place is None else pytest.approx(place))


def test_ticks_include_both_ends_and_are_few():
    many = Histogram("x", tuple(range(101)), (1,) * 100)
    labels = charts.ticks(many)
    assert labels[0] == (0, "0") and labels[-1] == (100, "100") and len(labels) <= 7
    assert charts.ticks(LENGTHS)[-1] == (100, "1k")
    assert charts.ticks(Histogram("x", (1,), ())) == []


def test_an_empty_histogram_is_a_chart_without_columns():
    svg = ET.fromstring(charts.histogram(Histogram("x", (0, 1, 2), (0, 0)), "t"))
    assert [r.get("height") for r in svg.iter("rect")] == ["0.000%", "0.000%"]
