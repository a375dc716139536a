"""nightmill rules"""

from __future__ import annotations

import click

from jobs.app import App, print_json, print_table


@click.command("rules")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_obj
def command(app: App, as_json: bool) -> None:
    """List the cleaning rules in the order they are asked: profile (zh, en, *), threshold, source."""
    from pipelines.clean.published import RULES

    params = app.config.section("clean")
    rows = [
        {
            "rule": rule.name,
            "profile": rule.profile,
            "parameter": rule.parameter,
            "threshold": str(getattr(params, rule.parameter)) if rule.parameter else None,
            "source": rule.source,
            "description": rule.description,
        }
        for rule in RULES
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["rule", "profile", "parameter", "threshold", "description", "source"])
