"""A run: the private workspace that the jobs of one night share, and what it pinned at its first task.

runs/<run>/run.json             pins: date, parent snapshot, configuration, code
runs/<run>/jobs/<job>.json      what a finished job read and wrote; its existence means that it is done
runs/<run>/outcome/<job>.json   how its last attempt ended
runs/<run>/journal/, gate.json, trace.jsonl
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jobs.errors import Terminal, UsageError
from jobs.snapshots import Entry, Published
from jobs.storage import Storage


@dataclass(frozen=True)
class Pins:
    """What every job of a run sees alike. `parent` is the snapshot it builds upon."""

    run: str
    date: str
    parent: str | None
    configuration: str
    parameters: Mapping[str, Any]
    code_version: str
    image: str
    tombstone_epoch: int
    head: str | None = None  # the published head at that moment


@dataclass(frozen=True)
class Record:
    """A finished job: the versions it read, its fingerprint, and what it wrote."""

    job: str
    inputs: Mapping[str, str]
    fingerprint: str
    outputs: Mapping[str, Entry] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)


class Run:
    def __init__(self, storage: Storage, name: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+:-]{0,120}", name):
            raise UsageError(f"run name {name!r}: letters, digits and . _ + : - only, at most 121 characters")
        self.storage = storage
        self.name = name
        self.folder = f"runs/{name}"

    def pins(self) -> Pins | None:
        value = self._read("run.json")
        if value is None:
            return None
        try:
            return Pins(**value)
        except TypeError as error:
            raise self._damaged("run.json", error) from error

    def pin(self, pins: Pins, *, replace: bool = False) -> Pins:
        """Fix the pins at the first task; later tasks get those. `replace` pins anew (--current)."""
        if replace:
            self.write("run.json", asdict(pins))
        else:
            self.storage.put_if_absent(f"{self.folder}/run.json", _encode(asdict(pins)))
        found = self.pins()
        assert found is not None
        return found

    def record(self, job: str) -> Record | None:
        value = self._read(f"jobs/{job}.json")
        if value is None:
            return None
        try:
            outputs = {name: Entry(**entry) for name, entry in value.pop("outputs").items()}
            return Record(outputs=outputs, **value)
        except (TypeError, KeyError, AttributeError) as error:
            raise self._damaged(f"jobs/{job}.json", error) from error

    def finish(self, record: Record) -> None:
        self.write(f"jobs/{record.job}.json", asdict(record))

    def forget(self, job: str) -> None:
        """Let the job run again."""
        self.storage.delete(f"{self.folder}/jobs/{job}.json")

    def outputs(self) -> dict[str, Entry]:
        """Every dataset that the finished jobs of this run wrote."""
        found: dict[str, Entry] = {}
        for path in self.storage.list(f"{self.folder}/jobs"):
            record = self.record(Path(path).stem)
            found.update(record.outputs if record else {})
        return found

    def write(self, name: str, value: Any) -> None:
        self.storage.put(f"{self.folder}/{name}", _encode(value))

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            raw = self.storage.read(f"{self.folder}/{name}")
        except FileNotFoundError:
            return None
        try:
            value = json.loads(raw)
        except ValueError as error:
            raise self._damaged(name, error) from error
        if not isinstance(value, dict):
            raise self._damaged(name, "not an object")
        return value

    def _damaged(self, name: str, error: object) -> Terminal:
        return Terminal(f"{self.folder}/{name} is damaged: {error}; delete it and run the job again")

    read = _read


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, default=str).encode()


def parent_of(published: Published, date: str, *, allow_gap: bool) -> str | None:
    """The snapshot that a run for `date` builds upon. Nights are sequential: the night before must be published."""
    from datetime import date as Date
    from datetime import timedelta

    from jobs.errors import Transient

    pointer = published.pointer()
    before = (Date.fromisoformat(date) - timedelta(days=1)).isoformat()
    if before in pointer.days or allow_gap or not any(d < date for d in pointer.days):
        return pointer.before(date)
    last = max(d for d in pointer.days if d < date)
    raise Transient(
        f"{before} is not published (the last night before {date} is {last}); run {before} first, "
        f"or pass --allow-gap to build {date} on {last}"
    )


@cache
def code_version() -> str:
    """Release and, in a checkout, the commit (with `+changed` where files differ from it)."""
    try:
        release = version("nightmill")
    except PackageNotFoundError:
        release = "unreleased"
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return release

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()

    try:
        changed = "+changed" if git("status", "--porcelain", "--untracked-files=no") else ""
        return f"{release}+{git('rev-parse', '--short=12', 'HEAD')}{changed}"
    except (subprocess.SubprocessError, OSError):
        return release


def image() -> str:
    return os.environ.get("NIGHTMILL_IMAGE", "")
