"""Where the segments of a page stand in its lists, quotations, headings and preformatted text, and the marks for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pipelines.extract.markup import attributes, words
from pipelines.extract.tree import Page

_LISTS = words("ul ol menu dl")
_ITEMS = words("li dt dd")
_PRE = words("pre listing plaintext")
HEADINGS = {f"h{level}": level for level in range(1, 7)}
_STRUCTURE = _LISTS | _ITEMS | _PRE | HEADINGS.keys() | {"blockquote"}
_DEEPEST = 8  # levels of lists and quotations that show; marks stay in proportion to the text
#: Shares of the text: an element that holds as much lays out the page and is neither quotation nor item.
_FRAMES = {"blockquote": 0.9, "li": 0.7, "dd": 0.7}
_ROMAN = tuple(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ["m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"],
        strict=True,
    )
)


class Place:
    """What a node stands in; 0 where there is none. Most nodes share the place of their parent."""

    __slots__ = ("chain", "depth", "heading", "item", "listing", "pre", "quotes")

    def __init__(self) -> None:
        self.chain: tuple[int, ...] = ()  # quotations and list items around, outermost first
        self.quotes = 0  # number of quotations around
        self.depth = 0  # number of lists around
        self.listing = 0  # the outermost list
        self.item = 0  # the innermost item of a list
        self.pre = 0
        self.heading = 0

    def inner(self, node: int, name: str) -> Place:
        """The place of what is inside `node`."""
        new = Place()
        new.chain, new.quotes, new.depth, new.listing = self.chain, self.quotes, self.depth, self.listing
        new.item, new.pre, new.heading = self.item, self.pre, self.heading
        shallow = len(self.chain) < _DEEPEST
        if name in _ITEMS:
            new.item = node
            new.listing = self.listing or node
            new.depth = self.depth or 1
            if shallow and name != "dt":
                new.chain = (*self.chain, node)
        elif name in _LISTS:
            new.depth += 1
            new.listing = self.listing or node
        elif name in _PRE:
            new.pre = self.pre or node
        elif name == "blockquote":
            new.quotes += 1
            new.item = 0
            if shallow:
                new.chain = (*self.chain, node)
        else:
            new.heading = self.heading or node
        return new


class Places:
    """The places of nodes, and the marks that lead in their lines. Ask for marks in the order of the text."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._known: dict[int, Place] = {0: Place()}
        self._widths: dict[int, int] = {}  # of the marks of items that have begun
        self._frames: set[int] = set()

    def of(self, node: int) -> Place:
        known, names, parents = self._known, self._page.names, self._page.parents
        found = known.get(node)
        if found is not None:
            return found
        path = []
        while node not in known:
            path.append(node)
            node = parents[node]
        found = known[node]
        for node in reversed(path):
            if names[node] in _STRUCTURE and node not in self._frames:
                found = found.inner(node, names[node])
            known[node] = found
        return found

    def leave_out_frames(self, kept: Sequence[int]) -> None:
        """Take no element for an item or a quotation that holds most of the text."""
        weights: dict[int, int] = {}
        total = 0
        for k in kept:
            segment = self._page.segments[k]
            total += segment.weight
            for node in self.of(segment.node).chain:
                weights[node] = weights.get(node, 0) + segment.weight
        names, parents = self._page.names, self._page.parents
        frames = [node for node, weight in weights.items() if weight > total * _FRAMES[names[node]]]
        if frames:
            self._frames = {*frames, *(parents[node] for node in frames if names[parents[node]] in _LISTS)}
            self._known = {0: Place()}

    def starts_item(self, place: Place, before: Place) -> bool:
        """Whether the next line of a place is the first one of its item; `before` is the place of the line before."""
        if place.item and self._page.names[place.item] == "dt":
            return place.item != before.item
        return bool(place.chain) and place.chain[-1] == place.item and place.item not in self._widths

    def marks(self, place: Place) -> tuple[str, str]:
        """Marks of the first line of a block and of its other lines; an item's own mark stands in its first block."""
        names, widths = self._page.names, self._widths
        first = rest = ""
        for node in place.chain:
            width = widths.get(node)
            if names[node] == "blockquote":
                first += "> "
                rest += "> "
                continue
            if width is None:
                mark = self._mark(node) if node == place.item else ""
                widths[node] = width = len(mark)
                first += mark
            else:
                first += " " * width
            rest += " " * width
        return first, rest

    def _mark(self, node: int) -> str:
        names = self._page.names
        around = self._page.parents[node]
        if names[node] == "dd":
            return ": "
        if names[around] != "ol":
            return "- "
        return _number(self._numbers[node], attributes(self._page.attributes[around]).get("type", "1")) + ". "

    @cached_property
    def _numbers(self) -> dict[int, int]:
        """The number of every item of an ordered list (HTML Standard, section 4.4.8)."""
        page = self._page
        items: dict[int, list[int]] = {}
        for node, name in enumerate(page.names):
            if name == "li" and page.names[page.parents[node]] == "ol":
                items.setdefault(page.parents[node], []).append(node)
        numbers = {}
        for ordered, nodes in items.items():
            stated = attributes(page.attributes[ordered])
            step = -1 if "reversed" in stated else 1
            number = _integer(stated.get("start"), len(nodes) if step < 0 else 1)
            for node in nodes:
                source = page.attributes[node]
                if "value" in source:
                    number = _integer(attributes(source).get("value"), number)
                numbers[node] = number
                number += step
        return numbers


def _integer(text: str | None, default: int) -> int:
    digits = (text or "").strip()[:9]
    try:
        return int(digits)
    except ValueError:
        return default


def _number(number: int, kind: str) -> str:
    """A number in the style of a list: 1, a, A, i or I. Letters and Roman numerals have bounds; beyond, figures."""
    if kind in ("a", "A") and number > 0:
        letters = ""
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord(kind) + letter) + letters
        return letters
    if kind in ("i", "I") and 0 < number < 4000:
        numeral = ""
        for value, sign in _ROMAN:
            count, number = divmod(number, value)
            numeral += sign * count
        return numeral.upper() if kind == "I" else numeral
    return str(number)
