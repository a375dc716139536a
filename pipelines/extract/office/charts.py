"""Charts as tables: the figures that a document keeps of an embedded chart (ECMA-376 part 1, 21.2)."""

from __future__ import annotations

from typing import Any

from pipelines.extract.office.numbering import integer

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MAX_POINTS = 2_000  # per series
MAX_SERIES = 50


def chart_table(root: Any) -> tuple[str, list[list[str]]]:
    """Title and rows of a chart: a row of series names, then a row per category. No rows where nothing is kept."""
    title = root.find(f".//{C}chart/{C}title")
    heading = " ".join("".join(t.text or "" for t in title.iter(f"{A}t")).split()) if title is not None else ""
    names: list[str] = []
    columns: list[dict[int, str]] = []
    categories: dict[int, str] = {}
    for series in list(root.iter(f"{C}ser"))[:MAX_SERIES]:
        name = _points(series.find(f"{C}tx"))
        names.append(name[0] if 0 in name else f"{len(names) + 1}")
        categories = {**_points(_first(series, "cat", "xVal")), **categories}
        columns.append(_points(_first(series, "val", "yVal")))
    places = sorted(set(categories).union(*columns)) if columns else []
    if not places:
        return heading, []
    rows = [[categories.get(p, str(p + 1)), *(column.get(p, "") for column in columns)] for p in places]
    return heading, [["", *names], *rows]


def _first(series: Any, *names: str) -> Any | None:
    return next((e for name in names if (e := series.find(f"{C}{name}")) is not None), None)


def _points(element: Any | None) -> dict[int, str]:
    """Place → value as kept; of categories with several levels the innermost."""
    if element is None:
        return {}
    level = element.find(f".//{C}lvl")
    out: dict[int, str] = {}
    for point in (level if level is not None else element).iter(f"{C}pt"):
        value = point.find(f"{C}v")
        at = integer(point.get("idx"), -1)
        if value is not None and at >= 0 and len(out) < MAX_POINTS:
            out[at] = _shown((value.text or "").strip())
    if not out:
        value = element.find(f".//{C}v")
        if value is not None and value.text:
            out[0] = value.text.strip()
    return out


def _shown(value: str) -> str:
    """A figure without the noise of binary fractions: 0.30000000000000004 is 0.3."""
    if len(value) < 12:
        return value
    try:
        return f"{float(value):.10g}"
    except ValueError:
        return " ".join(value.split())
