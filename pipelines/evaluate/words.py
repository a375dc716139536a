"""Finding the words of a list in text: one pass, case-insensitive, cost independent of the list's length.

A word in a spaced script counts only as a whole word; one that starts or ends with a character of a script without
spaces (Chinese, Japanese, Korean) has no boundary on that side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_SPACED = rf"[^\W{_UNSPACED}]"  # a character of a word that has spaces around it
_IS_SPACED = re.compile(_SPACED)

_END = ""  # key of the trie under which a word ends: no character


def compile_words(words: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for casefolded text; None where no word is left (blank ones are ignored).

    The words share their prefixes (a trie), so that at each position of a text at most the longest word is walked.
    """
    trie: dict[str, Any] = {}
    for word in sorted({w.strip().casefold() for w in words} - {""}):
        left = f"(?<!{_SPACED})" if _IS_SPACED.match(word[0]) else ""
        right = f"(?!{_SPACED})" if _IS_SPACED.match(word[-1]) else ""
        node = trie.setdefault(left, {})
        for character in word:
            node = node.setdefault(character, {})
        node.setdefault(_END, set()).add(right)
    return re.compile("|".join(f"{left}{_pattern(node)}" for left, node in sorted(trie.items()))) if trie else None


def _pattern(node: dict[str, Any]) -> str:
    """Longer words first; a node with one way on needs no group."""
    parts = []
    for character in sorted(node.keys() - {_END}):
        tail, at = node[character], re.escape(character)
        while _END not in tail and len(tail) == 1:
            ((following, tail),) = tail.items()
            at += re.escape(following)
        parts.append(at + _pattern(tail))
    parts += sorted(node.get(_END, ()), reverse=True)
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def occurrences(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text.casefold()))
