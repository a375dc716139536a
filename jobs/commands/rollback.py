"""nightmill rollback"""

from __future__ import annotations

import click

from jobs.app import App


@click.command("rollback")
@click.argument("snapshot")
@click.option("--yes", is_flag=True, help="Do it; without this flag the effect is only shown.")
@click.pass_obj
def command(app: App, snapshot: str, yes: bool) -> None:
    """Publish the content of an earlier SNAPSHOT (id or date) again, as a new snapshot.

    Nothing is deleted and history keeps both. Rows that were taken down since then do not come back.
    """
    from jobs.rollback import rollback
    from jobs.stores.base import open_store

    store = open_store(app.config, app.storage)
    found = rollback(app.storage, store, snapshot, dry_run=not yes)
    verb = "published" if yes else "would publish"
    click.echo(f"{verb} {found.id} for {found.date}: {found.note}")
    if not yes:
        click.echo("add --yes to do it")
