"""The sections of published documents, and where their paragraphs stand; text comes from a scrubbed layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.datasets import Version
from jobs.errors import UsageError
from jobs.inspection import UNSCRUBBED
from jobs.snapshots import Entry, Snapshot
from jobs.storage import Storage
from pipelines.edits import Edit, compose, from_dicts
from pipelines.extract.outline import carry, from_rows, outline
from pipelines.extract.result import Block

_LAYERS = ("documents", "clean", "scrubbed")


def outlines(storage: Storage, what: str, snapshot: Snapshot, *, raw: bool = False) -> list[dict[str, Any]]:
    """The outline of every document that `what` (an id, a prefix of one, a URL) leads to, as plain data.

    Without `raw` a document that no scrubbed layer holds has no sections, and `reason` says so.
    Raises UsageError where `what` leads to nothing.
    """
    from jobs.tracing import documents_of  # which asks this module where paragraphs stand

    ids = documents_of(storage, what, snapshot.datasets)
    if not ids:
        raise UsageError(f"nothing in snapshot {snapshot.id} comes from {what}; no source led there")
    return [_outline(storage, snapshot.datasets, doc_id, raw) for doc_id in ids]


def _outline(storage: Storage, entries: Mapping[str, Entry], doc_id: str, raw: bool) -> dict[str, Any]:
    layers: dict[str, Any] = {
        name: Version.load(storage, entries[name].manifest).get([doc_id]).to_pylist()
        for name in _LAYERS
        if name in entries
    }
    deepest = next((name for name in reversed(_LAYERS) if layers.get(name)), None)
    found: dict[str, Any] = {"doc_id": doc_id, "layer": deepest, "title": None, "url": None, "sections": []}
    if deepest is None:
        return found | {"reason": "no document: its page was rejected, or is gone"}
    row = layers[deepest][0]
    found["url"] = row["url"]
    if deepest in UNSCRUBBED and not raw:
        return found | {"reason": "no scrubbed layer holds it; pass --raw if you may see its text"}
    sections = outline(carried(layers), row["text"], row["title"])
    return found | {"title": row["title"], "sections": [section._asdict() for section in sections]}


def carried(layers: Mapping[str, Any]) -> list[Block]:
    """The blocks of one document in the text of its deepest layer; `layers` holds its rows by layer."""
    if not layers.get("documents"):
        return []
    text = layers["documents"][0]["text"]
    edits: list[Edit] = []
    for name in ("clean", "scrubbed"):
        if layers.get(name):
            edits = compose(edits, from_dicts(layers[name][0]["edits"]))
            text = layers[name][0]["text"]
    return carry(from_rows(layers["documents"][0]["blocks"]), edits, text)
