"""nightmill sources"""

from __future__ import annotations

import click

from jobs.app import App, print_json, print_table


@click.command("sources")
@click.argument("snapshot", required=False)
@click.option("--run", "run_name", help="Look at an unpublished run instead of the published snapshots.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, with evidence and origin.")
@click.pass_obj
def command(app: App, snapshot: str | None, run_name: str | None, as_json: bool) -> None:
    """Print the provenance list: every declared source, whose it is, and the right under which it is used.

    SNAPSHOT is a snapshot's id or the beginning of a version; without it the published head is shown.
    """
    from jobs.inspection import find

    version = find(app.published, app.storage, f"sources@{snapshot}" if snapshot else "sources", run_name)
    rows = sorted(version.table().to_pylist(), key=lambda row: (-row["priority"], row["tenant_id"], row["source"]))
    if as_json:
        print_json(rows)
        return
    columns = ["source", "kind", "source_class", "licence", "licence_verdict", "authorised", "desensitised"]
    print_table(rows, [*columns, "owner", "priority"])
