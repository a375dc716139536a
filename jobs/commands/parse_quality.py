"""nightmill parse-quality"""

from __future__ import annotations

from pathlib import Path

import click

from jobs.app import App, print_json, print_table


@click.command("parse-quality")
@click.argument("labelled", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report there (HTML).")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def command(app: App, labelled: Path, output: Path | None, as_json: bool) -> None:
    """Compare what `extract` makes of documents with human transcripts: LABELLED is JSONL (also .gz) or Parquet.

    Each row is one document of any format that extract reads:

    \b
    id            names it in the report
    text          what a person read in it; blank lines divide paragraphs
    html | body_b64 | path     the document: decoded HTML, raw bytes in base64,
                  or a file (relative to LABELLED, in its folder)
    content_type  e.g. application/pdf; needed only where the bytes do not tell
    lang          language for the tables; told by the script if missing
    markdown | structure       optional, for headings, lists and tables: the transcript in Markdown, or
                  {"headings": [[1, "Title"], …], "list_items": 12, "tables": [[["a", "b"], …]]},
                  each as texts or as a mere count
    queries       optional, for the retrieval test: texts, or {"query": …, "passage": …}

    Reported are character and word error rates, completeness of paragraphs, lists and tables, headings and their
    levels, order, retrieval by BM25, and which share of the text can be traced to its source and page; by format and
    language, with 95 % intervals, and the worst documents with reasons. What cannot be measured is null with its
    reason. A document that extract refuses counts as an empty text. The report holds figures, never text.

    \b
    nightmill parse-quality labelled.jsonl -o report.html
    nightmill --set extract.structure=false parse-quality labelled.jsonl.gz --json
    """
    from jobs.parsing import parse_quality

    report = parse_quality(labelled, app.config.section("extract"), quiet=app.quiet)
    if output is not None:
        from jobs.plainfiles import whole
        from pipelines.report.parsing import render

        with whole(output) as aside:
            aside.write_text(render(report), "utf-8")
    if as_json:
        print_json(report.as_dict())
        return
    unread = f", {report.unreadable:,} rows could not be read" if report.unreadable else ""
    click.echo(f"{report.source}: {report.documents:,} documents measured, {report.refused:,} refused{unread}")
    print_table(
        [
            {"figure": v.name, "value": v.value, "low": v.low, "high": v.high, "documents": v.documents}
            for v in (*report.groups[0].values, *(r.parsed for r in report.retrieval))
            if v.value is not None
        ],
        ["figure", "value", "low", "high", "documents"],
    )
    for name, reason in [(v.name, v.reason) for v in report.groups[0].values if v.value is None]:
        click.echo(f"{name}: not measured, {reason}")
    if report.retrieval and report.retrieval[0].parsed.value is None:
        click.echo(f"retrieval: not measured, {report.retrieval[0].parsed.reason}")
    for row in report.worst[:5]:
        click.echo(f"worst: {row.id}: {'; '.join(row.problems)}")
    for problem in report.problems:
        click.echo(f"not read: {problem}", err=True)
    if output is not None:
        click.echo(f"report: {output}")
