"""Lineage: from any document or URL to every layer that holds something of it, and spans back to the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from jobs.datasets import Version
from jobs.errors import UsageError
from jobs.inspection import UNSCRUBBED
from jobs.outlining import carried
from jobs.snapshots import Entry, Snapshot
from jobs.storage import Storage
from pipelines.acquire.addresses import ITEM
from pipelines.atoms import MEDIA
from pipelines.crawl.requests import url_id
from pipelines.crawl.urls import UrlError, normalise
from pipelines.edits import Edit, compose, from_dicts, map_back
from pipelines.extract.outline import Locator
from pipelines.extract.resources import table_of
from pipelines.extract.route import source_text
from pipelines.schemas import STAGES_WITH_REJECTS

LAYERS = ("pages", "documents", "clean", "scrubbed", "corpus")
_REASON = ("stage", "rule", "value", "threshold", "detail", "kept_id", "similarity")
_SHOWN = ("capture", "url", "title", "since", "lang", "status", "final_url", "licence", "authorisation", "source")


def trace(storage: Storage, what: str, snapshot: Snapshot, *, raw: bool = False) -> dict[str, Any]:
    """Every document that `what` (a doc_id, a prefix of one of 8 characters or more, a URL or item:…) leads to."""
    entries = snapshot.datasets
    ids = documents_of(storage, what, entries)
    if not ids:
        raise UsageError(f"nothing in snapshot {snapshot.id} comes from {what}; no source led there")
    journeys = [journey(storage, entries, doc_id, raw=raw) for doc_id in ids]
    return {"snapshot": snapshot.id, "date": snapshot.date, "documents": journeys}


def documents_of(storage: Storage, what: str, entries: Mapping[str, Entry]) -> list[str]:
    """doc_ids behind an id, a prefix of one, a URL (requested, hop, final or canonical) or an item's name (item:…)."""
    if re.fullmatch(r"[0-9a-f]{8,32}", what):
        return _by_prefix(storage, what, entries)
    try:
        url = what if what.startswith(ITEM) else normalise(what)
    except UrlError as error:
        raise UsageError(f"{what!r} is neither a document id nor a URL ({error})") from None
    if "url_aliases" not in entries:
        return []
    found = Version.load(storage, entries["url_aliases"].manifest).get([url_id(url)], ["doc_id"])["doc_id"].to_pylist()
    return sorted({*found, *_rejected_urls(storage, entries, url)})


def _by_prefix(storage: Storage, prefix: str, entries: Mapping[str, Entry]) -> list[str]:
    found: set[str] = set()
    for name in ("pages", "rejects_crawl"):
        if name in entries and len(prefix) == 32:
            found.update(Version.load(storage, entries[name].manifest).get([prefix], ["doc_id"])["doc_id"].to_pylist())
        elif name in entries:
            for piece in Version.load(storage, entries[name].manifest).scan(["doc_id"]):
                found.update(i for i in piece["doc_id"].to_pylist() if i.startswith(prefix))
    return sorted(found)


def _rejected_urls(storage: Storage, entries: Mapping[str, Entry], url: str) -> list[str]:
    """Documents that the crawl rejected under this URL: they have no alias, since no page was stored."""
    if "rejects_crawl" not in entries:
        return []
    rejects = Version.load(storage, entries["rejects_crawl"].manifest)
    pieces = (p.filter(pc.equal(p["url"], url)) for p in rejects.scan(["doc_id", "url"]))
    return [doc for piece in pieces for doc in piece["doc_id"].to_pylist()]


