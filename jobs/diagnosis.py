"""What `nightmill doctor` looks at."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from jobs.config import Config, load
from jobs.errors import NightmillError

#: Extra → distribution that tells whether it is installed, and what it adds.
EXTRAS = {
    "airflow": ("apache-airflow-core", "the nightly_corpus DAG"),
    "gate": ("great-expectations", "suites run through Great Expectations; without it the built-in evaluator judges"),
    "dvc": ("dvc", "the dvc store and dvc.yaml"),
}


@dataclass(frozen=True)
class Finding:
    what: str
    state: Literal["ok", "note", "problem"]
    says: str


def diagnose(params: str | None, profile: str | None, overrides: Sequence[str]) -> list[Finding]:
    found = [Finding("python", "ok", f"{platform.python_version()} at {sys.executable}, {os.cpu_count()} cores")]
    found += _packages()
    try:
        config = load(params, profile=profile, overrides=overrides)
    except NightmillError as error:
        return [*found, Finding("configuration", "problem", str(error))]
    found.append(Finding("configuration", "ok", f"{config.root} digest {config.digest()[:12]}"))
    found += _models(config)
    found += _lake(config)
    return found


def _packages() -> Iterator[Finding]:
    for extra, (package, adds) in EXTRAS.items():
        try:
            yield Finding(f"[{extra}]", "ok", f"{package} {version(package)}: {adds}")
        except PackageNotFoundError:
            yield Finding(f"[{extra}]", "note", f"not installed; pip install 'nightmill[{extra}]' adds {adds}")


def _models(config: Config) -> Iterator[Finding]:
    from jobs.components import available
    from jobs.models import KNOWN

    present = available(config)
    for name, model in KNOWN.items():
        if name in present:
            yield Finding(name, "ok", f"{present[name]} ({model.licence})")
        else:
            yield Finding(
                name, "note", f"absent: languages are told by script alone; `nightmill models fetch {name}` adds it"
            )


def _lake(config: Config) -> Iterator[Finding]:
    import pyarrow as pa

    from jobs.snapshots import Published
    from jobs.storage import storage_at

    try:
        storage = storage_at(config.lake)
        pointer = Published(storage).pointer()
        probe = b"nightmill doctor"
        storage.put("refs/.probe", probe)
        readable = storage.read("refs/.probe") == probe
        storage.delete("refs/.probe")
        head = f"head {pointer.head} of {pointer.head_date}" if pointer.head else "nothing published yet"
        yield Finding("lake", "ok" if readable else "problem", f"{storage.uri}: writable, {head}")
        if pointer.stale:
            yield Finding("stale nights", "note", f"{', '.join(pointer.stale)}; run them again with --current")
    except (NightmillError, OSError) as error:
        yield Finding("lake", "problem", f"{config.lake}: {error}")
    yield Finding("pyarrow", "ok", pa.__version__)
