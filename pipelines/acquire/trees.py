"""Messages that came as one row each, put together into their trees, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.acquire.seen import Seen

HELD_CHARACTERS = 64_000_000  # of messages whose tree may still grow; beyond it the tree touched longest ago is closed


@dataclass
class Tree:
    """The messages of one tree, `place` being the row of the first."""

    key: str
    place: int
    messages: list[Mapping[str, Any]] = field(default_factory=list)
    size: int = 0


class Trees:
    """Collects rows by `message_tree_id`; without one a message joins the tree of its parent, which came before it.

    A file in which trees stand together needs little memory. Any other order works as long as all of it fits.
    """

    def __init__(self, held_characters: int = HELD_CHARACTERS) -> None:
        self._open: dict[str, Tree] = {}  # in the order of last touch
        self._tree_of: dict[str, str] = {}  # message -> key of its open tree
        self._closed = Seen()
        self._limit, self._held = held_characters, 0

    def add(self, values: Mapping[str, Any], place: int) -> list[Tree] | None:
        """Trees that had to be closed for this row; null where its own tree is closed or not to be found."""
        message, parent = str(values.get("message_id")), values.get("parent_id")
        key = values.get("message_tree_id") or (message if parent in (None, "") else self._tree_of.get(str(parent)))
        if key is None or str(key) in self._closed:
            return None
        tree = self._open.pop(str(key), None) or Tree(str(key), place)
        self._open[tree.key] = tree
        self._tree_of[message] = tree.key
        size = 500 + len(str(values.get("text") or ""))
        tree.messages.append(values)
        tree.size += size
        self._held += size
        out = []
        while self._held > self._limit and len(self._open) > 1:
            out.append(self._close(next(iter(self._open))))
        return out

    def _close(self, key: str) -> Tree:
        tree = self._open.pop(key)
        self._held -= tree.size
        self._closed.add(key)
        for message in tree.messages:
            self._tree_of.pop(str(message.get("message_id")), None)
        return tree

    def rest(self) -> Iterator[Tree]:
        """What is still open at the end, in the order of the first rows."""
        for tree in sorted(self._open.values(), key=lambda tree: tree.place):
            yield self._close(tree.key)
