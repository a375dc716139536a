"""The live text of a document: its captures folded, in the order of days, into the latest text and its age.

A capture with a body supersedes the one before; 304 and an equal body leave it as it is; GONE ones retract it. Text
that an equal text follows keeps its day (`since`), which is the first half of the order key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import pyarrow as pa

from pipelines.extract.stage import STAGE as PAGE
from pipelines.stage import Emitted, MapStage

WITHDRAWN = 451  # the site allows it no longer, and the deployment drops such pages (crawl.on_ban)
GONE = (404, 410, WITHDRAWN)
UNCHANGED = 304

#: What last night's output says of a document, joined to its new captures; null for a document seen first.
PRIOR = (("prior_capture", pa.string()), ("prior_text_hash", pa.string()), ("prior_since", pa.date32()))


@dataclass(frozen=True)
class _Live:
    """The current state of a document: `row` is its capture's place in the batch, None for last night's."""

    row: int | None
    body_hash: str
    text_hash: str | None  # None: the extraction rejected it
    since: date | None


def apply(state: Any, batch: pa.Table) -> Emitted:
    """Fold the captures of whole documents, sorted by (doc_id, capture)."""
    captures = batch.select(["doc_id", "capture", "capture_day", "body_hash", "status"]).to_pylist()
    priors = batch.select([name for name, _ in PRIOR]).to_pylist()
    needed = [at for doc in _documents(captures) for at in _to_extract(captures, priors, doc)]
    pages = batch.drop_columns([n for n, _ in PRIOR]).take(pa.array(needed, pa.int64()))
    extracted = PAGE.apply(state, pages)
    texts = _by_capture(extracted.rows, "text_hash")
    others: list[tuple[str, str, str]] = []
    current: dict[int, _Live] = {}
    for doc in _documents(captures):
        live = _fold(captures, priors, doc, texts, others)
        if live is not None and live.row is not None:
            current[live.row] = live
    chosen = {(captures[at]["doc_id"], captures[at]["capture"]): live.since for at, live in current.items()}
    return Emitted(
        _with_since(_only(extracted.rows, chosen), chosen),
        _only(extracted.rejects, chosen),
        pa.table(
            {
                name: pa.array([o[i] for o in others], pa.string())
                for i, name in enumerate(("doc_id", "capture", "disposition"))
            }
        ),
    )


def _documents(captures: Sequence[dict[str, Any]]) -> Iterator[list[int]]:
    for _, group in groupby(range(len(captures)), key=lambda at: captures[at]["doc_id"]):
        yield list(group)


def _prior_body(prior: dict[str, Any]) -> str | None:
    return prior["prior_capture"].partition(":")[2] if prior["prior_capture"] else None


def _to_extract(captures: Sequence[dict[str, Any]], priors: Sequence[dict[str, Any]], doc: list[int]) -> list[int]:
    """Captures whose body differs from the one that was live before."""
    live, wanted = _prior_body(priors[doc[0]]), []
    for at in doc:
        capture = captures[at]
        if capture["status"] in GONE:
            live = None
        elif capture["status"] != UNCHANGED and capture["body_hash"] != live:
            live = capture["body_hash"]
            wanted.append(at)
    return wanted


def _fold(
    captures: Sequence[dict[str, Any]],
    priors: Sequence[dict[str, Any]],
    doc: list[int],
    texts: dict[tuple[str, str], str],
    others: list[tuple[str, str, str]],
) -> _Live | None:
    prior = priors[doc[0]]
    body = _prior_body(prior)
    live = _Live(None, body, prior["prior_text_hash"], prior["prior_since"]) if body is not None else None
    for at in doc:
        capture = captures[at]
        name = (capture["doc_id"], capture["capture"])
        if capture["status"] in GONE:
            _supersede(captures, live, others)
            others.append((*name, "retracted"))
            live = None
        elif capture["status"] == UNCHANGED or (live is not None and capture["body_hash"] == live.body_hash):
            others.append((*name, "unchanged" if live is not None else "retracted"))
        else:
            _supersede(captures, live, others)
            text = texts.get(name)
            same = live is not None and text is not None and live.text_hash == text
            live = _Live(at, capture["body_hash"], text, live.since if same and live else capture["capture_day"])
    return live


def _supersede(captures: Sequence[dict[str, Any]], live: _Live | None, others: list[tuple[str, str, str]]) -> None:
    if live is not None and live.row is not None:
        before = captures[live.row]
        others.append((before["doc_id"], before["capture"], "superseded"))


def _names(table: pa.Table) -> list[tuple[str, str]]:
    return list(zip(table["doc_id"].to_pylist(), table["capture"].to_pylist(), strict=True))


def _by_capture(table: pa.Table, column: str) -> dict[tuple[str, str], str]:
    return dict(zip(_names(table), table[column].to_pylist(), strict=True))


def _only(table: pa.Table, chosen: dict[tuple[str, str], Any]) -> pa.Table:
    return table.filter(pa.array([name in chosen for name in _names(table)], pa.bool_()))


def _with_since(table: pa.Table, chosen: dict[tuple[str, str], Any]) -> pa.Table:
    return table.append_column("since", pa.array([chosen[name] for name in _names(table)], pa.date32()))


STAGE = MapStage(
    name="extract",
    version=f"1/{PAGE.version}",
    scope="row",
    needs=("doc_id", "capture", "capture_day", "body_hash", "status", *PAGE.needs[1:], *(name for name, _ in PRIOR)),
    adds=(*PAGE.adds, "since"),
    setup=PAGE.setup,
    apply=apply,
    key=("doc_id", "capture"),
)
