"""The registry of cleaning rules: one short function per rule, over a whole batch.

A rule measures one number per text: its signal, named and versioned (`symbol_share@1`), and compares it with a
threshold of the parameters. A number that a text does not have is NaN: stored as null, and no ground for rejection.
A rule with a profile sees texts of that language only. The first rule in the order of declaration that a text fails
is the reason of its rejection; every signal of a text that stays is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.characters import Kind
from pipelines.clean import c4, lines, repetition
from pipelines.clean.counts import Counts, Extra, Values
from pipelines.clean.words import Words, find
from pipelines.params import CleanParams
from pipelines.texts import Texts

DECIMALS = 6  # of signals and thresholds, so that no verdict hangs on the last bit
SCORE_DECIMALS = 2  # of a model's score in verdicts: it may differ a little between machines


@dataclass(frozen=True)
class Measured:
    """What the rules read of a batch. Words, lines and n-grams are found when the first rule asks for them."""

    texts: Texts  # normalised, without media keys and marks (marks.unmarked)
    counts: Counts
    languages: NDArray[np.object_]
    scores: Values  # of the languages
    targets: tuple[str, ...]  # languages that pass
    max_characters: int  # longer texts are rejected for that; their words are not looked for

    @cached_property
    def words(self) -> Words:
        return find(self.texts, self.languages == "zh", self.counts.characters > self.max_characters)

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        """int64[texts, columns of Line]."""
        return lines.measure(self.texts)

    @cached_property
    def repetition(self) -> Mapping[str, Values]:
        """Shares of characters per kind of n-gram."""
        return repetition.of_words(self.words, self.lines[:, lines.Line.CHARACTERS])

    @cached_property
    def c4(self) -> NDArray[np.int64]:
        """int64[texts, columns of Left]."""
        return c4.measure(self.texts, self.words)

    def of_lines(self, column: int) -> Values:
        figures: Values = self.lines[:, column].astype(np.float64)
        return figures

    def of_words(self, values: NDArray[Any]) -> Values:
        """Sums of `values`, one per word, over the words of each text; NaN where words were not looked for."""
        sums = np.concatenate([np.zeros(1), np.cumsum(values, dtype=np.float64)])
        totals = sums[self.words.offsets[1:]] - sums[self.words.offsets[:-1]]
        return np.where(self.counts.characters > self.max_characters, np.nan, totals)


@dataclass(frozen=True)
class Rule:
    name: str
    version: int
    profile: str  # language that the rule looks at, * for all
    parameter: str  # field of CleanParams with the threshold
    source: str
    description: str
    keep: Literal["at_least", "at_most", "member"]
    measure: Callable[[Measured], Values]
    signal: str | None = None  # None: the number is not stored (it is a column already, or no number)

    def fails(self, values: Values, threshold: float) -> NDArray[np.bool_]:
        failed: NDArray[np.bool_] = values < threshold if self.keep == "at_least" else values > threshold
        return failed

    def threshold(self, params: CleanParams) -> float:
        return 0.0 if self.keep == "member" else round(float(getattr(params, self.parameter)), DECIMALS)

    def is_off(self, off: Collection[str]) -> bool:
        """Whether one of the names or patterns in `off` means this rule."""
        return any(fnmatchcase(self.name, pattern) for pattern in off)


RULES: list[Rule] = []


def rule(
    parameter: str,
    keep: Literal["at_least", "at_most", "member"],
    source: str,
    profile: str = "*",
    version: int = 1,
    signal: str | None = None,
) -> Callable[[Callable[[Measured], Values]], Callable[[Measured], Values]]:
    """Register a measure as a rule of the same name; its docstring is the description."""

    def register(measure: Callable[[Measured], Values]) -> Callable[[Measured], Values]:
        description = " ".join((measure.__doc__ or "").split())
        stored = f"{signal}@{version}" if signal else None
        RULES.append(Rule(measure.__name__, version, profile, parameter, source, description, keep, measure, stored))
        return measure

    return register


def share(part: Values, whole: Values) -> Values:
    """`part` / `whole`, NaN where there is nothing to divide."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


