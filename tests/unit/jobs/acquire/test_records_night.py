"""Records through a night: from a table to documents, over changes, and back from a word to its field."""

import json

import pytest

from pipelines.acquire.records import encode
from pipelines.edits import from_dicts, map_back
from pipelines.extract.route import source_text

TABLE = """编号,question,answer
1,渡船几点离开港口？,每天清晨七点离开，冬季停航。
2,When does the ferry leave?,At seven in the morning.
"""


@pytest.fixture
def table(nights):
    nights.write("faq.csv", TABLE)
    nights.sources = ["{name: s, kind: files, path: files, licence: CC0-1.0, id_field: 编号}"]
    return nights


@pytest.mark.req("CRL-07")
def test_rows_become_documents_whose_words_lead_back_to_their_fields(table, balanced):
    result = table.run(0, ["extract"])
    assert balanced(result) and result["emitted"] == 2
    pages = {page["doc_id"]: page for page in table.rows("pages")}
    documents = {pages[row["doc_id"]]["url"]: row for row in table.rows("documents")}
    assert documents["item:1"]["text"] == "# 渡船几点离开港口？\n\n每天清晨七点离开，冬季停航。"
    assert documents["item:2"]["text"] == "# When does the ferry leave?\n\nAt seven in the morning."
    row = documents["item:2"]
    page = pages[row["doc_id"]]
    source = source_text(page["body"], page["content_type"], 10**6)
    assert source == encode(json.loads(page["body"]))
    start = row["text"].index("seven")
    low, high = map_back(from_dicts(row["edits"]), start, start + 5)
    assert source[low:high] == "seven"
    assert row["kind"] == "record" and [b["kind"] for b in row["blocks"]] == ["heading", "paragraph"]


def test_a_changed_row_is_a_new_capture_and_a_missing_one_is_gone(table, balanced):
    table.run(0)
    table.write("faq.csv", TABLE.replace("七点", "八点").rpartition("2,When")[0])
    result = table.run(1)
    assert (result["emitted"], result["retracted"]) == (1, 1) and balanced(result)
    assert "八点" in table.live()["item:1"].decode() and table.live()["item:2"] == 410


def test_a_row_that_became_unreadable_is_not_gone(table):
    table.run(0)
    table.write("faq.csv", TABLE.replace("At seven in the morning.", ""))
    result = table.run(1)
    assert result["retracted"] == 0 and table.rules() == {"2": "missing_field"}
    assert table.live()["item:2"] != 410


def test_a_quote_that_swallows_rows_does_not_make_them_gone(table):
    table.run(0)
    table.write("faq.csv", TABLE.replace("每天", '"每天'))
    assert table.run(1)["retracted"] == 0
