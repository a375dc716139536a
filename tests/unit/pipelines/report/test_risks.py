from dataclasses import replace

from pipelines.report.facts import Entity, Flow, Host, Hosts, Missing, Pii, Provenance, Source, Stage
from pipelines.report.risks import (
    assess,
    concentration,
    personal_data,
    unaccounted,
    unauthorised,
    unlicensed,
    unmeasured,
)


def test_the_risks_of_the_example_night(example):
    assert [(r.severity, r.title) for r in assess(example("night"))] == [
        ("high", "Source forum is not authorised"),
        ("medium", "The licence of source forum is unknown"),
        ("medium", "IP_ADDRESS is kept in the text"),
        ("medium", "docs.sqlalchemy.org holds 36.9% of the documents"),
        ("medium", "www.debian.org holds 32.8% of the documents"),
    ]


def test_lost_inputs_are_a_high_risk(example):
    stage = Stage("clean", Missing("no night"), Flow(10, 5, 4))
    risks = list(unaccounted(replace(example("night"), funnel=(stage,))))
    assert [r.title for r in risks] == ["Stage clean does not account for 1 of its inputs in the whole version"]


def test_a_source_without_rows_is_no_risk_but_one_of_unknown_size_is(example):
    for rows, count in ((0, 0), (Missing("not counted"), 1), (3, 1)):
        facts = replace(example("night"), provenance=Provenance((Source("s", "web", " Unknown", False, "", rows),)))
        assert len(list(unauthorised(facts))) == len(list(unlicensed(facts))) == count


def test_residue_is_high_unless_kept_on_purpose(example):
    entities = (Entity("EMAIL", "mask", 9, residue=2), Entity("QQ", "keep", 0, residue=0), Entity("ID", "mask", 3))
    risks = list(personal_data(replace(example("night"), pii=Pii(entities))))
    assert [(r.title, r.severity) for r in risks] == [("EMAIL is left in the corpus", "high")]


def test_one_host_weighs_from_a_fifth_on(example):
    facts = replace(example("night"), hosts=Hosts(2, (Host("a", 598), Host("b", 597))))
    assert [r.title for r in concentration(facts)] == ["a holds 20% of the documents"]
    assert not list(concentration(example("refused")))


def test_what_was_not_measured_is_named(example):
    (risk,) = unmeasured(example("first"))
    assert risk.severity == "note"
    assert "pii: the scrub stage was switched off for this run" in risk.detail
    assert not list(unmeasured(example("night")))
