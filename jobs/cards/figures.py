"""The figures of `metrics`, as the parts of the card that they fill."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.evaluate.shares import DUPLICATE_RULES
from pipelines.pii.recognisers import ENTITIES
from pipelines.pii.residue import ENTITIES as LOOKED_FOR_AGAIN
from pipelines.report.facts import (
    ClusterSize,
    Count,
    Duplicates,
    Entity,
    Histogram,
    Host,
    Hosts,
    Language,
    Missing,
    Number,
    Pii,
    Quantile,
)

NOT_PROFILED = "the profile job of this run has measured nothing"
_SIZES = {2: "2", 3: "3", 4: "4–7", 8: "8 or more"}  # documents, the kept one included
HANDLING = (
    "Found by patterns, with check digits where the entity has some, and treated before anything else sees the text. "
    "Found counts what the corpus held; rejected documents and duplicates are not in it. Left in the corpus is what a "
    "second, independent look still finds. Names of people and postal addresses are not looked for and still there."
)


class Figures:
    """The figures of one dataset by name and dimension. Without metrics every one of them is missing."""

    def __init__(self, metrics: pa.Table | None, dataset: str = "corpus") -> None:
        self._absent = NOT_PROFILED if metrics is None else "the profile job has no such figure"
        self._found: defaultdict[str, dict[str, Number]] = defaultdict(dict)
        rows = metrics.select(["dataset", "name", "dimension", "value", "reason"]).to_pylist() if metrics else ()
        for row in sorted(rows, key=lambda r: (r["name"], r["dimension"])):
            if row["dataset"] == dataset:
                value = Missing(row["reason"] or "no reason given") if row["value"] is None else row["value"]
                self._found[row["name"]][row["dimension"]] = value

    def number(self, name: str, dimension: str = "") -> Number:
        return self._found[name].get(dimension, Missing(self._absent))

    def count(self, name: str, dimension: str = "") -> Count:
        value = self.number(name, dimension)
        return value if isinstance(value, Missing) else int(value)

    def counts(self, name: str) -> dict[str, int]:
        """Every measured dimension of `name` but the whole, the largest first."""
        found = {d: int(v) for d, v in self._found[name].items() if d and not isinstance(v, Missing)}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def part(self, name: str, dimension: str, of: str = "") -> Count:
        """A dimension of which only what occurs has a figure: 0 where the whole (of figure `of`) was measured."""
        whole = self.number(of or name)
        return whole if isinstance(whole, Missing) else self.counts(name).get(dimension, 0)

    def rows_of(self, value: str, kind: str) -> Count:
        """Rows with this value of `kind` (source, host, …), of which only the largest may have a figure."""
        found, distinct = self.counts(f"{kind}_rows"), self.number("distinct", kind)
        if value in found:
            return found[value]
        if isinstance(distinct, Missing):
            return distinct
        return 0 if distinct <= len(found) else Missing("only the largest have a figure of their own")


def languages(figures: Figures) -> tuple[Language, ...] | Missing:
    if isinstance(rows := figures.number("rows"), Missing):
        return rows
    why = Missing("they are counted over all languages together")
    found = figures.counts("language_rows").items()
    return tuple(Language(code, n, why, figures.count("language_tokens", code)) for code, n in found if n)


def lengths(figures: Figures) -> Histogram | Missing:
    """Characters per document, empty bins at either end left out; the open last bin ends at the longest text."""
    longest = figures.number("length", "max")
    if isinstance(longest, Missing):
        return longest
    bins = sorted((*map(int, (d.partition(":")[0], d.partition(":")[2] or 0)), n) for d, n in
                  figures.counts("length_count").items())  # fmt: skip
    filled = [at for at, (_, _, n) in enumerate(bins) if n]
    if not filled:
        return Missing("no document has a length")
    bins = bins[filled[0] : filled[-1] + 1]
    edges = [float(low) for low, _, _ in bins] + [float(bins[-1][1] or longest + 1)]
    names = (("shortest", "min"), ("median", "median"), ("95 %", "p95"), ("longest", "max"), ("mean", "mean"))
    values = {name: figures.number("length", name) for _, name in names}
    quantiles = tuple(Quantile(shown, v if isinstance(v := values[n], Missing) else round(v, 1)) for shown, n in names)
    return Histogram("characters", tuple(edges), tuple(n for _, _, n in bins), quantiles)


def hosts(figures: Figures) -> Hosts | Missing:
    if isinstance(rows := figures.number("rows"), Missing):
        return rows
    why = Missing("tokens are not counted by host")
    top = tuple(Host(name, n, why) for name, n in figures.counts("host_rows").items())
    return Hosts(figures.count("distinct", "host"), top)


def duplicates(figures: Figures, rejects: pa.Table, parameters: Mapping[str, Any]) -> Duplicates:
    """`rejects`: columns rule and kept_id of the whole version's duplicates; `parameters`: those of the dedup stage."""
    twins = rejects.group_by("kept_id").aggregate([([], "count_all")])["count_all"].to_pylist()
    sizes = dict.fromkeys(_SIZES.values(), 0)
    for others in twins:
        sizes[_SIZES[max(least for least in _SIZES if others + 1 >= least)]] += 1
    exact, near = (pc.sum(pc.equal(rejects["rule"], rule)).as_py() or 0 for rule in DUPLICATE_RULES)
    left, rows = figures.number("duplicate_residue"), figures.number("rows")
    residue: Number = left
    if not isinstance(left, Missing):
        residue = rows if isinstance(rows, Missing) else left / rows if rows else Missing("there is no document")
    clusters = tuple(ClusterSize(size, n) for size, n in sizes.items() if n)
    return Duplicates(figures.number("duplicate_rate"), exact, near, len(twins), clusters, _method(parameters), residue)


def _method(parameters: Mapping[str, Any]) -> str:
    p = parameters
    if not {"shingle_words", "shingle_characters", "bands", "rows", "threshold"} <= p.keys():
        return ""
    return (
        f"The earliest of similar documents stays. Shingles of {p['shingle_words']} words, or of "
        f"{p['shingle_characters']} characters in Chinese; candidates from {p['bands']} × {p['rows']} MinHash bands, "
        f"verified by exact Jaccard similarity ≥ {p['threshold']}."
    )


def pii(figures: Figures, parameters: Mapping[str, Any], dropped: Mapping[str, int]) -> Pii:
    """`parameters`: those of the scrub stage; `dropped`: rejected documents by rule of that stage."""
    default = parameters.get("default_policy", "")
    policies = {entity: parameters.get("policies", {}).get(entity, default) for entity in ENTITIES}
    return Pii(tuple(_entity(e, policies[e], figures, dropped) for e in ENTITIES), HANDLING)


def _entity(entity: str, policy: str, figures: Figures, dropped: Mapping[str, int]) -> Entity:
    residue: Count = Missing("no second recogniser")
    if entity in LOOKED_FOR_AGAIN:
        residue = (
            figures.part("pii_kept", entity, "pii_residue") if policy == "keep" else figures.part("pii_residue", entity)
        )
    if policy == "drop_row":
        why = Missing("documents that hold it are rejected, findings in them are not added up")
        return Entity(entity, policy, why, dropped.get(f"pii_{entity}", 0), residue)
    found, documents = figures.part("pii_found", entity), figures.part("pii_documents", entity, "pii_found")
    return Entity(entity, policy, found, documents, residue)
