"""The first screen in words: what happened in one sentence, and the four figures that back it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.report import numbers
from pipelines.report.facts import CardFacts, Change, Expectation, Missing, Number, Risk

_VERDICTS = {
    "passed": "Gate passed",
    "refused": "Gate refused",
    "not_enough_data": "No verdict",
    "not_run": "Gate not run",
}
_ORDER = ("failed", "warned", "not_measured", "skipped", "passed")


@dataclass(frozen=True)
class Headline:
    """One of the large figures: what, how much (exact value beside it where shortened), and a line of context."""

    label: str
    value: str
    exact: str
    context: str
    measured: bool


def verdict(facts: CardFacts) -> str:
    return _VERDICTS[facts.gate.verdict]


def sentence(facts: CardFacts) -> str:
    """The night in one sentence; it never states a figure that was not measured."""
    rows = facts.total.rows
    documents = "an unmeasured number of documents" if isinstance(rows, Missing) else numbers.plural(rows, "document")
    failed = sum(e.status == "failed" for e in facts.gate.expectations)
    if facts.gate.verdict == "refused":
        total = numbers.plural(len(facts.gate.expectations), "expectation")
        return f"The gate refused this candidate of {documents}: {failed} of {total} failed. Nothing was published."
    if facts.gate.verdict == "not_enough_data":
        return f"There is no verdict on {documents}: {facts.gate.reason or 'the gate had not enough data'}."
    if facts.gate.verdict == "not_run":
        return f"The gate has not judged {documents}: {facts.gate.reason or 'it did not run'}."
    if facts.parent_id is None:
        return f"First publication: {documents} passed the gate."
    return f"{documents[0].upper()}{documents[1:]} passed the gate, {difference(facts)}."


def difference(facts: CardFacts) -> str:
    """The main dataset against the snapshot before, as the end of a sentence."""
    change = main_change(facts)
    if change is None:
        return "with no comparison at hand"
    if isinstance(change.added, Missing) or isinstance(change.removed, Missing):
        return "with the change against the last snapshot not measured"
    net = change.added - change.removed
    if net:
        return f"{numbers.number(abs(net))} {'more' if net > 0 else 'fewer'} than in the last snapshot"
    if change.added or (not isinstance(change.changed, Missing) and change.changed):
        return "as many as in the last snapshot, though not the same ones"
    return "the same as in the last snapshot"


def main_change(facts: CardFacts) -> Change | None:
    return next((c for c in facts.changes if c.dataset == facts.total.dataset), None)


def overall_yield(facts: CardFacts) -> Number:
    """Rows published over inputs of the funnel's first stage, for the whole version."""
    if not facts.funnel:
        return Missing("the card was given no funnel")
    first = facts.funnel[0].version
    if isinstance(first, Missing):
        return first
    if isinstance(first.inputs, Missing):
        return first.inputs
    if isinstance(facts.total.rows, Missing):
        return facts.total.rows
    return facts.total.rows / first.inputs if first.inputs else Missing("the funnel has no input")


def headlines(facts: CardFacts) -> list[Headline]:
    total = facts.total
    unit = facts.funnel[0].unit if facts.funnel else "inputs"
    tokenizer = f"by {total.tokenizer}" if total.tokenizer else "tokenizer not named"
    return [
        _large("Documents", total.rows, numbers.compact, f"in {total.dataset}"),
        _large("Tokens", total.tokens, numbers.compact, tokenizer),
        _large("Kept", overall_yield(facts), numbers.share, f"of all {unit} asked for"),
        _change(facts),
    ]


def _large(label: str, value: Number, form: Callable[[Number], str], context: str) -> Headline:
    shown = form(value)
    if isinstance(value, Missing):
        return Headline(label, shown, "", "", False)
    exact = numbers.number(value) if form is numbers.compact and shown != numbers.number(value) else ""
    return Headline(label, shown, exact, context, True)


def _change(facts: CardFacts) -> Headline:
    change = main_change(facts)
    label = "Since the last snapshot"
    if facts.parent_id is None:
        return _large(label, Missing("a first publication has no snapshot before it"), numbers.number, "")
    if change is None:
        return _large(label, Missing("no comparison at hand"), numbers.number, "")
    for part in (change.added, change.removed):
        if isinstance(part, Missing):
            return _large(label, part, numbers.number, "")
    shown = f"+{numbers.compact(change.added)} −{numbers.compact(change.removed)}"
    edited = "" if isinstance(change.changed, Missing) else f"; {numbers.compact(change.changed)} changed"
    return Headline(label, shown, "", f"added and removed{edited}", True)


def worst_first(expectations: tuple[Expectation, ...]) -> list[Expectation]:
    """Expectations in the order in which somebody must look at them; given order within a status."""
    return sorted(expectations, key=lambda e: _ORDER.index(e.status))


def gravest_first(risks: tuple[Risk, ...]) -> list[Risk]:
    """Risks by severity; given order within one."""
    return sorted(risks, key=lambda r: ("high", "medium", "low", "note").index(r.severity))


def tally(expectations: tuple[Expectation, ...]) -> str:
    """`12 passed, 1 warned`; statuses nobody has are left out."""
    counts = {status: sum(e.status == status for e in expectations) for status in reversed(_ORDER)}
    said = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in counts.items() if n)
    return said or "no expectations"
