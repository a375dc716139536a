"""Correction of recognised text by a list of words of the domain."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

MIN_LATIN, MIN_HAN = 5, 4  # characters; shorter words are one mistake away from too many others
_LATIN = re.compile(r"[A-Za-z0-9]{3,40}")
_HAN = re.compile(r"[\u3400-\u9fff]{2,}")


class Words:
    """Words, found also where one character is wrong."""

    def __init__(self, words: Iterable[str]) -> None:
        self._known: set[str] = set()
        self._near: dict[str, set[str]] = defaultdict(set)
        self._lengths: set[int] = set()
        for word in words:
            han = bool(_HAN.fullmatch(word))
            if len(word) < (MIN_HAN if han else MIN_LATIN) or not (han or _LATIN.fullmatch(word)):
                continue
            self._known.add(word if han else word.lower())
            self._lengths |= {len(word)} if han else set()
            for at in range(len(word)):
                self._near[word[:at] + "\0" + word[at + 1 :] if han else _key(word.lower(), at)].add(word)

    def corrected(self, text: str) -> str:
        """The text with words that are one character away from exactly one known word replaced by that."""
        if not self._near:
            return text
        return _HAN.sub(lambda run: self._in_run(run[0]), _LATIN.sub(lambda word: self._latin(word[0]), text))

    def _latin(self, word: str) -> str:
        if len(word) < MIN_LATIN or word.lower() in self._known:
            return word
        near = {known for at in range(len(word)) for known in self._near.get(_key(word.lower(), at), ())}
        if len(near) != 1:
            return word
        known = near.pop()
        return known.capitalize() if word[0].isupper() and known.islower() else known

    def _in_run(self, run: str) -> str:
        at = 0
        out = []
        while at < len(run):
            found = next(
                (k for n in sorted(self._lengths, reverse=True) if (k := self._han(run[at : at + n], n))), None
            )
            out.append(found or run[at])
            at += len(found) if found else 1
        return "".join(out)

    def _han(self, window: str, length: int) -> str | None:
        if len(window) < length:
            return None
        if window in self._known:
            return window
        near = {known for at in range(length) for known in self._near.get(window[:at] + "\0" + window[at + 1 :], ())}
        return near.pop() if len(near) == 1 else None


def _key(word: str, at: int) -> str:
    return word[:at] + "\0" + word[at + 1 :]


@lru_cache(maxsize=8)
def of(words: tuple[str, ...]) -> Words:
    return Words(words)
