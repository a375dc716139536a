"""nightmill similar-queries"""

from __future__ import annotations

from pathlib import Path

import click

from jobs.app import App, print_json


@click.command("similar-queries")
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Pairs, as JSONL.")
@click.option("--query", default="", help="Column of the query, where it has no usual name.")
@click.option("--item", default="", help="Column of what was clicked (URL, product number).")
@click.option("--user", default="", help="Column of the user or session; it is only counted.")
@click.option("--min-users", default=5, show_default=True, help="People who asked a query; fewer, and it is not shown.")
@click.option("--min-common", default=2, show_default=True, help="Items that both queries led to.")
@click.option("--min-cosine", default=0.5, show_default=True, help="Similarity of the click vectors, 0 to 1.")
@click.option("--max-queries", default=1_000, show_default=True, help="Items that more queries lead to are left out.")
@click.option("--top", default=20, show_default=True, help="Pairs per query.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@click.pass_obj
def command(
    app: App,
    log: Path,
    output: Path,
    query: str,
    item: str,
    user: str,
    min_users: int,
    min_common: int,
    min_cosine: float,
    max_queries: int,
    top: int,
    as_json: bool,
) -> None:
    """Find queries that lead to the same clicks: synonym candidates.

    LOG is a search and click log, one click per row: CSV, TSV or JSONL with a query, what was clicked, and a user or
    session. Queries that look personal (numbers, addresses) are left out.

    \b
    query,clicked,user            搜索词,点击商品,用户
    laptop bag,/p/17,u1           手机壳,1017,u1
    notebook case,/p/17,u2        手机保护套,1017,u2

    \b
    nightmill similar-queries clicks.csv -o pairs.jsonl
    nightmill similar-queries 搜索日志.csv -o 同义词候选.jsonl --min-users 10
    nightmill similar-queries log.jsonl -o pairs.jsonl --query request.q --item request.sku --user sid
    """
    from jobs.acquire.similar import Limits, mine
    from jobs.errors import UsageError

    if min_users < 2 or min_common < 1 or not 0 <= min_cosine <= 1 or max_queries < 2 or top < 1:
        raise UsageError(
            "--min-users and --max-queries: at least 2; --min-common and --top: at least 1; --min-cosine: 0 to 1"
        )
    given = {"query": query, "item": item, "user": user}
    fields = {name: value for name, value in given.items() if value}
    done = mine(log, output, fields, Limits(min_users, min_common, min_cosine, max_queries, top))
    refused = dict(sorted(done.refused.items()))
    if as_json:
        print_json({"rows": done.rows, "refused": refused, "pairs": done.pairs})
        return
    click.echo(f"{done.rows:,} clicks, {sum(done.refused.values()):,} left out, {done.pairs:,} pairs → {output}")
    for rule, count in refused.items():
        click.echo(f"  left out: {rule} {count:,}")
