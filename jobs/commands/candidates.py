"""nightmill candidates"""

from __future__ import annotations

import click

from jobs.app import App, print_json, print_table
from jobs.errors import UsageError

NEXT = {
    "gone": "the page is no longer there; take it down if you keep only what is",
    "robots": "robots.txt forbids it now; take it down, or set crawl.on_ban: retract",
    "opt_out": "the site reserves it now; take it down, or set crawl.on_ban: retract",
    "refused": "the site asks for payment, or names legal reasons; take it down",
    "licence": "its source may not be read under your licence rules; take the source's documents down",
}


@click.command("candidates")
@click.option("--reason", type=click.Choice(list(NEXT)), help="Only those of this reason.")
@click.option("--snapshot", help="Of this snapshot. [default: the published one]")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="Rows to show at most.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, all rows.")
@click.pass_obj
def command(app: App, reason: str | None, snapshot: str | None, limit: int, as_json: bool) -> None:
    """List stored documents whose page is gone or may not be fetched any more, with what to do next."""
    taken = app.published.snapshot(snapshot) if snapshot else app.published.head()
    if taken is None:
        raise UsageError("nothing is published yet; `nightmill run --help` shows how")
    if "tombstone_candidates" not in taken.datasets:
        raise UsageError(f"snapshot {taken.id} has no tombstone candidates: it was made by an earlier version")
    columns = ["since", "reason", "detail", "source", "url", "doc_id"]
    found = app.published.open(taken, "tombstone_candidates").table(columns).to_pylist()
    rows = [row | {"next": NEXT.get(row["reason"])} for row in found if reason in (None, row["reason"])]
    rows.sort(key=lambda row: (row["since"], row["reason"], row["url"] or "", row["doc_id"]))
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("no candidates: every stored page was there and open when it was last asked for")
        return
    print_table(rows[:limit], ["since", "reason", "detail", "source", "url"])
    if len(rows) > limit:
        click.echo(f"… and {len(rows) - limit:,} more; --limit shows them, --json writes all")
    for name in NEXT:
        count = sum(row["reason"] == name for row in rows)
        if count:
            click.echo(f"{name}: {count:,}: {NEXT[name]}")
