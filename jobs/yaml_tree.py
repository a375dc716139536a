"""YAML with the place of every value: a tree of entries that know their file and line.

Stricter than YAML itself, so that configuration means what it seems to mean: one document, no duplicate keys, no
anchors or tags, keys are text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from jobs.errors import ConfigError

_SCALARS = yaml.SafeLoader("")


class _Loader(yaml.SafeLoader):
    name: str

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if getattr(event, "anchor", None) is not None:
            raise ConfigError(
                f"{_at(self.name, event.start_mark)}: anchors and aliases are not accepted; use a profile"
            )
        return super().compose_node(parent, index)


@dataclass(frozen=True)
class Entry:
    """A value (`dict[str, Entry]`, `list[Entry]` or a scalar) and where it was written."""

    value: Any
    where: str


def read(text: str | bytes, name: str) -> Entry:
    """The tree of one YAML document; `name` is what errors call it. An empty document is an empty mapping.

    Raises ConfigError with name and line. It does not quote the document, which may hold what nobody should see.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        loader = _Loader(text)
        loader.name = name
        node = loader.get_single_node()
        return Entry({}, f"{name}:1") if node is None else _entry(node, name)
    except UnicodeDecodeError:
        raise ConfigError(f"{name}:1: not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(f"{_at(name, mark)}: not valid YAML: {_plain(error.problem or error.context)}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{name}:1: not valid YAML: it holds characters that YAML does not allow") from None
    except RecursionError:
        raise ConfigError(f"{name}:1: nested too deeply") from None


def merge(base: Entry, over: Entry) -> Entry:
    """`base` with `over` laid over it: mappings key by key, everything else whole."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    merged = dict(base.value)
    for key, entry in over.value.items():
        merged[key] = merge(merged[key], entry) if key in merged else entry
    return Entry(merged, base.where)


def override(text: str) -> tuple[list[str], Entry]:
    """The path and the value of one `a.b=c`; the value is YAML. Raises ConfigError that names the path only."""
    path, equals, value = text.partition("=")
    keys = path.strip().split(".")
    where = f"--set {path.strip()}"
    if not equals or not all(keys):
        raise ConfigError(f"--set {path.strip() or '(nothing)'}: must look like section.key=value")
    entry = read(value, where) if value.strip() else Entry(None, where)
    return keys, _map(entry, lambda _: where)


def nest(keys: list[str], entry: Entry) -> Entry:
    """The tree in which `entry` stands at the path `keys`."""
    for key in reversed(keys):
        entry = Entry({key: entry}, entry.where)
    return entry


def label(entry: Entry, suffix: str) -> Entry:
    """The same tree, every place with `suffix` behind it."""
    return _map(entry, lambda where: f"{where} {suffix}")


def _map(entry: Entry, change: Callable[[str], str]) -> Entry:
    value = entry.value
    if isinstance(value, dict):
        value = {key: _map(each, change) for key, each in value.items()}
    elif isinstance(value, list):
        value = [_map(each, change) for each in value]
    return Entry(value, change(entry.where))


def _entry(node: yaml.Node, name: str) -> Entry:
    where = _at(name, node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return Entry([_entry(child, name) for child in node.value], where)
    if isinstance(node, yaml.MappingNode):
        entries: dict[str, Entry] = {}
        for key_node, child in node.value:
            at = _at(name, key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(f"{at}: keys must be words")
            key = key_node.value  # as written: YAML would read `off` as false
            if key in entries:
                raise ConfigError(f"{at}: the key `{key}` stands twice; the first is at {entries[key].where}")
            entries[key] = Entry(_entry(child, name).value, at)
        return Entry(entries, where)
    return Entry(_scalar(node, where), where)


def _scalar(node: Any, where: str) -> Any:
    """What the scalar means; only the plain types, since a tag could ask for anything."""
    try:
        return _SCALARS.construct_object(node)
    except yaml.YAMLError:
        raise ConfigError(f"{where}: the tag {node.tag} is not accepted") from None
    except ValueError:
        raise ConfigError(f"{where}: neither text nor a valid date; put quotes around it") from None


def _at(name: str, mark: Any) -> str:
    if name.startswith("--set "):
        return name
    return f"{name}:{mark.line + 1 if mark else 1}"


def _plain(problem: str | None) -> str:
    """PyYAML's problem without words quoted from the document; single characters and token names stay."""
    return re.sub(r"(['\"])(?!<)[^'\"\s]{3,}\1", "(text)", problem or "unknown problem")
