"""nightmill diff"""

from __future__ import annotations

import click

from jobs.app import App, print_json


@click.command("diff")
@click.argument("first")
@click.argument("second")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_obj
def command(app: App, first: str, second: str, as_json: bool) -> None:
    """Say what differs between FIRST and SECOND.

    Each is a snapshot (an id, a date such as 2026-01-31, or `head`) or a version such as corpus@3f2a. Rows are counted
    as added, removed and changed, with the reasons that the removals carry; then parameters, components, code.
    """
    from jobs.inspection import difference

    found = difference(app.published, app.storage, first, second)
    if as_json:
        print_json(found)
        return
    for name, facts in found.items():
        if "same" in facts:
            click.echo(f"{name:16} same ({facts['same']})")
        elif "only_in" in facts:
            click.echo(f"{name:16} only in the {facts['only_in']}")
        else:
            click.echo(f"{name:16} +{facts['added']:,} −{facts['removed']:,} ~{facts['changed']:,}  {facts['to']}")
            for reason, rows in facts["reasons"].items():
                click.echo(f"{'':18}{reason}: {rows:,} rows hidden")
            for key in ("parameters", "components"):
                for part, (before, after) in facts[key].items():
                    click.echo(f"{'':18}{part}: {before!r} → {after!r}")
