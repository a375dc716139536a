import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.acquire.records import content_type, encode
from pipelines.edits import map_back
from pipelines.extract.decode import Undecodable
from pipelines.extract.formats import record
from pipelines.extract.layout import Layout
from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

MANY = ExtractParams(min_characters=0)
words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30).filter(str.strip)
marks = st.sampled_from(["\n\n", "```\n", '"', "\\", "\\n", "# ", "⟦img:a⟧"])
texts = st.lists(words | marks, min_size=1, max_size=8).map("".join).filter(str.strip)
objects = st.fixed_dictionaries
turns = st.lists(objects({"speaker": st.just("A"), "text": texts}), min_size=1, max_size=4)
lines = st.lists(objects({"label": words, "value": texts}), min_size=1, max_size=3)
sections = objects({"title": words, "groups": st.lists(lines, min_size=1, max_size=2)})
contexts = objects(
    {"lang": st.sampled_from(["zh", "en"]), "name": texts, "sections": st.lists(sections, min_size=1, max_size=3)}
)
qas = st.lists(objects({"question": texts, "answers": st.lists(texts, max_size=2)}), min_size=1, max_size=3)
outputs = st.lists(objects({"output": texts}), max_size=2)
RECORDS = {
    "text": objects({"title": texts, "text": texts}),
    "qa": objects({"title": texts, "context": texts, "qas": qas}),
    "instruction": objects({"system": texts, "instruction": texts, "instances": outputs}),
    "dialogue": objects({"turns": turns}),
    "preference": objects({"turns": turns, "chosen": texts, "rejected": texts}),
    "labelled": objects({"prompt": texts, "text": texts, "labels": st.lists(words, max_size=3)}),
    "parallel": objects({"texts": st.lists(objects({"lang": st.just("zh"), "text": texts}), min_size=2, max_size=3)}),
    "product": contexts,
    "record": contexts,
    "request_log": objects({"time": words, "path": words, "question": texts, "answer": texts}),
}


def read(value, kind, params=MANY):
    return record.read(encode(value).encode(), content_type(kind), params)


@pytest.mark.parametrize("kind", record.WRITERS)
def test_edits_and_blocks_are_exact_for_every_kind(kind):
    @settings(max_examples=40, deadline=None)
    @given(RECORDS[kind])
    def check(value):
        body = encode(value).encode()
        found = record.read(body, content_type(kind), MANY)
        assert isinstance(found, Extracted)
        source = record.source_text(body, content_type(kind), 10**7)
        assert source == body.decode()
        # rebuilding the text from the source needs only what the edits put in
        at = shift = 0
        for edit in found.edits:
            assert source[at : edit.start] == found.text[at + shift : edit.start + shift]
            shift += edit.new_length - (edit.end - edit.start)
            at = edit.end
        assert source[at:] == found.text[at + shift :]
        end = 0
        for block in found.blocks:
            assert found.text[end : block.start].strip() == "" and block.end >= block.start >= end
            assert block.parent is None or found.blocks[block.parent].kind == "heading"
            end = block.end
        assert found.text[end:].strip() == ""

    check()


def test_a_span_leads_back_to_the_field_it_came_from():
    value = {"title": "T", "context": 'He said "no".\nTwice.', "qas": [{"question": "Who?", "answers": ["He"]}]}
    found = read(value, "qa")
    source = encode(value)
    start = found.text.index('"no"')
    low, high = map_back(found.edits, start, start + 4)
    assert source[low:high] == '\\"no\\"'
    start = found.text.index("Twice")
    assert source[slice(*map_back(found.edits, start, start + 5))] == "Twice"


def test_paragraphs_and_code_are_blocks_of_their_own_under_their_heading():
    found = read({"title": "T", "text": "One\nline.\n\nTwo.\n```py\nx\n\ny\n```\nThree"}, "text")
    assert [(b.kind, found.text[b.start : b.end]) for b in found.blocks] == [
        ("heading", "# T"),
        ("paragraph", "One\nline."),
        ("paragraph", "Two."),
        ("code", "```py\nx\n\ny\n```"),
        ("paragraph", "Three"),
    ]
    assert [b.parent for b in found.blocks] == [None, 0, 0, 0, 0]


def test_code_that_somebody_says_stands_on_lines_of_its_own():
    found = read({"turns": [{"speaker": "A", "text": "```\nx\n```"}, {"speaker": "B", "text": "Fine"}]}, "dialogue")
    assert found.text == "A: \n\n```\nx\n```\n\nB: Fine"
    assert [b.kind for b in found.blocks] == ["paragraph", "code", "paragraph"]


def test_a_title_is_not_said_twice():
    assert read({"title": "Sky", "text": "# Sky\n\nBlue."}, "text").text == "# Sky\n\nBlue."


def test_a_long_question_is_no_heading():
    value = {"qas": [{"question": "q" * 300, "answers": ["a"]}, {"question": "b?", "answers": []}]}
    assert [b.kind for b in read(value, "qa").blocks] == ["paragraph", "paragraph", "heading"]


@pytest.mark.parametrize(
    ("body", "shape", "rule"),
    [
        (b"", "text", "bad_record"),
        (b"[]", "text", "bad_record"),
        (b'{"text": 5}', "text", "bad_record"),
        (b'{"title": "a"}', "text", "bad_record"),
        (b'{"text": "\\ud800"}', "text", "bad_record"),
        (b'{"text": "a"}', "nonsense", "bad_record"),
        (b'{"text":' + b"[" * 100_000, "text", "bad_record"),
        (b'{"text": "a", "x": ' + b"[" * 50 + b"]" * 50 + b"}", "text", "bad_record"),
        (b'{"turns": [{"text": ""}]}', "dialogue", "bad_record"),
        (b'{"sections": []}', "product", "bad_record"),
        (b"\xff\xfe", "text", "bad_record"),
        (b'{"text": "ab"}', "text", "too_short"),
        (b'{"text": "%s"}' % (b"a" * 2000), "text", "page_too_large"),
    ],
)
def test_what_is_no_record_is_a_verdict(body, shape, rule):
    params = ExtractParams(min_characters=3, max_page_bytes=1000 if rule == "page_too_large" else 10**7)
    verdict = record.read(body, content_type(shape), params)
    assert isinstance(verdict, Verdict) and verdict.rule == rule


def test_a_record_written_by_somebody_else_has_its_canonical_form_as_source():
    body = json.dumps({"text": "b c d", "title": "é"}, indent=1).encode()
    found = record.read(body, content_type("text"), MANY)
    assert record.source_text(body, content_type("text"), 10**7) == '{"text":"b c d","title":"é"}'
    assert found.text == "# é\n\nb c d"
    with pytest.raises(Undecodable):
        record.source_text(b"{", content_type("text"), 10)


def test_laying_out_is_linear_in_the_text():
    counts = []
    for size in (1000, 2000):
        layout = Layout({"text": "a\n\n" * size})
        layout.paragraphs(("text",))
        _, edits, blocks = layout.finish()
        counts.append((len(edits), len(blocks)))
    assert counts[1][0] <= 2 * counts[0][0] + 2 and counts[1][1] == 2 * counts[0][1]
