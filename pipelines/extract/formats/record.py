"""Records of tables, data sets and logs: canonical JSON of a few kinds (see pipelines.acquire.shapes) as Markdown.

Nothing is added that belongs to a language: questions and titles are headings, speakers are letters, the better of two
answers stands under ✓ and the worse under ✗. Only composed contexts have words of their own, in the record's language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pipelines.extract.decode import Undecodable
from pipelines.extract.layout import BadRecord, Layout, Path
from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

MAX_HEADING = 200  # characters; a longer question or instruction is a paragraph
_SHAPE = re.compile(r";\s*shape=([a-z_]{1,40})\s*(?:;|\Z)")


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """The record's canonical JSON: the body itself, unless somebody else wrote it. Raises Undecodable."""
    try:
        return _laid_out(body, content_type, max_bytes)[1].source
    except BadRecord:
        raise Undecodable("bad_record", "fields") from None


def read(body: bytes, content_type: str | None, params: ExtractParams, url: str | None = None) -> Extracted | Verdict:
    """The text of a record."""
    try:
        kind, layout = _laid_out(body, content_type, params.max_page_bytes)
        title = WRITERS[kind](layout)
    except BadRecord:
        return Verdict("bad_record", detail="fields")
    except Undecodable as error:
        threshold = params.max_page_bytes if error.rule == "page_too_large" else None
        return Verdict(error.rule, error.value, threshold, error.detail)
    text, edits, blocks = layout.finish()
    if len(text) < params.min_characters:
        return Verdict("too_short", len(text), params.min_characters)
    lang = layout.value("lang") or None
    return Extracted(title or None, text, "utf-8", lang, 1.0, edits, "record", blocks=blocks)


def _laid_out(body: bytes, content_type: str | None, max_bytes: int) -> tuple[str, Layout]:
    if len(body) > max_bytes:
        raise Undecodable("page_too_large", value=float(len(body)))
    match = _SHAPE.search(content_type or "")
    if match is None or match[1] not in WRITERS:
        raise Undecodable("bad_record", "shape")
    try:
        value: Any = json.loads(body.decode("utf-8"), parse_constant=lambda _: None)
        if not isinstance(value, dict):
            raise Undecodable("bad_record", "json")
        layout = Layout(value)
        layout.source.encode("utf-8")  # a lone surrogate may stand there as an escape
        return match[1], layout
    except (Undecodable, BadRecord):
        raise
    except (ValueError, RecursionError):
        raise Undecodable("bad_record", "json") from None


def _need(layout: Layout, *path: str | int) -> None:
    if not layout.has(*path):
        raise BadRecord(str(path[-1]))


def _short(layout: Layout, *path: str | int) -> bool:
    text = layout.value(*path)
    return 0 < len(text) <= MAX_HEADING and "\n" not in text


def _headed(layout: Layout, level: int, path: Path) -> str:
    """A string as a heading if it is one short line, else as paragraphs; returns it if it became a heading."""
    if not _short(layout, *path):
        layout.paragraphs(path)
        return ""
    text = layout.value(*path)
    layout.heading(level, path)
    return text


def _text(layout: Layout) -> str:
    _need(layout, "text")
    title = layout.value("title")
    if title and layout.value("text").lstrip("# ").startswith(title):
        title = ""  # the text has it as its first line
    if title:
        _headed(layout, 1, ("title",))
    layout.paragraphs(("text",))
    return layout.value("title")


def _qa(layout: Layout) -> str:
    title = _headed(layout, 1, ("title",)) if layout.has("title") else ""
    layout.paragraphs(("context",))
    level = 2 if title else 1
    first = ""
    for at in range(layout.count("qas")):
        _need(layout, "qas", at, "question")
        question = _headed(layout, level, ("qas", at, "question"))
        first = first or ("" if at else question)
        for number in range(layout.count("qas", at, "answers")):
            layout.paragraphs(("qas", at, "answers", number))
    if not layout.count("qas"):
        raise BadRecord("qas")
    return title or first


