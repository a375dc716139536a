"""nightmill plan"""

from __future__ import annotations

import click

from jobs.app import App, print_json, print_table


@click.command("plan")
@click.option("--date", required=True, help="The night, YYYY-MM-DD.")
@click.option("--run", "run_name", help="Name of the run's workspace. [default: nightly_corpus-DATE]")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_obj
def command(app: App, date: str, run_name: str | None, as_json: bool) -> None:
    """Say what `nightmill run` would do for a night: which jobs run, which build on last night, and why.

    Nothing is written. Seconds are those of the same job in the parent snapshot; a night costs what is new.
    """
    from jobs.planning import plan

    found = plan(app.config, app.storage, date, run_name)
    if as_json:
        print_json(found.as_dict())
        return
    click.echo(f"run {found.run} for {date}, building on {found.parent or 'nothing (first night)'}")
    for note in found.notes:
        click.echo(f"note: {note}")
    print_table([s.as_dict() for s in found.steps], ["job", "action", "why", "last_seconds", "input_rows"])
