"""The command line. Commands are imported when they are used, so that `nightmill --help` answers at once."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from typing import Any

import click

from jobs.app import App
from jobs.errors import FAILED, NightmillError

COMMANDS = {
    "run": ("jobs.commands.run", "Run one or more jobs of a night."),
    "outcome": ("jobs.commands.outcome", "Say how the last attempt at a job ended."),
    "plan": ("jobs.commands.plan", "Say what would run, what is up to date, and why."),
    "try": ("jobs.commands.try_stage", "Run one stage on a plain JSONL or Parquet file, without a lake."),
    "show": ("jobs.commands.show", "Show a dataset's version: rows, digest, inputs, rejects, rows on demand."),
    "diff": ("jobs.commands.diff", "Say what differs between two versions or snapshots."),
    "sources": ("jobs.commands.sources", "List the declared sources with owner, licence and evidence."),
    "trace": ("jobs.commands.trace", "Follow a document through every layer, from its page to the corpus and back."),
    "outline": ("jobs.commands.outline", "Print the tree of a document's headings."),
    "card": ("jobs.commands.card", "Show the data card of a snapshot or of a run's candidate."),
    "history": ("jobs.commands.history", "List the published snapshots."),
    "candidates": ("jobs.commands.candidates", "List stored documents whose page is gone or is no longer allowed."),
    "rollback": ("jobs.commands.rollback", "Publish the content of an earlier snapshot again."),
    "gc": ("jobs.commands.gc", "Delete what no snapshot and no recent run needs."),
    "export": ("jobs.commands.export", "Write a published dataset as JSONL or Parquet."),
    "parse-quality": ("jobs.commands.parse_quality", "Compare parsed documents with human transcripts."),
    "rules": ("jobs.commands.rules", "List the cleaning rules with their thresholds and sources."),
    "similar-queries": ("jobs.commands.similar_queries", "Find queries of a click log that lead to the same clicks."),
    "new-messages": ("jobs.commands.new_messages", "Take from a dump of messages what earlier dumps did not have."),
    "jobs": ("jobs.commands.jobs", "List the declared jobs, what they read and write."),
    "config": ("jobs.commands.config", "Show the effective configuration and where each value comes from."),
    "models": ("jobs.commands.models", "Fetch and list pinned model files."),
    "doctor": ("jobs.commands.doctor", "Check this installation: packages, models, lake, configuration."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[name][0]).command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"no command {args[0]!r}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--params", type=click.Path(dir_okay=False), help="Configuration file. [default: ./params.yaml]")
@click.option("--profile", help="Profile of params.yaml to lay over the defaults.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one value, e.g. clean.min_characters=80."
)
@click.option("--lake", help="Folder or URI of the lake; shorthand for --set lake=…")
@click.option("--quiet", is_flag=True, help="No progress, warnings only.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(package_name="nightmill")
@click.pass_context
def cli(
    ctx: click.Context,
    params: str | None,
    profile: str | None,
    overrides: tuple[str, ...],
    lake: str | None,
    quiet: bool,
    debug: bool,
) -> None:
    """Nightmill turns pages into training-ready, versioned, accountable corpora, every night.

    A night by hand: nightmill run crawl extract clean scrub dedup profile gate card publish --date 2026-01-31.
    Then: nightmill history, nightmill show corpus, nightmill trace URL. Exit codes: 0 done, 1 failed (a retry may
    help), 2 usage or configuration, 3 gate refused, 4 do not retry, 5 not enough data.
    """
    given = (*overrides, *([f"lake={lake}"] if lake else []))
    ctx.obj = App(params, profile, given, quiet, debug)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: run a command and exit with its code."""
    args = sys.argv[1:] if arguments is None else arguments
    try:
        code = cli.main(args, prog_name="nightmill", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; the same command goes on where it stopped", err=True)
        sys.exit(FAILED)
    except NightmillError as error:
        if "--debug" in args:
            traceback.print_exc()
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if "--debug" in args:
            traceback.print_exc()
        click.echo(f"error: {error}; see --debug for where", err=True)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
