import base64
import json

import pytest

from jobs.cli import main
from jobs.errors import NotEnoughData
from jobs.parsing import parse_quality
from pipelines.params import ExtractParams

EN = [
    "The first boats came back before the sun was up, and nobody spoke.",
    "Later the market opened, as it always did.",
]
ZH = ["清晨的港口很安静，渔船一艘接一艘地回来了，没有人说话。", "后来市场开了，老人说这样的早晨一年里也没有几次。"]


def page(title, paragraphs, extra=""):
    body = "".join(f"<p>{p}</p>" for p in paragraphs)
    return (
        f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{body}{extra}</article></body></html>"
    )


def row(name, title, paragraphs, **more):
    return {"id": name, "text": "\n\n".join([title, *paragraphs]), **more}


@pytest.fixture
def labelled(tmp_path):
    markdown = f"# Boats\n\n{EN[0]}\n\n{EN[1]}\n\n## What hung there\n\n- nets\n- ropes"
    extra = "<h2>What hung there</h2><ul><li>nets</li><li>ropes</li></ul>"
    zh = page("港口的早晨", ZH).encode("gb18030")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "b.html").write_bytes(page("Boats", EN).encode())
    rows = [
        row(
            "en",
            "Boats",
            [*EN, "What hung there", "nets\nropes"],
            html=page("Boats", EN, extra),
            markdown=markdown,
            queries=["market"],
        ),
        row(
            "zh",
            "港口的早晨",
            ZH,
            body_b64=base64.b64encode(zh).decode(),
            queries=[{"query": "渔船", "passage": ZH[0]}],
        ),
        row("file", "Boats", EN, path="files/b.html", structure={"headings": [[1, "Boats"]]}),
        row("lost", "Boats", EN, html="<p></p>"),
    ]
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def append(path, *rows):
    path.write_text(path.read_text() + "\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows) + "\n")


@pytest.mark.req("EXT-15")
def test_every_measure_of_the_report(labelled):
    report = parse_quality(labelled, ExtractParams())
    figures = {v.name: v for v in report.groups[0].values}
    assert (report.documents, report.refused, report.unreadable) == (4, 1, 0)
    for name in ("character_error_rate", "word_error_rate"):  # against a human transcript
        assert 0 < figures[name].value < 0.5
    for name in ("paragraph_completeness", "list_completeness", "heading_recall", "heading_levels"):
        assert figures[name].value is not None
    assert figures["traceable"].value > 0.8 and figures["in_blocks"].value == 1.0
    assert [r.parsed.documents for r in report.retrieval] == [2, 2, 2]
    assert {g.name for g in report.groups if g.by == "language"} == {"latin", "zh"}
    assert report.worst[0].id == "lost" and report.worst[0].problems[0].startswith("refused: ")
    assert figures["table_completeness"].value is None and figures["table_completeness"].reason


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("not json", "line 5: not JSON"),
        ({"id": "x"}, "line 5: no `text`"),
        ({"id": "x", "text": "a"}, "row 'x': there is neither `html` nor `body_b64` nor `path`"),
        ({"id": "x", "text": "a", "path": "../../etc/passwd"}, "`path` leads out of the folder"),
        ({"id": "x", "text": "a", "path": "missing.pdf"}, "cannot be read: No such file"),
        ({"id": "x", "text": "a", "path": "a\0b"}, "cannot be read"),
        ({"id": "x", "text": "a", "body_b64": "§"}, "`body_b64` is not base64"),
        ({"id": "x", "text": "a", "html": "b", "queries": "c"}, "`queries` is no list"),
        ({"id": "x", "text": "a", "html": "b", "queries": [3]}, "a query is neither text nor an object"),
        ({"id": "x", "text": "a", "html": "b", "structure": {"headings": "many"}}, "neither a count nor a list"),
        ({"id": "x", "text": "a", "html": "b", "structure": 3}, "`structure` is no object"),
    ],
)
def test_rows_that_cannot_be_read_are_named(labelled, bad, told):
    append(labelled, bad)
    report = parse_quality(labelled, ExtractParams())
    assert (report.documents, report.unreadable) == (4, 1)
    assert told in report.problems[0] and "labelled.jsonl" in report.problems[0]


def test_a_file_without_any_labelled_document_is_not_enough(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": 1}\n')
    with pytest.raises(NotEnoughData, match=r"the first problem: x\.jsonl, line 1: no `text`"):
        parse_quality(path, ExtractParams())


def run(*words):
    with pytest.raises(SystemExit) as end:
        main([str(w) for w in words])
    return end.value.code or 0


def test_the_command(labelled, capfd, monkeypatch):
    monkeypatch.chdir(labelled.parent)
    (labelled.parent / "params.yaml").write_text("tenant: t\n")
    target = labelled.parent / "report.html"
    assert run("--quiet", "parse-quality", labelled, "-o", target) == 0
    out = capfd.readouterr().out
    assert "labelled.jsonl: 4 documents measured, 1 refused" in out
    assert "table_completeness: not measured" in out and "worst: lost" in out
    assert "港口" not in target.read_text() and "boats" not in target.read_text().lower()
    assert run("--quiet", "parse-quality", labelled, "--json") == 0
    assert json.loads(capfd.readouterr().out)["documents"] == 4
