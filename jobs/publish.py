"""The `publish` job: the gated candidate becomes the published snapshot of its night."""

from __future__ import annotations

from datetime import UTC, datetime

from jobs.cards.shelf import path_of
from jobs.context import JobContext, Result
from jobs.errors import GateRefused, Terminal, Transient, UsageError
from jobs.rollback import ROLLBACK
from jobs.snapshots import Snapshot
from jobs.stores.base import open_store

ALWAYS = True  # publishing the same content again changes nothing, and says so


def run(ctx: JobContext) -> Result:
    outputs = ctx.run.outputs()
    gate = ctx.run.read("gate.json")
    if gate is None or not gate.get("passed"):
        raise GateRefused(f"run {ctx.run.name} has no passing gate; run `nightmill run gate --date {ctx.pins.date}`")
    parent = ctx.parent
    card = ctx.run.record("card")
    if card is None:
        raise Terminal(f"run {ctx.run.name} has no data card; run `nightmill run card --date {ctx.pins.date}`")
    candidate = Snapshot(
        date=ctx.pins.date,
        parent=ctx.pins.parent,
        run=ctx.run.name,
        datasets={**(parent.datasets if parent else {}), **outputs},
        tombstone_epoch=ctx.pins.tombstone_epoch,
        gate=gate,
        card=card.result.get("card"),
        code_version=ctx.pins.code_version,
        published_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    if candidate.card != path_of(candidate.id):
        raise Transient(f"the data card is about other content; run `nightmill run card --date {ctx.pins.date}` again")
    refuse_withdrawn(ctx, candidate)
    store = open_store(ctx.config, ctx.storage)
    published = store.publish(candidate, written=frozenset(outputs))
    pointer = store.pointer()
    return Result(
        result={
            "snapshot": published.id,
            "head": pointer.head,
            "is_head": pointer.head == published.id,
            "stale": list(pointer.stale),
        }
    )


def refuse_withdrawn(ctx: JobContext, candidate: Snapshot) -> None:
    """A rollback of this night came after the run was pinned: its content does not return unasked."""
    head = ctx.published.head()
    if head is None or head.date != candidate.date or not head.note.startswith(ROLLBACK) or ctx.pins.head == head.id:
        return
    raise UsageError(f"{candidate.date} was rolled back ({head.note}); pass --current to publish a run of it after all")
