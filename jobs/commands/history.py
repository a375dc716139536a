"""nightmill history"""

from __future__ import annotations

import click

from jobs.app import App, print_json, print_table


@click.command("history")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_obj
def command(app: App, as_json: bool) -> None:
    """List the published snapshots, newest first, with the version of the corpus in each."""
    pointer = app.published.pointer()
    rows = []
    for snapshot in app.published.snapshots():
        corpus = snapshot.datasets.get("corpus")
        rows.append(
            {
                "snapshot": snapshot.id,
                "date": snapshot.date,
                "head": "head" if snapshot.id == pointer.head else "",
                "stale": "stale"
                if pointer.days.get(snapshot.date) == snapshot.id and snapshot.date in pointer.stale
                else "",
                "corpus": corpus.version if corpus else None,
                "rows": int(corpus.digest.partition(".")[2]) if corpus else None,
                "run": snapshot.run,
                "published_at": snapshot.published_at,
                "note": snapshot.note,
            }
        )
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, ["snapshot", "date", "head", "stale", "corpus", "rows", "run", "note"])
    else:
        click.echo("nothing is published yet; `nightmill run --help` shows how")
