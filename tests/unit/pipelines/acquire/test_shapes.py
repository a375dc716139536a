"""Each shape in the form in which such sets are published, and what is kept of it."""

import io
import json
from pathlib import Path

import pytest

from pipelines.acquire import rows_json
from pipelines.acquire.items import Item
from pipelines.acquire.shapes import KINDS, SHAPES
from pipelines.extract.formats import record
from pipelines.params import ExtractParams, SourceParams

MANY = ExtractParams(min_characters=1)


def read(*rows, **source):
    data = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    return list(rows_json.read(io.BytesIO(data), "a.jsonl", SourceParams("s", kind="files", **source)))


def one(row, **source):
    """Kind, stored fields and text of the one item that `row` becomes."""
    (item,) = read(row, **source)
    assert isinstance(item, Item), item
    kind = item.content_type.partition("shape=")[2]
    return kind, json.loads(item.body), record.read(item.body, item.content_type, MANY).text


def refusal(row, **source):
    (item,) = read(row, **source)
    return item.rule, item.detail


@pytest.mark.req("CRL-08")
@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            {"instruction": "Name three fruits.", "input": "", "output": "Apple, pear, plum."},
            "# Name three fruits.\n\nApple, pear, plum.",
        ),
        (
            {"指令": "概括下文", "输入": "今天下雨。", "输出": "有雨。"},
            "# 概括下文\n\n今天下雨。\n\n有雨。",
        ),
        (
            {"instruction": "Who?", "context": "Ann ran.", "response": "Ann.", "category": "closed_qa"},
            "# Who?\n\nAnn ran.\n\nAnn.",
        ),
        (
            {"instruction": "Add.", "instances": [{"input": "1 1", "output": "2"}, {"input": "2 2", "output": "4"}]},
            "# Add.\n\n1 1\n\n2\n\n2 2\n\n4",
        ),
        ({"inputs": "Translate: 猫", "targets": "cat"}, "# Translate: 猫\n\ncat"),
        ({"prompt": "Write a haiku.", "completion": "one\ntwo\nthree"}, "# Write a haiku.\n\none\ntwo\nthree"),
        (
            {"conversations": [{"from": "human", "value": "你好"}, {"from": "gpt", "value": "您好！"}]},
            "A: 你好\n\nB: 您好！",
        ),
        (
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url"}]},
                    {"role": "assistant", "content": "Ho"},
                ]
            },
            "> Be brief.\n\nA: Hi\n\nB: Ho",
        ),
    ],
)
def test_instruction_sets_are_read_in_their_published_forms(row, text):
    kind, _, found = one(row)
    assert kind in ("instruction", "dialogue")
    assert found == text


def oasst(key, parent, role, text, **more):
    return {"message_id": key, "parent_id": parent, "message_tree_id": "t", "role": role, "text": text, **more}


@pytest.mark.req("CRL-08")
def test_openassistant_rows_become_one_tree():
    rows = [
        oasst("m4", "m2", "prompter", "Thanks"),
        oasst("m1", None, "prompter", "Why is the sky blue?", lang="en"),
        oasst("m3", "m1", "assistant", "No idea.", rank=1),
        oasst("m2", "m1", "assistant", "Rayleigh scattering.", rank=0),
        oasst("m5", "m1", "assistant", "spam", rank=2, deleted=True),
    ]
    (item,) = read(*rows)
    assert item.name == "a.jsonl#id:t"
    text = record.read(item.body, item.content_type, MANY)
    assert text.text == (
        "1 A: Why is the sky blue?\n\n1.1 B: Rayleigh scattering.\n\n1.1.1 A: Thanks\n\n1.2 B: No idea."
    )
    assert text.language_hint == "en"


def test_openassistant_trees_may_be_nested():
    root = {"role": "prompter", "text": "Q", "replies": [{"role": "assistant", "text": "A1", "replies": []}]}
    assert one({"message_tree_id": "t", "prompt": root})[2] == "A: Q\n\nB: A1"


@pytest.mark.req("CRL-09")
def test_a_question_keeps_its_context_in_every_form():
    flat = {"id": "7", "title": "战国", "context": "本作以三大故事为主轴。", "question": "几个故事？"}
    text = "# 战国\n\n本作以三大故事为主轴。\n\n## 几个故事？\n\n三个"
    for answer in ("三个", ["三个", "三个"], {"text": ["三个"], "answer_start": [4]}, [{"text": "三个"}]):
        assert one({**flat, "answers": answer})[2] == text
    paragraph = {"context": flat["context"], "qas": [{"question": "几个故事？", "answers": [{"text": "三个"}]}]}
    assert one({"title": "战国", "paragraphs": [paragraph]})[2] == text
    cmrc = {"context_text": flat["context"], "qas": [{"query_text": "几个故事？", "answers": ["三个"]}]}
    assert one({"title": "战国", **cmrc})[2] == text


def test_an_article_is_one_item_per_context():
    paragraphs = [{"context": c, "qas": [{"question": f"Q{c}?", "answers": []}]} for c in ("one", "two")]
    assert [item.name for item in read({"id": "x", "paragraphs": paragraphs})] == ["a.jsonl#id:x", "a.jsonl#id:x/2"]


def test_no_answer_must_be_said():
    assert refusal({"question": "Q?", "answer": ""}) == ("missing_field", "answer")
    assert one({"question": "Q?", "context": "C", "answers": {"text": []}})[1]["qas"] == [
        {"question": "Q?", "answers": []}
    ]
    assert one({"question": "Q?", "answer": "", "is_impossible": True})[2] == "# Q?"


