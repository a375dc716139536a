"""A set of names in 16 to 32 bytes each: 64-bit hashes in an open-addressed table.

Two different names are taken for one with a probability of n²/2⁶⁵: one in 370,000 for ten million names.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b


class Seen:
    """Names that were added so far."""

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * 1024))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        return self._table[self._place(self._table, _hash(name))] != 0

    def add(self, name: str) -> bool:
        """Add a name; whether it is new."""
        value = _hash(name)
        place = self._place(self._table, value)
        if self._table[place]:
            return False
        self._table[place] = value
        self._count += 1
        if self._count * 2 > len(self._table):
            self._grow()
        return True

    def _grow(self) -> None:
        wider = array("Q", bytes(16 * len(self._table)))
        for value in self._table:
            if value:
                wider[self._place(wider, value)] = value
        self._table = wider

    @staticmethod
    def _place(table: array[int], value: int) -> int:
        """Where `value` stands, or the free place where it would."""
        mask = len(table) - 1
        at = value & mask
        while table[at] and table[at] != value:
            at = (at + 1) & mask
        return at


def _hash(name: str) -> int:
    data = name.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") or 1
