"""Sources of kind `files`: one file, a folder with all that is in it, or a pattern."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from jobs.acquire import hub
from jobs.acquire.hub import card_in
from jobs.acquire.readings import SourceUnavailable
from jobs.acquire.unpack import unpacked
from jobs.config import Config
from pipelines.acquire.addresses import storable
from pipelines.acquire.items import Item, Refused
from pipelines.params import SourceParams

_WILD = re.compile(r"[*?\[]")


def items(source: SourceParams, config: Config, workspace: Path | None = None) -> Iterator[Item | Refused]:
    """Everything at the source's path, in the order of names. Raises SourceUnavailable where there is nothing."""
    path = config.path(source.path)
    if path.is_file():
        yield from read_file(path, path.name, source)
        return
    wanted = None
    if not path.exists() and _WILD.search(source.path):
        path, wanted = _split(config.root, source.path)
    if not path.is_dir():
        raise SourceUnavailable("source_missing", f"source {source.name}: {path} does not exist")
    card = card_in(path) if wanted is None else None
    if card is not None:
        yield from hub.items(path, card, source)
        return
    yield from _folder(path, path.resolve(), "", source, wanted)


def _split(root: Path, text: str) -> tuple[Path, re.Pattern[str]]:
    """The folder before a pattern's first wildcard, and what names below it have to look like."""
    parts = (root / text).parts
    first = next(at for at, part in enumerate(parts) if _WILD.search(part))
    return Path(*parts[:first]), translated(parts[first:])


def translated(parts: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern's parts as an expression: `*` and `?` stay within a name, `**` stands for any number of folders."""
    regex = "".join(
        "(?:[^/]+/)*" if part == "**" else _segment(part) + ("/" if at < len(parts) - 1 else "")
        for at, part in enumerate(parts)
    )
    return re.compile(regex + ("[^/]+" if parts[-1] == "**" else ""), re.DOTALL)


def _segment(part: str) -> str:
    def one(match: re.Match[str]) -> str:
        token = match[0]
        if token[0] == "[" and len(token) > 1:
            inside = token[1:-1].replace("\\", r"\\").replace("[", r"\[")
            return f"[{'^' + inside[1:] if inside[0] == '!' else inside}]"
        return {"*": "[^/]*", "?": "[^/]"}.get(token) or re.escape(token)

    return re.sub(r"\[[^\]/]+\]|.", one, part, flags=re.DOTALL)


def _folder(
    path: Path, root: Path, within: str, source: SourceParams, wanted: re.Pattern[str] | None
) -> Iterator[Item | Refused]:
    try:
        entries = sorted(os.scandir(path), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        yield Refused(storable(within) or "/", "unreadable", detail=error.strerror, lost=True)
        return
    for entry in entries:
        name = within + entry.name
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from _folder(Path(entry.path), root, f"{name}/", source, wanted)
        elif wanted is None or wanted.fullmatch(name):
            yield from _entry(entry, root, name, source)


def _entry(entry: os.DirEntry[str], root: Path, name: str, source: SourceParams) -> Iterator[Item | Refused]:
    shown = storable(name)
    if entry.name.startswith("."):
        yield Refused(shown, "hidden")
        return
    if entry.is_symlink():
        target = Path(os.path.realpath(entry.path))
        if not target.is_relative_to(root):
            yield Refused(shown, "outside_folder", detail="a link that leads out of the source's folder")
            return
        if target.is_dir():
            yield Refused(shown, "linked_folder", detail="read where it stands")
            return
    yield from read_file(Path(entry.path), shown, source)


def read_file(path: Path, name: str, source: SourceParams) -> Iterator[Item | Refused]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            yield Refused(name, "not_a_file")
            return
        with path.open("rb") as stream:
            yield from unpacked(stream, name, source)
    except OSError as error:
        yield Refused(name, "unreadable", detail=error.strerror, lost=True)
