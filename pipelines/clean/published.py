"""The rules of published corpora, as their open implementations measure them: Gopher, FineWeb, C4.

Importing this module registers them; `RULES` is the whole registry in the order in which rules are asked.
"""

from __future__ import annotations

import numpy as np

from pipelines.clean.c4 import Left
from pipelines.clean.counts import Values
from pipelines.clean.lines import Line
from pipelines.clean.repetition import REPEATED, TOP
from pipelines.clean.rules import RULES, Measured, rule, share
from pipelines.clean.words import LETTER, MARK, distinct, names

__all__ = ["RULES"]

GOPHER = "Gopher (Rae et al. 2021, app. A.1)"
REPETITION = "Gopher (Rae et al. 2021, table A1)"
FINEWEB = "FineWeb (Penedo et al. 2024, sec. 3.6)"
C4 = "C4 (Raffel et al. 2020, sec. 2.2)"
_STOP_WORDS = names("the be to of and that have with")


def _meaning(batch: Measured) -> Values:
    """Words that hold more than marks."""
    return batch.of_words(batch.words.flags & MARK == 0)


def _words(batch: Measured) -> Values:
    return batch.of_words(np.ones(len(batch.words.starts), np.bool_))


@rule("gopher_min_words", "at_least", GOPHER, profile="en")
def gopher_min_words(batch: Measured) -> Values:
    """Words that hold more than punctuation marks."""
    return _meaning(batch)


@rule("gopher_max_words", "at_most", GOPHER, signal="gopher_words")
def gopher_max_words(batch: Measured) -> Values:
    """The same number, from above."""
    return _meaning(batch)


@rule("gopher_min_word_length", "at_least", GOPHER, profile="en", signal="gopher_word_length")
def gopher_min_word_length(batch: Measured) -> Values:
    """Mean characters of the words that hold more than punctuation marks."""
    characters = np.where(batch.words.flags & MARK == 0, batch.words.characters, 0)
    return share(batch.of_words(characters), _meaning(batch))


@rule("gopher_max_word_length", "at_most", GOPHER, profile="en")
def gopher_max_word_length(batch: Measured) -> Values:
    """The same number, from above."""
    return gopher_min_word_length(batch)


@rule("gopher_max_hashes_per_word", "at_most", GOPHER, signal="gopher_hashes_per_word")
def gopher_hashes_per_word(batch: Measured) -> Values:
    """Characters # per word."""
    return share(batch.of_lines(Line.HASHES), _words(batch))


@rule("gopher_max_ellipses_per_word", "at_most", GOPHER, signal="gopher_ellipses_per_word")
def gopher_ellipses_per_word(batch: Measured) -> Values:
    """Ellipses (... or …) per word."""
    return share(batch.of_lines(Line.DOTS), _words(batch))


@rule("gopher_max_bullet_line_share", "at_most", GOPHER, signal="gopher_bullet_line_share")
def gopher_bullet_lines(batch: Measured) -> Values:
    """Lines that begin with a bullet (• or -)."""
    return share(batch.of_lines(Line.BULLETS), batch.of_lines(Line.LINES))


@rule("gopher_max_ellipsis_line_share", "at_most", GOPHER, signal="gopher_ellipsis_line_share")
def gopher_ellipsis_lines(batch: Measured) -> Values:
    """Lines that end with an ellipsis."""
    return share(batch.of_lines(Line.ELLIPSES), batch.of_lines(Line.LINES))


@rule("gopher_min_letter_word_share", "at_least", GOPHER, signal="gopher_letter_word_share")
def gopher_letter_words(batch: Measured) -> Values:
    """Words with a letter among all, marks that stand alone included."""
    return share(batch.of_words(batch.words.flags & LETTER != 0), _words(batch))


@rule("gopher_min_stop_words", "at_least", GOPHER, profile="en", signal="gopher_stop_words")
def gopher_stop_words(batch: Measured) -> Values:
    """Different words among: the, be, to, of, and, that, have, with."""
    return distinct(batch.texts, batch.words, _STOP_WORDS)


