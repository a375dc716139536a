import pytest

from pipelines.evaluate.parsing import NAMES, Judged
from pipelines.evaluate.parsing_summary import interval, summarise, value_of


def judged(name, errors, size, kind="html", language="en", failed=None, problems=()):
    out = Judged(name, kind, language, failed=failed, problems=list(problems))
    out.sums["character_error_rate"] = (errors, size)
    out.figures["character_error_rate"] = errors / size
    out.figures["text_recall"] = 1 - errors / size
    out.reasons = {n: "no structure is labelled" for n in NAMES if out.figures[n] is None}
    return out


def test_rates_weigh_documents_by_their_size_and_shares_do_not():
    rows = [judged("a", 10, 100), judged("b", 0, 900)]
    assert value_of("character_error_rate", rows).value == 0.01
    assert value_of("text_recall", rows).value == 0.95


def test_what_no_document_has_is_null_with_its_reason():
    value = value_of("heading_recall", [judged("a", 1, 10)])
    assert (value.value, value.low, value.documents, value.reason) == (None, None, 0, "no structure is labelled")
    assert value_of("heading_recall", []).reason == "there are no documents"


def test_intervals():
    assert interval([], []) is None
    assert interval([1.0], [0.0]) is None
    assert interval([1, 1, 1], [2, 2, 2]) == (0.5, 0.5, 0.5)
    low, high = interval([0.0] * 50 + [1.0] * 50, [1.0] * 100)[1:]
    # The standard error of a share of one half over a hundred documents is 0.05.
    assert low == pytest.approx(0.4, abs=0.03) and high == pytest.approx(0.6, abs=0.03)
    assert interval([0.0, 1.0, 1.0], [1.0] * 3) == interval([0.0, 1.0, 1.0], [1.0] * 3)


def test_groups_worst_documents_and_rules():
    rows = [
        judged("a", 1, 10, problems=["headings are missing"]),
        judged("b", 5, 10, kind="pdf", language="zh", problems=["the text is in another order"]),
        judged("c", 10, 10, kind="pdf", language="zh", failed="mojibake", problems=["refused: mojibake"]),
        judged("d", 0, 10),
    ]
    report = summarise("set.jsonl", rows, [(1, 1), (None, 3), (6, 1)], 2, ["line 3: not JSON"])
    assert [(g.by, g.name, g.documents, g.refused) for g in report.groups] == [
        ("all", "all", 4, 1),
        ("format", "html", 2, 0),
        ("format", "pdf", 2, 1),
        ("language", "en", 2, 0),
        ("language", "zh", 2, 1),
    ]
    assert [w.id for w in report.worst] == ["c", "b", "a"]
    assert report.rules == (("mojibake", 1),)
    assert (report.documents, report.refused, report.unreadable) == (4, 1, 2)
    at_one, at_five, at_ten = report.retrieval
    assert at_one.parsed.value == at_five.parsed.value == pytest.approx(1 / 3, abs=1e-6)
    assert at_ten.parsed.value == pytest.approx(2 / 3, abs=1e-6)
    assert at_five.transcript.value == 1.0


def test_without_queries_retrieval_is_not_measured():
    report = summarise("s", [judged("a", 0, 1)], [], 0, [])
    assert {r.parsed.value for r in report.retrieval} == {None}
    assert report.retrieval[0].parsed.reason == "no row has queries"
