"""Language identification: a rule on scripts, and fastText's lid.176 where the script leaves a choice.

Scripts that one language uses decide alone: kana → ja, hangul → ko, Chinese characters without either → zh. Within the
Latin, Cyrillic, Arabic and Devanagari scripts the model decides (Joulin et al. 2016, "Bag of Tricks for Efficient Text
Classification"; 176 languages); without it Latin text is English if it has enough English function words, and `und`
otherwise. The score of the rule is a share, that of the model a probability.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.characters import Kind
from pipelines.clean.counts import Counts, Extra

UNDETERMINED = "und"
PREFIX_CHARACTERS = 1_500  # what the model reads of a text
PREFIX_BYTES = 3 * PREFIX_CHARACTERS

#: A Chinese character or a syllable says as much as about three letters of an alphabet.
_WEIGHT = 3.0
_MIN_HAN = 0.3  # share of the weighted letters from which a text is Chinese or Japanese: manuals are full of English
_MIN_KANA = 0.1  # kana among kana and Chinese characters; Chinese advertising uses a の here and there
_MIN_FUNCTION = 0.08  # function words among Latin words; English prose has 0.2 to 0.4, others under 0.05
_SURE_FUNCTION = 0.16  # from here on the score is 1
_UNSURE = 0.5  # a probability of the model below which the rule, where it has an answer, is believed
_ALPHABETS = {Kind.GREEK: "el", Kind.HEBREW: "he", Kind.THAI: "th", Kind.CYRILLIC: UNDETERMINED,
              Kind.ARABIC: UNDETERMINED, Kind.DEVANAGARI: UNDETERMINED, Kind.LETTER: UNDETERMINED}  # fmt: skip
_SETTLED = ("zh", "ja", "ko")
_CONTROLS = dict.fromkeys([*range(32), *range(0x7F, 0xA0), *range(0x200B, 0x2010), 0xFEFF], " ")


class Model:
    """lid.176 of fastText, read from `path`. Raises ValueError where the file is no fastText model."""

    def __init__(self, path: Path):
        import fasttext

        self._predict = fasttext.load_model(str(path)).f.predict  # the wrapper around it copies arrays needlessly

    def __call__(self, text: str) -> tuple[str, float]:
        """Language and probability of the first characters of `text`; white space of any kind is one space."""
        line = " ".join(text[:PREFIX_CHARACTERS].translate(_CONTROLS).split())
        if not line:
            return UNDETERMINED, 0.0
        [(score, label)] = self._predict(line + "\n", 1, 0.0, "strict") or [(0.0, "__label__und")]
        return label.removeprefix("__label__"), min(float(score), 1.0)


def by_script(counts: Counts) -> tuple[list[str], NDArray[np.float64]]:
    """Language and score of each text from its counts alone."""
    han, kana, hangul, latin = (counts.of(kind) for kind in (Kind.HAN, Kind.KANA, Kind.HANGUL, Kind.LATIN))
    alphabets = np.stack([latin, *(counts.of(kind) for kind in _ALPHABETS)])
    total = np.maximum(_WEIGHT * (han + kana + hangul) + alphabets.sum(axis=0), 1.0)
    east = _WEIGHT * (han + kana) / total
    korean = _WEIGHT * hangul / total
    function = counts.of(Extra.FUNCTION) / np.maximum(counts.of(Extra.LATIN_WORDS), 1.0)
    languages: list[str] = []
    scores = np.zeros(len(han))
    for row in range(len(han)):
        best = int(alphabets[:, row].argmax())
        if korean[row] >= _MIN_HAN and korean[row] >= east[row]:
            language, score = "ko", korean[row]
        elif east[row] >= _MIN_HAN:
            japanese = kana[row] >= _MIN_KANA * (han[row] + kana[row])
            language, score = ("ja" if japanese else "zh"), east[row]
        elif best == 0:
            english = function[row] >= _MIN_FUNCTION
            language = "en" if english else UNDETERMINED
            score = min(1.0, function[row] / _SURE_FUNCTION) * latin[row] / total[row] if english else 0.0
        else:
            language = list(_ALPHABETS.values())[best - 1]
            score = 0.0 if language == UNDETERMINED else alphabets[best, row] / total[row]
        languages.append(language)
        scores[row] = score
    return languages, scores


def settled(language: str) -> bool:
    """Whether the script decides, so that the model need not be asked."""
    return language in _SETTLED


def hint_fits(hint: str, counts: Counts, row: int) -> bool:
    """Whether a page's own word for its language may settle an undetermined text: only for English, where at least
    half of what the rule asks for is there, since most pages say `en` by default."""
    of_row = counts.table[row]
    return hint.split("-")[0] == "en" and of_row[Extra.FUNCTION] >= _MIN_FUNCTION / 2 * of_row[Extra.LATIN_WORDS] > 0


def combine(by_rule: tuple[str, float], by_model: tuple[str, float]) -> tuple[str, float]:
    """Where both agree the higher score; else the surer of the two, but never a language whose script is not there.

    The model is unsure of short and technical English, the rule of English without sentences.
    """
    if settled(by_model[0]):
        return by_rule
    if by_rule[0] == by_model[0]:
        return by_rule[0], max(by_rule[1], by_model[1])
    return by_rule if by_rule[0] != UNDETERMINED and by_model[1] < _UNSURE else by_model
