"""Where a candidate comes from: sources with their rights, inputs, components, and what it takes to build it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.cards.figures import Figures
from jobs.datasets import Version
from jobs.models import KNOWN
from jobs.runs import Pins
from pipelines.report.facts import Component, Input, Missing, Provenance, Setting, Source

_MOST_EVIDENCE = 100  # different pieces per source that are told apart
_RIGHTS = ["source", "source_class", "licence", "authorised", "authorisation"]


@dataclass
class _Seen:
    classes: set[str] = field(default_factory=set)
    licences: set[str] = field(default_factory=set)
    authorised: bool = True
    evidence: set[str] = field(default_factory=set)


def provenance(versions: Mapping[str, Version], figures: Figures, pins: Pins) -> Provenance:
    made = {name: version.manifest.provenance for name, version in versions.items()}
    components = sorted({item for p in made.values() for item in p.components.items()})
    jobs = {p.job: p for p in made.values() if p.job}
    return Provenance(
        sources=sources(versions.get("pages"), figures, pins.parameters),
        inputs=tuple(
            Input(name, version.manifest.version, str(version.manifest.digest), version.rows)
            for name, version in versions.items()
            if name != "corpus"
        ),
        components=tuple(_component(name, digest) for name, digest in components),
        seeds=tuple(Setting(job, str(p.seed)) for job, p in jobs.items() if p.seed is not None),
        fingerprints=tuple(Setting(job, p.fingerprint) for job, p in jobs.items() if p.fingerprint),
        code_version=pins.code_version or Missing("the run pinned no code version"),
        parameters_digest=pins.configuration or Missing("the run pinned no configuration"),
        tombstone_epoch=pins.tombstone_epoch,
    )


def _component(name: str, digest: str) -> Component:
    model = KNOWN.get(name)
    version, licence = (f"{model.package} {model.version}", model.licence) if model else ("", "")
    return Component(name, version, f"sha256:{digest}", licence)


def sources(pages: Version | None, figures: Figures, parameters: Mapping[str, Any]) -> tuple[Source, ...]:
    """Every source that was declared or captured, with all classes, licences and evidence that its captures name."""
    seen: dict[str, _Seen] = {}
    for source in parameters.get("crawl", {}).get("sources", ()):
        declared = {source["source_class"]}, {source["licence"]}, source["authorised"]
        seen[source["name"]] = _Seen(*declared)
    for piece in pages.scan(_RIGHTS) if pages is not None else ():
        for row in piece.group_by(_RIGHTS).aggregate([]).to_pylist():
            _add(seen.setdefault(row["source"] or "", _Seen()), row)
    return tuple(
        Source(
            name=name,
            source_class=", ".join(sorted(found.classes)),
            licence=", ".join(sorted(found.licences)),
            authorised=found.authorised,
            evidence=_evidence(found.evidence),
            rows=figures.rows_of(name, "source"),
        )
        for name, found in sorted(seen.items())
    )


def _add(seen: _Seen, row: Mapping[str, Any]) -> None:
    seen.classes.add(row["source_class"] or "unknown")
    seen.licences.add(row["licence"] or "unknown")
    seen.authorised &= bool(row["authorised"])
    if row["authorisation"] and len(seen.evidence) <= _MOST_EVIDENCE:
        seen.evidence.add(row["authorisation"])


def _evidence(found: set[str]) -> str:
    if not found:
        return ""
    others = len(found) - 1
    count = f"{others} or more" if others >= _MOST_EVIDENCE else others
    more = f" (and {count} other{'s' if others > 1 else ''})" if others else ""
    return f"{min(found)}{more}"
