"""What people judged or translated: preferences, labels, aligned texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.acquire.dialogues import is_transcript, transcript, turns_of
from pipelines.acquire.values import Malformed, View, fold, language_of, nested, plain, required

Fields = dict[str, Any]
#: Column names that are taken for languages of aligned text: ISO 639-1, with a region or script after them.
_LANGUAGES = frozenset(
    [
        "ar",
        "bg",
        "bn",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fa",
        "fi",
        "fr",
        "he",
        "hi",
        "hr",
        "hu",
        "id",
        "it",
        "ja",
        "kk",
        "km",
        "ko",
        "lo",
        "lt",
        "lv",
        "mn",
        "ms",
        "my",
        "ne",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "sw",
        "ta",
        "te",
        "th",
        "tl",
        "tr",
        "ug",
        "uk",
        "ur",
        "uz",
        "vi",
        "yue",
        "zh",
    ]
)
_AMBIGUOUS = frozenset(("id", "no", "is", "my"))  # Indonesian, Norwegian, …, or an id, a number, a flag
_COLUMN = re.compile(r"([a-z]{2,3})(?:_(?:[a-z]{2}|hans|hant|latn|cyrl|arab))?\Z")


def preference(view: View) -> Iterator[Fields]:
    """A prompt with the better and the worse answer, as columns, HH-RLHF transcripts or message lists."""
    system, prompt = _turns(view.get("prompt"), "prompt")
    _, chosen = _turns(view.get("chosen"), "chosen")
    _, rejected = _turns(view.get("rejected"), "rejected")
    if not chosen or not rejected:
        raise Malformed("missing_field", "rejected" if chosen else "chosen")
    if not prompt or len(chosen) > 1 or len(rejected) > 1:
        shared = _shared(chosen, rejected)
        prompt, chosen, rejected = (chosen[:shared] or prompt), chosen[shared:], rejected[shared:]
    if not chosen or not rejected:
        raise Malformed("no_preference")
    if not prompt:
        raise Malformed("missing_field", "prompt")
    yield {
        "lang": view.get("lang"),
        "system": view.text("system") or system,
        "turns": prompt,
        "chosen": "\n\n".join(turn["text"] for turn in chosen),
        "rejected": "\n\n".join(turn["text"] for turn in rejected),
    }


def _turns(value: Any, field: str) -> tuple[str, list[Fields]]:
    value = nested(value)
    if isinstance(value, list):
        return turns_of(value, field)
    if is_transcript(value):
        return "", transcript(value)
    text = plain(value, field)
    return "", [{"speaker": "A", "text": text}] if text else []


def _shared(one: list[Fields], other: list[Fields]) -> int:
    """Turns that both begin with; the last of either is an answer and never shared unless they are the same."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def pair(view: View) -> Iterator[Fields]:
    """Two answers and the number of the better one (PKU-SafeRLHF, PandaLM)."""
    better = plain(view.get("better"), "better")
    if better not in ("0", "1"):
        raise Malformed("no_preference", "better")
    answers = [required(view.get(name), name) for name in ("response_0", "response_1")]
    prompt = required(view.get("prompt"), "prompt")
    chosen = answers[int(better)]
    yield {"turns": [{"speaker": "A", "text": prompt}], "chosen": chosen, "rejected": answers[1 - int(better)]}


def labelled(view: View) -> Iterator[Fields]:
    """A text, or a prompt with a response, with its labels: a word, a list, or names with values."""
    value = nested(view.get("label"))
    if isinstance(value, Mapping):
        labels = [
            f"{fold(name)}: {plain(each, 'label')}" for name, each in sorted(value.items(), key=lambda x: str(x[0]))
        ]
    elif isinstance(value, list | tuple):
        labels = [plain(each, "label") for each in value]
    else:
        labels = [plain(value, "label")]
    if not any(labels):
        raise Malformed("missing_field", "label")
    yield {
        "lang": view.get("lang"),
        "prompt": view.text("prompt"),
        "text": required(view.get("text"), "text"),
        "labels": [label for label in labels if label],
    }


def language_columns(view: View) -> dict[str, Any]:
    """The columns of a record that are named like languages, in their order, by language tag."""
    found = {
        name.replace("_", "-"): value
        for name, value in view.folded.items()
        if isinstance(value, str) and (match := _COLUMN.match(name)) and match[1] in _LANGUAGES
    }
    sure = {name: value for name, value in found.items() if name not in _AMBIGUOUS}
    return sure if len(sure) >= 2 else found


def are_languages(view: View) -> bool:
    """Whether two columns or more are named like languages and hardly anything else."""
    return sum(name not in _AMBIGUOUS for name in language_columns(view)) >= 2


def parallel(view: View) -> Iterator[Fields]:
    """One text in two or more languages: columns named by language, `translation`, or source and target."""
    value = nested(view.get("translation"))
    if isinstance(value, Mapping):
        found = {language_of(name) or fold(name): each for name, each in value.items()}
    elif view.has("source") and view.has("target"):
        ways = ("source", language_of(view.get("source_lang"))), ("target", language_of(view.get("target_lang")))
        found = {lang or name: view.get(name) for name, lang in ways}
    else:
        found = language_columns(view)
    texts = [{"lang": lang, "text": plain(each, "translation")} for lang, each in found.items()]
    texts = [each for each in texts if each["text"]]
    if len(texts) < 2:
        raise Malformed("missing_field", "translation")
    yield {"texts": texts}
