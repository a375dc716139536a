"""Everything a data card says, as typed facts: the page and the JSON are two renderings of the same object.

A figure that nobody measured is `Missing(reason)`, never 0 (law 9); in JSON it is `{"not_measured": reason}`.
Shares are fractions of 1. Text inside the facts is data: nothing here is HTML.
"""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

FORMAT_VERSION = 1

#: Layers whose text has been through the scrubber; a sample may come from no other.
SCRUBBED_LAYERS = ("scrubbed", "corpus", "chunks")

Verdict = Literal["passed", "refused", "not_enough_data", "not_run"]
Status = Literal["passed", "failed", "warned", "skipped", "not_measured"]
Severity = Literal["high", "medium", "low", "note"]


@dataclass(frozen=True)
class Missing:
    """A figure that is not there, and why."""

    not_measured: str

    def __post_init__(self) -> None:
        if not self.not_measured.strip():
            raise ValueError("a missing figure needs a reason")


NOT_GIVEN = Missing("this run handed no such figure to the card")

Count = int | Missing
Number = float | Missing


@dataclass(frozen=True)
class Total:
    """The published dataset that the card is about."""

    dataset: str
    version: str
    digest: str
    rows: Count
    characters: Count = NOT_GIVEN
    tokens: Count = NOT_GIVEN
    tokenizer: str = ""  # name and version; a token count means nothing without it
    bytes: Count = NOT_GIVEN


@dataclass(frozen=True)
class Reason:
    """Why rows came, went or differ."""

    kind: Literal["added", "removed", "changed"]
    reason: str
    rows: int


@dataclass(frozen=True)
class Change:
    """One dataset against the snapshot before; on a first publication the three figures are missing."""

    dataset: str
    version: str
    rows: Count
    added: Count
    removed: Count
    changed: Count
    reasons: tuple[Reason, ...] = ()
    previous_version: str | None = None


@dataclass(frozen=True)
class Rule:
    """A reject rule: what it asks, its threshold in words, and how many inputs it turned away."""

    rule: str
    rows: Count
    says: str = ""
    threshold: str = ""


@dataclass(frozen=True)
class Flow:
    """The dispositions of a stage's input keys; every key is in exactly one of the five after `inputs`."""

    inputs: Count
    emitted: Count
    rejected: Count
    unchanged: Count = 0
    superseded: Count = 0
    retracted: Count = 0
    rows_out: Count = NOT_GIVEN  # an input may give several rows
    rules: tuple[Rule, ...] = ()

    @property
    def filter_rate(self) -> Number:
        """Rejected over judged inputs (emitted + rejected): what was not judged again says nothing about the rule."""
        if isinstance(self.emitted, Missing):
            return self.emitted
        if isinstance(self.rejected, Missing):
            return self.rejected
        judged = self.emitted + self.rejected
        return self.rejected / judged if judged else Missing("no input was judged")

    @property
    def unaccounted(self) -> Count:
        """Inputs without a disposition (law 1 wants 0); negative where some have two."""
        parts = (self.inputs, self.emitted, self.rejected, self.unchanged, self.superseded, self.retracted)
        known = []
        for part in parts:
            if isinstance(part, Missing):
                return part
            known.append(part)
        return known[0] - sum(known[1:])


@dataclass(frozen=True)
class Stage:
    name: str
    night: Flow | Missing
    version: Flow | Missing
    says: str = ""  # what the stage does, in a few words
    unit: str = "documents"  # what its input keys are


@dataclass(frozen=True)
class Language:
    code: str  # ISO 639-1
    rows: int
    characters: Count = NOT_GIVEN
    tokens: Count = NOT_GIVEN


@dataclass(frozen=True)
class Quantile:
    name: str  # "5 %", "median", "longest"
    value: Number


@dataclass(frozen=True)
class Histogram:
    """`counts[i]` values v with `edges[i] <= v < edges[i + 1]`; the last bin includes its upper edge."""

    unit: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    quantiles: tuple[Quantile, ...] = ()

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.counts) + 1 or any(b <= a for a, b in pairwise(self.edges)):
            raise ValueError("a histogram has increasing edges, one more than it has counts")


@dataclass(frozen=True)
class Host:
    name: str
    rows: int
    tokens: Count = NOT_GIVEN


@dataclass(frozen=True)
class Hosts:
    distinct: Count
    top: tuple[Host, ...]


@dataclass(frozen=True)
class ClusterSize:
    size: str  # "2", "3", "4–7"
    clusters: int


@dataclass(frozen=True)
class Duplicates:
    """Exact and near duplicates that were turned away; `rate` is over the documents that reached the stage."""

    rate: Number
    exact: Count
    near: Count
    clusters: Count
    sizes: tuple[ClusterSize, ...] | Missing = NOT_GIVEN
    method: str = ""
    residue: Number = NOT_GIVEN  # share of duplicates left in the published rows


@dataclass(frozen=True)
class Entity:
    entity: str
    policy: str  # mask | hash | drop_span | drop_row | keep
    found: Count
    documents: Count = NOT_GIVEN
    residue: Count = NOT_GIVEN  # found again by a second look at the published text


@dataclass(frozen=True)
class Pii:
    entities: tuple[Entity, ...]
    handling: str = ""  # how the findings were made and treated, and what the recognisers cannot see


@dataclass(frozen=True)
class Sample:
    """A piece of scrubbed text. `characters` is the length of the whole document, `text` may be its beginning."""

    doc_id: str
    text: str
    layer: str
    lang: str = ""
    url: str = ""
    characters: Count = NOT_GIVEN
    disposition: str = "kept"  # or "rejected: <rule>"

    def __post_init__(self) -> None:
        if self.layer not in SCRUBBED_LAYERS:
            raise ValueError(f"a sample comes from a scrubbed layer ({', '.join(SCRUBBED_LAYERS)}), not {self.layer!r}")


