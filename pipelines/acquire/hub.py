"""Data-set folders as hubs lay them out: README.md with a YAML card, and which files the card calls data.

Nothing of such a folder is ever run: loading scripts and pickles are refused by name. The card's `configs` say which
files are data (https://huggingface.co/docs/hub/datasets-data-files-configuration); without them all that a reader of
records takes are.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from pipelines.acquire.values import language_of

MAX_CARD = 1_000_000  # characters of a README that are looked at
MAX_PATTERNS = 1_000
MAX_DEPTH = 30  # of nested YAML
BASE_PRIORITY, CHINESE, WITH_CONTEXT = 60, 10, 15

_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_TELLING = ("configs", "dataset_info", "license", "language", "task_categories", "pretty_name", "size_categories")
_CODE = frozenset([".py", ".pyc", ".ipynb", ".sh", ".js", ".so", ".dll", ".exe", ".bat", ".jar", ".whl"])
_PICKLES = frozenset(
    [".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".npy", ".npz", ".dill", ".rds", ".rdata"]
)
_DATA = frozenset(
    (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".txt", ".xlsx", ".srt", ".vtt")
)
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_ABOUT = frozenset(
    ["dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "croissant.json", "metadata.json"]
)
_CONTEXT = frozenset(("context", "passage", "上下文"))


@dataclass(frozen=True)
class Data:
    """One pattern of the card: files of a configuration and split."""

    config: str
    split: str
    pattern: str


@dataclass(frozen=True)
class Card:
    """What a data-set card says. `has_context` where its features or tasks are those of questions about a passage."""

    title: str = ""
    licence: str = ""
    languages: tuple[str, ...] = ()
    data: tuple[Data, ...] = ()
    has_context: bool = False

    @property
    def priority(self) -> int:
        """60, and 15 more for questions that carry their context, 10 for Chinese."""
        return BASE_PRIORITY + WITH_CONTEXT * self.has_context + CHINESE * ("zh" in self.languages)


def card_of(readme: str) -> Card | None:
    """The card at the beginning of a README; null where there is none that speaks of a data set."""
    match = _FRONT.match(readme.lstrip("\ufeff")[:MAX_CARD])
    if match is None or _depth(match[1]) > MAX_DEPTH:
        return None
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(match[1])):
            return None  # a card needs none, a bomb does
        value = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if not isinstance(value, Mapping) or not any(name in value for name in _TELLING):
        return None
    licence = "; ".join(_texts(value.get("license")))
    if licence.lower() in ("other", "unknown"):
        licence = next(_texts(value.get("license_name")), next(_texts(value.get("license_link")), ""))
    tags = [language_of(text).partition("-")[0] for text in _texts(value.get("language"))]
    return Card(
        title=next(_texts(value.get("pretty_name")), ""),
        licence=licence,
        languages=tuple(dict.fromkeys(filter(None, tags))),
        data=tuple(_data(value.get("configs")))[:MAX_PATTERNS],
        has_context=_has_context(value),
    )


def _depth(text: str) -> int:
    """An upper bound of the nesting: flow brackets, or two spaces of indentation."""
    open_ = most = 0
    for mark in re.findall(r"[\[{}\]]|^ *", text, re.MULTILINE):
        open_ += (mark in ("[", "{")) - (mark in ("]", "}"))
        most = max(most, open_, len(mark) // 2 if mark.isspace() else 0)
    return most


def _texts(value: Any) -> Iterator[str]:
    """A text, or those of a list; YAML makes `no` (Norwegian) a boolean."""
    for each in value if isinstance(value, list) else [value]:
        if each is False:
            yield "no"
        elif isinstance(each, str | int | float) and each is not True:
            text = " ".join(str(each).split())[:200]
            if text:
                yield text


def _data(configs: Any) -> Iterator[Data]:
    for config in configs if isinstance(configs, list) else ():
        if not isinstance(config, Mapping):
            continue
        name = next(_texts(config.get("config_name")), "default")
        folder = next(_texts(config.get("data_dir")), "").strip("/")
        files = config.get("data_files", f"{folder}/**" if folder else None)
        for each in files if isinstance(files, list) else [files]:
            split = next(_texts(each.get("split")), "train") if isinstance(each, Mapping) else "train"
            for pattern in _texts(each.get("path") if isinstance(each, Mapping) else each):
                inside = folder and "data_files" in config and not pattern.startswith(f"{folder}/")
                yield Data(name, split, f"{folder}/{pattern}" if inside else pattern.removeprefix("./"))


def _has_context(card: Mapping[str, Any]) -> bool:
    if "extractive-qa" in _texts(card.get("task_ids")):
        return True
    info = card.get("dataset_info")
    for each in info if isinstance(info, list) else [info]:
        features = each.get("features") if isinstance(each, Mapping) else None
        named = [f for f in features if isinstance(f, Mapping)] if isinstance(features, list) else []
        names = {text for feature in named for text in _texts(feature.get("name"))}
        if "question" in names and names & _CONTEXT:
            return True
    return False


def forbidden(name: str) -> str | None:
    """Why a file is never opened: `script` or `pickle`; null for any other."""
    suffix = _suffix(name)
    return "script" if suffix in _CODE else "pickle" if suffix in _PICKLES else None


def _suffix(name: str) -> str:
    lower = name.lower()
    for packed in _PACKED:
        lower = lower.removesuffix(packed)
    return PurePosixPath(lower).suffix


def chosen(names: Sequence[str], card: Card) -> tuple[dict[str, Data | None], list[str]]:
    """The data files among `names` with what the card says of each, in order; and patterns that fit no file."""
    if not card.data:
        return {name: None for name in names if _is_data(name)}, []
    found: dict[str, Data | None] = {}
    unmet = []
    for data in card.data:
        fits = re.compile(fnmatch.translate(_loose(data.pattern)))
        matched = [name for name in names if fits.match(name) and not forbidden(name) and not _hidden(name)]
        for name in matched:
            found.setdefault(name, data)
        if not matched:
            unmet.append(data.pattern)
    return {name: found[name] for name in names if name in found}, unmet


def _loose(pattern: str) -> str:
    """`**/` may also stand for no folder at all."""
    return pattern.replace("**/", "*") if len(pattern) <= 500 else "\0"


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _is_data(name: str) -> bool:
    path = PurePosixPath(name.lower())
    return _suffix(name) in _DATA and not _hidden(name) and path.name not in _ABOUT


def splits(data: Iterable[Data | None]) -> str:
    """The configurations and splits of the chosen files, for the provenance."""
    return ", ".join(sorted({f"{each.config}/{each.split}" for each in data if each}))
