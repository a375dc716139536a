"""What a reader of a card should worry about, derived from the figures of the card itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipelines.report import numbers
from pipelines.report.facts import CardFacts, Flow, Missing, Risk

HOST_SHARE = 0.2  # of the documents; from here on one host's habits are the corpus's habits
_UNKNOWN_LICENCES = ("", "unknown", "none")


def assess(facts: CardFacts) -> tuple[Risk, ...]:
    """The risks that the figures show, in a fixed order. A figure that is missing gives no all-clear: it is named."""
    return tuple(risk for rule in _RULES for risk in rule(facts))


def unaccounted(facts: CardFacts) -> Iterator[Risk]:
    for stage in facts.funnel:
        for which, flow in (("the whole version", stage.version), ("this night", stage.night)):
            lost = flow.unaccounted if isinstance(flow, Flow) else flow
            if not isinstance(lost, Missing) and lost:
                title = f"Stage {stage.name} does not account for {numbers.number(lost)} of its inputs in {which}"
                yield Risk(title, "high", "Every input must be emitted, rejected, unchanged, superseded or retracted.")


def unauthorised(facts: CardFacts) -> Iterator[Risk]:
    for source in facts.provenance.sources:
        if not source.authorised and source.rows != 0:
            rows = "an unmeasured number" if isinstance(source.rows, Missing) else numbers.number(source.rows)
            detail = f"Evidence on file: {source.evidence or 'none'}. Rows from it: {rows}."
            yield Risk(f"Source {source.name} is not authorised", "high", detail)


def unlicensed(facts: CardFacts) -> Iterator[Risk]:
    for source in facts.provenance.sources:
        if source.licence.strip().lower() in _UNKNOWN_LICENCES and source.rows != 0:
            yield Risk(f"The licence of source {source.name} is unknown", "medium", "Its rows may not be free to use.")


def personal_data(facts: CardFacts) -> Iterator[Risk]:
    for entity in () if isinstance(facts.pii, Missing) else facts.pii.entities:
        if entity.policy == "keep" and entity.found != 0:
            yield Risk(f"{entity.entity} is kept in the text", "medium", "The scrubber's policy for it is keep.")
        elif not isinstance(entity.residue, Missing) and entity.residue > 0:
            left = numbers.plural(entity.residue, "finding")
            yield Risk(f"{entity.entity} is left in the corpus", "high", f"A second look found it again: {left}.")


def concentration(facts: CardFacts) -> Iterator[Risk]:
    rows = facts.total.rows
    if isinstance(facts.hosts, Missing) or isinstance(rows, Missing) or not rows:
        return
    for host in facts.hosts.top:
        if host.rows / rows >= HOST_SHARE:
            held = numbers.share(host.rows / rows)
            detail = "Its style and its mistakes weigh on whatever is trained on this."
            yield Risk(f"{host.name} holds {held} of the documents", "medium", detail)


def unmeasured(facts: CardFacts) -> Iterator[Risk]:
    names = ("languages", "lengths", "hosts", "duplicates", "pii", "samples")
    absent = [(name, value) for name in names if isinstance(value := getattr(facts, name), Missing)]
    if absent:
        detail = "; ".join(f"{name}: {value.not_measured}" for name, value in absent) + "."
        yield Risk("Some of this card was not measured", "note", detail)


_RULES: tuple[Callable[[CardFacts], Iterator[Risk]], ...] = (
    unaccounted,
    unauthorised,
    unlicensed,
    personal_data,
    concentration,
    unmeasured,
)
