"""The configuration of a run: params.yaml, a profile and `--set`, checked against the typed settings.

    config = load(profile="team", overrides=["clean.min_characters=80"])
    config.section("clean").min_characters

Later wins: defaults < params.yaml < profile < `--set`. Whatever is wrong raises ConfigError with file and line, and
the nearest valid name. Nothing heavy is imported, so a wrong key fails at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import os
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.errors import ConfigError
from jobs.secrets import MASK, Secret
from jobs.settings import STAGES, Settings
from jobs.yaml_tree import Entry, label, merge, nest, override, read

FILE = "params.yaml"
PROFILE = "NIGHTMILL_PROFILE"  # environment variable: the profile when none is named


@dataclass(frozen=True)
class Explained:
    """One effective value as text and where it came from: `default`, `file:line`, a profile or `--set`."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True)
class Config:
    """The checked settings, the folder that relative paths start from, and the origin of each value."""

    settings: Settings
    root: Path
    origins: Mapping[str, str] = dataclasses.field(repr=False)
    profile: str | None = None

    def section(self, name: str) -> Any:
        """The typed parameters of a section, such as `CleanParams` for `clean`."""
        names = [each.name for each in dataclasses.fields(self.settings)]
        if name not in names:
            raise ConfigError(f"there is no section `{name}`{_nearest(name, names)}")
        return getattr(self.settings, name)

    def parameters_of(self, stage: str) -> dict[str, Any]:
        """What a stage reads, as plain data for fingerprints and manifests: without observed fields."""
        if stage not in STAGES:
            raise ConfigError(f"there is no stage `{stage}` with parameters{_nearest(stage, STAGES)}")
        return typing.cast(dict[str, Any], _plain(self.section(stage), observed=False))

    def secret(self, name: str) -> str:
        """The revealed value of a named secret."""
        if name not in self.settings.secrets:
            raise ConfigError(f"params.yaml names no secret `{name}`{_nearest(name, self.settings.secrets)}")
        return self.settings.secrets[name].reveal()

    @property
    def lake(self) -> str:
        """URI of the lake, or an absolute path."""
        return self.settings.lake if "://" in self.settings.lake else str(self.path(self.settings.lake))

    def path(self, name: str) -> Path:
        """A path of the configuration; relative ones start from the folder of params.yaml."""
        return (self.root / name).resolve()

    def as_dict(self) -> dict[str, Any]:
        """All effective values as plain data; secrets are `***`."""
        return typing.cast(dict[str, Any], _plain(self.settings, observed=True))

    def digest(self) -> str:
        """128 bits in hex over everything that may change what comes out: no secrets, no observed settings."""
        decisive = _plain(self.settings, observed=False)
        decisive.pop("secrets")
        text = json.dumps(decisive, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def explained(self) -> list[Explained]:
        rows = []
        for key, value in _flat(self.as_dict(), ""):
            text = MASK if key.startswith("secrets.") else json.dumps(value, ensure_ascii=False)
            rows.append(Explained(key, text, self._origin(key)))
        return rows

    def explain(self) -> str:
        """A table of all effective values and where each came from."""
        rows = self.explained()
        key_width, value_width = max(len(row.key) for row in rows), min(48, max(len(row.value) for row in rows))
        return "\n".join(f"{row.key:<{key_width}}  {row.value:<{value_width}}  {row.origin}" for row in rows)

    def _origin(self, key: str) -> str:
        while key not in self.origins and key:
            key = key.rpartition("[" if key.endswith("]") else ".")[0]
        return self.origins.get(key, "default")


def load(
    path: str | Path | None = None,
    *,
    profile: str | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """Read, merge and check. Without `path`, params.yaml of this folder, or the defaults where there is none."""
    file = Path(path) if path is not None else Path(FILE)
    tree = _file(file) if path is not None or file.exists() else Entry({}, f"{file}:1")
    profiles = _profiles(tree)
    for each in profiles.values():
        _Builder().build(Settings, each, "")
    body = Entry({key: entry for key, entry in tree.value.items() if key != "profiles"}, tree.where)
    chosen = profile or environ.get(PROFILE) or None
    if chosen is not None:
        if chosen not in profiles:
            named = "--profile" if profile else PROFILE
            raise ConfigError(f"{named} {chosen}: {file} has no such profile{_nearest(chosen, profiles)}")
        body = merge(body, profiles[chosen])
    for text in overrides:
        body = merge(body, nest(*override(text)))
    builder = _Builder()
    settings = builder.build(Settings, body, "")
    return Config(settings, file.parent.resolve(), builder.origins, chosen)


def recorded(config: Config, parameters: Mapping[str, Any]) -> Config:
    """The configuration that a run pinned (`as_dict()`), with today's secrets, lake and engine."""
    fields = dataclasses.fields(Settings)
    kept = {each.name for each in fields if each.metadata.get("observed")} | {"secrets", "engine", "logs"}
    tree = _as_entry({name: value for name, value in parameters.items() if name not in kept}, "(recorded)")
    builder = _Builder()
    settings = builder.build(Settings, tree, "")
    today = {name: getattr(config.settings, name) for name in kept}
    return Config(dataclasses.replace(settings, **today), config.root, builder.origins, config.profile)


def _as_entry(value: Any, where: str) -> Entry:
    if isinstance(value, dict):
        return Entry({key: _as_entry(each, where) for key, each in value.items()}, where)
    if isinstance(value, list):
        return Entry([_as_entry(each, where) for each in value], where)
    return Entry(value, where)


def _file(file: Path) -> Entry:
    try:
        tree = read(file.read_bytes(), str(file))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    if not isinstance(tree.value, dict):
        raise ConfigError(f"{tree.where}: expected sections such as `clean:`, got {_kind(tree.value)}")
    return tree


def _profiles(tree: Entry) -> dict[str, Entry]:
    """The profiles by name. Each is checked even if it is not chosen: mistakes should not wait for their night."""
    entry = tree.value.get("profiles", Entry({}, tree.where))
    if not isinstance(entry.value, dict):
        raise ConfigError(f"{entry.where}: profiles: expected a mapping of names, got {_kind(entry.value)}")
    for name, each in entry.value.items():
        if not isinstance(each.value, dict):
            raise ConfigError(f"{each.where}: profiles.{name}: expected a mapping, got {_kind(each.value)}")
    return {name: label(each, f"(profile {name})") for name, each in entry.value.items()}


class _Builder:
    """Turns a tree of entries into typed settings and notes where each value came from."""

    def __init__(self) -> None:
        self.origins: dict[str, str] = {}

    def build(self, kind: Any, entry: Entry, path: str) -> Any:
        """A value of type `kind`; raises ConfigError with the place for anything else."""
        if dataclasses.is_dataclass(kind):
            return self._dataclass(typing.cast(type, kind), entry, path)
        self.origins[path] = entry.where
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is tuple:
            entries = self._expect(entry, list, path, "a list")
            return tuple(self.build(arguments[0], each, f"{path}[{at}]") for at, each in enumerate(entries))
        if origin is dict:
            mapping = self._expect(entry, dict, path, "a mapping")
            return {key: self.build(arguments[1], each, f"{path}.{key}") for key, each in mapping.items()}
        if origin is typing.Literal:
            if entry.value not in arguments:
                near = _nearest(entry.value, arguments) if isinstance(entry.value, str) else ""
                raise self._wrong(entry, path, f"one of {', '.join(map(str, arguments))}", near)
            return entry.value
        if origin in (typing.Union, types.UnionType):
            inner = next(each for each in arguments if each is not types.NoneType)
            return None if entry.value is None else self.build(inner, entry, path)
        if kind is Secret:
            return self._secret(entry, path)
        return self._scalar(kind, entry, path)

    def _dataclass(self, kind: type, entry: Entry, path: str) -> Any:
        given = {} if entry.value is None else self._expect(entry, dict, path, "a mapping")  # `clean:` and no more
        hints = typing.get_type_hints(kind)
        fields = {each.name: each for each in dataclasses.fields(kind)}
        for key, child in given.items():
            if key not in fields:
                inside = f" in `{path}`" if path else ""
                raise ConfigError(f"{child.where}: unknown key `{key}`{inside}{_nearest(key, fields)}")
        values = {}
        for name, each in fields.items():
            inner = f"{path}.{name}" if path else name
            if name in given:
                values[name] = self.build(hints[name], given[name], inner)
                self._check(each, values[name], given[name], inner)
            elif each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING:
                raise ConfigError(f"{entry.where}: {path} lacks `{name}`")
            else:
                self.origins[inner] = "default"
        try:
            return kind(**values)
        except ValueError as error:  # a dataclass may check how its fields go together
            raise ConfigError(f"{entry.where}: {path}: {error}") from None

    def _check(self, field: dataclasses.Field[Any], value: Any, entry: Entry, path: str) -> None:
        check = field.metadata.get("check")
        if check is not None:
            try:
                check(value)
            except ValueError as error:
                raise ConfigError(f"{entry.where}: {path}: {error}") from None

    def _secret(self, entry: Entry, path: str) -> Secret:
        try:
            return Secret(entry.value)
        except ConfigError as error:
            raise ConfigError(f"{entry.where}: {path}: {error}") from None

    def _scalar(self, kind: type, entry: Entry, path: str) -> Any:
        value = entry.value
        if kind is float and type(value) is int:
            try:
                return float(value)
            except OverflowError:
                raise self._wrong(entry, path, "a number") from None
        if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
            names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
            hint = ""
            if kind is str and not isinstance(value, dict | list | types.NoneType):
                hint = "; put quotes around it"
            elif kind in (int, float) and isinstance(value, str) and _is_number(value):
                hint = f"; write {float(value):f}".rstrip("0").rstrip(".")
            raise self._wrong(entry, path, names[kind], hint)
        return value

    def _expect(self, entry: Entry, kind: type, path: str, name: str) -> Any:
        if not isinstance(entry.value, kind):
            raise self._wrong(entry, path, name)
        return entry.value

    def _wrong(self, entry: Entry, path: str, expected: str, hint: str = "") -> ConfigError:
        quiet = path.partition(".")[0] == "secrets"
        got = _kind(entry.value) if quiet else _shown(entry.value)
        return ConfigError(f"{entry.where}: {path}: expected {expected}, got {got}{hint}")


def _nearest(name: str, valid: Iterable[str]) -> str:
    names = sorted(valid)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; valid: {', '.join(names)}" if names else ""


def _kind(value: object) -> str:
    kinds = ((bool, "true or false"), (str, "text"), (int, "a whole number"), (float, "a number"),
             (dict, "a mapping"), (list, "a list"), (types.NoneType, "nothing"))  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), "a date")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)[:40]
    if isinstance(value, str):
        return f"text {value[:40] + '…' if len(value) > 40 else value!r}"
    return _kind(value)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and len(text) < 12
    except ValueError:
        return False


def _plain(value: Any, *, observed: bool) -> Any:
    """Plain data: dataclasses as mappings, tuples as lists, secrets as `***`; observed fields on demand."""
    if isinstance(value, Secret):
        return MASK
    if dataclasses.is_dataclass(value):
        return {
            each.name: _plain(getattr(value, each.name), observed=observed)
            for each in dataclasses.fields(value)
            if observed or not each.metadata.get("observed")
        }
    if isinstance(value, Mapping):
        return {key: _plain(each, observed=observed) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each, observed=observed) for each in value]
    return value


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Keys and leaves of plain data; a list of plain values is a leaf."""
    if isinstance(value, dict) and (value or not key):
        for name, each in value.items():
            yield from _flat(each, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for at, each in enumerate(value):
            yield from _flat(each, f"{key}[{at}]")
    else:
        yield key, value
