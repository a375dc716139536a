import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.edits import map_back
from pipelines.pii.recognisers import ENTITIES
from pipelines.pii.residue import residue_by_text
from pipelines.pii.scrub import POLICIES, scrub

TEXT = "手机13812345678，邮箱a@b.cn。"


def policies(default: str = "mask", **changes: str) -> dict[str, str]:
    return dict.fromkeys(ENTITIES, default) | changes


@pytest.mark.req("PII-02")
@pytest.mark.parametrize(("policy", "text"), [
    ("mask", "手机<CN_MOBILE>，邮箱<EMAIL>。"), ("drop_span", "手机，邮箱。"), ("keep", TEXT),
])  # fmt: skip
def test_policies(policy: str, text: str) -> None:
    done = scrub(TEXT, policies(policy), b"")
    assert done.text == text
    assert [f.entity for f in done.findings] == ["CN_MOBILE", "EMAIL"]


def test_policies_differ_by_entity() -> None:
    done = scrub(TEXT, policies(EMAIL="keep"), b"")
    assert done.text == "手机<CN_MOBILE>，邮箱a@b.cn。"
    assert [done.text[f.start : f.end] for f in done.findings] == ["<CN_MOBILE>", "a@b.cn"]


def test_a_row_goes_with_the_entity_and_its_number() -> None:
    done = scrub("13812345678 13912345678 a@b.cn", policies(CN_MOBILE="drop_row"), b"")
    assert done.dropped == ("CN_MOBILE", 2)


def test_hashes_are_keyed_and_equal_for_every_form_of_a_value() -> None:
    one = scrub("138-1234-5678 和 １３８１２３４５６７８", policies("hash"), b"key").text
    first, second = one.split(" 和 ")
    assert first == second and first.startswith("<CN_MOBILE:")
    assert scrub("13812345678", policies("hash"), b"other").text != first


def test_placeholders_of_the_source_are_left_alone_and_never_nested() -> None:
    text = "<PHONE> <CN_MOBILE> <EMAIL:0f3a> <<PHONE>> ⟦img:13812345678⟧ 13812345678"
    assert scrub(text, policies(), b"").text == text.replace(" 13812345678", " <CN_MOBILE>")


def test_edits_lead_back_to_the_value() -> None:
    done = scrub(TEXT, policies(), b"")
    mobile = done.findings[0]
    assert TEXT[slice(*map_back(done.edits, mobile.start, mobile.end))] == "13812345678"


def test_what_comes_to_light_when_a_value_is_dropped_goes_too() -> None:
    done = scrub("138a@b.cn12345678", policies("drop_span"), b"")
    assert "13812345678" not in done.text


PIECES = st.sampled_from(
    [*"0123456789 .-@:/<>⟦⟧京A_，\n", "13812345678", "1381234", "5678", "11010519491231002X", "a@b.cn", "QQ",
    "微信：", "://u:p@",
     "4111111111111111", "58.8.8.8", "<PHONE>", "⟦img:a⟧", "AKIAIOSFODNN7EXAMPLE", "password=", "电话", "zhang_san",
     "粤B12345"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=20).map("".join)


@pytest.mark.req("PII-02")
@given(TEXTS, st.dictionaries(st.sampled_from(ENTITIES), st.sampled_from([p for p in POLICIES if p != "drop_row"])))
def test_scrubbing_what_is_scrubbed_changes_nothing(text: str, changes: dict[str, str]) -> None:
    chosen = policies(**changes)
    once = scrub(text, chosen, b"key")
    twice = scrub(once.text, chosen, b"key")
    assert (twice.text, twice.edits) == (once.text, [])
    assert all(chosen[f.entity] == "keep" for f in twice.findings)


@given(TEXTS)
def test_the_second_look_finds_nothing_in_what_is_scrubbed(text: str) -> None:
    assert next(residue_by_text(pa.array([scrub(text, policies(), b"").text]))) == {}


@given(TEXTS)
def test_edits_and_findings_fit_the_text(text: str) -> None:
    done = scrub(text, policies(), b"")
    at_old = at_new = 0
    for edit in done.edits:
        kept = edit.start - at_old
        assert text[at_old : edit.start] == done.text[at_new : at_new + kept]
        at_old, at_new = edit.end, at_new + kept + edit.new_length
    assert text[at_old:] == done.text[at_new:]
    for finding in done.findings:
        assert done.text[finding.start : finding.end] == f"<{finding.entity}>"
    assert done.text.count("⟦img:a⟧") == text.count("⟦img:a⟧")
