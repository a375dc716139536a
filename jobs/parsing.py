"""The parse-quality report: a labelled file is parsed row by row and compared with its transcripts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.errors import NotEnoughData
from jobs.plainfiles import Malformed, read_rows
from jobs.progress import Progress
from pipelines.acquire.documents import CONTENT_TYPES
from pipelines.acquire.router import HEAD_BYTES, format_of
from pipelines.evaluate.parsing import Judged, judge
from pipelines.evaluate.parsing_retrieval import Index, Query, found_at
from pipelines.evaluate.parsing_structure import Malformed as BadStructure
from pipelines.evaluate.parsing_structure import Structure, of_labels, of_markdown
from pipelines.evaluate.parsing_summary import Report, summarise
from pipelines.evaluate.parsing_text import paragraphs, script_of
from pipelines.extract.decode import Undecodable
from pipelines.extract.result import Extracted
from pipelines.extract.route import kind_of, source_text
from pipelines.extract.stage import extract
from pipelines.params import ExtractParams

TOLD_PROBLEMS = 20  # rows that could not be read and are named
_MAX_QUERIES = 1_000  # of one row


@dataclass(frozen=True)
class _Labelled:
    """One row: its bytes (or decoded HTML) and what a person made of it."""

    id: str
    body: bytes | None
    html: str | None
    content_type: str | None
    transcript: str
    structure: Structure | None
    queries: list[tuple[str, str | None]]
    language: str


class _BadRow(ValueError):
    pass


def parse_quality(source: Path, params: ExtractParams, *, quiet: bool = True) -> Report:
    """Measure every labelled row of `source` (JSONL, also gzipped, or Parquet); see `nightmill parse-quality --help`.

    Raises NotEnoughData where no row can be measured.
    """
    judged: list[Judged] = []
    problems: list[str] = []
    unreadable = 0
    parsed, transcribed = Index(), Index()
    queries: list[Query] = []
    with Progress("parse-quality", unit="documents", quiet=quiet) as progress:
        for number, row in enumerate(_rows(source)):
            progress.advance()
            if isinstance(row, str):
                unreadable += 1
                problems += [row] if len(problems) < TOLD_PROBLEMS else []
                continue
            found, result = _measured(row, params)
            judged.append(result)
            blocks = [found.text[b.start : b.end] for b in found.blocks] if found else []
            for block in blocks or paragraphs(found.text if found else ""):
                parsed.add(number, block)
            for paragraph in paragraphs(row.transcript):
                transcribed.add(number, paragraph)
            queries += [Query(number, text, passage) for text, passage in row.queries]
    if not judged:
        told = f"; the first problem: {problems[0]}" if problems else ""
        raise NotEnoughData(f"{source}: no row with `id`, `text` and a page or document can be read{told}")
    ranks = [(found_at(parsed, query), found_at(transcribed, query)) for query in queries]
    return summarise(source.name, judged, ranks, unreadable, problems)


def _rows(source: Path) -> Iterator[_Labelled | str]:
    """Labelled rows, or what is wrong with a row: where it stands and why, never what it says."""
    for row in read_rows(source, "text"):
        if isinstance(row, Malformed):
            yield f"{source.name}, line {row.line}: {row.detail}"
            continue
        try:
            yield _labelled(row, source.resolve().parent)
        except (_BadRow, BadStructure) as error:
            yield f"{source.name}, row {row['id'][:100]!r}: {error}"


def _labelled(row: dict[str, Any], folder: Path) -> _Labelled:
    body, html, content_type = _document(row, folder)
    markdown, labels = row.get("markdown"), row.get("structure")
    if isinstance(markdown, str):
        structure = of_markdown(markdown)
    elif isinstance(labels, dict):
        structure = of_labels(labels)
    elif labels is None and markdown is None:
        structure = None
    else:
        raise _BadRow("`structure` is no object, or `markdown` no text")
    return _Labelled(
        id=row["id"],
        body=body,
        html=html,
        content_type=content_type,
        transcript=row["text"],
        structure=structure,
        queries=_queries(row.get("queries")),
        language=row.get("lang") or script_of(row["text"]),
    )


def _document(row: dict[str, Any], folder: Path) -> tuple[bytes | None, str | None, str | None]:
    """(body, html, content type) of a row: `body_b64` or `body`, `path`, or `html`."""
    content_type = row.get("content_type")
    encoded = row.get("body_b64", row.get("body"))
    if isinstance(encoded, bytes):
        return encoded, None, content_type
    if isinstance(encoded, str):
        try:
            return base64.b64decode(encoded, validate=True), None, content_type
        except (binascii.Error, ValueError):
            raise _BadRow("`body_b64` is not base64") from None
    name = row.get("path")
    if isinstance(name, str):
        path = (folder / name).resolve() if "\0" not in name else folder
        if not path.is_relative_to(folder):
            raise _BadRow("`path` leads out of the folder of the labelled file")
        try:
            body = path.read_bytes()
        except OSError as error:
            raise _BadRow(f"the file at `path` cannot be read: {error.strerror or type(error).__name__}") from None
        return body, None, content_type or CONTENT_TYPES.get(format_of(path.name, body[:HEAD_BYTES]))
    if row.get("html") is not None:
        return None, row["html"], content_type
    raise _BadRow("there is neither `html` nor `body_b64` nor `path`")


def _queries(value: Any) -> list[tuple[str, str | None]]:
    """Queries with the passage that answers them, where one is named."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise _BadRow("`queries` is no list")
    out: list[tuple[str, str | None]] = []
    for entry in value[:_MAX_QUERIES]:
        query, passage = (entry.get("query"), entry.get("passage")) if isinstance(entry, dict) else (entry, None)
        if not isinstance(query, str) or not (passage is None or isinstance(passage, str)):
            raise _BadRow("a query is neither text nor an object with `query` and, if known, `passage`")
        out.append((query, passage))
    return out


def _measured(row: _Labelled, params: ExtractParams) -> tuple[Extracted | None, Judged]:
    kind = kind_of(row.body, row.content_type) if row.body is not None else "html"
    found: Extracted | None = None
    failed: str | None = None
    try:
        result = extract(row.body, row.html, row.content_type, params)
    except Exception as error:  # as in the stage: one document must not take the others along
        failed = f"extract_error ({type(error).__name__})"
    else:
        if isinstance(result, Extracted):
            found = result
        else:
            failed = result.rule
    source = None
    if found is not None:
        kind = found.kind
        with suppress(Undecodable):
            source = row.html if row.body is None else source_text(row.body, row.content_type, params.max_page_bytes)
    return found, judge(row.id, kind, row.language, row.transcript, row.structure, found, source, failed)
