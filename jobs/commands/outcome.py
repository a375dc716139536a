"""nightmill outcome"""

from __future__ import annotations

import click

from jobs.app import App, print_json
from jobs.errors import UsageError


@click.command("outcome")
@click.argument("job")
@click.option("--date", help="The night, YYYY-MM-DD.")
@click.option("--run", "run_name", help="Name of the run's workspace. [default: nightly_corpus-DATE]")
@click.option("--json", "as_json", is_flag=True, help="The whole outcome.json.")
@click.pass_obj
def command(app: App, job: str, date: str | None, run_name: str | None, as_json: bool) -> None:
    """Say how the last attempt at a job of a run ended: done, transient (a retry may help), terminal, usage, refused,
    not_enough_data, cancelled, or still running."""
    from jobs.context import declared
    from jobs.declared import NIGHTLY
    from jobs.runs import Run

    if not (run_name or date):
        raise UsageError("name the run: --date DATE or --run NAME")
    space = run_name or f"{NIGHTLY}-{date}"
    found = Run(app.storage, space).read(f"outcome/{declared(job).name}.json")
    if found is None:
        raise UsageError(f"{job} was never started in run {space}")
    if as_json:
        print_json(found)
    else:
        click.echo(f"{job}: {found['class']} at {found['at']}" + (f": {found['message']}" if found["message"] else ""))
