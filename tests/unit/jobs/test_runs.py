"""A run's workspace: names, pins, records, and the parent that a night builds upon."""

import json
import subprocess

import pytest

from jobs import runs
from jobs.errors import Terminal, Transient, UsageError
from jobs.runs import Pins, Record, Run, code_version, parent_of
from jobs.snapshots import POINTER, Entry, Pointer, Published
from jobs.storage import MemoryStorage

PINS = Pins("r", "2026-01-01", None, "c" * 32, {"a": 1}, "0.1.0", "", 0)


@pytest.mark.parametrize("name", ["r", "nightly_corpus-2026-01-01", "a+b:c.d-e", "9", "x" * 121])
def test_run_names(name):
    assert Run(MemoryStorage(), name).folder == f"runs/{name}"


@pytest.mark.parametrize("name", ["", ".", "..", "-x", "a/b", "../x", "a b", "x" * 122, "é", "a\n", "a\0"])
def test_bad_run_names(name):
    with pytest.raises(UsageError, match="run name"):
        Run(MemoryStorage(), name)


@pytest.mark.req("VER-08")
def test_the_first_pins_stay():
    run = Run(MemoryStorage(), "r")
    assert run.pins() is None
    assert run.pin(PINS) == PINS
    other = Pins("r", "2026-01-01", "p", "d" * 32, {}, "0.2.0", "i", 1)
    assert run.pin(other) == PINS == run.pins()
    assert run.pin(other, replace=True) == other == run.pins()


def test_records():
    run = Run(MemoryStorage(), "r")
    assert run.record("clean") is None and run.outputs() == {}
    entry = Entry("clean@1", "1" * 32 + ".1", "manifests/clean/x.json")
    record = Record("clean", {"documents": "documents@2"}, "f", {"clean": entry}, {"rows": 3})
    run.finish(record)
    run.finish(Record("gate", {}, ""))
    assert run.record("clean") == record and run.outputs() == {"clean": entry}
    run.forget("clean")
    run.forget("clean")
    assert run.record("clean") is None and run.outputs() == {}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"run": "r"}', b'{"outputs": 5}', b"\xff"])
def test_damaged_files_are_named(raw):
    storage = MemoryStorage()
    run = Run(storage, "r")
    storage.put("runs/r/run.json", raw)
    storage.put("runs/r/jobs/clean.json", raw)
    with pytest.raises(Terminal, match=r"runs/r/run\.json is damaged"):
        run.pins()
    with pytest.raises(Terminal, match=r"runs/r/jobs/clean\.json is damaged"):
        run.record("clean")


def published(days, stale=()):
    storage = MemoryStorage()
    head = days[max(days)] if days else None
    storage.put(POINTER, json.dumps(Pointer(head, days, stale).__dict__).encode())
    return Published(storage)


NIGHTS = {"2026-01-01": "s1", "2026-01-02": "s2", "2026-01-05": "s5"}


@pytest.mark.parametrize(
    ("date", "gap", "parent"),
    [
        ("2025-12-31", False, None),  # before the first night there is nothing to be missing
        ("2026-01-01", False, None),
        ("2026-01-02", False, "s1"),
        ("2026-01-03", False, "s2"),
        ("2026-01-05", True, "s2"),
        ("2026-01-06", False, "s5"),
        ("2026-03-01", True, "s5"),
    ],
)
def test_parent(date, gap, parent):
    assert parent_of(published(NIGHTS), date, allow_gap=gap) == parent


def test_the_first_night_has_no_parent():
    assert parent_of(published({}), "2026-01-01", allow_gap=False) is None


def test_a_missing_night_is_transient_and_says_what_to_do():
    with pytest.raises(
        Transient, match=r"2026-01-04 is not published \(the last night before 2026-01-05 is 2026-01-02\)"
    ):
        parent_of(published(NIGHTS), "2026-01-05", allow_gap=False)
    with pytest.raises(Transient, match="--allow-gap"):
        parent_of(published(NIGHTS), "2026-02-01", allow_gap=False)


def test_code_version(monkeypatch):
    assert code_version().split("+")[0] in ("0.1.0", "unreleased")

    def broken(*args, **kwargs):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", broken)
    assert "+" not in code_version.__wrapped__()


def test_image(monkeypatch):
    monkeypatch.delenv("NIGHTMILL_IMAGE", raising=False)
    assert runs.image() == ""
    monkeypatch.setenv("NIGHTMILL_IMAGE", "nightmill@sha256:1")
    assert runs.image() == "nightmill@sha256:1"
