"""Comparing an extracted text with a human transcript: error rates, and what is missing, extra or out of order.

Both texts are brought to the same plain form first: NFC, no Markdown marks or media keys, white space collapsed and
none between Chinese characters. Word error rate counts every Chinese, Japanese or Korean character as a word, as is
usual where words are not divided.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from pipelines.atoms import without_media

MAX_COMPARED = 400_000  # characters; the edit distance of longer texts takes too long
GRAM = 4
_MAX_PLACES = 64  # blocks kept per n-gram: what stands in more of them tells no place

_WIDE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+")
_BETWEEN_WIDE = re.compile(rf"(?<=[{_WIDE}\u3000-\u303f\uff00-\uffef]) (?=[{_WIDE}\u3000-\u303f\uff00-\uffef])")
_MARK = re.compile(r"[ \t]*(?:#{1,6}[ \t]|>|[-*+•·][ \t]|\d{1,3}[.)、][ \t])[ \t]*")
_MARKS_DEEP = 6  # marks before each other, as in a list in a quotation
_RULE = frozenset("|:-= \t")


def unmarked(line: str) -> str:
    """A line without the Markdown marks of headings, lists, quotations, tables and emphasis."""
    for _ in range(_MARKS_DEEP):
        mark = _MARK.match(line)
        if not mark:
            break
        line = line[mark.end() :]
    if line.startswith(("```", "~~~")) or (set(line) <= _RULE and "-" in line):
        return ""
    return line.replace("|", " ").replace("**", "") if "|" in line or "**" in line else line


def plain(text: str) -> str:
    """The form in which texts are compared, on one line."""
    text = unicodedata.normalize("NFC", without_media(text))
    text = " ".join(" ".join(map(unmarked, text.split("\n"))).split())
    return _BETWEEN_WIDE.sub("", text)


def tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def distance(reference: str, found: str) -> int:
    """Levenshtein distance in characters (bit-parallel, linear memory)."""
    return int(Levenshtein.distance(reference, found))


def word_distance(reference: Sequence[str], found: Sequence[str]) -> int:
    """The same in tokens."""
    numbers: dict[str, int] = {}
    rows = [[numbers.setdefault(token, len(numbers)) for token in side] for side in (reference, found)]
    return int(Levenshtein.distance(*rows))


def grams(words: Sequence[str], size: int = GRAM) -> list[tuple[str, ...]]:
    """n-grams; a shorter text is one gram."""
    if not words:
        return []
    return [tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1))]


def overlap(reference: Sequence[str], found: Sequence[str]) -> tuple[float | None, float | None]:
    """(precision, recall) of the 4-grams, whatever their order; null where there are none to take a share of."""
    a, b = Counter(grams(reference)), Counter(grams(found))
    hit = (a & b).total()
    return hit / b.total() if b else None, hit / a.total() if a else None


def paragraphs(text: str) -> list[str]:
    """Paragraphs of a transcript: divided by blank lines, or by lines where there are none. Rules and fences go."""
    lines = text.split("\n")
    if not any(not line.strip() for line in lines[1:-1]):
        pieces = lines
    else:
        pieces, held = [], []
        for line in [*lines, ""]:
            if line.strip():
                held.append(line)
            elif held:
                pieces.append("\n".join(held))
                held = []
    return [piece for piece in pieces if tokens(plain(piece))]


class Places:
    """Where the n-grams of a text stand: an index over its blocks."""

    def __init__(self, blocks: Sequence[str], size: int = 3) -> None:
        self.size = size
        self.at: dict[tuple[str, ...], list[int]] = {}
        whole: list[str] = []
        for number, block in enumerate(blocks):
            words = tokens(plain(block))
            whole += words
            # Shorter paragraphs are sought by their only gram.
            for gram in {g for n in range(1, size + 1) for g in grams(words, n)}:
                places = self.at.setdefault(gram, [])
                if len(places) < _MAX_PLACES:
                    places.append(number)
        self.anywhere = {g for n in range(1, size + 1) for g in grams(whole, n)}

    def find(self, paragraph: str) -> tuple[float, float, int | None]:
        """(share found anywhere, share found in the best block, that block) of a paragraph's n-grams."""
        wanted = grams(tokens(plain(paragraph)), self.size)
        if not wanted:
            return 0.0, 0.0, None
        votes: Counter[int] = Counter()
        for gram in wanted:
            votes.update(self.at.get(gram, ()))
        best = min(votes, key=lambda block: (-votes[block], block), default=None)
        share = min(votes[best] / len(wanted), 1.0) if best is not None else 0.0
        return sum(gram in self.anywhere for gram in wanted) / len(wanted), share, best


def in_order(positions: Sequence[int]) -> float | None:
    """Share of the positions in their longest run that never goes back; null for fewer than two."""
    if len(positions) < 2:
        return None
    ends: list[int] = []
    for position in positions:
        at = bisect_right(ends, position)
        ends[at : at + 1] = [position]
    return len(ends) / len(positions)


def script_of(text: str) -> str:
    """zh, ja, ko, latin or other by the script of the words: for labelled sets that name no language."""
    words = tokens(text[:20_000])
    if not words:
        return "none"
    kana = sum("\u3040" <= w[0] <= "\u30ff" for w in words)
    hangul = sum("\uac00" <= w[0] <= "\ud7af" for w in words)
    wide = sum(w[0] >= "\u3040" for w in words)
    if 2 * wide >= len(words):
        return "ko" if 2 * hangul >= wide else "ja" if 10 * kana >= wide else "zh"
    return "latin" if 2 * sum(w.isascii() or w[0] < "\u0250" for w in words) >= len(words) else "other"
