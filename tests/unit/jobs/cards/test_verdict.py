"""The gate's result as the card tells it."""

from types import SimpleNamespace

import pyarrow as pa

from jobs.cards.verdict import gate_facts
from jobs.snapshots import Entry
from pipelines.report.facts import Missing
from pipelines.schemas import VIOLATIONS

CORPUS = SimpleNamespace(manifest=SimpleNamespace(version="corpus@aa"))
OUTPUTS = {"corpus": Entry("corpus@aa", "aa.3", "m")}


def result(**changes):
    return {
        "id": "pii_residue",
        "column": "pii_residue",
        "observed": 3.0,
        "reason": None,
        "expected": "≥ -0.5 and ≤ 200000",
        "status": "failed",
        "blocks": True,
        "says": "None is left.",
        "failing": [{"doc_id": "d1", "value": 2.0, "detail": "EMAIL"}],
    } | changes


def gate(*results, passed=False, content=(("corpus", "aa.3"),)):
    return {
        "passed": passed,
        "suite": "corpus",
        "suite_digest": "0123456789abcdef",
        "content": dict(content),
        "results": list(results),
    }


def facts(found, violations=None, most=100):
    return gate_facts(found, OUTPUTS, CORPUS, violations, {"gate": {"max_violations": most}})


def violations(rows):
    columns = {"dataset": "corpus", "version": "v", "metric": "pii_residue", "value": 1.0, "detail": "EMAIL"}
    rows = [columns | {"violation_id": str(n), "doc_id": f"d{n}"} for n in range(rows, 0, -1)]
    return pa.Table.from_pylist(rows, schema=VIOLATIONS.schema)


def test_a_refusal_shows_all_rows_that_are_kept_and_numbers_as_people_write_them():
    found = facts(gate(result()), violations(5))
    (expectation,) = found.expectations
    assert (found.verdict, found.content, found.suite) == ("refused", "corpus@aa", "corpus (0123456789ab)")
    assert (expectation.observed, expectation.threshold) == (3.0, "≥ −0.5 and ≤ 200,000")
    assert [f.doc_id for f in expectation.failing] == ["d1", "d2", "d3", "d4", "d5"]
    assert expectation.failing_rows == 5


def test_at_the_limit_nobody_knows_how_many_rows_fail():
    assert facts(gate(result()), violations(5), most=5).expectations[0].failing_rows == Missing(
        "5 or more, no more are kept"
    )


def test_a_passed_gate_keeps_its_warnings():
    found = facts(gate(result(status="warned", blocks=False, failing=[]), passed=True), violations(2))
    assert (found.verdict, found.expectations[0].status, found.expectations[0].failing) == ("passed", "warned", ())


def test_figures_that_are_missing_are_no_refusal_but_not_enough_data():
    found = facts(gate(result(status="not_measured", observed=None, reason="no rows")))
    assert (found.verdict, found.reason) == ("not_enough_data", "pii_residue: no rows")
    assert found.expectations[0].observed == Missing("no rows")


def test_two_figures_are_told_side_by_side():
    found = facts(gate(result(observed=[1200.0, None], column="a, b"))).expectations[0]
    assert found.observed == "1,200 and not measured"


def test_a_verdict_on_other_content_is_none():
    found = facts(gate(result(), content=(("corpus", "bb.3"),)))
    assert found.verdict == "not_run"
    assert "other content" in found.reason
    assert found.expectations == ()


def test_no_gate_no_verdict():
    assert facts(None).verdict == "not_run"