@dataclass(frozen=True)
class Failing:
    doc_id: str
    value: Number | None = None
    detail: str = ""


@dataclass(frozen=True)
class Expectation:
    name: str
    status: Status
    observed: float | str | Missing
    threshold: str
    says: str = ""  # what must hold, in a sentence
    failing_rows: Count = 0  # of the whole dataset; `failing` lists at most the first 100
    failing: tuple[Failing, ...] = ()


@dataclass(frozen=True)
class Gate:
    """The verdict, on exactly the content that it names."""

    verdict: Verdict
    content: str  # dataset@version
    suite: str = ""
    reason: str = ""  # why there is no verdict
    expectations: tuple[Expectation, ...] = ()


@dataclass(frozen=True)
class Source:
    name: str
    source_class: str
    licence: str
    authorised: bool
    evidence: str  # what shows that the source may be used: robots.txt digest, contract, consent record
    rows: Count = NOT_GIVEN


@dataclass(frozen=True)
class Input:
    dataset: str
    version: str
    digest: str
    rows: Count = NOT_GIVEN


@dataclass(frozen=True)
class Component:
    name: str
    version: str
    digest: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Setting:
    name: str
    value: str


@dataclass(frozen=True)
class Provenance:
    sources: tuple[Source, ...] = ()
    inputs: tuple[Input, ...] = ()
    components: tuple[Component, ...] = ()
    seeds: tuple[Setting, ...] = ()
    fingerprints: tuple[Setting, ...] = ()  # one per stage
    code_version: str | Missing = NOT_GIVEN
    parameters_digest: str | Missing = NOT_GIVEN
    tombstone_epoch: int | str | Missing = NOT_GIVEN


@dataclass(frozen=True)
class Risk:
    title: str
    severity: Severity
    detail: str


@dataclass(frozen=True)
class CardFacts:
    snapshot_id: str
    date: str  # YYYY-MM-DD, the night's date
    run: str
    owner: str
    total: Total
    gate: Gate
    title: str = "Nightly corpus"
    parent_id: str | None = None  # None: a first publication
    parent_date: str | None = None
    changes: tuple[Change, ...] = ()
    funnel: tuple[Stage, ...] = ()
    languages: tuple[Language, ...] | Missing = NOT_GIVEN
    lengths: Histogram | Missing = NOT_GIVEN
    hosts: Hosts | Missing = NOT_GIVEN
    duplicates: Duplicates | Missing = NOT_GIVEN
    pii: Pii | Missing = NOT_GIVEN
    samples: tuple[Sample, ...] | Missing = NOT_GIVEN
    provenance: Provenance = field(default_factory=Provenance)
    composition: tuple[str, ...] = ()  # paragraphs: what the data are, what they are for, what they are not for
    risks: tuple[Risk, ...] = ()
    format_version: int = FORMAT_VERSION


def to_json(facts: CardFacts) -> str:
    """The facts as indented JSON, keys in declared order. Lone surrogates are escaped, so that UTF-8 can hold it.

    Raises ValueError for a NaN or infinite number: such a figure is `Missing`.
    """
    text = json.dumps(_encode(facts), ensure_ascii=False, allow_nan=False, indent=1)
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def from_json(text: str) -> CardFacts:
    """The facts that `to_json` wrote. Raises ValueError that names the place of whatever does not fit."""
    data = json.loads(text)
    version = data.get("format_version") if isinstance(data, dict) else None
    if version != FORMAT_VERSION:
        raise ValueError(f"card: format_version is {version!r}, this release reads {FORMAT_VERSION}")
    facts = _decode(CardFacts, data, "card")
    assert isinstance(facts, CardFacts)
    return facts


def _encode(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return value


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _decode(kind: Any, value: Any, path: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), value, path)
    if origin is tuple and isinstance(value, list):
        return tuple(_decode(get_args(kind)[0], item, f"{path}[{at}]") for at, item in enumerate(value))
    if origin is Literal and value in get_args(kind):
        return value
    if is_dataclass(kind) and isinstance(value, dict):
        return _decode_object(kind, value, path)
    if isinstance(kind, type) and origin is None and _fits(kind, value):
        return value
    raise ValueError(f"{path}: a {type(value).__name__} does not fit here")


def _decode_union(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    if isinstance(value, dict) and "not_measured" in value and Missing in kinds:
        return _decode(Missing, value, path)
    for kind in kinds:
        structured = is_dataclass(kind) or get_origin(kind) is tuple
        if kind is Missing or structured != isinstance(value, dict | list):
            continue
        if structured or _fits(kind, value):
            return _decode(kind, value, path) if structured else value
    raise ValueError(f"{path}: a {type(value).__name__} does not fit here")


def _decode_object(kind: Any, value: dict[str, Any], path: str) -> Any:
    known = {f.name: f for f in fields(kind)}
    if unknown := sorted(set(value) - set(known)):
        raise ValueError(f"{path}: unknown key {unknown[0]!r}")
    for name, declared in known.items():
        if name not in value and declared.default is MISSING and declared.default_factory is MISSING:
            raise ValueError(f"{path}: key {name!r} is missing")
    hints = _hints(kind)
    return kind(**{name: _decode(hints[name], item, f"{path}.{name}") for name, item in value.items()})


def _fits(kind: Any, value: Any) -> bool:
    if kind is types.NoneType:
        return value is None
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)
