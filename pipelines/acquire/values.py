"""Values of foreign records: made into clean text, found by name, refused where they are of the wrong kind."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

MAX_DEPTH = 16  # of nested values; what is deeper is no record of a person's making

_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x85]")
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"\b[A-Za-z\u00c0-\u024f]{3,}\b")
_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,3}\Z")
_LANGUAGES = {
    "chinese": "zh", "中文": "zh", "汉语": "zh", "简体中文": "zh", "english": "en", "英文": "en", "英语": "en",
    "japanese": "ja", "日语": "ja", "korean": "ko", "french": "fr", "german": "de", "spanish": "es", "russian": "ru",
}  # fmt: skip


class Malformed(ValueError):
    """A record that is not what its shape asks for. `detail` names a field of the shape, never a value."""

    def __init__(
        self, rule: str, detail: str | None = None, value: float | None = None, threshold: float | None = None
    ) -> None:
        super().__init__(rule)
        self.rule, self.detail, self.value, self.threshold = rule, detail, value, threshold


def tidy(text: str) -> str:
    """`text` with line feeds for line ends and without control characters, lone surrogates and outer white space."""
    if "\r" in text or not text.isascii():
        text = _SURROGATE.sub("\ufffd", _LINE_ENDS.sub("\n", text))
    return _UNWANTED.sub("", text).strip()


def plain(value: Any, field: str) -> str:
    """A scalar as text; empty for null and NaN. Raises Malformed for lists, mappings and bytes."""
    if isinstance(value, str):
        return tidy(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, datetime):
        bare = value.tzinfo is None and value.time() == time()
        return value.date().isoformat() if bare else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    raise Malformed("field_type", field)


def required(value: Any, field: str) -> str:
    """`plain`, or Malformed where nothing is left."""
    text = plain(value, field)
    if not text:
        raise Malformed("missing_field", field)
    return text


def nested(value: Any) -> Any:
    """A list or mapping that came as JSON in a cell, read; everything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            return value
    return value


def entries(value: Any, field: str) -> list[Any]:
    """A list, also from JSON in a cell. Raises Malformed for anything else."""
    value = nested(value)
    if not isinstance(value, list | tuple):
        raise Malformed("missing_field" if value is None else "field_type", field)
    return list(value)


def fold(name: Any) -> str:
    """A field's name without differences that mean nothing: case, outer space, `-` and space for `_`."""
    return str(name).strip().strip("\ufeff").casefold().replace("-", "_").replace(" ", "_")


def at(values: Any, path: str) -> Any:
    """The value under `path`: a field's own name, or names and list places joined by dots; null where it is not."""
    if isinstance(values, Mapping) and path in values:
        return values[path]
    for step in path.split("."):
        values = nested(values)
        if isinstance(values, Mapping) and step in values:
            values = values[step]
        elif isinstance(values, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(values):
            values = values[int(step[:9])]
        else:
            return None
    return values


class View:
    """A record by folded names. `fields` (name of the shape -> path in the record) comes before the usual names."""

    def __init__(
        self,
        values: Mapping[str, Any],
        fields: Mapping[str, str],
        names: Mapping[str, tuple[str, ...]],
        folded: Mapping[str, Any] | None = None,
    ) -> None:
        self.values = values
        self.folded = {fold(name): value for name, value in values.items()} if folded is None else folded
        self.chosen, self._names = fields, names

    def by(self, names: Mapping[str, tuple[str, ...]]) -> View:
        """The same record by other names."""
        return View(self.values, self.chosen, names, self.folded)

    def has(self, field: str) -> bool:
        """Whether the record has such a field, be it empty."""
        if field in self.chosen:
            return at(self.values, self.chosen[field]) is not None
        return any(name in self.folded for name in self._names.get(field, (field,)))

    def get(self, field: str) -> Any:
        """The first value that is not null under the names of `field`."""
        if field in self.chosen:
            return at(self.values, self.chosen[field])
        found = (self.folded.get(name) for name in self._names.get(field, (field,)))
        return next((value for value in found if value is not None), None)

    def text(self, field: str) -> str:
        return plain(self.get(field), field)


def is_chinese(texts: Iterable[str]) -> bool:
    """Whether there are as many Han characters as words of other letters. Numbers and codes (`A1001`) say nothing."""
    words = han = 0
    for text in texts:
        han += len(_HAN.findall(text))
        words += len(_WORD.findall(text))
    return 0 < han >= words


def language_of(value: Any) -> str:
    """A language tag in lower case from a tag or a language's name; empty where it is neither."""
    text = value.strip().lower().replace("_", "-") if isinstance(value, str) else ""
    return _LANGUAGES.get(text) or (text if _TAG.match(text) else "")


def without(values: Any, names: frozenset[str], depth: int = 0) -> Any:
    """`values` without the fields of these folded names, on every level."""
    if not names or depth > MAX_DEPTH:
        return values
    if isinstance(values, Mapping):
        return {k: without(v, names, depth + 1) for k, v in values.items() if fold(k) not in names}
    if isinstance(values, list | tuple):
        return [without(each, names, depth + 1) for each in values]
    return values
