"""nightmill try"""

from __future__ import annotations

from pathlib import Path

import click

from jobs.app import App, print_json, print_table

STAGES = ("extract", "clean", "scrub", "dedup")


@click.command("try")
@click.argument("stage", type=click.Choice(STAGES))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Rows that stay: .jsonl, .jsonl.gz or .parquet.",
)
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Rows that go, with their reasons.")
@click.option("--edits", is_flag=True, help="Also write how each text came from its input.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@click.pass_obj
def command(
    app: App, stage: str, file: Path, output: Path | None, rejects: Path | None, edits: bool, as_json: bool
) -> None:
    """Run one STAGE on a FILE, with the parameters of params.yaml and without a lake.

    extract reads what a source may hold: pages, PDF, Word, Markdown, WARC, CSV, Excel, JSONL, Parquet, archives; told
    by content first. Rows with `html` (text) or `body` (base64 of the raw bytes) are pages, with `id` and optionally
    `url` and `content_type`. The other stages want JSONL (also .gz) or Parquet with `id`, `text`, optionally `url` and
    `lang`. What cannot be read is a reject too.

    \b
    nightmill try extract crawl.warc.gz -o texts.jsonl --rejects gone.jsonl
    nightmill try clean pages.jsonl.gz -o clean.jsonl --rejects gone.jsonl
    nightmill --set dedup.threshold=0.7 try dedup texts.parquet -o unique.parquet
    """
    from jobs.trial import trial

    counts = trial(app.config, stage, file, output, rejects, with_edits=edits)
    if as_json:
        print_json(counts)
        return
    click.echo(f"{stage}: {counts['in']:,} rows in, {counts['out']:,} stay, {counts['rejected']:,} go")
    if counts["rules"]:
        print_table([{"rule": r, "rows": n} for r, n in counts["rules"].items()], ["rule", "rows"])
    if counts["warning"]:
        click.echo(f"warning: {counts['warning']}", err=True)
