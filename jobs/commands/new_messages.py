"""nightmill new-messages"""

from __future__ import annotations

from pathlib import Path

import click

from jobs.app import App


@click.command("new-messages")
@click.argument("dump", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mark", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="Where the watermark of this stream is kept; it holds hashes, no messages.")  # fmt: skip
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Text, a line each."
)
@click.pass_obj
def command(app: App, dump: Path, mark: Path, output: Path) -> None:
    """Take from a DUMP of messages what the dumps before it did not have.

    For exports of chats that come longer every time and have neither ids nor times, only lines with a time between the
    messages (2024-03-01 09:05, 2024年3月1日 下午2:05). New messages are appended to the output, then the mark is set.

    \b
    nightmill new-messages group.txt --mark group.mark -o group-all.txt
    nightmill new-messages 客服群.txt --mark 客服群.mark -o 客服群-全部.txt
    """
    from jobs.acquire.messages import take

    count, gap = take(dump, mark, output)
    click.echo(f"{count:,} new messages → {output}")
    if gap:
        click.echo(
            "warning: nothing of the last dump stands in this one; messages between them may be missing", err=True
        )
