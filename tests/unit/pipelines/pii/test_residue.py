import pyarrow as pa
import pytest

from pipelines.pii.residue import ENTITIES, residue, residue_by_text


def look(text: str) -> dict[str, int]:
    return next(residue_by_text(pa.array([text])))


@pytest.mark.parametrize(("text", "counts"), [
    ("身份证11010519491231002X", {"CN_ID_CARD": 1}),
    ("１３８１２３４５６７８ 和 +86 139-1234-5678", {"CN_MOBILE": 2}),
    ("a@b.cn、c@d.example.com", {"EMAIL": 2}),
    ("来自58.8.8.8", {"IP_ADDRESS": 1}),
    ("QQ：12345678", {"QQ_NUMBER": 1}),
    ("卡6222 0212 3456 7890 128", {"BANK_CARD": 1}),
    ("https://u:p@h/", {"URL_CREDENTIALS": 1}),
    ("mysql+pymysql://<user>:<password>@<host>/<dbname>", {}),
    ("AKIAIOSFODNN7EXAMPLE", {"SECRET": 1}),
    ("", {}),
    ("<CN_MOBILE> ⟦img:13812345678⟧ <EMAIL:0f3a> 2023-08-16 18:24:57 110105194912310021 版本 58.8.8.8", {}),
])  # fmt: skip
def test_what_is_left_is_counted(text: str, counts: dict[str, int]) -> None:
    assert look(text) == counts


@pytest.mark.req("PII-12")
def test_totals_name_every_entity() -> None:
    total = residue(pa.chunked_array([["13812345678", None], ["a@b.cn 13912345678"]]))
    assert total == dict.fromkeys(ENTITIES, 0) | {"CN_MOBILE": 2, "EMAIL": 1}