def journey(storage: Storage, entries: Mapping[str, Entry], doc_id: str, *, raw: bool = False) -> dict[str, Any]:
    """What every layer holds of one document, and where its text lies in the page."""
    layers: dict[str, Any] = {}
    for name in LAYERS:
        if name in entries:
            rows = Version.load(storage, entries[name].manifest).get([doc_id]).to_pylist()
            layers[name] = rows
    rejects = [
        {name: row[name] for name in _REASON if row[name] is not None}
        for stage in STAGES_WITH_REJECTS
        if f"rejects_{stage}" in entries
        for row in Version.load(storage, entries[f"rejects_{stage}"].manifest).get([doc_id]).to_pylist()
    ]
    twins = _twins(storage, entries, doc_id)
    return {
        "doc_id": doc_id,
        "layers": {
            name: [_summary(row, raw or name not in UNSCRUBBED) for row in rows] for name, rows in layers.items()
        },
        "rejects": rejects,
        "stands_for": twins,
        "spans": _paragraphs(storage, entries, layers, raw=raw),
    }


def _summary(row: Mapping[str, Any], titled: bool) -> dict[str, Any]:
    kept = {k: row[k] for k in _SHOWN if row.get(k) is not None and (titled or k != "title")}
    return kept | ({"characters": len(row["text"])} if row.get("text") is not None else {})


def _twins(storage: Storage, entries: Mapping[str, Entry], doc_id: str) -> list[str]:
    """Documents that were rejected in favour of this one."""
    if "rejects_dedup" not in entries:
        return []
    rejects = Version.load(storage, entries["rejects_dedup"].manifest)
    pieces = (p.filter(pc.equal(p["kept_id"], doc_id)) for p in rejects.scan(["doc_id", "kept_id"]))
    return [twin for piece in pieces for twin in piece["doc_id"].to_pylist()]


def edits_to_page(layers: Mapping[str, Any]) -> list[Edit]:
    """The edits from the decoded page to the deepest text layer that holds the document."""
    edits: list[Edit] = []
    for name in ("documents", "clean", "scrubbed"):
        if layers.get(name):
            edits = compose(edits, from_dicts(layers[name][0]["edits"]))
    return edits


def _paragraphs(
    storage: Storage, entries: Mapping[str, Entry], layers: Mapping[str, Any], *, raw: bool
) -> list[dict[str, Any]]:
    """Every line of the deepest text: its span there and in the decoded page, the pages of a document that has some,
    the headings above, the addresses of its media keys and, with `raw`, what the page says."""
    layer = next((name for name in ("corpus", "scrubbed", "clean", "documents") if layers.get(name)), None)
    if layer is None:
        return []
    deepest = layers[layer][0]
    titled = raw or layer not in UNSCRUBBED
    place = Locator(carried(layers), deepest["text"])
    media = table_of(layers["documents"][0]["media"] if layers.get("documents") else None)
    page = page_text(storage, entries, deepest["doc_id"], deepest["capture"]) if raw else None
    edits = edits_to_page(layers)
    out: list[dict[str, Any]] = []
    at = 0
    for line in deepest["text"].split("\n"):
        if line.strip():
            start, end = map_back(edits, at, at + len(line))
            out.append({"start": at, "end": at + len(line), "page_start": start, "page_end": end})
            where = place.at(at, at + len(line))
            out[-1] |= {"pages": list(where.pages)} if where.pages else {}
            out[-1] |= {"path": list(where.path)} if where.path and titled else {}
            keys = MEDIA.findall(line)
            out[-1] |= {"media": {key: media[key][0] if key in media else None for key in keys}} if keys else {}
            if page is not None:
                out[-1]["page"] = page[start:end]
        at += len(line) + 1
    return out


def page_text(storage: Storage, entries: Mapping[str, Entry], doc_id: str, capture: str) -> str:
    """The decoded page of a capture; its bytes may lie with an earlier capture of equal hash."""
    columns = ["capture", "body", "body_hash", "content_type"]
    rows = Version.load(storage, entries["pages"].manifest).get([doc_id], columns)
    wanted = capture.partition(":")[2]
    for row in rows.to_pylist():
        if row["body"] is not None and row["body_hash"] == wanted:
            return source_text(row["body"], row["content_type"], max(len(row["body"]), 1))
    raise UsageError(f"the body of {doc_id} {capture} is not in this snapshot's pages")