@pytest.mark.req("CRL-18")
@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "chosen": "Hello!", "rejected": "Go away."},
        {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello!", "rejected": "\n\nHuman: Hi\n\nAssistant: Go away."},
        {
            "prompt": "Hi",
            "chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}],
            "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Go away."}],
        },
        {"prompt": "Hi", "response_0": "Go away.", "response_1": "Hello!", "better_response_id": 1},
    ],
)
def test_preferences_tell_the_better_from_the_worse(row):
    kind, fields, text = one(row)
    assert (kind, fields["chosen"], fields["rejected"]) == ("preference", "Hello!", "Go away.")
    assert text == "A: Hi\n\n## ✓\n\nHello!\n\n## ✗\n\nGo away."


def test_two_equal_answers_are_no_preference():
    assert (
        refusal({"prompt": "Hi", "response_0": "a", "response_1": "b", "better_response_id": 2})[0] == "no_preference"
    )
    same = "\n\nHuman: Hi\n\nAssistant: Hello!"
    assert refusal({"chosen": same, "rejected": same})[0] == "no_preference"


@pytest.mark.req("CRL-18")
def test_labels_and_aligned_texts_are_kept_with_what_they_belong_to():
    assert one({"text": "你真笨", "label": ["insult", "toxic"]})[2] == "你真笨\n\n- insult\n- toxic"
    safe = one({"prompt": "How?", "response": "Like so.", "is_safe": False})
    assert safe[0] == "labelled" and safe[2] == "How?\n\nLike so.\n\n- false"
    assert one({"claim": "The moon is cheese.", "label": {"factual": 0.0}})[2] == "The moon is cheese.\n\n- factual: 0"
    for row in (
        {"translation": {"zh": "你好", "en": "Hello"}},
        {"zh": "你好", "en": "Hello"},
        {"source": "你好", "target": "Hello", "source_lang": "Chinese", "target_lang": "en"},
    ):
        assert one(row)[2] == "zh: 你好\n\nen: Hello"
    assert refusal({"translation": {"zh": "你好", "en": ""}}) == ("missing_field", "translation")


def test_columns_that_may_be_languages_or_something_else():
    assert one({"id": "17", "zh": "你好", "en": "Hello"})[2] == "zh: 你好\n\nen: Hello"
    assert one({"id": "17", "no": "4", "note": "x"})[0] == one({"id": 1, "en": "Hello"})[0] == "record"
    assert one({"id": "Halo", "en": "Hello"}, shape="parallel")[2] == "id: Halo\n\nen: Hello"


def test_a_text_without_its_label_is_a_text():
    assert one({"text": "a", "labels": []})[0] == one({"text": "a", "label": None})[0] == "text"
    assert refusal({"text": "a", "label": ""}, shape="labelled") == ("missing_field", "label")


def test_a_page_of_a_text_set_is_known_by_its_address():
    (item,) = read({"url": "http://Example.org:80/a", "title": "T", "text": "Body", "language": "English"})
    assert (item.url, item.final_url) == ("http://example.org/a", "http://example.org/a")
    assert json.loads(item.body) == {"lang": "en", "title": "T", "text": "Body"}
    (named,) = read({"url": "http://example.org/a", "text": "Body", "n": 5}, id_field="n")
    assert (named.name, named.url, named.final_url) == ("5", None, "http://example.org/a")


def test_names_of_fields_can_be_mapped_also_into_nested_records():
    row = {"payload": {"q": ["Why?"], "a": "Because."}, "secret": "x"}
    kind, fields, _ = one(row, shape="qa", fields={"question": "payload.q.0", "answer": "payload.a"})
    assert (kind, fields) == ("qa", {"qas": [{"question": "Why?", "answers": ["Because."]}]})


def test_speakers_never_get_into_a_record_by_name():
    _, fields, text = one({"dialogue": [{"speaker": "王小明", "text": "在吗"}, {"speaker": "客服001", "text": "在的"}]})
    assert "王小明" not in json.dumps(fields, ensure_ascii=False)
    assert text == "A: 在吗\n\nB: 在的"
    assert one({"dialog": ["Hi", "Ho", "Bye"]})[2] == "A: Hi\n\nB: Ho\n\nA: Bye"


def test_a_file_may_mix_shapes():
    found = read({"text": "a"}, {"question": "b", "answer": "c"}, {"instruction": "d", "output": "e"}, {"x": "y"})
    assert [item.content_type.partition("=")[2] for item in found] == ["text", "qa", "instruction", "record"]


def test_traces_of_people_are_not_taken_whole():
    row = {"who": "Ann", "what": "looked for shoes"}
    assert refusal(row, source_class="query_log") == ("unknown_shape", "query_log")
    assert refusal(row, source_class="request_log") == ("unknown_shape", "request_log")
    assert refusal(row, shape="nonsense") == ("unknown_shape", "nonsense")


def test_every_shape_has_a_kind_that_can_be_rendered():
    assert {shape.kind for shape in SHAPES.values()} <= set(KINDS) == set(record.WRITERS)


def test_the_manual_lists_every_shape_in_the_order_of_recognition():
    text = (Path(__file__).parents[4] / "docs" / "acquire.md").read_text(encoding="utf-8")
    rows = [f"| `{shape.name}` | {shape.kind} | {shape.about} |" for shape in SHAPES.values()]
    assert "\n".join(rows) in text
