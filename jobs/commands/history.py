"""nightmill history"""

from __future__ import annotations

import click

from jobs.app import App, print_json, print_table
from jobs.snapshots import Pointer, Snapshot


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
                "state": _state(snapshot, pointer),
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
        print_table(rows, ["snapshot", "date", "state", "corpus", "rows", "run", "note"])
    else:
        click.echo("nothing is published yet; `nightmill run --help` shows how")


def _state(snapshot: Snapshot, pointer: Pointer) -> str:
    """head; stale: an earlier day was published again since; replaced: the day was, and readers by id keep this one."""
    if snapshot.id == pointer.head:
        return "head"
    if snapshot.id in pointer.replaced and pointer.days.get(snapshot.date) != snapshot.id:
        return "replaced"
    return "stale" if snapshot.date in pointer.stale else ""
