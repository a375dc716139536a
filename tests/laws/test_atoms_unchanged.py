"""Media keys and placeholders are atoms: no stage alters or splits them, and each key leads to its resource."""

import io
import json
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nights import Capture, Lake, day

from jobs.export import Keys, export
from jobs.snapshots import Published
from jobs.tracing import trace
from pipelines.atoms import ATOM, MEDIA
from pipelines.clean.stage import RULES
from pipelines.extract.media import key_of

SENTENCES = (
    "The harbour was quiet that morning, and the boats lay still, since nobody had told the crew about the pilot. "
    "They waited on the deck until the bell of the church rang, and then they went home with what they had.",
    "港口那天早晨很安静，船都停着不动。没有人告诉船员领航员为什么迟到，大家只好在甲板上等消息，直到教堂的钟声响起。",
)
# What stages work on: spaces between Chinese characters, marks to compose, personal data, what goes, Markdown.
PIECES = st.sampled_from(
    [
        "中 文",
        "中",
        " ",
        "e",
        "\u0301",
        "\u200b",
        "\x00",
        "13812345678",
        "138",
        "12345678",
        "a.person@",
        "mail.example.com",
        "<CN_MOBILE>",
        "&lt;EMAIL&gt;",
        "|",
        "```",
        "- ",
        "&nbsp;",
        "<br>",
        "<i>x</i>",
        "⟦",
        "⟧",
        "img:",
        "\n",
        "1. ",
    ]
)
IMAGES = st.integers(0, 5).map(lambda n: f"<img src='/i/{n}.jpg' alt='图 {n} 13812345678'>")
FRAMES = st.sampled_from(
    [
        "<p>{}</p>",
        "<ul><li>{}<li>x</ul>",
        "<blockquote>{}</blockquote>",
        "<pre>{}</pre>",
        "<h2>{}</h2>",
        "{}",
        "<table><tr><td>a<td>{}<tr><td>b<td>c</table>",
    ]
)
PARTS = st.tuples(FRAMES, st.lists(PIECES | IMAGES, max_size=8).map("".join)).map(lambda p: p[0].format(p[1]))


def page(number: int, parts: list[str]) -> bytes:
    prose = "".join(f"<p>{sentence} {number * 7919}</p>" for sentence in SENTENCES)
    return f"<html><body><article>{prose}{''.join(parts)}{prose}</article></body></html>".encode()


@pytest.mark.req("EXT-11", "LIN-07")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(PARTS, max_size=5), min_size=1, max_size=3))
def test_keys_come_through_every_stage_and_out_again(documents):
    bodies = {number: page(number, parts) for number, parts in enumerate(documents)}
    off = ",".join(rule.name for rule in RULES)  # what is judged elsewhere
    lake = Lake(overrides=["extract.media_keys=true", f"clean.off=[{off}]"])
    with patch.object(Capture, "body", lambda self: bodies[self.url]):
        snapshot = lake.night(day(0), {day(0): [Capture(number) for number in bodies]})
    layers = {
        name: {row["doc_id"]: row for row in lake.rows(snapshot, name)}
        for name in ("documents", "clean", "scrubbed", "corpus")
    }
    assert layers["corpus"]
    resources = {doc: {m["key"]: m for m in row["media"]} for doc, row in layers["documents"].items()}
    for doc, row in layers["documents"].items():
        keys = MEDIA.findall(row["text"])
        for name in ("clean", "scrubbed", "corpus"):
            if doc in layers[name]:
                assert MEDIA.findall(layers[name][doc]["text"]) == keys
        written = [key for key in keys if key in resources[doc]]
        assert all(key_of("img", resources[doc][key]["url"]) == key for key in written)
        if doc in layers["clean"] and doc in layers["scrubbed"]:
            placed = ATOM.findall(layers["clean"][doc]["text"])
            rest = iter(ATOM.findall(layers["scrubbed"][doc]["text"]))
            assert all(atom in rest for atom in placed), "scrubbing adds placeholders and takes none away"

    corpus = Published(lake.storage).open(snapshot, "corpus")
    documents_version = Published(lake.storage).open(snapshot, "documents")
    as_keys, marked, dropped = (
        exported(corpus, Keys(form, documents_version)) for form in ("keys", "markdown", "drop")
    )
    for doc, text in as_keys.items():
        assert text == layers["corpus"][doc]["text"]
        for key, resource in resources[doc].items():
            assert key not in marked[doc] and key not in dropped[doc]
            assert (key in text) == (f"![]({resource['url']})" in marked[doc]), "its alt held a number"
        assert not set(MEDIA.findall(marked[doc])) & set(resources[doc])
    for doc in as_keys:
        (journey,) = trace(lake.storage, doc, snapshot)["documents"]
        traced = {key: url for span in journey["spans"] for key, url in span.get("media", {}).items()}
        assert {key: url for key, url in traced.items() if url} == {
            key: m["url"] for key, m in resources[doc].items() if key in as_keys[doc]
        }


def exported(version, keys):
    out = io.BytesIO()
    export(version, None, "jsonl", ["doc_id", "text"], out, keys)
    return {row["doc_id"]: row["text"] for row in map(json.loads, out.getvalue().splitlines())}
