from collections import Counter

import pytest

from pipelines.evaluate.parsing_structure import Malformed, Structure, compared, of_blocks, of_labels, of_markdown
from pipelines.extract.result import Block

MARKDOWN = """# Title

Text with # no heading.

## First part

- one
- two
  - deeper
1. numbered

| a | b |
|---|---|
| c | d |

```
# code, no heading
- no item
```

### Last part
"""


def test_markdown():
    found = of_markdown(MARKDOWN)
    assert found.headings == [(1, ("title",)), (2, ("first", "part")), (3, ("last", "part"))]
    assert found.items == [("one",), ("two",), ("deeper",), ("numbered",)]
    assert found.tables == [Counter({("a",): 1, ("b",): 1, ("c",): 1, ("d",): 1})]


def test_blocks_and_markdown_agree():
    text = "# Title\n\n- one\n- two\n\n| a | b |\n|---|---|\n| c | d |"
    blocks = [
        Block("heading", 1, 0, 7),
        Block("list_item", 1, 9, 14),
        Block("list_item", 1, 15, 20),
        Block("table", 0, 22, len(text)),
    ]
    assert of_blocks(text, blocks) == of_markdown(text) == of_blocks(text, [])


def test_labels_are_texts_or_counts():
    labels = {"headings": [[1, "Title"], [2, "First part"]], "list_items": ["one"], "tables": [[["a", "b"], ["c", 4]]]}
    found = of_labels(labels)
    assert found.headings == [(1, ("title",)), (2, ("first", "part"))]
    assert found.tables == [Counter({("a",): 1, ("b",): 1, ("c",): 1, ("4",): 1})]
    assert of_labels({"headings": 3, "tables": 0}).counts == {"headings": 3, "tables": 0}


@pytest.mark.parametrize(
    "labels",
    [
        {"headings": "two"},
        {"headings": -1},
        {"headings": True},
        {"headings": [["1", "x"]]},
        {"tables": [3]},
        {"lists": 3},
    ],
)
def test_labels_of_another_form_are_refused(labels):
    with pytest.raises(Malformed):
        of_labels(labels)


def test_figures_of_a_structure():
    reference = of_markdown(MARKDOWN)
    found = of_markdown(MARKDOWN.replace("## First", "### First").replace("### Last part", "# Title\n## other"))
    found.items = found.items[:3]
    figures = compared(reference, found)
    assert figures["heading_recall"] == pytest.approx(2 / 3)
    assert figures["heading_precision"] == pytest.approx(2 / 4)
    assert figures["heading_levels"] == 0.5
    assert figures["heading_order"] == 1.0
    assert figures["list_completeness"] == 0.75
    assert figures["table_completeness"] == 1.0


def test_what_the_reference_lacks_is_not_measured():
    assert set(compared(Structure(), of_markdown(MARKDOWN)).values()) == {None}


def test_counts_give_shares():
    figures = compared(of_labels({"headings": 6, "list_items": 2, "tables": 4}), of_markdown(MARKDOWN))
    assert (figures["heading_recall"], figures["list_completeness"], figures["table_completeness"]) == (0.5, 1.0, 0.25)
    assert figures["heading_levels"] is None


def test_a_table_serves_one_table_only():
    table = "| a | b |\n|---|---|\n"
    assert compared(of_markdown(table + "\n" + table), of_markdown(table))["table_completeness"] == 0.5
    assert compared(of_markdown(table), Structure())["table_completeness"] == 0.0
