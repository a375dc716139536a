"""Markdown in the rules and the normalisation of the whole stage, in English and Chinese."""

import pyarrow as pa
import pytest

from pipelines.clean.marks import unmarked
from pipelines.clean.stage import STAGE
from pipelines.params import CleanParams
from pipelines.stage import Context, Emitted
from pipelines.texts import from_arrow

ENGLISH = (
    "The harbour was quiet that morning, and the boats lay still, since nobody had told the crew about the pilot. "
    "They waited on the deck until the bell of the church rang, and then they went home with what they had."
)
CHINESE = "港口那天早晨很安静，船都停着不动。没有人告诉船员领航员为什么迟到，大家只好在甲板上等消息。" * 2
CODE = "```python\ndef f(x):\n    if x:\n        return '中 文'\n\n\n    return [x]\n```"
TABLE = "| Day | 价格 |\n| --- | --- |\n| 周一 | 5 |\n| 周二 | 6 |"
LIST = "1. one\n2. two\n   - 三\n     - four\n10. five"


def cleaned(*texts: str) -> Emitted:
    table = pa.table({"doc_id": [f"{i:032x}" for i in range(len(texts))], "text": texts})
    return STAGE.apply(STAGE.setup(Context(CleanParams())), table)


@pytest.mark.parametrize("prose", [ENGLISH, CHINESE])
def test_marks_and_code_come_through(prose):
    text = f"## {prose[:10]}\n\n{prose}\n\n{LIST}\n\n> {prose}\n\n{TABLE}\n\n{CODE}\n\n{prose[::-1]}"
    rows = cleaned(text).rows.to_pylist()
    assert [row["text"] for row in rows] == [text]
    assert rows[0]["edits"] == []


@pytest.mark.parametrize("prose", [ENGLISH, CHINESE])
def test_signals_are_those_of_the_text_without_marks(prose):
    plain = f"{prose}\n{prose[::-1]}\nDay 价格\n周一 5\none"
    marked = f"## {prose}\n\n> {prose[::-1]}\n\n| Day | 价格 |\n| --- | --- |\n| 周一 | 5 |\n\n1. one"
    first, second = cleaned(plain, marked).rows["signals"].to_pylist()
    published = ("gopher_", "fineweb_", "c4_")  # their implementations count marks as words
    assert [s for s in first if not s["name"].startswith(published)] == [
        s for s in second if not s["name"].startswith(published)
    ]


@pytest.mark.parametrize("prose", [ENGLISH, CHINESE])
def test_many_small_blocks_of_code_and_tables_are_no_duplicates(prose):
    blocks = "\n\n".join(
        f"{prose[i : i + 40]}\n\n```\ncall({i})\n```\n\n| a{i} | b{i} |\n| --- | --- |" for i in range(12)
    )
    assert cleaned(f"{prose}\n\n{blocks}").rejects.num_rows == 0


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("## 标题\n\nplain", "标题\n\nplain"),
        ("> a\n>\n> - b\n\n: c\n\n- d\n1. e", "a\n\n- b\n\nc\n\n- d\n1. e"),
        ("```py\nx = '# y'\n\n  # z\n```\nend", "x = '# y'\n\nz\nend"),
        ("| a | b |\n| --- | --- |\n| 1 \\| 2 |  |", "  a   b  \n  1 \\| 2     "),
        ("⟦img:0f⟧\n\n中⟦img:0f⟧文 ⟦x", "\n\n中文 ⟦x"),
        ("#tag a|b\n\n---\n\n####### c", "#tag a|b\n\n---\n\n####### c"),
        ("", ""),
        ("```", ""),
    ],
)
def test_text_without_marks(text, without):
    texts, _ = from_arrow(pa.array(["before #", text, "| after"]))
    assert [unmarked(texts).text(row) for row in range(3)] == ["before #", without, "  after"]
    assert len(unmarked(from_arrow(pa.array([], pa.string()))[0])) == 0


@pytest.mark.parametrize("prose", [ENGLISH, CHINESE])
def test_published_rules_judge_the_text_and_not_its_marks(prose):
    lines = [prose[i : i + 30] for i in range(0, 90, 30)]
    plain = "\n\n".join([*lines, prose[::-1]])
    marked = "\n\n".join([*(f"## {line}" for line in lines), f"> {prose[::-1]}"])
    first, second = cleaned(plain, marked).rows["signals"].to_pylist()
    assert first == second and any(signal["name"].startswith("gopher_") for signal in first)
