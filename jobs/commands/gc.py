"""nightmill gc"""

from __future__ import annotations

import click

from jobs.app import App


@click.command("gc")
@click.option(
    "--keep-days", type=click.IntRange(0), default=7, show_default=True, help="Keep files and runs younger than this."
)
@click.option("--yes", is_flag=True, help="Delete; without this flag the files are only counted.")
@click.pass_obj
def command(app: App, keep_days: int, yes: bool) -> None:
    """Delete files that no published snapshot and no recent run needs: failed candidates, leftovers of kills."""
    from jobs.collection import collect

    found = collect(app.storage, keep_seconds=keep_days * 86_400, delete=yes)
    verb = "deleted" if yes else "would delete"
    click.echo(f"{verb} {found.files:,} files, {found.bytes:,} bytes; {found.kept:,} files are needed")
    if not yes and found.files:
        click.echo("add --yes to do it")
