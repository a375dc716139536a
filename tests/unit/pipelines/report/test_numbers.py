import pytest

from pipelines.report import numbers
from pipelines.report.facts import Missing


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (12_431, "12,431"),
        (-18, "−18"),
        (0.0754, "0.0754"),
        (18_204.0, "18,204"),
        (0.123456, "0.1235"),
        (3e-7, "3e−07"),
    ],
)
def test_number(value, shown):
    assert numbers.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (9_999_999, "9,999,999"),
        (12_345_678, "12.35 million"),
        (5_881_552_123_456, "5.88 trillion"),
        (10**17, "1.00 × 10^17"),
    ],
)
def test_compact(value, shown):
    assert numbers.compact(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(312, "+312"), (-18, "−18"), (0, "0")])
def test_signed(value, shown):
    assert numbers.signed(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0%"),
        (0.00001, "<0.1%"),
        (0.084, "8.4%"),
        (0.5, "50%"),
        (0.99999, ">99.9%"),
        (1, "100%"),
        (-0.1, "−10%"),
        (0.2, "20%"),
    ],
)
def test_share_is_never_rounded_to_all_or_nothing(value, shown):
    assert numbers.share(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0 bytes"), (999, "999 bytes"), (19_482_113, "19.48 MB"), (10**16, "10.00 PB")]
)
def test_size(value, shown):
    assert numbers.size(value) == shown


@pytest.mark.parametrize("form", [numbers.number, numbers.compact, numbers.signed, numbers.share, numbers.size])
def test_a_missing_figure_says_why(form):
    assert form(Missing("no profile ran")) == "not measured: no profile ran"


def test_plural():
    assert [numbers.plural(n, "row") for n in (0, 1, 1_000)] == ["0 rows", "1 row", "1,000 rows"]
