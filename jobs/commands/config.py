"""nightmill config"""

from __future__ import annotations

import click

from jobs.app import App, print_json


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_obj
def command(app: App, as_json: bool) -> None:
    """Show every effective value and where it comes from: default, file and line, profile or --set."""
    if as_json:
        print_json(app.config.as_dict())
    else:
        click.echo(app.config.explain())
        click.echo(f"\ndigest {app.config.digest()}")
