"""nightmill card"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jobs.app import App


@click.command("card")
@click.argument("snapshot", default="head")
@click.option("--run", "run_name", help="The card of a run's candidate, published or not, instead of a snapshot's.")
@click.option("-o", "--output", metavar="FILE", help="Write it there (- for standard output).")
@click.option("--json", "as_json", is_flag=True, help="The facts as JSON instead of the page.")
@click.option("--open", "open_it", is_flag=True, help="Open the page in a browser.")
@click.pass_obj
def command(app: App, snapshot: str, run_name: str | None, output: str | None, as_json: bool, open_it: bool) -> None:
    """Show the data card of SNAPSHOT (an id, a date such as 2026-01-31, or `head`) or of a run's candidate.

    Without -o, --json prints the facts; otherwise the place where the page lies is printed.
    """
    from jobs.cards.shelf import candidate_card, place, published_card

    path = candidate_card(app.storage, run_name) if run_name else published_card(app.published, snapshot)
    stored = f"{path}.{'json' if as_json else 'html'}"
    if output is None and not as_json:
        click.echo(place(app.storage, stored))
    elif output in (None, "-"):
        sys.stdout.buffer.write(app.storage.read(stored))
    else:
        Path(str(output)).write_bytes(app.storage.read(stored))
    if open_it:
        import webbrowser

        webbrowser.open(place(app.storage, f"{path}.html", uri=True))
