"""Reading order of a page: its columns, from what keeps them apart.

A gutter is an upright strip that few pieces cross. The pieces that do (titles, wide figures) divide the page into
bands; in each band the left column comes before the right one. What looks like the columns of a table, short pieces
that do not fill their width, is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from pipelines.extract.pdf.lines import rows
from pipelines.extract.pdf.spans import Span
from pipelines.extract.prose import width

MAX_DEPTH = 5
MIN_LINES = 3  # in each of two columns
MIN_COLUMNS = 15  # typical width of a line of prose, counted in narrow characters
MIN_FILLED = 0.6  # typical share of the column's width that a line of prose fills


def regions(spans: Sequence[Span], depth: int = 0) -> list[list[Span]]:
    """The pieces of a page as columns, in the order in which they are read."""
    if len(spans) < 2 * MIN_LINES or depth >= MAX_DEPTH:
        return [list(spans)]
    gutter = _gutter(spans)
    if gutter is None:
        return [list(spans)]
    bands = _bands(spans, gutter)
    out: list[list[Span]] = []
    for left, right in bands:
        if right:
            out += regions(left, depth + 1) + regions(right, depth + 1)
        elif left:
            out.append(left) if len(bands) == 1 else out.extend(regions(left, depth + 1))
    return out


def _gutter(spans: Sequence[Span]) -> float | None:
    """The place of the strip that the least height of text crosses, None where there is no such strip."""
    left, right = min(s.x0 for s in spans), max(s.x1 for s in spans)
    em = median(s.y1 - s.y0 for s in spans)
    if right - left < 12 * em:
        return None
    events = sorted([(s.x0, s.y1 - s.y0) for s in spans] + [(s.x1, -(s.y1 - s.y0)) for s in spans])
    total = sum(s.y1 - s.y0 for s in spans)
    best: tuple[float, float, float] | None = None
    crossing = 0.0
    for (x, height), (after, _) in zip(events, [*events[1:], (right, 0.0)], strict=True):
        crossing += height
        wide = after - x
        if wide < 0.5 * em or crossing > 0.3 * total or not left + 4 * em < (x + after) / 2 < right - 4 * em:
            continue
        key = (round(crossing, 1), -round(wide, 1), (x + after) / 2)
        best = key if best is None or key < best else best
    return best[2] if best else None


def _bands(spans: Sequence[Span], gutter: float) -> list[tuple[list[Span], list[Span]]]:
    """Bands from top to bottom: (what is in one column, nothing) or (left column, right column)."""
    across = sorted((s for s in spans if s.x0 < gutter < s.x1), key=lambda s: s.y0)
    beside = sorted((s for s in spans if not s.x0 < gutter < s.x1), key=lambda s: (s.y0 + s.y1) / 2)
    cuts: list[tuple[float, float]] = []  # heights that crossing pieces take, joined where they touch
    for span in across:
        if cuts and span.y0 <= cuts[-1][1]:
            cuts[-1] = (cuts[-1][0], max(cuts[-1][1], span.y1))
        else:
            cuts.append((span.y0, span.y1))
    groups: list[list[Span]] = [[] for _ in range(len(cuts) + 1)]
    at = 0
    for span in beside:
        while at < len(cuts) and (span.y0 + span.y1) / 2 > (cuts[at][0] + cuts[at][1]) / 2:
            at += 1
        groups[at].append(span)
    out: list[tuple[list[Span], list[Span]]] = []
    crossing = iter(across)
    waiting = next(crossing, None)
    for number, group in enumerate(groups):
        left = [s for s in group if s.x1 <= gutter]
        right = [s for s in group if s.x1 > gutter]
        if _is_prose(left) and _is_prose(right) and _beside(left, right):
            out.append((left, right))
        else:
            _into_one(out, group)
        limit = cuts[number][1] if number < len(cuts) else float("inf")
        while waiting is not None and waiting.y0 <= limit:
            _into_one(out, [waiting])
            waiting = next(crossing, None)
    return out


def _into_one(out: list[tuple[list[Span], list[Span]]], spans: list[Span]) -> None:
    if out and not out[-1][1]:
        out[-1][0].extend(spans)
    elif spans:
        out.append((list(spans), []))


def _is_prose(spans: Sequence[Span]) -> bool:
    """Whether pieces are lines that fill a column."""
    found = rows(spans)
    if len(found) < MIN_LINES:
        return False
    wide = max(s.x1 for s in spans) - min(s.x0 for s in spans)
    filled = median(sum(s.x1 - s.x0 for s in row) for row in found)
    letters = median(sum(width(s.text) for s in row) for row in found)
    return letters >= MIN_COLUMNS and filled >= MIN_FILLED * wide


def _beside(left: Sequence[Span], right: Sequence[Span]) -> bool:
    """Whether two columns stand beside each other for some lines, not one above the other."""
    top = max(min(s.y0 for s in left), min(s.y0 for s in right))
    bottom = min(max(s.y1 for s in left), max(s.y1 for s in right))
    return bottom - top > 1.5 * median(s.y1 - s.y0 for s in left)
