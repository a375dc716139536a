"""Outlines and places of published documents: from the scrubbed layer, and nothing unscrubbed without leave."""

import json

import pytest
from nights import Capture, Lake, day

from jobs.errors import UsageError
from jobs.export import export, keys_of
from jobs.outlining import outlines
from jobs.snapshots import Published
from jobs.storage import LocalStorage
from jobs.tracing import trace
from pipelines.atoms import MEDIA

PROSE = (
    "The harbour was quiet that morning, and the boats lay still, since nobody had told the crew about the pilot. "
    "They waited on the deck until the bell of the church rang, and then they went home with what they had."
)
PAGE = (
    f"<title>Harbour</title><article><p>{PROSE}</p><h2>Call 13812345678</h2><p>The pilot, it is said, slept late.</p>"
    "<img src=/a.jpg alt='The harbour'><h3>渡船 Ferries</h3><ul><li>leave at noon</ul></article>"
)
SHORT = "<article><h2>Only a secret heading</h2><p>and few words, of which there are too few</p></article>"


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    lake = Lake(LocalStorage(tmp_path_factory.mktemp("outline") / "lake"), ["extract.media_keys=true"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Capture, "body", lambda self: (SHORT if self.url else PAGE).encode())
        return lake, lake.night(day(0), {day(0): [Capture(0), Capture(1)]})


@pytest.mark.req("EXT-10")
def test_the_outline_comes_from_the_scrubbed_text(night):
    lake, snapshot = night
    (document,) = outlines(lake.storage, "https://example.org/0", snapshot)
    assert document["layer"] == "scrubbed"
    assert [(s["number"], s["title"], s["parent"], s["children"]) for s in document["sections"]] == [
        ("", "Harbour", None, (1,)),
        ("1", "Call <CN_MOBILE>", 0, (2,)),
        ("1.1", "渡船 Ferries", 1, ()),
    ]
    assert document["sections"][2]["ancestors"] == (0, 1)


def test_text_that_was_not_scrubbed_needs_leave(night):
    lake, snapshot = night
    (document,) = outlines(lake.storage, "https://example.org/1", snapshot)
    assert document["layer"] == "documents" and document["sections"] == [] and "--raw" in document["reason"]
    (document,) = outlines(lake.storage, "https://example.org/1", snapshot, raw=True)
    assert [s["title"] for s in document["sections"]][1:] == ["Only a secret heading"]
    with pytest.raises(UsageError, match="nothing in snapshot"):
        outlines(lake.storage, "https://example.org/none", snapshot)
    for raw in (False, True):
        found = json.dumps(trace(lake.storage, "https://example.org/1", snapshot, raw=raw), default=str)
        assert ("secret" in found) == raw


@pytest.mark.req("EXT-09", "LIN-07")
def test_a_paragraph_of_a_trace_has_its_headings_and_media(night):
    lake, snapshot = night
    (journey,) = trace(lake.storage, "https://example.org/0", snapshot)["documents"]
    spans = journey["spans"]
    assert [span.get("path") for span in spans] == [
        None,
        ["Call <CN_MOBILE>"],
        ["Call <CN_MOBILE>"],
        ["Call <CN_MOBILE>"],
        ["Call <CN_MOBILE>", "渡船 Ferries"],
        ["Call <CN_MOBILE>", "渡船 Ferries"],
    ]
    assert [list(span.get("media", {}).values()) for span in spans if "media" in span] == [
        ["https://example.org/a.jpg"]
    ]


@pytest.mark.req("EXT-11")
def test_an_export_puts_resources_for_keys(night, tmp_path):
    lake, _ = night
    published = Published(lake.storage)
    corpus = published.find("corpus")
    texts = {}
    for form in ("keys", "markdown", "drop"):
        keys = keys_of(published, lake.storage, corpus, form)
        export(corpus, tmp_path / "x.jsonl", "jsonl", None, None, keys)
        texts[form] = json.loads((tmp_path / "x.jsonl").read_text())["text"]
        export(corpus, tmp_path / "x.parquet", "parquet", ["text"], None, keys)
    (key,) = MEDIA.findall(texts["keys"])
    mark = "![The harbour](https://example.org/a.jpg)"
    assert texts["markdown"] == texts["keys"].replace(key, mark)
    assert texts["drop"] == texts["keys"].replace(f"{key}\n\n", "")
    with pytest.raises(UsageError, match="findings point into the text with its media keys"):
        export(corpus, None, "jsonl", ["text", "findings"], None, keys)
    documents = published.find("documents")
    export(
        documents, tmp_path / "d.jsonl", "jsonl", None, None, keys_of(published, lake.storage, documents, "markdown")
    )
    rows = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text().splitlines()]
    assert any(mark in row["text"] for row in rows) and not any("blocks" in row for row in rows)