def _instruction(layout: Layout) -> str:
    _need(layout, "instruction")
    _system(layout)
    title = _headed(layout, 1, ("instruction",))
    for at in range(layout.count("instances")):
        layout.paragraphs(("instances", at, "input"))
        layout.paragraphs(("instances", at, "output"))
    return title


def _system(layout: Layout) -> None:
    if layout.has("system"):
        layout.block("quote", 1, "> ", ("system",))


def _turns(layout: Layout) -> None:
    for at in range(layout.count("turns")):
        _need(layout, "turns", at, "text")
        number = (("turns", at, "number"), " ") if layout.has("turns", at, "number") else ()
        layout.paragraphs(("turns", at, "text"), *number, ("turns", at, "speaker"), ": ")


def _dialogue(layout: Layout) -> str:
    title = _headed(layout, 1, ("title",)) if layout.has("title") else ""
    _system(layout)
    _turns(layout)
    if not layout.count("turns"):
        raise BadRecord("turns")
    return title


def _preference(layout: Layout) -> str:
    _need(layout, "chosen")
    _need(layout, "rejected")
    _system(layout)
    _turns(layout)
    layout.heading(2, "✓")
    layout.paragraphs(("chosen",))
    layout.heading(2, "✗")
    layout.paragraphs(("rejected",))
    return ""


def _labelled(layout: Layout) -> str:
    _need(layout, "text")
    layout.paragraphs(("prompt",))
    layout.paragraphs(("text",))
    for at in range(layout.count("labels")):
        layout.block("list_item", 1, "- ", ("labels", at))
    return ""


def _parallel(layout: Layout) -> str:
    for at in range(layout.count("texts")):
        _need(layout, "texts", at, "text")
        layout.paragraphs(("texts", at, "text"), ("texts", at, "lang"), ": ")
    if layout.count("texts") < 2:
        raise BadRecord("texts")
    return ""


def _request_log(layout: Layout) -> str:
    units = {"duration_ms": " ms", "bytes": " B"}
    pieces: list[str | Path] = []
    for name in ("time", "service", "model", "method", "path", "status", "duration_ms", "bytes"):
        if layout.has(name):
            pieces += [" "] if pieces else []
            pieces += [(name,), units.get(name, "")]
    if pieces:
        layout.block("paragraph", 0, *pieces)
    layout.paragraphs(("question",))
    layout.paragraphs(("answer",))
    return ""


def _context(layout: Layout) -> str:
    """A composed record: its name, then its sections, each of them saying again whose they are."""
    colon = "：" if layout.value("lang") == "zh" else ": "
    name = layout.value("name").replace("\n", " ")
    if name:
        layout.heading(1, name) if "\n" in layout.value("name") else layout.heading(1, ("name",))
    for at in range(layout.count("sections")):
        section: Path = ("sections", at)
        title = layout.value(*section, "title")
        if title:
            layout.heading(2, (*section, "title"), *((colon, name) if name else ()))
        groups = layout.count(*section, "groups")
        for number in range(groups):
            if groups > 1:
                layout.heading(3, f"{title} {number + 1}".strip())
            for line in range(layout.count(*section, "groups", number)):
                _line(layout, (*section, "groups", number, line), colon, name)
    if not layout.blocks:
        raise BadRecord("sections")
    return name


def _line(layout: Layout, path: Path, colon: str, name: str) -> None:
    """A labelled value: a list item, or a heading with paragraphs where the value has several."""
    _need(layout, *path, "label")
    _need(layout, *path, "value")
    if "\n" not in layout.value(*path, "value"):
        layout.block("list_item", 1, "- ", (*path, "label"), colon, (*path, "value"))
        return
    layout.heading(2, (*path, "label"), *((colon, name) if name else ()))
    layout.paragraphs((*path, "value"))


#: Kind of record -> what writes it and returns its title.
WRITERS: dict[str, Callable[[Layout], str]] = {
    "text": _text,
    "qa": _qa,
    "instruction": _instruction,
    "dialogue": _dialogue,
    "preference": _preference,
    "labelled": _labelled,
    "parallel": _parallel,
    "product": _context,
    "record": _context,
    "request_log": _request_log,
}
