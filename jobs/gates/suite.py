"""Expectation suites: files in Great Expectations' JSON form, checked before anything runs.

    {"name": "corpus",
     "expectations": [{"id": "rows", "type": "expect_column_values_to_be_between", "severity": "critical",
                       "kwargs": {"column": "rows", "min_value": 1},
                       "meta": {"says": "There is at least one row.", "skip_when": "deletions_only"}}]}

A column is a figure, `name` or `name.dimension`. `severity`: critical blocks, warning and info are reported. In `meta`:
  says        what must hold, in a sentence
  violations  the figure whose failing rows are shown; without it, that of the expectation's column
  skip_when   "deletions_only": not judged where a candidate only removes rows
  unmeasured  "allow": a figure that is null for a given reason does not block; one that is absent always does
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.errors import ConfigError

BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
PAIR_EQUAL = "expect_column_pair_values_to_be_equal"
#: Types that need no extra, and their arguments.
ARGUMENTS = {
    BETWEEN: {"column", "min_value", "max_value", "strict_min", "strict_max"},
    IN_SET: {"column", "value_set"},
    PAIR_EQUAL: {"column_A", "column_B"},
}
SEVERITIES = ("critical", "warning", "info")
_META = {"says": None, "violations": None, "skip_when": ("deletions_only",), "unmeasured": ("allow", "block")}
_KEYS = {"id", "type", "kwargs", "severity", "meta", "notes", "description"}


@dataclass(frozen=True)
class Expectation:
    id: str
    type: str
    kwargs: Mapping[str, Any]
    severity: str = "critical"
    says: str = ""
    violations: str = ""
    skip_when: str = ""
    unmeasured: str = "block"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(str(self.kwargs[k]) for k in ("column", "column_A", "column_B") if k in self.kwargs)


@dataclass(frozen=True)
class Suite:
    name: str
    expectations: tuple[Expectation, ...]
    digest: str
    dataset: str = "corpus"  # whose figures are judged


def load(path: Path) -> Suite:
    """Read and check a suite. Raises ConfigError naming the file and the entry."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: the expectation suite cannot be read ({error.strerror}); see gate.suite") from None
    try:
        value = json.loads(raw, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON: {error}") from None
    return parse(value, str(path))


def parse(value: Any, where: str) -> Suite:
    if not isinstance(value, dict) or not isinstance(value.get("expectations"), list) or not value["expectations"]:
        raise ConfigError(f'{where}: expected {{"name": …, "expectations": [at least one]}}')
    name, meta = value.get("name"), value.get("meta") or {}
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{where}: `name` is missing")
    if not isinstance(meta, dict) or not isinstance(meta.get("dataset", ""), str):
        raise ConfigError(f"{where}: `meta` is no mapping, or its `dataset` no text")
    found: dict[str, Expectation] = {}
    for at, entry in enumerate(value["expectations"], 1):
        expectation = _expectation(entry, f"{where}: expectation {at}")
        if expectation.id in found:
            raise ConfigError(f"{where}: expectation {at}: the id {expectation.id!r} is taken; give each its own `id`")
        found[expectation.id] = expectation
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=True).encode()
    digest = hashlib.blake2b(canonical, digest_size=16).hexdigest()
    return Suite(name, tuple(found.values()), digest, meta.get("dataset", "corpus"))


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return value


def _expectation(entry: Any, where: str) -> Expectation:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: expected a mapping with `type` and `kwargs`")
    if entry.keys() - _KEYS:
        raise ConfigError(f"{where}: unknown key {min(entry.keys() - _KEYS)!r}; valid: {', '.join(sorted(_KEYS))}")
    kind, kwargs, meta = entry.get("type"), entry.get("kwargs"), entry.get("meta") or {}
    if not isinstance(kind, str) or not kind.startswith("expect_"):
        raise ConfigError(f"{where}: `type` must name an expectation, such as {BETWEEN}")
    if not isinstance(kwargs, dict):
        raise ConfigError(f"{where} ({kind}): `kwargs` must be a mapping")
    _check_kwargs(kind, kwargs, f"{where} ({kind})")
    severity = entry.get("severity", "critical")
    if severity not in SEVERITIES:
        raise ConfigError(f"{where} ({kind}): severity {severity!r}: {', '.join(SEVERITIES)}")
    _check_meta(meta, f"{where} ({kind})")
    columns = [kwargs[k] for k in ("column", "column_A", "column_B") if k in kwargs]
    given = entry.get("id") or f"{kind}:{','.join(columns)}"
    if not isinstance(given, str):
        raise ConfigError(f"{where} ({kind}): `id` must be text")
    return Expectation(given, kind, kwargs, severity, **meta)


def _check_kwargs(kind: str, kwargs: dict[str, Any], where: str) -> None:
    """Names and types of the arguments; of a type of its own, Great Expectations checks the rest."""
    allowed = ARGUMENTS.get(kind)
    if allowed is not None and kwargs.keys() - allowed:
        wrong = min(kwargs.keys() - allowed)
        raise ConfigError(f"{where}: unknown argument {wrong!r}; valid: {', '.join(sorted(allowed))}")
    needed = ("column_A", "column_B") if kind == PAIR_EQUAL else ("column",)
    for name in needed:
        if not isinstance(kwargs.get(name), str) or not kwargs[name]:
            raise ConfigError(f"{where}: `{name}` must name a figure")
    if kind == BETWEEN:
        _check_bounds(kwargs, where)
    if kind == IN_SET:
        values = kwargs.get("value_set")
        if not isinstance(values, list) or not values or not all(map(_is_number, values)):
            raise ConfigError(f"{where}: `value_set` must be a list of numbers")


def _check_bounds(kwargs: dict[str, Any], where: str) -> None:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    for name, bound in (("min_value", low), ("max_value", high)):
        if bound is not None and not _is_number(bound):
            raise ConfigError(f"{where}: `{name}` must be a number, got {bound!r}")
    if low is None and high is None:
        raise ConfigError(f"{where}: give `min_value`, `max_value` or both")
    if low is not None and high is not None and low > high:
        raise ConfigError(f"{where}: min_value {low} is above max_value {high}")
    for name in ("strict_min", "strict_max"):
        if not isinstance(kwargs.get(name, False), bool):
            raise ConfigError(f"{where}: `{name}` must be true or false")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= 2**53 and math.isfinite(value)


def _check_meta(meta: Any, where: str) -> None:
    if not isinstance(meta, dict):
        raise ConfigError(f"{where}: `meta` must be a mapping")
    for name, value in meta.items():
        if name not in _META:
            raise ConfigError(f"{where}: meta: unknown key {name!r}; valid: {', '.join(_META)}")
        choices = _META[name]
        if not isinstance(value, str) or (choices is not None and value not in choices):
            raise ConfigError(f"{where}: meta.{name}: {'text' if choices is None else ' or '.join(choices)} only")
