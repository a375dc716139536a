"""Headings, list items and tables of a text, read from blocks or from Markdown, and how well two structures agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.evaluate.parsing_text import in_order, plain, tokens, unmarked
from pipelines.extract.result import Block

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]")
_RULE = frozenset("|:- \t")
_MAX_TABLES = 200  # that are compared with each other


class Malformed(ValueError):
    """A structure that is not of the documented form; the message names the field."""


Text = tuple[str, ...]  # casefolded tokens: what is compared


@dataclass
class Structure:
    """Headings (level, text), list items, and the cells of each table; counts where only those are known."""

    headings: list[tuple[int, Text]] = field(default_factory=list)
    items: list[Text] = field(default_factory=list)
    tables: list[Counter[Text]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str) -> int:
        return self.counts.get(name, len(getattr(self, name)))


def key(text: str) -> Text:
    return tuple(token.casefold() for token in tokens(plain(text)))


def of_markdown(text: str) -> Structure:
    """Headings with #, items with -, *, + or a number, tables of lines with |; nothing inside fences."""
    found = Structure()
    fenced = False
    cells: Counter[Text] = Counter()
    for line in [*text.split("\n"), ""]:
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        bare = line.strip()
        if not fenced and bare.startswith("|") and len(bare) > 1:
            if not set(bare) <= _RULE:
                cells.update(cell for cell in map(key, bare.strip("|").split("|")) if cell)
            continue
        if cells:
            found.tables.append(cells)
            cells = Counter()
        if fenced:
            continue
        heading = _HEADING.match(line)
        if heading and key(line):
            found.headings.append((len(heading[1]), key(line)))
        elif _ITEM.match(line) and key(unmarked(line)):
            found.items.append(key(unmarked(line)))
    return found


def of_blocks(text: str, blocks: Sequence[Block]) -> Structure:
    """The structure that an extraction gave; read from its Markdown where it has no blocks."""
    if not blocks:
        return of_markdown(text)
    found = Structure()
    for block in blocks:
        source = text[block.start : block.end]
        if block.kind == "heading":
            found.headings.append((block.level, key(source)))
        elif block.kind == "list_item":
            found.items.append(key(source))
        elif block.kind == "table":
            found.tables += of_markdown(source).tables or [Counter((key(source),))]
    return found


def of_labels(labels: Mapping[str, Any]) -> Structure:
    """A labelled structure: `headings` ([[level, text], …] or a count), `list_items` and `tables` (texts, rows of
    cells, or counts). Raises Malformed."""
    found = Structure()
    headings, items, tables = (labels.get(name) for name in ("headings", "list_items", "tables"))
    for name, value in (("headings", headings), ("items", items), ("tables", tables)):
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            found.counts[name] = value
        elif value is not None and not isinstance(value, list):
            raise Malformed(f"`structure.{'list_items' if name == 'items' else name}` is neither a count nor a list")
    unknown = sorted(set(labels) - {"headings", "list_items", "tables"})
    if unknown:
        raise Malformed(f"`structure` has no field {unknown[0][:40]!r}; it has headings, list_items and tables")
    for heading in headings if isinstance(headings, list) else ():
        if not (isinstance(heading, list) and len(heading) == 2 and type(heading[0]) is int):
            raise Malformed("`structure.headings` is not a list of [level, text]")
        found.headings.append((heading[0], key(str(heading[1]))))
    found.items += [key(str(item)) for item in items] if isinstance(items, list) else []
    for table in tables if isinstance(tables, list) else ():
        if not (isinstance(table, list) and all(isinstance(row, list) for row in table)):
            raise Malformed("`structure.tables` is not a list of tables, each a list of rows, each a list of cells")
        found.tables.append(Counter(cell for row in table for cell in map(key, map(str, row)) if cell))
    return found


def compared(reference: Structure, found: Structure) -> dict[str, float | None]:
    """heading_recall, heading_precision, heading_levels, heading_order, list_completeness, table_completeness; null
    where the reference has nothing of the kind, or only a count."""
    figures: dict[str, float | None] = dict.fromkeys(
        ("heading_recall", "heading_precision", "heading_levels", "heading_order")
    )
    if "headings" in reference.counts:
        figures["heading_recall"] = _counted(reference, found, "headings")
    elif reference.headings:
        figures |= _headings(reference.headings, found.headings)
    figures["list_completeness"] = _counted(reference, found, "items")
    if reference.items:
        figures["list_completeness"] = (Counter(reference.items) & Counter(found.items)).total() / len(reference.items)
    figures["table_completeness"] = _counted(reference, found, "tables")
    if reference.tables:
        figures["table_completeness"] = _tables(reference.tables, found.tables)
    return figures


def _counted(reference: Structure, found: Structure, name: str) -> float | None:
    wanted = reference.counts.get(name)
    return min(found.count(name), wanted) / wanted if wanted else None


def _headings(reference: list[tuple[int, Text]], found: list[tuple[int, Text]]) -> dict[str, float | None]:
    """Headings matched by text, equal ones in their order."""
    waiting: dict[Text, list[int]] = {}
    for at, (_, text) in reversed(list(enumerate(found))):
        waiting.setdefault(text, []).append(at)
    pairs = [(level, waiting[text].pop()) for level, text in reference if waiting.get(text)]
    return {
        "heading_recall": len(pairs) / len(reference),
        "heading_precision": len(pairs) / len(found) if found else None,
        "heading_levels": sum(level == found[at][0] for level, at in pairs) / len(pairs) if pairs else None,
        "heading_order": in_order([at for _, at in pairs]),
    }


def _tables(reference: list[Counter[Text]], found: list[Counter[Text]]) -> float:
    """Mean share of a table's cells that stand in one table of the extraction; no table serves twice."""
    left = list(found[:_MAX_TABLES])
    shares = []
    for cells in reference[:_MAX_TABLES]:
        hits = [(cells & other).total() for other in left]
        best = max(range(len(left)), key=lambda i: (hits[i], -i), default=None)
        total = cells.total()
        shares.append(hits[best] / total if best is not None and total else 0.0)
        if best is not None and hits[best]:
            left.pop(best)
    return sum(shares) / len(shares)
