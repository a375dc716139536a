"""Personal data between Markdown marks: found all the same, and the marks stay."""

import pytest

from pipelines.pii.recognisers import ENTITIES
from pipelines.pii.scrub import scrub

MASK = dict.fromkeys(ENTITIES, "mask")


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("1. 13812345678\n2. 13912345678", "1. <CN_MOBILE>\n2. <CN_MOBILE>"),
        (
            "| 姓名 | 电话 |\n| --- | --- |\n| 王 | 13812345678 |",
            "| 姓名 | 电话 |\n| --- | --- |\n| 王 | <CN_MOBILE> |",
        ),
        ("- mail: a.person@mail.example.com", "- mail: <EMAIL>"),
        ("> 13812345678", "> <CN_MOBILE>"),
        ("## 13812345678", "## <CN_MOBILE>"),
        ("```\ncall('13812345678')\n```", "```\ncall('<CN_MOBILE>')\n```"),
        ("5\n\n⟦img:1381234567813812⟧\n\n6", "5\n\n⟦img:1381234567813812⟧\n\n6"),
        ("| 138 | 1234 | 5678 |", "| 138 | 1234 | 5678 |"),
        ("1. 11010519491231002X", "1. <CN_ID_CARD>"),
    ],
)
def test_values_in_lists_tables_quotations_and_code(text, scrubbed):
    assert scrub(text, MASK, b"").text == scrubbed
