"""The provenance list: what it shows of a source, and what it keeps to itself."""

import json

import pytest
from click.testing import CliRunner

from jobs.acquire.sources import origin, without_secrets
from jobs.app import App
from jobs.commands.sources import command
from pipelines.params import SourceParams


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:pa55@example.org/x?a=1", "https://example.org/x?a=1"),
        ("https://e.org/?api_key=s3cr3t&page=2#k", "https://e.org/?api_key=***&page=2#k"),
        ("https://e.org/?X-Amz-Signature=abc;TOKEN=def", "https://e.org/?X-Amz-Signature=***;TOKEN=***"),
        ("https://e.org/?monkey=1&keyboard=2", "https://e.org/?monkey=1&keyboard=2"),
        ("data/2024@home/*.md", "data/2024@home/*.md"),
    ],
)
def test_an_origin_opens_no_door(address, shown):
    assert without_secrets(address) == shown


def test_an_origin_names_a_connection_and_its_query():
    source = SourceParams("s", kind="sql", connection="shop", query="select id from items")
    assert origin(source) == ["shop", "select id from items"]


@pytest.mark.req("CMP-01")
def test_the_command_prints_the_list_of_a_snapshot(nights):
    nights.write("a.txt", "text")
    nights.sources = [
        "{name: s, kind: files, path: files, licence: MIT, owner: docs team, evidence: contract 7}",
        "{name: o, kind: files, path: files/a.txt, source_class: book}",
    ]
    nights.run(0)
    first = nights.snapshot.id
    nights.sources.pop()
    nights.run(1)
    app = App(str(nights.root / "params.yaml"), None, (f"lake={nights.root / 'lake'}",), True, False)

    def shown(*arguments):
        done = CliRunner().invoke(command, arguments, obj=app, help_option_names=["-h", "--help"])
        assert done.exit_code == 0, done.output
        return done.output

    assert [row["source"] for row in json.loads(shown("--json"))] == ["s"]
    rows = json.loads(shown(first, "--json"))
    assert [(row["source"], row["priority"]) for row in rows] == [("o", 90), ("s", 40)]
    assert rows[1]["evidence"] == "contract 7" and rows[1]["origin"] == ["files"]
    assert "docs team" in shown() and "open" in shown()
