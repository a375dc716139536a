"""nightmill jobs"""

from __future__ import annotations

import click

from jobs.app import print_json, print_table
from jobs.declared import JOBS, upstream


@click.command("jobs")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.option("--dvc", is_flag=True, help="Print dvc.yaml, which runs them on a laptop.")
def command(as_json: bool, dvc: bool) -> None:
    """List the declared jobs in order: kind, what they wait for, read and write."""
    if dvc:
        from jobs.dvc_pipeline import pipeline

        click.echo(pipeline(), nl=False)
        return
    rows = [
        {
            "job": job.name,
            "kind": job.kind,
            "after": ", ".join(upstream(job)),
            "writes": ", ".join(job.writes),
            "summary": job.summary,
        }
        for job in JOBS.values()
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["job", "kind", "writes", "summary"])
