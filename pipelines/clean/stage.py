"""Stage `clean`: normalise each text, identify its language, measure signals, reject by the first rule that fails.

In: doc_id, text; language_hint and lang where there are such columns. Out: text, lang, lang_score (4 decimals),
signals, edits over the text before. A `lang` that a row brings along is believed (score 1). A text that cannot be
read, or on which a step raises, is a reject `clean_error` with the class of the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.clean import language
from pipelines.clean.counts import Counts, count
from pipelines.clean.marks import unmarked
from pipelines.clean.normalise import mark, precompose, prepend, rewrite
from pipelines.clean.published import RULES
from pipelines.clean.rules import DECIMALS, Measured, Rule
from pipelines.params import CleanParams
from pipelines.schemas import SIGNALS
from pipelines.stage import Context, Emitted, MapStage, Verdict, rejects, replace_columns
from pipelines.texts import Texts, from_arrow, to_arrow

NAME = "clean"
MODEL = "lid176"
HINT_SCORE = 0.5  # of a language that rests on the page's own word
_NEVER = -1


@dataclass(frozen=True)
class State:
    params: CleanParams
    model: language.Model | None


def setup(ctx: Context) -> State:
    """Raises ValueError where `off` names no rule or the model file cannot be read."""
    params: CleanParams = ctx.params
    unknown = sorted(name for name in params.off if not any(rule.is_off((name,)) for rule in RULES))
    if unknown:
        raise ValueError(f"clean.off: no rule is called {unknown[0]!r}; rules: {', '.join(r.name for r in RULES)}")
    path = ctx.components.get(MODEL)
    return State(params, language.Model(path) if path else None)


def apply(state: State, batch: pa.Table) -> Emitted:
    texts, bad = from_arrow(batch["text"])
    marked = mark(texts)
    composed = precompose(texts, marked)
    if composed:
        texts = _with(texts, {row: text for row, (text, _) in composed.items()})
        marked = mark(texts)
    counts = count(texts, marked)
    languages, scores, failed = identify(state, texts, counts, batch)
    bad = sorted({**dict(failed), **dict(bad)}.items())
    new = rewrite(texts, marked, np.array([each == "zh" for each in languages], np.bool_))
    edits = prepend(new.edits, composed)

    measured = Measured(
        unmarked(new.texts),
        counts,
        np.array(languages, object),
        scores,
        state.params.languages,
        state.params.max_characters,
    )
    values = {rule.name: np.round(rule.measure(measured), DECIMALS) for rule in RULES}
    first = first_failures(state.params, values, measured.languages)
    verdicts: dict[int, Verdict] = {}
    for row in np.flatnonzero(first != _NEVER).tolist():
        rule = RULES[first[row]]
        if rule.keep == "member":
            verdicts[row] = Verdict(rule.name, detail=languages[row])
        else:
            verdicts[row] = Verdict(rule.name, values[rule.name][row].item(), rule.threshold(state.params))
    verdicts.update({row: Verdict("clean_error", detail=reason) for row, reason in bad})

    columns = {
        "text": to_arrow(new.texts),
        "lang": pa.array(languages, pa.string()),
        "lang_score": pa.array(np.round(scores, 4), pa.float64()),
        "signals": signals(values, measured.languages),
        "edits": edits,
    }
    gone = sorted(verdicts)
    stays = np.ones(len(batch), np.bool_)
    stays[gone] = False
    rows = replace_columns(batch, columns).filter(pa.array(stays))
    return Emitted(rows, rejects(NAME, batch, gone, [verdicts[row] for row in gone]))


def identify(
    state: State, texts: Texts, counts: Counts, batch: pa.Table
) -> tuple[list[str], NDArray[np.float64], list[tuple[int, str]]]:
    """Languages and scores, and the rows on which the model failed with the class of the error."""
    languages, scores = language.by_script(counts)
    declared = batch["lang"].to_pylist() if "lang" in batch.column_names else [None] * len(batch)
    hints = batch["language_hint"].to_pylist() if "language_hint" in batch.column_names else [None] * len(batch)
    failed: list[tuple[int, str]] = []
    for row, (known, hint) in enumerate(zip(declared, hints, strict=True)):
        if known:
            languages[row], scores[row] = known, 1.0
        elif language.settled(languages[row]):
            continue
        elif state.model:
            try:
                prefix = texts.prefix(row, language.PREFIX_BYTES)
                by_rule = languages[row], float(scores[row])
                languages[row], scores[row] = language.combine(by_rule, state.model(prefix))
            except Exception as error:  # one bad row never takes its batch along
                failed.append((row, type(error).__name__))
        elif hint and languages[row] == language.UNDETERMINED and language.hint_fits(hint, counts, row):
            languages[row], scores[row] = hint.split("-")[0], HINT_SCORE
    return languages, scores, failed


def first_failures(
    params: CleanParams, values: Mapping[str, NDArray[np.float64]], languages: NDArray[np.object_]
) -> NDArray[np.int64]:
    """Per text the index of the first rule that it fails, or -1."""
    first = np.full(len(languages), _NEVER, np.int64)
    for at, rule in enumerate(RULES):
        if not rule.is_off(params.off):
            failed = rule.fails(values[rule.name], rule.threshold(params)) & applies(rule, languages)
            first[failed & (first == _NEVER)] = at
    return first


def applies(rule: Rule, languages: NDArray[np.object_]) -> NDArray[np.bool_]:
    if rule.profile == "*":
        return np.ones(len(languages), np.bool_)
    return np.asarray(languages == rule.profile, np.bool_)


def signals(values: Mapping[str, NDArray[np.float64]], languages: NDArray[np.object_]) -> pa.Array:
    """Per text the list of its signals, in the order of the rules; a rule of another profile leaves none."""
    stored = [rule for rule in RULES if rule.signal]
    seen = np.stack([applies(rule, languages) for rule in stored], axis=1)
    names = np.broadcast_to(np.arange(len(stored), dtype=np.int32), seen.shape)[seen]
    measures = np.stack([values[rule.name] for rule in stored], axis=1)[seen]
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(seen.sum(axis=1), dtype=np.int32)])
    labels = pa.DictionaryArray.from_arrays(pa.array(names), pa.array([rule.signal for rule in stored]))
    items = pa.StructArray.from_arrays(
        [labels.cast(pa.string()), pa.array(measures, pa.float64(), from_pandas=True)], fields=list(SIGNALS.value_type)
    )
    return pa.ListArray.from_arrays(pa.array(offsets), items, SIGNALS)


def _with(texts: Texts, changed: Mapping[int, str]) -> Texts:
    """`texts` with some rows replaced."""
    column = [changed[row] if row in changed else texts.text(row) for row in range(len(texts))]
    return from_arrow(pa.array(column, pa.large_string()))[0]


STAGE = MapStage(
    name=NAME,
    version="1.2.0",
    scope="row",
    needs=("doc_id", "text"),
    adds=("text", "lang", "lang_score", "signals", "edits"),
    setup=setup,
    apply=apply,
    components=(MODEL,),
)
