"""Every rule that can turn something away has its sentence on the card."""

import pytest

from pipelines.clean.rules import RULES
from pipelines.report.rules import asked


@pytest.mark.req("CMP-05")
def test_cleaning_rules_tell_profile_and_threshold():
    found = asked(
        "clean", {"min_words": 30, "max_characters": 500_000, "languages": ["zh", "en"], "off": ["symbol_share"]}
    )
    assert {rule.name for rule in RULES} < found.keys()
    assert found["min_words"].threshold == "≥ 30"
    assert found["min_words"].says.endswith("English pages only.")
    assert found["max_characters"].threshold == "≤ 500,000"
    assert found["language"].threshold == "one of zh, en"
    assert found["symbol_share"].threshold.startswith("off")
    assert all(rule.says.endswith(".") for rule in found.values())


def test_other_stages_take_their_thresholds_from_their_parameters():
    assert asked("extract", {"min_characters": 25})["too_short"].threshold == "≥ 25"
    assert asked("dedup", {"threshold": 0.8})["near_duplicate"].threshold == "< 0.8"
    assert asked("crawl", {"max_crawl_delay_seconds": 60.0})["crawl_delay"].threshold == "≤ 60"
    assert asked("crawl", {})["crawl_delay"].threshold == ""


def test_scrubbing_asks_only_for_what_its_policies_drop():
    found = asked("scrub", {"policies": {"CN_ID_CARD": "drop_row", "EMAIL": "hash"}})
    assert found.keys() == {"scrub_error", "pii_CN_ID_CARD"}
