"""nightmill doctor"""

from __future__ import annotations

import click

from jobs.app import App, print_json

_SIGNS = {"ok": "✓", "note": "·", "problem": "✗"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_obj
def command(app: App, as_json: bool) -> None:
    """Check this installation and say what to do about what is missing. Exit code 1 where something is broken."""
    from jobs.diagnosis import diagnose

    found = diagnose(app.params, app.profile, app.overrides)
    if as_json:
        print_json([f.__dict__ for f in found])
    else:
        for f in found:
            click.echo(f"{_SIGNS[f.state]} {f.what:20} {f.says}")
    if any(f.state == "problem" for f in found):
        raise click.exceptions.Exit(1)
