"""Sources of kind `files` that are data-set folders of a hub: their card speaks for licence, language and files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from jobs.config import Config
from pipelines.acquire.addresses import storable
from pipelines.acquire.hub import MAX_CARD, Card, card_of, chosen, forbidden, splits
from pipelines.acquire.items import Item, Refused
from pipelines.params import CrawlParams, SourceParams

CARD = "README.md"


def card_in(folder: Path) -> Card | None:
    """The card of a data-set folder; null for any other folder."""
    path = folder / CARD
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return card_of(file.read(4 * MAX_CARD).decode("utf-8", "replace"))
    except OSError:
        return None


def described(params: CrawlParams, config: Config) -> CrawlParams:
    """`params` with what the cards of data-set folders say where the configuration says nothing."""
    return replace(params, sources=tuple(_described(source, config) for source in params.sources))


def _described(source: SourceParams, config: Config) -> SourceParams:
    folder = config.path(source.path) if source.kind == "files" and source.path else None
    card = card_in(folder) if folder else None
    if folder is None or card is None:
        return source
    names, _ = chosen(_names(folder), card)
    if not card.has_context:
        card = replace(card, has_context=_first_has_context(folder, list(names), source))
    said = {
        "licence": card.licence,
        "languages": ", ".join(card.languages),
        "splits": splits(names.values()),
    }
    told = "; ".join(f"{name} {value}" for name, value in said.items() if value)
    title = f"data-set card {card.title or folder.name}"
    return replace(
        source,
        source_class="open_dataset" if source.source_class == "web" else source.source_class,
        licence=card.licence if card.licence and source.licence == "unknown" else source.licence,
        language=source.language or (card.languages[0] if len(card.languages) == 1 else ""),
        evidence=source.evidence or (f"{title}: {told}" if told else title),
        priority=source.priority or card.priority,
    )


def items(folder: Path, card: Card, source: SourceParams) -> Iterator[Item | Refused]:
    """The records of the card's data files; every other file is refused with the reason."""
    from jobs.acquire.files import read_file

    names = _names(folder)
    data, unmet = chosen(names, card)
    root = folder.resolve()
    if root.parent.name == "snapshots":  # a hub's cache: the files are links to blobs beside it
        root = root.parent.parent
    for name in names:
        shown = storable(name)
        rule = forbidden(name)
        path = folder / name
        if rule is not None:
            yield Refused(shown, rule)
        elif name not in data:
            yield Refused(shown, "data_set_card" if name == CARD else "not_listed")
        elif not Path(os.path.realpath(path)).is_relative_to(root):
            yield Refused(shown, "outside_folder", detail="a link that leads out of the source's folder")
        else:
            yield from read_file(path, shown, source)
    for pattern in unmet:
        yield Refused(storable(pattern), "missing_data", detail="the card names files that are not there", lost=True)


def _names(folder: Path) -> list[str]:
    """Every file below `folder`, by its name from there, in order."""
    found = []
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.relpath(os.path.join(path, name), folder).replace(os.sep, "/") for name in files]
    return sorted(found, key=os.fsencode)


def _first_has_context(folder: Path, names: list[str], source: SourceParams) -> bool:
    """Whether the first record of the data is a question about a passage."""
    from jobs.acquire.files import read_file

    for name in names[:1]:
        item = next(read_file(folder / name, name, source), None)
        if isinstance(item, Item) and item.content_type.endswith("shape=qa"):
            return bool(json.loads(item.body).get("context"))
    return False
