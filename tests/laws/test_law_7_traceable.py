"""Law 7: any row → URL, capture, character span in the page; any URL → every row derived from it."""

import pytest
from hypothesis import HealthCheck, given, settings
from nights import Capture, Lake, day, page_row
from strategies import visits

from jobs.tracing import trace


@pytest.mark.req("LIN-02", "LIN-03")
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(visits(days=3))
def test_every_corpus_row_leads_to_its_page_and_every_url_to_its_rows(history):
    lake = Lake()
    for i, found in enumerate(history):
        snapshot = lake.night(day(i), {day(i): found})
    layers = {name: lake.rows(snapshot, name) for name in ("pages", "corpus", "rejects_dedup")}
    urls = {row["doc_id"]: row["url"] for row in layers["pages"]}
    for row in layers["corpus"]:
        (journey,) = trace(lake.storage, row["doc_id"], snapshot, raw=True)["documents"]
        assert journey["layers"]["corpus"][0]["url"] == urls[row["doc_id"]]
        assert row["capture"] in {page["capture"] for page in journey["layers"]["pages"]}
        for span in journey["spans"]:
            assert span["page"] == row["text"][span["start"] : span["end"]]
    for url in set(urls.values()):
        (journey,) = trace(lake.storage, url, snapshot)["documents"]
        mine = [row for row in layers["corpus"] if row["url"] == url]
        assert len(journey["layers"]["corpus"]) == len(mine)
        assert {r["rule"] for r in journey["rejects"] if r["stage"] == "dedup"} == {
            r["rule"] for r in layers["rejects_dedup"] if r["url"] == url
        }


def test_spans_survive_entities_normalisation_and_masking(monkeypatch):
    html = (
        "<html><body><article><h1>Fish &amp; chips</h1><p>The shop at the pier sells cod, haddock and plaice every day"
        " of the week,   and the queue is long on Fridays.</p><p>Write to anna.smith@example.com &mdash; she answers"
        " within a day, and she knows all about the fish that the boats bring in.</p></article></body></html>"
    )
    monkeypatch.setattr(Capture, "body", lambda self: html.encode("gb18030"))
    monkeypatch.setattr(
        "nights.page_row", lambda c, on: page_row(c, on) | {"content_type": "text/html; charset=gb18030"}
    )
    lake = Lake()
    snapshot = lake.night(day(0), {day(0): [Capture(0)]})
    (row,) = lake.rows(snapshot, "corpus")
    assert "<EMAIL>" in row["text"] and "anna" not in row["text"]
    (journey,) = trace(lake.storage, row["doc_id"], snapshot, raw=True)["documents"]
    quoted = [span["page"] for span in journey["spans"]]
    assert any("anna.smith@example.com &mdash; she answers" in q for q in quoted)
    assert all("<p>" not in q for q in quoted)
