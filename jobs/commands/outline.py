"""nightmill outline"""

from __future__ import annotations

from typing import Any

import click

from jobs.app import App, print_json


@click.command("outline")
@click.argument("what", metavar="ID|URL")
@click.option("--snapshot", help="Look into this snapshot (id or date) instead of the head.")
@click.option("--raw", is_flag=True, help="Also documents whose text was not scrubbed.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: parents, children, ancestors, pages, spans.")
@click.pass_obj
def command(app: App, what: str, snapshot: str | None, raw: bool, as_json: bool) -> None:
    """Print the tree of a document's headings (id, or the first 8 characters of one, or a URL)."""
    from jobs.errors import UsageError
    from jobs.inspection import snapshot_of
    from jobs.outlining import outlines

    found = snapshot_of(app.published, snapshot or "head")
    if found is None:
        raise UsageError(f"no published snapshot {snapshot or 'yet'}; `nightmill history` lists them")
    documents = outlines(app.storage, what, found, raw=raw)
    if as_json:
        print_json({"snapshot": found.id, "date": found.date, "documents": documents})
        return
    for document in documents:
        _print(document)


def _print(document: dict[str, Any]) -> None:
    click.echo(f"document {document['doc_id']}  {document['url'] or ''}")
    if "reason" in document:
        click.echo(f"  {document['reason']}")
    for section in document["sections"]:
        page = f"  (page {section['page']})" if section["page"] is not None else ""
        title = section["title"] or ("(no title)" if not section["place"] else "")
        click.echo(
            f"{'  ' * len(section['ancestors'])}{section['number']}{' ' if section['number'] else ''}{title}{page}"
        )
