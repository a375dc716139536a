import io
import json
import logging
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from jobs import logs, secrets
from jobs.errors import Transient

CANARY = "canary-9d2e44b0"


@pytest.fixture
def lines(monkeypatch):
    """Call it for the logged lines so far, as parsed JSON."""
    monkeypatch.setattr(secrets, "_revealed", {CANARY})
    root = logging.getLogger()
    handlers, level, stream = root.handlers, root.level, io.StringIO()
    logs.configure("info", stream=stream, as_json=True)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers = handlers
    root.setLevel(level)
    logs._configure("info", None, None)


def test_a_line_is_json_with_bound_ids(lines):
    with logs.bind(run="night-1", job="clean"):
        logs.log.info("batch done", rows=3)
    logs.log.info("outside")
    inside, outside = lines()
    assert {key: inside[key] for key in ("event", "level", "run", "job", "rows")} == {
        "event": "batch done", "level": "info", "run": "night-1", "job": "clean", "rows": 3,
    }  # fmt: skip
    assert inside["timestamp"].endswith("Z")
    assert "run" not in outside


def test_a_library_speaks_from_warning_on_whatever_level_it_gives_itself(lines):
    logger = logging.getLogger("talkative")
    logger.setLevel(logging.DEBUG)
    logger.info("made a temporary directory")
    logger.warning("disk is nearly full")
    assert [line["event"] for line in lines()] == ["disk is nearly full"]


def test_a_revealed_secret_is_never_printed(lines):
    logs.log.info(
        f"using {CANARY}", url=f"https://h/?k={CANARY}", nested={"a": [{"b": f"x{CANARY}x"}]}, obj=[(CANARY,)]
    )
    logging.getLogger("library").warning("got %s", CANARY)
    try:
        raise Transient(f"server said {CANARY}")
    except Transient:
        logs.log.exception("failed")
    with logs.bind(run=CANARY):
        logs.log.info("bound", **{f"key {CANARY}": {CANARY: 1}})
    assert len(lines()) == 4
    printed = json.dumps(lines())
    assert CANARY not in printed
    assert "https://h/?k=***" in printed


@pytest.mark.parametrize(
    "key",
    ["text", "body", "html", "secret", "password", "token", "page_text", "Access-Token", "secret_name", "api_key"],
)
def test_values_under_telling_keys_are_hidden(lines, key):
    logs.log.info("x", **{key: "Dear Mr Wang"}, deep={key: ["Dear Mr Wang"]})
    assert lines()[0][key] == "***"
    assert lines()[0]["deep"][key] == "***"


def test_counts_are_not_hidden(lines):
    logs.log.info("x", text_length=12, tokens=7, body_bytes=3, content_type="text/html")
    assert [lines()[0][key] for key in ("text_length", "tokens", "body_bytes", "content_type")] == [
        12,
        7,
        3,
        "text/html",
    ]


def test_everything_has_a_limit(lines):
    deep = []
    for _ in range(100):
        deep = [deep]
    logs.log.info("e" * 10_000, long="x" * 10_000, many=list(range(1_000)), raw=b"\x00" * 99, deep=deep)
    line = lines()[0]
    assert line["long"].endswith("… (10000 characters)")
    assert line["many"][-1] == "(980 more)" and len(line["many"]) == logs.MOST_ITEMS + 1
    assert line["raw"] == "(99 bytes)"
    assert len(json.dumps(line)) < 5_000


def test_a_cut_leaves_no_half_secret(lines):
    logs.log.info("x", value="a" * (logs.LONGEST - 4) + CANARY)
    assert CANARY[:4] not in lines()[0]["value"]


def test_a_foreign_error_gives_type_and_place_but_not_its_message(lines):
    try:
        {}["the text of a page"]
    except KeyError:
        logs.log.exception("failed")
    try:
        Path("/nonexistent/file").read_bytes()
    except OSError:
        logs.log.exception("failed")
    foreign, system = lines()
    assert foreign["error"] == "KeyError" and "message" not in foreign
    assert "test_logs.py" in foreign["at"][-1]
    assert "the text of a page" not in json.dumps(foreign)
    assert system["message"] == "No such file or directory: /nonexistent/file"


def test_level(lines):
    logs.log.debug("too quiet")
    logging.getLogger("library").info("too quiet")
    assert lines() == []


def test_on_a_terminal_one_readable_line_without_control_characters():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    try:
        logs._configure("info", stream, None)
        structlog.get_logger().warning("two\nlines \x1b[2J", rows=3, name="数据")
    finally:
        logs._configure("info", None, None)
    text = stream.getvalue()
    assert text.count("\n") == 1 and "\x1b[2J" not in text
    assert "rows=3" in text and "name=数据" in text and "warning" in text


@given(st.dictionaries(st.text(max_size=8), st.recursive(st.text() | st.binary() | st.floats() | st.none(), st.lists)))
def test_any_value_can_be_printed(event):
    text = logs._as_json(None, "", logs.hide(None, "", {"event": "x", **event}))
    json.loads(text)
    text.encode()
    assert "\n" not in logs._as_line(None, "", logs.hide(None, "", {"event": "x", **event, "level": "info"}))