@rule("gopher_max_repeated_paragraph_share", "at_most", REPETITION, signal="gopher_repeated_paragraph_share")
def gopher_repeated_paragraphs(batch: Measured) -> Values:
    """Paragraphs seen before in the text."""
    return share(batch.of_lines(Line.REPEATED_PARAGRAPHS), batch.of_lines(Line.PARAGRAPHS))


@rule("gopher_max_repeated_paragraph_character_share", "at_most", REPETITION,
      signal="gopher_repeated_paragraph_character_share")  # fmt: skip
def gopher_repeated_paragraph_characters(batch: Measured) -> Values:
    """Characters of paragraphs seen before in the text."""
    return share(batch.of_lines(Line.REPEATED_PARAGRAPH_CHARACTERS), batch.of_lines(Line.CHARACTERS))


@rule("gopher_max_repeated_line_share", "at_most", REPETITION, signal="gopher_repeated_line_share")
def gopher_repeated_lines(batch: Measured) -> Values:
    """Lines seen before in the text."""
    return share(batch.of_lines(Line.REPEATED_PIECES), batch.of_lines(Line.PIECES))


@rule("gopher_max_repeated_line_character_share", "at_most", REPETITION,
      signal="gopher_repeated_line_character_share")  # fmt: skip
def gopher_repeated_line_characters(batch: Measured) -> Values:
    """Characters of lines seen before in the text."""
    return share(batch.of_lines(Line.REPEATED_PIECE_CHARACTERS), batch.of_lines(Line.CHARACTERS))


def _n_gram(name: str, says: str) -> None:
    def measure(batch: Measured) -> Values:
        return batch.repetition[name]

    measure.__name__, measure.__doc__ = f"gopher_{name}", says
    rule(f"gopher_max_{name}_share", "at_most", REPETITION, signal=f"gopher_{name}_share")(measure)


for _n in TOP:
    _n_gram(f"top_{_n}_gram", f"Characters that the most frequent {_n}-gram of words covers.")
for _n in REPEATED:
    _n_gram(f"repeated_{_n}_gram", f"Characters in {_n}-grams of words seen before in the text.")


@rule("fineweb_min_final_line_share", "at_least", FINEWEB, signal="fineweb_final_line_share")
def fineweb_final_lines(batch: Measured) -> Values:
    """Lines that end in a final mark among those that are not blank."""
    return share(batch.of_lines(Line.FINAL), batch.of_lines(Line.FILLED))


@rule("fineweb_max_short_line_share", "at_most", FINEWEB, signal="fineweb_short_line_share")
def fineweb_short_lines(batch: Measured) -> Values:
    """Lines of at most 30 characters among those that are not blank."""
    return share(batch.of_lines(Line.SHORT), batch.of_lines(Line.FILLED))


@rule("fineweb_max_repeated_line_character_share", "at_most", FINEWEB,
      signal="fineweb_repeated_line_character_share")  # fmt: skip
def fineweb_repeated_line_characters(batch: Measured) -> Values:
    """Characters of lines seen before, among all but line feeds."""
    whole = batch.of_lines(Line.CHARACTERS) - batch.of_lines(Line.BREAKS)
    return share(batch.of_lines(Line.REPEATED_CHARACTERS), whole)


@rule("fineweb_max_breaks_per_word", "at_most", FINEWEB, signal="fineweb_breaks_per_word")
def fineweb_breaks_per_word(batch: Measured) -> Values:
    """Line feeds per word: lists."""
    return share(batch.of_lines(Line.BREAKS), _words(batch))


@rule("c4_max_placeholder_lines", "at_most", C4, profile="en", signal="c4_placeholder_lines")
def c4_placeholder(batch: Measured) -> Values:
    """Lines that say "lorem ipsum"."""
    return batch.c4[:, Left.LOREM].astype(np.float64)


@rule("c4_max_curly_lines", "at_most", C4, profile="en", signal="c4_curly_lines")
def c4_curly(batch: Measured) -> Values:
    """Lines with a curly bracket."""
    return batch.c4[:, Left.CURLY].astype(np.float64)


@rule("c4_min_sentences", "at_least", C4, profile="en", signal="c4_sentences")
def c4_sentences(batch: Measured) -> Values:
    """Sentences in the lines that end in a final mark, have three words and are no notice."""
    return batch.c4[:, Left.SENTENCES].astype(np.float64)
