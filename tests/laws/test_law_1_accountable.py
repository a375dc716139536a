"""Law 1: every input key has exactly one disposition; a reject says which rule, value and threshold."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from nights import Capture, Lake, day
from strategies import visits

from jobs.engines.base import account
from jobs.errors import Terminal
from pipelines.schemas import rejects_of
from pipelines.stage import Emitted, MapStage

CHAIN = (
    ("documents", "clean", "rejects_clean"),
    ("clean", "scrubbed", "rejects_scrub"),
    ("scrubbed", "corpus", "rejects_dedup"),
)


def live_documents(history):
    """URLs that still have content after the last day, by a fold written for this test alone."""
    live = set()
    for visited in history:
        for visit in visited:
            if visit.status in (404, 410):
                live.discard(visit.url)
            elif visit.status == 200:
                live.add(visit.url)
    return live


def ids(lake, snapshot, dataset):
    found = [row["doc_id"] for row in lake.rows(snapshot, dataset)]
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.req("OBS-01")
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(visits(days=4))
def test_every_document_is_a_row_or_a_reject_of_every_stage(history):
    lake = Lake()
    for i, found in enumerate(history):
        snapshot = lake.night(day(i), {day(i): found})
    texts, refused = ids(lake, snapshot, "documents"), ids(lake, snapshot, "rejects_extract")
    assert texts.isdisjoint(refused) and len(texts | refused) == len(live_documents(history))
    for source, output, rejects in CHAIN:
        rows, gone = ids(lake, snapshot, output), ids(lake, snapshot, rejects)
        assert rows.isdisjoint(gone)
        assert rows | gone == ids(lake, snapshot, source)
        for reject in lake.rows(snapshot, rejects):
            assert reject["stage"] and reject["rule"]
            if rejects == "rejects_dedup":
                assert reject["kept_id"] in rows
                assert reject["similarity"] >= 0.8 and reject["via_id"] and reject["similarity_kept"] >= 0.8


def test_a_reject_names_rule_value_and_threshold():
    lake = Lake()
    snapshot = lake.night(day(0), {day(0): [Capture(0, junk=True), Capture(1, text=0)]})
    (reject,) = lake.rows(snapshot, "rejects_extract")
    measured = (reject["stage"], reject["rule"], reject["value"], reject["threshold"])
    assert measured == ("extract", "too_short", 1.0, 25.0)
    assert reject["url"] == "https://example.org/0"


EMPTY = rejects_of("x").schema.empty_table()


@pytest.mark.parametrize(
    ("rows", "rejects", "complaint"),
    [(["a"], [], "lost"), (["a", "b", "c"], [], "invented"), (["a", "b"], ["b"], "disposed of twice")],
)
def test_a_stage_that_breaks_the_law_is_stopped(rows, rejects, complaint):
    stage = MapStage("s", "1", "row", ("doc_id",), (), lambda ctx: None, lambda state, batch: None)
    refused = EMPTY if not rejects else pa.Table.from_pylist([{"doc_id": i} for i in rejects], schema=EMPTY.schema)
    with pytest.raises(Terminal, match=complaint):
        account(stage, pa.table({"doc_id": ["a", "b"]}), Emitted(pa.table({"doc_id": rows}), refused))
