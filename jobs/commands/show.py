"""nightmill show"""

from __future__ import annotations

import json
from typing import Any

import click

from jobs.app import App, print_json, print_table


@click.command("show")
@click.argument("dataset")
@click.option("--run", "run_name", help="Look at an unpublished run's candidate instead of the published versions.")
@click.option("--rows", "count", type=click.IntRange(0), default=0, help="Print this many rows as JSON lines.")
@click.option("--where", metavar="COLUMN=VALUE", help="With --rows: only rows whose column has this text.")
@click.option("--raw", is_flag=True, help="With --rows: also text that was not scrubbed.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_obj
def command(
    app: App, dataset: str, run_name: str | None, count: int, where: str | None, raw: bool, as_json: bool
) -> None:
    """Show DATASET or DATASET@VERSION: rows, digest, inputs, rejects by rule, how it was made.

    VERSION is the beginning of a digest or a snapshot's id; without it the published head is shown. Datasets: pages,
    documents, clean, scrubbed, corpus, dedup_index, url_aliases, sources, tombstone_candidates, metrics, violations,
    rejects_STAGE.
    """
    from jobs.inspection import describe, find, rows

    version = find(app.published, app.storage, dataset, run_name)
    if count:
        for row in rows(version, count, where, raw=raw):
            click.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    facts = describe(app.published, app.storage, version, run_name)
    if as_json:
        print_json(facts)
        return
    _print(facts)


def _print(facts: dict[str, Any]) -> None:
    for key in ("version", "digest", "rows", "bytes", "tokens", "run", "job", "code_version", "fingerprint", "owner"):
        if facts.get(key) not in (None, ""):
            value = facts[key]
            click.echo(f"{key:13} {value:,}" if isinstance(value, int) else f"{key:13} {value}")
    for name, reference in facts["inputs"].items():
        click.echo(f"{'input':13} {name} {reference.partition('@')[2]}")
    if facts["rejects"]:
        click.echo("\nrejects")
        print_table([{"rule": k, "rows": v} for k, v in facts["rejects"].items()], ["rule", "rows"])
    if facts["funnel"]:
        click.echo("\nthe night")
        print_table([{"figure": k, "value": str(v)} for k, v in facts["funnel"].items()], ["figure", "value"])
