"""A run's candidate as the facts of its data card. Nothing in them tells two equal runs apart but their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa

from jobs.cards import figures as parts
from jobs.cards.figures import Figures
from jobs.cards.flows import rules_of, stages
from jobs.cards.origins import provenance
from jobs.cards.samples import samples
from jobs.cards.verdict import gate_facts
from jobs.datasets import Changes, Version, changes
from jobs.declared import JOBS, OWNER
from jobs.errors import UsageError
from jobs.inspection import reasons
from jobs.runs import Pins, Run
from jobs.snapshots import Entry, Published, Snapshot, content_id
from jobs.storage import Storage
from pipelines.report import risks
from pipelines.report.facts import CardFacts, Change, Duplicates, Missing, Pii, Reason, Total

#: Figures about other datasets: their rows say nothing to a reader.
_MEASURES = ("metrics", "violations")
_REASONS = {
    "retracted": "gone: page or source row removed",
    "rejected": "turned away now",
    "duplicate": "now a duplicate of an earlier text",
    "accepted": "no longer turned away",
    "superseded": "new content under the same key",
}
_ANEW = "built anew, not by increment"
_NEW = {"pages": "captured this night", "url_aliases": "first seen this night"}
_COMPOSITION = (
    "The main text of web pages, one row per page: navigation, advertisements and markup are left out, personal data "
    "is replaced by typed placeholders, and of similar texts only the earliest is kept.",
    "Made for training language models. Not meant for evaluation: no benchmark has been taken out of it.",
)


@dataclass(frozen=True)
class Candidate:
    """What a run would publish: its own datasets laid over those of its parent snapshot."""

    storage: Storage
    run: str
    pins: Pins
    outputs: Mapping[str, Entry]
    gate: Mapping[str, Any] | None

    @classmethod
    def of(cls, storage: Storage, run: Run) -> Candidate:
        pins = run.pins()
        if pins is None:
            raise UsageError(f"there is no run {run.name!r}")
        return cls(storage, run.name, pins, run.outputs(), run.read("gate.json"))

    @cached_property
    def parent(self) -> Snapshot | None:
        return Published(self.storage).snapshot(self.pins.parent) if self.pins.parent else None

    @property
    def datasets(self) -> dict[str, Entry]:
        return {**(self.parent.datasets if self.parent else {}), **self.outputs}

    @property
    def id(self) -> str:
        """That of the snapshot which publishing would make."""
        return content_id(self.datasets, self.pins.parent, self.pins.date, self.pins.tombstone_epoch)

    @cached_property
    def versions(self) -> dict[str, Version]:
        """Its datasets in the order in which jobs write them."""
        order = [name for job in JOBS.values() for name in job.writes]
        names = [n for n in order if n in self.datasets] + sorted(set(self.datasets) - set(order))
        return {name: Version.load(self.storage, self.datasets[name].manifest) for name in names}

    def facts(self) -> CardFacts:
        """Raises UsageError where the run has no corpus yet."""
        if "corpus" not in self.versions:
            raise UsageError(f"run {self.run} has no corpus yet; run its jobs up to dedup first")
        corpus = self.versions["corpus"]
        measured = Figures(self._table("metrics"))
        made = CardFacts(
            snapshot_id=self.id,
            date=self.pins.date,
            run=self.run,
            owner=OWNER,
            total=_total(corpus, measured),
            gate=gate_facts(self.gate, self.outputs, corpus, self._table("violations"), self.pins.parameters),
            parent_id=self.pins.parent,
            parent_date=self.parent.date if self.parent else None,
            changes=tuple(self._change(n, v) for n, v in _corpus_first(self.versions) if n not in _MEASURES),
            funnel=stages(self.versions, measured),
            languages=parts.languages(measured),
            lengths=parts.lengths(measured),
            hosts=parts.hosts(measured),
            duplicates=self._duplicates(measured),
            pii=self._pii(measured),
            samples=samples(corpus),
            provenance=provenance(self.versions, measured, self.pins),
            composition=_COMPOSITION,
        )
        return replace(made, risks=risks.assess(made))

    def _table(self, dataset: str) -> pa.Table | None:
        return self.versions[dataset].table() if dataset in self.outputs else None

    def _change(self, name: str, version: Version) -> Change:
        shown = version.manifest.version.partition("@")[2]
        if self.parent is None or name not in self.parent.datasets:
            why = Missing("first publication" if self.parent is None else "the last snapshot has no such dataset")
            return Change(name, shown, version.rows, why, why, why)
        before = Version.load(self.storage, self.parent.datasets[name].manifest)
        delta = changes(before, version)
        return Change(
            name,
            shown,
            version.rows,
            len(delta.added),
            len(delta.removed),
            len(delta.changed),
            _reasons(name, delta, reasons(before, version)),
            before.manifest.version.partition("@")[2],
        )

    def _duplicates(self, measured: Figures) -> Duplicates | Missing:
        refused = self.versions.get("rejects_dedup")
        if refused is None:
            return Missing("the run has no dedup stage")
        parameters = self.versions["corpus"].manifest.provenance.parameters
        return parts.duplicates(measured, refused.table(["rule", "kept_id"]), parameters)

    def _pii(self, measured: Figures) -> Pii | Missing:
        scrubbed, refused = self.versions.get("scrubbed"), self.versions.get("rejects_scrub")
        if scrubbed is None or refused is None:
            return Missing("the run has no scrub stage")
        return parts.pii(measured, scrubbed.manifest.provenance.parameters, rules_of(refused))


def _reasons(name: str, delta: Changes, hidden: Mapping[str, int]) -> tuple[Reason, ...]:
    """Why rows differ. Delete files tell it of what went and changed; a version that was built anew has none."""
    found = [Reason("changed" if w == "superseded" else "removed", _REASONS.get(w, w), n) for w, n in hidden.items()]
    if len(delta.added):
        why = "turned away this night" if name.startswith("rejects_") else _NEW.get(name, "new")
        found.append(Reason("added", why, len(delta.added)))
    if not hidden and len(delta.removed):
        found.append(Reason("removed", _ANEW, len(delta.removed)))
    if not hidden and len(delta.changed):
        found.append(Reason("changed", _ANEW, len(delta.changed)))
    return tuple(sorted(found, key=lambda reason: (reason.kind, reason.reason)))


def _corpus_first(versions: Mapping[str, Version]) -> list[tuple[str, Version]]:
    return sorted(versions.items(), key=lambda item: item[0] != "corpus")


def _total(corpus: Version, measured: Figures) -> Total:
    digest = corpus.manifest.digest
    return Total(
        dataset="corpus",
        version=digest.prefix,
        digest=str(digest),
        rows=corpus.rows,
        characters=measured.count("characters"),
        tokens=measured.count("tokens"),
        tokenizer=str((corpus.manifest.provenance.tokens or {}).get("tokenizer", "")),
        bytes=measured.count("text_bytes"),
    )
