"""Questions with answers, and instructions with responses, in the forms in which such sets are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.acquire.values import Malformed, View, entries, nested, plain, required

Fields = dict[str, Any]
_IMPOSSIBLE = ("is_impossible", "unanswerable")


def answers_of(value: Any) -> list[str]:
    """Distinct answers in order, from text, a list, {"text": [...]} or [{"text": ...}]; none where there is none."""
    value = nested(value)
    if isinstance(value, Mapping):
        value = value.get("text")
    found = value if isinstance(value, list | tuple) else [value]
    texts = [plain(each.get("text") if isinstance(each, Mapping) else each, "answer") for each in found]
    return list(dict.fromkeys(text for text in texts if text))


def qa(view: View) -> Iterator[Fields]:
    """One question. That it has no answer must be said (an empty list, or `is_impossible`), not left out."""
    answers = [] if any(view.values.get(name) is True for name in _IMPOSSIBLE) else answers_of(view.get("answer"))
    if not answers and not _unanswerable(view):
        raise Malformed("missing_field", "answer")
    one = {"question": required(view.get("question"), "question"), "answers": answers}
    yield {"lang": view.get("lang"), "title": view.text("title"), "context": view.text("context"), "qas": [one]}


def _unanswerable(view: View) -> bool:
    value = nested(view.get("answer"))
    if isinstance(value, Mapping):
        value = value.get("text")
    return any(view.values.get(name) is True for name in _IMPOSSIBLE) or (
        bool(view.text("context")) and isinstance(value, list | tuple) and not value
    )


def squad(view: View) -> Iterator[Fields]:
    """The paragraphs of an article of SQuAD or CMRC, each with all its questions, so that no context comes twice."""
    for paragraph in entries(view.get("paragraphs"), "paragraphs"):
        if not isinstance(paragraph, Mapping):
            raise Malformed("field_type", "paragraphs")
        yield _paragraph(paragraph, view.text("title"))


def paragraph(view: View) -> Iterator[Fields]:
    """One such paragraph as a record of its own."""
    qas = view.get("qas")
    yield _paragraph({"context": view.get("context"), "qas": qas}, view.text("title"))


def _paragraph(value: Mapping[str, Any], title: str) -> Fields:
    context = required(value.get("context") or value.get("context_text"), "context")
    qas = []
    for each in entries(value.get("qas"), "qas"):
        if not isinstance(each, Mapping):
            raise Malformed("field_type", "qas")
        question = required(each.get("question") or each.get("query_text"), "question")
        qas.append({"question": question, "answers": answers_of(each.get("answers"))})
    return {"title": title or plain(value.get("title"), "title"), "context": context, "qas": qas}


def instruction(view: View) -> Iterator[Fields]:
    """Alpaca, Dolly, FLAN, prompt and completion: one instruction with one output."""
    yield {
        "lang": view.get("lang"),
        "system": view.text("system"),
        "instruction": required(view.get("instruction"), "instruction"),
        "instances": [{"input": view.text("input"), "output": required(view.get("output"), "output")}],
        "category": view.text("category"),
    }


def self_instruct(view: View) -> Iterator[Fields]:
    """One instruction with several instances of input and output."""
    instances = []
    for each in entries(view.get("instances"), "instances"):
        if not isinstance(each, Mapping):
            raise Malformed("field_type", "instances")
        instances.append({"input": plain(each.get("input"), "input"), "output": required(each.get("output"), "output")})
    if not instances:
        raise Malformed("missing_field", "instances")
    yield {"instruction": required(view.get("instruction"), "instruction"), "instances": instances}
