"""Figures by value: languages, licences, sources and hosts; duplicates by rule; change against the last snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.evaluate.corpus import EMPTY
from pipelines.evaluate.figures import Figure, ratio

#: What the dedup stage calls its rules (pipelines.dedup.leader).
DUPLICATE_RULES = ("exact_duplicate", "near_duplicate")
FIRST = "first publication"
_HOST = r"^(?i:[a-z][a-z0-9+.\-]*)://(?:[^/?#]*@)?(?P<host>\[[^\]/?#]*\]|[^/?#:\[\]]*)"
NAME_LENGTH = 120  # longer values are cut: a figure's name is no place for text


def hosts_of(urls: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The host of each URL in lower case, without user, port and brackets; null where there is none."""
    found = pc.struct_field(pc.extract_regex(urls, _HOST), "host")
    found = pc.utf8_lower(pc.utf8_trim(found, "[]"))
    return pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)


def names_of(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Values as dimensions of figures: an empty one has a name, since "" stands for the whole."""
    cut = pc.utf8_slice_codeunits(values, 0, NAME_LENGTH)
    return pc.if_else(pc.equal(cut, ""), "(empty)", cut)


def language_figures(
    rows: Mapping[str, int], tokens: Mapping[str, int], total: int, wanted: Sequence[str]
) -> list[Figure]:
    """Rows, share of all rows and tokens per language; wanted languages have figures even without a row."""
    names = sorted({*rows, *wanted})
    figures = [Figure("language_rows", rows.get(name, 0), name) for name in names]
    figures += [ratio("language_share", rows.get(name, 0), total, EMPTY, name) for name in names]
    return figures + [Figure("language_tokens", tokens.get(name, 0), name) for name in names]


def duplicate_figures(kept: int, refused: int, by_rule: Mapping[str, int]) -> list[Figure]:
    """Duplicates turned away, as shares of the documents that reached the stage."""
    reached, empty = kept + refused, "no document reached the stage"
    rules = sorted({*DUPLICATE_RULES, *by_rule})
    whole = ratio("duplicate_rate", refused, reached, empty)
    return [whole, *(ratio("duplicate_rate", by_rule.get(rule, 0), reached, empty, rule) for rule in rules)]


def change_figures(rows: int, before: int | None, changes: tuple[int, int, int] | None) -> list[Figure]:
    """Change of the corpus against the parent snapshot. `changes`: rows added, changed, removed."""
    names = ("added_rows", "changed_rows", "removed_rows")
    if before is None or changes is None:
        return [Figure(name, None, reason=FIRST) for name in ("change_rows", *names, "deletions_only")]
    added, changed, removed = changes
    return [
        ratio("change_rows", rows - before, before, "the parent snapshot's corpus is empty"),
        *(Figure(name, value) for name, value in zip(names, changes, strict=True)),
        Figure("deletions_only", float(removed > 0 and not added and not changed)),
    ]
