import pyarrow as pa
import pytest

from pipelines.evaluate.shares import (
    FIRST,
    NAME_LENGTH,
    change_figures,
    duplicate_figures,
    hosts_of,
    language_figures,
    names_of,
)


def values(figures):
    return {f.column: f.reason if f.value is None else round(f.value, 6) for f in figures}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org/a", "example.org"),
        ("HTTP://EXAMPLE.org:80?x@y", "example.org"),
        ("https://user:p@ss@example.org/", "example.org"),
        ("http://[2001:DB8::1]:8080/x", "2001:db8::1"),
        ("https://例子.中国/页", "例子.中国"),
        ("https://example.org#a/b", "example.org"),
        ("mailto:someone@example.org", None),
        ("item-17", None),
        ("https:///path", None),
        ("", None),
        (None, None),
    ],
)
def test_hosts(url, host):
    assert hosts_of(pa.array([url], pa.string())).to_pylist() == [host]


def test_names_of_values_are_short_and_never_empty():
    found = names_of(pa.array(["MIT", "", None, "文" * 500], pa.string())).to_pylist()
    assert found == ["MIT", "(empty)", None, "文" * NAME_LENGTH]


def test_languages_that_are_wanted_have_figures_without_a_row():
    found = values(language_figures({"zh": 1, "fr": 3}, {"zh": 10, "fr": 30}, 5, ("zh", "en")))
    assert found == {
        "language_rows.en": 0, "language_rows.fr": 3, "language_rows.zh": 1,
        "language_share.en": 0, "language_share.fr": 0.6, "language_share.zh": 0.2,
        "language_tokens.en": 0, "language_tokens.fr": 30, "language_tokens.zh": 10,
    }  # fmt: skip


def test_duplicate_rates_are_over_what_reached_the_stage():
    found = values(duplicate_figures(6, 4, {"exact_duplicate": 3, "other": 1}))
    assert found == {
        "duplicate_rate": 0.4, "duplicate_rate.exact_duplicate": 0.3,
        "duplicate_rate.near_duplicate": 0, "duplicate_rate.other": 0.1,
    }  # fmt: skip
    assert values(duplicate_figures(0, 0, {}))["duplicate_rate"] == "no document reached the stage"


def test_change_is_missing_first_and_relative_later():
    assert set(values(change_figures(5, None, None)).values()) == {FIRST}
    assert values(change_figures(5, 4, (2, 1, 1))) == {
        "change_rows": 0.25, "added_rows": 2, "changed_rows": 1, "removed_rows": 1, "deletions_only": 0
    }  # fmt: skip
    assert values(change_figures(5, 0, (5, 0, 0)))["change_rows"] == "the parent snapshot's corpus is empty"
    for changes, alone in (((0, 0, 2), 1), ((0, 1, 2), 0), ((1, 0, 2), 0), ((0, 0, 0), 0)):
        assert values(change_figures(3, 5, changes))["deletions_only"] == alone
