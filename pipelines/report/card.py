"""The data card as one self-contained HTML page: no script, no outside host, safe whatever the samples hold.

The templates arrange; every string they print passes `visible`, then HTML escaping. The page's own policy
(Content-Security-Policy) forbids scripts, connections and anything loaded from elsewhere.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from pipelines.report import charts, numbers, story
from pipelines.report.facts import CardFacts, Flow, Missing, Stage
from pipelines.report.text import passage, visible

SHOWN_RULES = 3  # under a stage's bar; the table behind the funnel has all of them


def render(facts: CardFacts) -> str:
    """The page, without lone surrogates, so that UTF-8 can hold it. The same facts give the same bytes."""
    entities = () if isinstance(facts.pii, Missing) else tuple(e.entity for e in facts.pii.entities)
    page = environment().get_template("card.html")
    return page.render(
        f=facts,
        css=Markup(resources.files("pipelines.report").joinpath("templates/card.css").read_text("utf-8")),
        passage=lambda text: passage(text, entities),
        version_scale=scale(facts, "version"),
        night_scale=scale(facts, "night"),
    )


def scale(facts: CardFacts, which: str) -> int:
    """The widest stage of a funnel: the figure that its full track stands for."""
    sizes = [_widest(getattr(stage, which)) for stage in facts.funnel]
    return max(sizes, default=0)


def _widest(flow: Flow | Missing) -> int:
    return 0 if isinstance(flow, Missing) else int(sum(part.value for part in charts.dispositions(flow)))


def stage_bar(stage: Stage, which: str, total: int) -> Markup:
    flow = getattr(stage, which)
    parts = [] if isinstance(flow, Missing) else charts.dispositions(flow)
    return charts.bar(parts, total, f"{stage.name}, {which}")


def ribbon(stages: tuple[Stage, ...], at: int, which: str, total: int, final: int | Missing | None) -> Markup:
    """The band below stage `at`: from what went on to what the next stage had to judge, or to the `final` rows.

    Nothing is drawn where a figure at either end is missing or 0.
    """
    here = getattr(stages[at], which)
    upper: Any = None if isinstance(here, Missing) else here.emitted
    lower: Any = final
    if at + 1 < len(stages):
        there = getattr(stages[at + 1], which)
        lower = None if isinstance(there, Missing) else _to_judge(there)
    if not total or not upper or not lower or isinstance(upper, Missing) or isinstance(lower, Missing):
        return Markup("")
    return charts.connector(upper / total, lower / total)


def _to_judge(flow: Flow) -> int | Missing:
    """Inputs that say something new: neither as before nor gone."""
    for part in (flow.inputs, flow.unchanged, flow.retracted):
        if isinstance(part, Missing):
            return part
    return _amount(flow.inputs) - _amount(flow.unchanged) - _amount(flow.retracted)


def ranked_rules(flow: Flow) -> list[Any]:
    """Rules by how much they turned away, unmeasured ones last, names break ties."""
    return sorted(flow.rules, key=lambda r: (isinstance(r.rows, Missing), -_amount(r.rows), r.rule))


def _amount(value: int | Missing) -> int:
    return 0 if isinstance(value, Missing) else value


def figure(value: Any, form: str = "number") -> Any:
    """A figure as the page shows it; a missing one with its reason, in a style of its own."""
    if isinstance(value, Missing):
        return Markup('<span class="missing">not measured: {}</span>').format(visible(value.not_measured))
    if isinstance(value, str):
        return value
    return {"number": numbers.number, "share": numbers.share, "signed": numbers.signed, "size": numbers.size}[form](
        value
    )


def _share_of(value: Any, total: Any) -> float | Missing:
    for part in (value, total):
        if isinstance(part, Missing):
            return part
    return value / total if total else Missing("there is nothing to take a share of")


def _finalize(value: Any) -> Any:
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipelines.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=figure, plural=numbers.plural)
    environment.tests["missing"] = lambda value: isinstance(value, Missing)
    environment.globals.update(
        charts=charts,
        story=story,
        Part=charts.Part,
        ribbon=ribbon,
        stage_bar=stage_bar,
        ranked_rules=ranked_rules,
        share_of=_share_of,
        shown_rules=SHOWN_RULES,
    )
    return environment
