"""How well one document was parsed, measured against a human transcript (and its structure, where that is labelled).

A figure is null with a reason where it cannot be measured. A document that was refused counts as an empty text: a lost
page must show in every figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.edits import Edit
from pipelines.evaluate import parsing_text
from pipelines.evaluate.parsing_structure import Structure, compared, of_blocks
from pipelines.evaluate.parsing_text import MAX_COMPARED, in_order, overlap, paragraphs, plain, tokens
from pipelines.extract.result import Block, Extracted

_COMPLETE = 0.9  # share of a paragraph's 3-grams that must be found
_LOST_RUN = 3  # paragraphs missing in a row that are told as one loss
_NOTED = 0.9  # below it a share is told as a problem


@dataclass(frozen=True)
class Figure:
    """One measure: its name, what it says, whether more is better, and whether it can pass 1."""

    name: str
    says: str
    more_is_better: bool = True


FIGURES = (
    Figure("character_error_rate", "edits per character of the transcript", False),
    Figure("word_error_rate", "edits per word; a Chinese character is a word", False),
    Figure("text_recall", "share of the transcript's 4-grams that are in the text"),
    Figure("text_precision", "share of the text's 4-grams that are in the transcript"),
    Figure("paragraph_completeness", "share of paragraphs that are in the text"),
    Figure("paragraphs_whole", "share of paragraphs that are within one block"),
    Figure("paragraph_order", "share of paragraphs that follow each other as in the transcript"),
    Figure("heading_recall", "share of headings that were found"),
    Figure("heading_precision", "share of found headings that are headings"),
    Figure("heading_levels", "share of found headings with the right level"),
    Figure("heading_order", "share of headings in the right order"),
    Figure("list_completeness", "share of list items that were found as such"),
    Figure("table_completeness", "share of table cells that were found in one table"),
    Figure("traceable", "share of the text that is the source's, character by character, where its edits say"),
    Figure("in_blocks", "share of the text that lies in a block"),
    Figure("with_page", "share of the text in blocks that name their page"),
)
NAMES = tuple(figure.name for figure in FIGURES)


@dataclass
class Judged:
    """Figures of one document. Rates of characters and words also as (edits, size), to be summed over documents."""

    id: str
    kind: str
    language: str
    figures: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(NAMES))
    reasons: dict[str, str] = field(default_factory=dict)  # why a figure is null
    sums: dict[str, tuple[int, int]] = field(default_factory=dict)
    failed: str | None = None  # the rule that refused the document
    problems: list[str] = field(default_factory=list)


def judge(
    name: str,
    kind: str,
    language: str,
    transcript: str,
    structure: Structure | None,
    found: Extracted | None,
    source: str | None,
    failed: str | None = None,
) -> Judged:
    """Measure one document; `source` is the decoded text that its edits start from, `failed` the refusing rule."""
    out = Judged(name, kind, language, failed=failed)
    text = found.text if found else ""
    if failed:
        out.problems.append(f"refused: {failed}")
    reference, extracted = plain(transcript), plain(text)
    words, found_words = tokens(reference), tokens(extracted)
    _errors(out, reference, extracted, words, found_words)
    precision, recall = overlap(words, found_words)
    _set(out, "text_recall", recall, "the transcript has no words")
    _set(out, "text_precision", precision, "nothing was extracted")
    _paragraphs(out, transcript, _blocks(text, found.blocks if found else ()))
    if structure is None:
        for figure in NAMES[7:13]:
            out.reasons[figure] = "no structure is labelled"
    else:
        for figure, value in compared(structure, of_blocks(text, found.blocks if found else ())).items():
            _set(out, figure, value, "the transcript has none, or its texts are not labelled")
    _traces(out, found, source)
    _problems(out)
    return out


def _set(out: Judged, name: str, value: float | None, reason: str) -> None:
    out.figures[name] = value
    if value is None:
        out.reasons[name] = reason


def _errors(out: Judged, reference: str, extracted: str, words: list[str], found_words: list[str]) -> None:
    if max(len(reference), len(extracted)) > MAX_COMPARED:
        for name in NAMES[:2]:
            out.reasons[name] = f"longer than {MAX_COMPARED:,} characters"
        return
    if not words:
        for name in NAMES[:2]:
            out.reasons[name] = "the transcript has no words"
        return
    out.sums[NAMES[0]] = (parsing_text.distance(reference, extracted), len(reference))
    out.sums[NAMES[1]] = (parsing_text.word_distance(words, found_words), len(words))
    for name in NAMES[:2]:
        edits, size = out.sums[name]
        out.figures[name] = edits / size


def _blocks(text: str, blocks: Sequence[Block]) -> list[str]:
    return [text[b.start : b.end] for b in blocks] if blocks else paragraphs(text)


def _paragraphs(out: Judged, transcript: str, blocks: list[str]) -> None:
    wanted = paragraphs(transcript)
    if not wanted:
        for name in NAMES[4:7]:
            out.reasons[name] = "the transcript has no words"
        return
    places = parsing_text.Places(blocks)
    found = [places.find(paragraph) for paragraph in wanted]
    complete = [share >= _COMPLETE for share, _, _ in found]
    whole = [share >= _COMPLETE for _, share, _ in found]
    out.figures["paragraph_completeness"] = sum(complete) / len(wanted)
    out.figures["paragraphs_whole"] = sum(whole) / len(wanted)
    order = in_order([block for ok, (_, _, block) in zip(complete, found, strict=True) if ok and block is not None])
    _set(out, "paragraph_order", order, "fewer than two paragraphs were found")
    split = sum(c and not w for c, w in zip(complete, whole, strict=True))
    if split:
        out.problems.append(f"{split} of {len(wanted)} paragraphs are split over blocks")
    first, run = _longest_loss(complete)
    if run >= _LOST_RUN and out.failed is None:
        out.problems.append(f"{run} paragraphs in a row are missing, from paragraph {first + 1} of {len(wanted)}")


def _longest_loss(complete: Sequence[bool]) -> tuple[int, int]:
    """(first, length) of the longest run of paragraphs that are missing: where one failure led to the next."""
    best = (0, 0)
    start = 0
    for at, ok in enumerate([*complete, True]):
        if ok:
            if at - start > best[1]:
                best = (start, at - start)
            start = at + 1
    return best


def _traces(out: Judged, found: Extracted | None, source: str | None) -> None:
    if found is None or not found.text.strip():
        for name in NAMES[13:]:
            out.reasons[name] = "nothing was extracted"
        return
    size = len(found.text)
    if source is None:
        out.reasons["traceable"] = "the source has no text of its own"
    else:
        out.figures["traceable"] = traceable(source, found.text, found.edits) / size
    if not found.blocks:
        out.reasons["in_blocks"] = out.reasons["with_page"] = "the text has no blocks"
        return
    spoken = len("".join(found.text.split()))
    sizes = [len("".join(found.text[b.start : b.end].split())) for b in found.blocks]
    out.figures["in_blocks"] = min(sum(sizes) / spoken, 1.0)
    if all(b.page is None for b in found.blocks):
        out.reasons["with_page"] = "the format has no pages"
    else:
        paged = sum(n for n, b in zip(sizes, found.blocks, strict=True) if b.page is not None)
        out.figures["with_page"] = min(paged / spoken, 1.0)


def traceable(source: str, text: str, edits: Sequence[Edit]) -> int:
    """Characters of `text` that stand in `source` exactly where the edits say; 0 if the edits do not fit at all."""
    same = 0
    old = new = 0
    for start, end, length in [*edits, Edit(len(source), len(source), 0)]:
        kept = start - old
        if kept < 0 or source[old:start] != text[new : new + kept]:
            return 0
        same += kept
        old, new = end, new + kept + length
    return same if new == len(text) else 0


def _problems(out: Judged) -> None:
    """What is wrong in words, the gravest first; nothing that tells what the text says."""
    figures = out.figures
    if out.failed is None:
        recall, precision, errors = (figures[n] for n in ("text_recall", "text_precision", "character_error_rate"))
        if recall is not None and recall < _NOTED:
            out.problems.append(f"{1 - recall:.0%} of the transcript is missing")
        if precision is not None and precision < _NOTED:
            out.problems.append(f"{1 - precision:.0%} of the text is not in the transcript")
        good = recall is not None and precision is not None and min(recall, precision) >= _NOTED
        scrambled = good and errors is not None and errors > 2 * (1 - _NOTED)
        order = figures["paragraph_order"]
        if scrambled or (order is not None and order < _NOTED):
            out.problems.append("the text is in another order")
        for name, words in (
            ("heading_recall", "headings are missing"),
            ("heading_levels", "headings have another level"),
            ("list_completeness", "list items are missing"),
            ("table_completeness", "table cells are missing"),
        ):
            share = figures[name]
            if share is not None and share < _NOTED:
                out.problems.append(f"{1 - share:.0%} of {words}".replace(" of headings", " of the headings"))
        share = figures["traceable"]
        if share is not None and share < 0.5:
            out.problems.append(f"{1 - share:.0%} of the text cannot be traced to its source")
