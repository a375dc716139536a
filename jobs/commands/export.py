"""nightmill export"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from jobs.app import App


@click.command("export")
@click.argument("dataset")
@click.option("--jsonl", "form", flag_value="jsonl", default=True, help="One JSON object a line (default).")
@click.option("--parquet", "form", flag_value="parquet", help="One Parquet file.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="File to write; .gz compresses JSONL. [default: standard output]",
)
@click.option("--columns", help="Comma-separated columns. [default: all but spans and signatures]")
@click.option(
    "--media",
    type=click.Choice(["keys", "markdown", "drop"]),
    default="keys",
    show_default=True,
    help="Media keys of the text: as they are, as ![alt](address), or left out.",
)
@click.option("--raw", is_flag=True, help="Allow layers whose text was not scrubbed.")
@click.pass_obj
def command(app: App, dataset: str, form: str, output: str | None, columns: str | None, media: Any, raw: bool) -> None:
    """Write a published DATASET (or DATASET@VERSION) in key order, streaming; a file appears only when it is whole."""
    from jobs.errors import UsageError
    from jobs.export import export, keys_of
    from jobs.inspection import UNSCRUBBED, find

    version = find(app.published, app.storage, dataset)
    if version.manifest.dataset in UNSCRUBBED and not raw:
        raise UsageError(f"{version.manifest.dataset} holds text that was not scrubbed; pass --raw if you may see it")
    if form == "parquet" and output is None:
        raise UsageError("--parquet needs -o FILE")
    chosen = columns.split(",") if columns else None
    keys = keys_of(app.published, app.storage, version, media)
    rows = export(version, Path(output) if output else None, form, chosen, sys.stdout.buffer, keys)
    click.echo(f"{version.manifest.version}: {rows:,} rows{f' → {output}' if output else ''}", err=True)
