"""The parse-quality report as one self-contained HTML page, in the style of the data card and under its policy."""

from __future__ import annotations

from importlib import resources

from markupsafe import Markup

from pipelines.evaluate.parsing import FIGURES
from pipelines.evaluate.parsing_summary import Group, Report, Value
from pipelines.report import numbers
from pipelines.report.card import environment

_HEADLINES = (
    ("character_error_rate", "Character errors"),
    ("word_error_rate", "Word errors"),
    ("paragraph_completeness", "Paragraphs found"),
    ("traceable", "Traceable text"),
)


def render(report: Report) -> str:
    """The page. The same report gives the same bytes; no text of a document is in it."""
    groups = {by: [g for g in report.groups if g.by == by] for by in ("all", "format", "language")}
    overall = {v.name: v for v in groups["all"][0].values} if groups["all"] else {}
    return (
        environment()
        .get_template("parsing.html")
        .render(
            r=report,
            css=Markup(resources.files("pipelines.report").joinpath("templates/card.css").read_text("utf-8")),
            groups=groups,
            headlines=[(label, overall[name]) for name, label in _HEADLINES if name in overall],
            says={figure.name: figure.says for figure in FIGURES},
            names=[figure.name for figure in FIGURES],
            percent=percent,
            spread=spread,
            sentence=sentence(report),
            cell=cell,
        )
    )


def percent(value: Value) -> str:
    return numbers.share(value.value) if value.value is not None else f"not measured: {value.reason}"


def spread(value: Value) -> str:
    """`93.1% to 95%`, or nothing."""
    if value.low is None or value.high is None:
        return ""
    return f"{numbers.share(value.low)} to {numbers.share(value.high)}"


def cell(group: Group, name: str) -> Value:
    return next(value for value in group.values if value.name == name)


def sentence(report: Report) -> str:
    """The report in one line."""
    if not report.documents:
        return "No document could be measured"
    overall = report.groups[0]
    errors = cell(overall, "character_error_rate")
    lost = f", {numbers.number(report.refused)} refused" if report.refused else ""
    rate = f": {percent(errors)} of characters are wrong" if errors.value is not None else ""
    return f"{numbers.plural(report.documents, 'document')} measured{lost}{rate}"
