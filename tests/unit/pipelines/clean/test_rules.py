import numpy as np
import pyarrow as pa
import pytest

from pipelines.clean import published, rules
from pipelines.clean.counts import count
from pipelines.clean.normalise import mark
from pipelines.params import CleanParams
from pipelines.texts import from_arrow


def measured(*texts: str, languages: tuple[str, ...] = (), scores: tuple[float, ...] = ()) -> rules.Measured:
    column, _ = from_arrow(pa.array(texts))
    return rules.Measured(
        column,
        count(column, mark(column)),
        np.array(languages or ("en",) * len(texts), object),
        np.array(scores or (1.0,) * len(texts)),
        ("zh", "en"),
        500_000,
    )


def value(measure, text: str) -> float:
    return pytest.approx(float(measure(measured(text))[0]), abs=1e-6)


@pytest.mark.req("CLN-16")
def test_length_is_without_white_space() -> None:
    assert value(rules.min_characters, " a b\n c ") == 3
    assert value(rules.max_characters, " a b\n c ") == 3


@pytest.mark.req("CLN-02")
def test_chinese_characters() -> None:
    assert value(rules.min_chinese_characters, "这里有 6 个汉字 abc") == 6


@pytest.mark.req("CLN-16")
def test_words() -> None:
    assert value(rules.min_words, "four words -- in all") == 4


@pytest.mark.req("CLN-16")
def test_symbol_share() -> None:
    assert value(rules.symbol_share, "a€ 😀b") == 0.5


@pytest.mark.req("CLN-16")
def test_punctuation_share() -> None:
    assert value(rules.punctuation_share, "好。，a") == 0.5


def test_duplicate_line_share() -> None:
    assert value(rules.duplicate_line_share, "a\nb\na\na") == 0.5


def test_garbled_share_counts_removed_control_characters_too() -> None:
    assert value(rules.garbled_share, "ab\ufffd\x01") == 0.5


def test_markup_share() -> None:
    assert value(rules.markup_share, "<b>four</b>!") == pytest.approx(7 / 12)


@pytest.mark.req("CLN-09")
def test_language() -> None:
    assert rules.language(measured("a", "b", "c", languages=("en", "fr", "zh"))).tolist() == [0, 1, 0]


def test_language_score_is_compared_to_two_decimals() -> None:
    assert rules.language_score(measured("a", scores=(0.4951,))).tolist() == [0.5]


def test_a_share_of_nothing_is_not_measured() -> None:
    batch = measured("")
    for measure in (rules.symbol_share, rules.punctuation_share, rules.duplicate_line_share, rules.markup_share):
        assert np.isnan(measure(batch)).all()


def test_every_rule_is_declared_in_full() -> None:
    assert len({rule.name for rule in rules.RULES}) == len(published.RULES) >= 41
    for rule in rules.RULES:
        assert rule.profile in ("*", "zh", "en")
        assert hasattr(CleanParams(), rule.parameter)
        assert rule.source and rule.description
        assert rule.signal is None or rule.signal.endswith(f"@{rule.version}")
