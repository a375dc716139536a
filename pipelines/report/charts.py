"""Small inline SVG charts. Shapes scale with the page, words stay in HTML, colours come from the style sheet.

Every chart has a title and a description for readers who cannot see it; the page puts a table behind each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from pipelines.report import numbers
from pipelines.report.facts import Flow, Histogram, Missing
from pipelines.report.text import visible

_SLIVER = 0.5  # per cent of the width: something that exists can be seen


@dataclass(frozen=True)
class Part:
    """A piece of a bar: its style class, what it is, and how much."""

    style: str
    label: str
    value: float


def dispositions(flow: Flow) -> list[Part]:
    """The parts of a stage's bar, those that go on first; missing and zero figures have no part.

    Unchanged inputs have none either: on an ordinary night they are nine in ten and would hide all the rest.
    """
    parts = [(name, getattr(flow, name)) for name in ("emitted", "superseded", "retracted", "rejected")]
    return [Part(name, name, value) for name, value in parts if not isinstance(value, Missing) and value > 0]


def bar(parts: Sequence[Part], total: float, title: str) -> Markup:
    """Parts side by side on a track that stands for `total`; a part is never thinner than a sliver."""
    pieces, at = [], 0.0
    for part in parts:
        width = max(100 * part.value / total, _SLIVER) if total > 0 else 0.0
        width = min(width, max(0.0, 100 - at))
        pieces.append(
            Markup('<rect class="{}" x="{:.3f}%" width="{:.3f}%" height="100%"><title>{}</title></rect>').format(
                part.style, at, width, f"{visible(part.label)}: {numbers.number(part.value)}"
            )
        )
        at += width
    said = ", ".join(f"{visible(p.label)} {numbers.number(p.value)}" for p in parts) or "nothing"
    return Markup('<svg class="bar" role="img" aria-label="{}">{}</svg>').format(
        f"{visible(title)}: {said}", Markup("").join(pieces)
    )


def connector(upper: float, lower: float) -> Markup:
    """The narrowing between two bars of a funnel; both widths are fractions of the same track."""
    top, bottom = (100 * min(max(x, 0.0), 1.0) for x in (upper, lower))
    return Markup(
        '<svg class="connector" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<polygon points="0,0 {:.3f},0 {:.3f},10 0,10"/></svg>'
    ).format(top, bottom)


def histogram(data: Histogram, title: str) -> Markup:
    """Columns of equal width, one per bin, with a line at each quarter of the tallest."""
    tallest, bins = max(data.counts, default=0), len(data.counts)
    step = 100 / bins if bins else 100.0
    columns = []
    for at, count in enumerate(data.counts):
        height = max(100 * count / tallest, 1.0) if count else 0.0
        label = f"{numbers.number(data.edges[at])} to {numbers.number(data.edges[at + 1])} {data.unit}"
        columns.append(
            Markup(
                '<rect x="{:.3f}%" y="{:.3f}%" width="{:.3f}%" height="{:.3f}%"><title>{}: {}</title></rect>'
            ).format(step * (at + 0.06), 100 - height, step * 0.88, height, visible(label), numbers.number(count))
        )
    grid = Markup("").join(Markup('<line x1="0" x2="100%" y1="{0}%" y2="{0}%"/>').format(y) for y in (0, 25, 50, 75))
    return Markup('<svg class="histogram" role="img" aria-label="{}">{}{}</svg>').format(
        f"{visible(title)}: {bins} bins, the fullest holds {numbers.number(tallest)}", grid, Markup("").join(columns)
    )


def ticks(data: Histogram, most: int = 7) -> list[tuple[float, str]]:
    """Positions (per cent) and labels of at most `most` evenly spread bin edges, first and last included."""
    bins = len(data.counts)
    if not bins:
        return []
    every = max(1, -(-bins // (most - 1)))
    chosen = [at for at in range(0, bins, every) if bins - at >= every * 0.7] + [bins]
    return [(100 * at / bins, _short(data.edges[at])) for at in chosen]


def position(data: Histogram, value: float) -> float | None:
    """Where `value` stands on the histogram's axis, in per cent; None outside the edges."""
    for at, (low, high) in enumerate(pairwise(data.edges)):
        if low <= value <= high:
            return 100 * (at + (value - low) / (high - low)) / len(data.counts)
    return None


def _short(value: float) -> str:
    for scale, suffix in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if abs(value) >= scale:
            return f"{value / scale:.4g}{suffix}"
    return numbers.number(value)