@rule("min_characters", "at_least", "C4 (Raffel et al. 2020, sec. 2.2), as a length of text", signal="characters")
def min_characters(batch: Measured) -> Values:
    """Characters that are not white space, media keys apart."""
    return batch.counts.characters


@rule("max_characters", "at_most", "RefinedWeb (Penedo et al. 2023, sec. 3.2): over-long documents")
def max_characters(batch: Measured) -> Values:
    """The same number, from above."""
    return batch.counts.characters


@rule("max_garbled_share", "at_most", "Unicode Standard, sec. 3.9 (U+FFFD); WuDaoCorpora (Yuan et al. 2021, sec. 3)",
      signal="garbled_share")  # fmt: skip
def garbled_share(batch: Measured) -> Values:
    """Mojibake, replacement, private-use and (removed) control characters among all characters."""
    garbled = batch.counts.of(Kind.GARBAGE, Extra.GARBLED) + batch.counts.removed
    return share(garbled, batch.counts.characters + batch.counts.removed)


@rule("languages", "member", "CCNet (Wenzek et al. 2020, sec. 3.2); RefinedWeb (2023, sec. 3.1)")
def language(batch: Measured) -> Values:
    """Whether the language is none of the wanted ones."""
    return np.array([each not in batch.targets for each in batch.languages], np.float64)


@rule("min_language_score", "at_least", "RefinedWeb (2023, sec. 3.1): threshold 0.65 of the CCNet classifier")
def language_score(batch: Measured) -> Values:
    """How sure the language is."""
    return np.round(batch.scores, SCORE_DECIMALS)


@rule("min_chinese_characters", "at_least", "WuDaoCorpora (Yuan et al. 2021, sec. 3): under 10 Chinese characters",
      profile="zh", signal="chinese_characters")  # fmt: skip
def min_chinese_characters(batch: Measured) -> Values:
    """Chinese characters."""
    return batch.counts.of(Kind.HAN)


@rule("min_words", "at_least", "Gopher (Rae et al. 2021, app. A.1): 50 words", profile="en", signal="words")
def min_words(batch: Measured) -> Values:
    """Words between white space that hold a letter or digit."""
    return batch.counts.of(Extra.WORDS)


@rule("max_symbol_share", "at_most", "Gopher (2021, app. A.1), symbols of every kind instead of # and …",
      signal="symbol_share")  # fmt: skip
def symbol_share(batch: Measured) -> Values:
    """Characters that are neither letter, mark, digit nor punctuation, among all that are not white space."""
    return share(batch.counts.of(Kind.SYMBOL, Kind.OTHER, Kind.GARBAGE), batch.counts.characters)


@rule("max_punctuation_share", "at_most", "WuDaoCorpora (2021, sec. 3): too much punctuation",
      signal="punctuation_share")  # fmt: skip
def punctuation_share(batch: Measured) -> Values:
    """Punctuation among all characters that are not white space."""
    return share(batch.counts.of(Kind.PUNCTUATION), batch.counts.characters)


@rule("max_duplicate_line_share", "at_most", "Gopher (2021, table A1): duplicate line fraction 0.30",
      signal="duplicate_line_share")  # fmt: skip
def duplicate_line_share(batch: Measured) -> Values:
    """Lines seen before in the same text, white space apart, among its lines that are not empty."""
    return share(batch.counts.of(Extra.DUPLICATE_LINES), batch.counts.of(Extra.LINES))


@rule("max_markup_share", "at_most", "WuDaoCorpora (2021, sec. 3): HTML remains", signal="markup_share")
def markup_share(batch: Measured) -> Values:
    """Characters of HTML tags and character references among all that are not white space."""
    return share(batch.counts.of(Extra.MARKUP), batch.counts.characters)
