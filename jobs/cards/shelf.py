"""Where finished cards lie, and finding the one that is asked for."""

from __future__ import annotations

from jobs.cards.candidate import Candidate
from jobs.errors import Terminal, UsageError
from jobs.inspection import snapshot_of
from jobs.runs import Run
from jobs.snapshots import Published
from jobs.storage import LocalStorage, Storage
from pipelines.report.card import render
from pipelines.report.facts import CardFacts, to_json


def path_of(snapshot_id: str) -> str:
    """The card's path in the lake, without suffix."""
    return f"cards/{snapshot_id}"


def store(storage: Storage, facts: CardFacts) -> str:
    """Write page and JSON; returns their path without suffix."""
    path = path_of(facts.snapshot_id)
    storage.put(f"{path}.json", to_json(facts).encode())
    storage.put(f"{path}.html", render(facts).encode())
    return path


def published_card(published: Published, reference: str) -> str:
    """The card of a published snapshot (id, date, `head`). Raises UsageError where there is none."""
    snapshot = snapshot_of(published, reference)
    if snapshot is None:
        raise UsageError(f"no published snapshot {reference!r}; `nightmill history` lists them")
    if not snapshot.card:
        raise UsageError(f"snapshot {snapshot.id} was published without a card")
    if not published.storage.exists(f"{snapshot.card}.html"):
        raise Terminal(f"{snapshot.card}.html is missing from {published.storage.uri}; restore it from a backup")
    return snapshot.card


def candidate_card(storage: Storage, run: str) -> str:
    """The card of what a run has made so far; written here where the `card` job did not get to it (a refusal)."""
    candidate = Candidate.of(storage, Run(storage, run))
    path = path_of(candidate.id)
    record = Run(storage, run).record("card")
    if record is not None and record.result.get("card") == path and storage.exists(f"{path}.html"):
        return path
    return store(storage, candidate.facts())


def place(storage: Storage, path: str, *, uri: bool = False) -> str:
    """Where an object lies, for people (a file's name) or for browsers (a URI)."""
    if isinstance(storage, LocalStorage):
        file = (storage.root / path).resolve()
        return file.as_uri() if uri else str(file)
    return f"{storage.uri.rstrip('/')}/{path}"
