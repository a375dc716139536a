"""The retrieval test of a parse: whether real queries find the document, and the passage, they were asked for.

Blocks of all documents are ranked by BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009,
k1 = 1.2, b = 0.75). The same test over the paragraphs of the transcripts says what a perfect parse would reach.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from pipelines.evaluate.parsing_text import plain, tokens

K1, B = 1.2, 0.75
DEPTHS = (1, 5, 10)
_PASSAGE_SHARE = 0.8  # of the passage's terms that a block must hold


def terms(text: str) -> list[str]:
    """Casefolded words, and of wide scripts both characters and pairs of them."""
    words = [token.casefold() for token in tokens(plain(text))]
    pairs = [a + b for a, b in pairwise(words) if len(a) == len(b) == 1 and min(a, b) >= "\u3040"]
    return words + pairs


@dataclass
class Index:
    """Blocks by term. `documents` holds the number of each block's document."""

    postings: dict[str, array[int]] = field(default_factory=dict)  # block, count, block, count, …
    lengths: list[int] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)

    def add(self, document: int, block: str) -> None:
        counts = Counter(terms(block))
        number = len(self.lengths)
        self.lengths.append(counts.total())
        self.documents.append(document)
        for term, count in counts.items():
            self.postings.setdefault(term, array("I")).extend((number, min(count, 65_535)))

    def ranked(self, query: str, depth: int) -> list[int]:
        """The best blocks, best first; blocks that share no term with the query are never among them."""
        scores: dict[int, float] = {}
        mean = sum(self.lengths) / len(self.lengths) if self.lengths else 0.0
        for term in sorted(set(terms(query))):
            postings = self.postings.get(term)
            if not postings:
                continue
            held = len(postings) // 2
            weight = math.log(1 + (len(self.lengths) - held + 0.5) / (held + 0.5))
            for at in range(0, len(postings), 2):
                block, count = postings[at], postings[at + 1]
                scale = K1 * (1 - B + B * self.lengths[block] / mean)
                scores[block] = scores.get(block, 0.0) + weight * count * (K1 + 1) / (count + scale)
        return heapq.nsmallest(depth, scores, key=lambda block: (-round(scores[block], 9), block))

    def holds(self, block: int, passage: Counter[str]) -> bool:
        """Whether a block holds most of a passage's terms."""
        hit = 0
        for term, count in passage.items():
            postings = self.postings.get(term, array("I"))
            found = next((postings[at + 1] for at in range(0, len(postings), 2) if postings[at] == block), 0)
            hit += min(found, count)
        return hit >= _PASSAGE_SHARE * passage.total()


@dataclass(frozen=True)
class Query:
    document: int
    text: str
    passage: str | None = None


def found_at(index: Index, query: Query) -> int | None:
    """The rank (from 1) of the first block of the query's document, that holds its passage if one is named; null
    beyond the greatest depth."""
    passage = Counter(terms(query.passage)) if query.passage else None
    for rank, block in enumerate(index.ranked(query.text, DEPTHS[-1]), 1):
        if index.documents[block] == query.document and (passage is None or index.holds(block, passage)):
            return rank
    return None
