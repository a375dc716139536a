"""nightmill trace"""

from __future__ import annotations

from typing import Any

import click

from jobs.app import App, print_json, printable


@click.command("trace")
@click.argument("what", metavar="ID|URL|ITEM")
@click.option("--snapshot", help="Look into this snapshot (id or date) instead of the head.")
@click.option("--raw", is_flag=True, help="With --json: also quote the page; it may hold personal data.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, with every paragraph's span in the page.")
@click.pass_obj
def command(app: App, what: str, snapshot: str | None, raw: bool, as_json: bool) -> None:
    """Follow a document (id, or the first 8 characters of one), a URL or an imported item through every layer.

    Items are called item:NAME, as `show` has them.

    Forwards: which pages, documents and corpus rows come from this URL, or which rule rejected them. Backwards: from
    a corpus row to its URL, its capture and the character span of every paragraph in the decoded page.
    """
    from jobs.errors import UsageError
    from jobs.inspection import snapshot_of
    from jobs.tracing import trace

    found = snapshot_of(app.published, snapshot or "head")
    if found is None:
        raise UsageError(f"no published snapshot {snapshot or 'yet'}; `nightmill history` lists them")
    result = trace(app.storage, what, found, raw=raw)
    if as_json:
        print_json(result)
        return
    click.echo(f"snapshot {result['snapshot']} of {result['date']}")
    for document in result["documents"]:
        _print(document)


def _print(document: dict[str, Any]) -> None:
    click.echo(f"\ndocument {document['doc_id']}")
    for layer, rows in document["layers"].items():
        for row in rows:
            parts = [f"{k}={v}" for k, v in row.items() if k not in ("authorisation",)]
            click.echo(f"  {layer:10} {printable('  '.join(parts))}")
    for reject in document["rejects"]:
        click.echo("  rejected   " + printable("  ".join(f"{k}={v}" for k, v in reject.items())))
    if document["stands_for"]:
        click.echo(f"  stands for {', '.join(document['stands_for'])}")
    if document["spans"]:
        first, last = document["spans"][0], document["spans"][-1]
        click.echo(
            f"  page span  characters {first['page_start']:,}–{last['page_end']:,} of the decoded page, "
            f"{len(document['spans'])} paragraphs (--json lists them)"
        )
