import re

from pipelines.evaluate.parsing import Judged
from pipelines.evaluate.parsing_summary import summarise
from pipelines.report.parsing import render

HOSTILE = "<script>alert(1)</script>\u202e"


def report(count=2, queries=True):
    rows = []
    for at in range(count):
        row = Judged(f"{HOSTILE}{at}", HOSTILE, HOSTILE, problems=[f"refused: {HOSTILE}"], failed=HOSTILE)
        row.sums["character_error_rate"] = (3, 4)
        row.figures["character_error_rate"] = 0.75
        row.reasons["heading_recall"] = HOSTILE
        rows.append(row)
    return summarise(HOSTILE, rows, [(1, 1)] if queries else [], 1, [HOSTILE])


def test_everything_is_escaped_and_nothing_is_loaded():
    page = render(report())
    assert "<script" not in page and "\u202e" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"""(?:src|href)=(?!["']?(?:#|data:))""", page)
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_the_same_report_gives_the_same_page():
    assert render(report()) == render(report())


def test_what_is_not_measured_is_said():
    page = render(report(queries=False))
    assert "Not measured: no row has queries" in page
    assert "not measured: there are no documents" in page
    assert "75%" in page


def test_no_documents_at_all():
    page = render(summarise("empty.jsonl", [], [], 3, []))
    assert "No document could be measured" in page
