"""nightmill run"""

from __future__ import annotations

from dataclasses import replace

import click

from jobs.app import App


@click.command("run", epilog="Jobs in order: crawl extract clean scrub dedup profile gate card publish.")
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
@click.option("--date", required=True, help="The night, YYYY-MM-DD.")
@click.option("--run", "run_name", help="Name of the run's workspace. [default: nightly_corpus-DATE]")
@click.option("--current", is_flag=True, help="Pin an existing run anew to today's parent, configuration and code.")
@click.option("--as-recorded", is_flag=True, help="Go on with an existing run's pins though params.yaml changed.")
@click.option("--allow-gap", is_flag=True, help="Build on the last published night though the one before is missing.")
@click.option("--attempt", default="", help="Any text; outcome.json repeats it, so that a launcher knows its own.")
@click.pass_obj
def command(
    app: App,
    jobs: tuple[str, ...],
    date: str,
    run_name: str | None,
    current: bool,
    as_recorded: bool,
    allow_gap: bool,
    attempt: str,
) -> None:
    """Run the named jobs of one night, in the order given.

    A job whose inputs, parameters and version are those of its last run is up to date and does nothing. A killed or
    failed job is run again by the same command. Results lie in the run's workspace until `publish` makes them the
    published snapshot.
    """
    from jobs.config import recorded
    from jobs.context import declared
    from jobs.errors import UsageError
    from jobs.logs import configure
    from jobs.runner import Options, default_run, run_job
    from jobs.runs import Run

    for name in jobs:
        declared(name)
    if current and as_recorded:
        raise UsageError("--current and --as-recorded exclude one another")
    space = run_name or default_run(date)
    config = app.config
    if as_recorded:
        pins = Run(app.storage, space).pins()
        config = recorded(app.config, pins.parameters) if pins else config
    configure(config.settings.logs.level)
    options = Options(repin=current, as_recorded=as_recorded, allow_gap=allow_gap, attempt=attempt)
    for name in jobs:
        done = run_job(name, date, config=config, storage=app.storage, run=space, options=options, quiet=app.quiet)
        options = replace(options, repin=False)
        click.echo(_line(done))


def _line(done) -> str:  # type: ignore[no-untyped-def]
    if done.skipped:
        return f"{done.job:8} up to date"
    outputs = ", ".join(f"{e.version} ({int(e.digest.partition('.')[2]):,} rows)" for e in done.record.outputs.values())
    return f"{done.job:8} {done.seconds:6.1f} s  {outputs}"
