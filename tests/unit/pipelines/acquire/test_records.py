import io
import json

import pytest

from pipelines.acquire import rows_json
from pipelines.acquire.items import Item, Refused
from pipelines.acquire.records import MAX_NAME, encode
from pipelines.acquire.seen import Seen
from pipelines.acquire.trees import Trees
from pipelines.params import SourceParams


def read(*rows, **source):
    data = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()
    return list(rows_json.read(io.BytesIO(data), "f.jsonl", SourceParams("s", kind="files", **source)))


def test_names_come_from_the_id_field_then_an_id_then_the_content():
    assert [i.name for i in read({"n": 7, "text": "a"}, id_field="n")] == ["7"]
    assert [i.name for i in read({"id": 7.0, "text": "a"})] == ["f.jsonl#id:7"]
    (one,), (same,), (other,) = (read({"text": text}) for text in ("a", " a ", "b"))
    assert one.name == same.name != other.name and one.name.startswith("f.jsonl#")
    (long,) = read({"id": "x" * (MAX_NAME + 1), "text": "a"})
    assert len(long.name) == len("f.jsonl#id:") + 32


def test_the_second_record_of_a_name_is_refused():
    found = read({"id": 1, "text": "a"}, {"id": 1, "text": "b"}, {"text": "c"}, {"text": "c"})
    assert [getattr(i, "rule", None) for i in found] == [None, "duplicate_id", None, "duplicate_id"]
    assert [i.name for i in found if isinstance(i, Refused)] == ["f.jsonl#2", "f.jsonl#4"]
    urls = read({"url": "http://a.org/x#1", "text": "a"}, {"url": "http://a.org/x", "text": "b"})
    assert isinstance(urls[0], Item) and urls[1].rule == "duplicate_id"


def test_a_refused_record_keeps_its_name_so_that_it_is_not_gone():
    (refused,) = read({"id": 3, "question": "Q", "answer": ""})
    assert (refused.name, refused.rule, refused.detail) == ("f.jsonl#id:3", "missing_field", "answer")
    (nameless,) = read({"question": "Q", "answer": ""}, id_field="key")
    assert nameless.name == "f.jsonl#1"
    (missing,) = read({"text": "a"}, id_field="key")
    assert (missing.name, missing.rule) == ("f.jsonl#1", "missing_id")


def test_a_record_larger_than_the_limit_is_refused():
    (refused,) = read({"id": 1, "text": "a" * 200}, max_item_bytes=150)
    assert refused.rule == "too_large" and refused.threshold == 150
    assert len(read({"id": 1, "text": "a" * 200}, max_item_bytes=300)) == 1


def test_dropped_columns_are_gone_before_anything_is_stored():
    row = {"name": "Cup", "price": 3, "brand": "B", "receiver": "Ann", "mobile": "13800138000", "city": "Bonn"}
    (item,) = read(row, drop=("recipient", "phone", "address"))
    assert json.loads(item.body)["sections"] == [
        {"title": "", "groups": [[{"label": "Brand", "value": "B"}, {"label": "Price", "value": "3"}]]}
    ]
    (nested,) = read({"a": {"Phone": 1, "b": 2}, "reviews": [{"phone": 3, "c": 4}]}, drop=("phone",), shape="record")
    assert b"hone" not in nested.body


def test_only_needed_fields_are_stored_in_canonical_form():
    (item,) = read({"output": "b\r\nc\x00", "instruction": " a\ud800 ", "user": "Ann", "score": 1})
    assert item.body.decode() == '{"instruction":"a\ufffd","instances":[{"input":"","output":"b\\nc"}]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_is_no_canonical_value(value):
    with pytest.raises(ValueError):
        encode({"a": value})


def test_details_never_quote_a_record():
    secret = "4242-secret"
    rows = [{"question": secret, "answer": ""}, {secret: secret, "question": [secret], "answer": "x"}, f'{{"{secret}']
    for refused in read(*rows):
        assert isinstance(refused, Refused) and secret not in str(refused)


def test_seen_remembers_as_a_set_does_while_it_grows():
    seen, names = Seen(), [f"n{i % 3000}" for i in range(6000)]
    assert [seen.add(name) for name in names] == [i < 3000 for i in range(6000)]
    assert len(seen) == 3000 and "n2999" in seen and "n3000" not in seen


def message(tree, number, parent=None):
    return {"message_tree_id": tree, "message_id": f"{tree}{number}", "parent_id": parent, "text": "x" * 500}


def test_trees_are_held_within_a_limit_and_scattered_rows_are_told():
    trees = Trees(held_characters=2500)
    assert trees.add(message("a", 1), 1) == []
    assert trees.add(message("b", 1), 2) == []
    (closed,) = trees.add(message("b", 2, "b1"), 3)
    assert (closed.key, closed.place, len(closed.messages)) == ("a", 1, 1)
    assert trees.add(message("a", 2, "a1"), 4) is None
    assert [tree.key for tree in trees.rest()] == ["b"]


def test_messages_without_a_tree_join_that_of_their_parent():
    trees = Trees()
    for number, (key, parent) in enumerate([("1", None), ("2", None), ("3", "1"), ("4", "3")], 1):
        assert trees.add({"message_id": key, "parent_id": parent, "text": "t"}, number) == []
    assert trees.add({"message_id": "9", "parent_id": "8", "text": "t"}, 5) is None
    assert [[m["message_id"] for m in tree.messages] for tree in trees.rest()] == [["1", "3", "4"], ["2"]]


def test_a_record_that_breaks_off_keeps_the_parts_before():
    paragraphs = [{"context": "c", "qas": [{"question": "q", "answers": []}]}, {"context": "d"}]
    item, refused = read({"id": 5, "paragraphs": paragraphs})
    assert item.name == "f.jsonl#id:5" and (refused.name, refused.rule) == ("f.jsonl#1", "missing_field")


def test_a_dropped_column_does_not_live_on_in_a_name():
    (item,) = read({"id": "13800138000", "text": "a"}, drop=("ID",))
    assert "138" not in item.name
    (refused,) = read({"id": "13800138000", "text": ""}, drop=("id",))
    assert refused.name == "f.jsonl#1"
