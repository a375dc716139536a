"""Figures of the profile as parts of the card; what is not there is missing, never zero (law 9)."""

import pyarrow as pa
import pytest

from jobs.cards.figures import NOT_PROFILED, Figures, duplicates, hosts, languages, lengths, pii
from pipelines.evaluate.figures import Figure, metrics_table
from pipelines.report.facts import ClusterSize, Histogram, Missing


def figures(*found):
    return Figures(metrics_table([Figure(*f) for f in found], "corpus@aa"))


def test_without_a_profile_everything_is_missing():
    nothing = Figures(None)
    for part in (languages(nothing), lengths(nothing), hosts(nothing), nothing.count("rows")):
        assert part == Missing(NOT_PROFILED)


def test_a_null_figure_keeps_its_reason_and_an_unknown_one_says_so():
    found = figures(("change_rows", None, "", "first publication"), ("rows", 3))
    assert found.count("change_rows") == Missing("first publication")
    assert found.count("tokens") == Missing("the profile job has no such figure")
    assert found.count("rows") == 3


def test_a_part_that_does_not_occur_is_zero_only_where_the_whole_was_measured():
    found = figures(("pii_found", 2), ("pii_found", 2, "EMAIL"))
    assert (found.part("pii_found", "EMAIL"), found.part("pii_found", "IBAN")) == (2, 0)
    assert isinstance(found.part("pii_residue", "EMAIL"), Missing)


def test_only_the_largest_values_have_rows_of_their_own():
    found = figures(("source_rows", 5, "a"), ("distinct", 2, "source"))
    assert found.rows_of("a", "source") == 5
    assert isinstance(found.rows_of("b", "source"), Missing)
    assert figures(("distinct", 0, "source")).rows_of("b", "source") == 0


def test_languages_come_largest_first_and_absent_ones_are_left_out():
    rows = [("language_rows", n, lang) for lang, n in (("zh", 1), ("en", 2), ("de", 0))]
    found = languages(figures(("rows", 3), *rows, ("language_tokens", 7, "en")))
    assert [(lang.code, lang.rows) for lang in found] == [("en", 2), ("zh", 1)]
    assert found[0].tokens == 7
    assert isinstance(found[1].tokens, Missing)


def test_lengths_leave_out_empty_ends_and_close_the_open_bin():
    found = lengths(
        figures(
            ("length_count", 0, "0:64"),
            ("length_count", 2, "64:128"),
            ("length_count", 0, "128:256"),
            ("length_count", 1, "256:"),
            ("length", 900, "max"),
            ("length", 33.333333, "mean"),
        )
    )
    assert isinstance(found, Histogram)
    assert (found.edges, found.counts) == ((64, 128, 256, 901), (2, 0, 1))
    assert {q.name: q.value for q in found.quantiles}["mean"] == 33.3


def test_no_document_no_lengths():
    assert isinstance(lengths(figures(("length", None, "max", "the corpus is empty"))), Missing)


def test_duplicates_are_counted_by_cluster():
    rows = [("exact_duplicate", "a"), ("near_duplicate", "a"), ("near_duplicate", "b")]
    rows += [("exact_duplicate", "c")] * 7
    table = pa.table({"rule": [r for r, _ in rows], "kept_id": [k for _, k in rows]})
    found = duplicates(figures(("duplicate_rate", 0.5), ("duplicate_residue", 1), ("rows", 10)), table, {})
    assert (found.exact, found.near, found.clusters, found.residue) == (8, 2, 3, 0.1)
    assert found.sizes == (ClusterSize("2", 1), ClusterSize("3", 1), ClusterSize("8 or more", 1))


@pytest.mark.req("PII-12")
def test_personal_data_tells_policy_findings_and_what_is_left():
    measured = figures(
        ("pii_found", 4), ("pii_found", 3, "EMAIL"), ("pii_documents", 2, "EMAIL"), ("pii_residue", 0),
        ("pii_kept", 5, "IP_ADDRESS"),
    )  # fmt: skip
    parameters = {"default_policy": "mask", "policies": {"IP_ADDRESS": "keep", "CN_ID_CARD": "drop_row"}}
    found = {e.entity: e for e in pii(measured, parameters, {"pii_CN_ID_CARD": 6}).entities}
    email, kept, dropped = found["EMAIL"], found["IP_ADDRESS"], found["CN_ID_CARD"]
    assert (email.policy, email.found, email.documents, email.residue) == ("mask", 3, 2, 0)
    assert (kept.policy, kept.residue) == ("keep", 5)
    assert (dropped.policy, dropped.documents) == ("drop_row", 6)
    assert isinstance(dropped.found, Missing)
    assert isinstance(found["IBAN"].residue, Missing)
