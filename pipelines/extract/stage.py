"""The stage `extract`: raw pages to documents with main text, and the edits that tie every character to the page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import pyarrow as pa

from pipelines.edits import Edit
from pipelines.extract.decode import Undecodable, decode
from pipelines.extract.main_text import choose
from pipelines.extract.meta import language_of, title_of
from pipelines.extract.render import render
from pipelines.extract.tree import parse
from pipelines.params import ExtractParams
from pipelines.schemas import EDITS, hash128
from pipelines.stage import Context, Emitted, MapStage, Verdict, rejects, replace_columns

NAME = "extract"


@dataclass(frozen=True)
class Extracted:
    """What is taken from one page."""

    title: str | None
    text: str
    charset: str
    language_hint: str | None
    density: float
    edits: list[Edit]


def extract(
    body: bytes | None, html: str | None, content_type: str | None, params: ExtractParams
) -> Extracted | Verdict:
    """Main text of one page from its raw bytes, or from decoded text where there are none."""
    size = len(body) if body is not None else len(html or "")
    if size > params.max_page_bytes:
        return Verdict("page_too_large", size, params.max_page_bytes)
    if body is not None:
        try:
            decoded = decode(body, content_type, params.max_page_bytes)
        except Undecodable as error:
            threshold = params.max_page_bytes if error.rule == "page_too_large" else None
            return Verdict(error.rule, error.value, threshold, error.detail)
        source, charset = decoded.text, decoded.charset
    else:
        source, charset = html or "", "unicode"
    if not source.strip(" \t\r\n\f\v\x00"):
        return Verdict("empty_page", 0.0)
    return _of_text(source, charset, params)


def _of_text(source: str, charset: str, params: ExtractParams) -> Extracted | Verdict:
    page = parse(source, params.max_depth)
    title = title_of(page)
    choice = choose(page)
    if not choice.visible:
        return Verdict("no_main_text", 0.0, params.min_characters)
    text, edits = render(page, choice.kept)
    if len(text) < params.min_characters:
        return Verdict("too_short", len(text), params.min_characters)
    density = round(choice.characters / choice.visible, 4)
    if density < params.min_density:
        return Verdict("low_density", density, params.min_density)
    return Extracted(title, text, charset, language_of(page), density, edits)


def setup(ctx: Context) -> ExtractParams:
    params: ExtractParams = ctx.params
    return params


def _edits(rows: list[list[Edit]]) -> pa.Array:
    """The stored form of edits, without an object per edit: a page may have hundreds of thousands."""
    offsets = pa.array(accumulate(map(len, rows), initial=0), pa.int32())
    fields = [pa.array([edit[at] for row in rows for edit in row], pa.int64()) for at in range(3)]
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(fields, list(Edit._fields))).cast(EDITS)


def _column(batch: pa.Table, name: str) -> list[Any]:
    return batch[name].to_pylist() if name in batch.column_names else [None] * batch.num_rows


def apply(params: ExtractParams, batch: pa.Table) -> Emitted:
    """Rows with main text (without `body`), and a reject for every other page."""
    at: list[int] = []
    found: list[Extracted] = []
    out: list[int] = []
    verdicts: list[Verdict] = []
    columns = zip(_column(batch, "body"), _column(batch, "html"), _column(batch, "content_type"), strict=True)
    for i, (body, html, content_type) in enumerate(columns):
        try:
            result = extract(body, html, content_type, params)
        except Exception as error:  # one page must not take its batch along; the class name is kept, never its text
            result = Verdict("extract_error", detail=type(error).__name__)
        if isinstance(result, Verdict):
            out.append(i)
            verdicts.append(result)
        else:
            at.append(i)
            found.append(result)
    kept = batch.take(pa.array(at, pa.int64()))
    kept = kept.drop_columns([name for name in ("body", "html") if name in kept.column_names])
    rows = replace_columns(
        kept,
        {
            "title": pa.array([f.title for f in found], pa.string()),
            "text": pa.array([f.text for f in found], pa.string()),
            "text_hash": pa.array([hash128(f.text) for f in found], pa.string()),
            "charset": pa.array([f.charset for f in found], pa.string()),
            "language_hint": pa.array([f.language_hint for f in found], pa.string()),
            "density": pa.array([f.density for f in found], pa.float64()),
            "edits": _edits([f.edits for f in found]),
        },
    )
    return Emitted(rows, rejects(NAME, batch, out, verdicts))


STAGE = MapStage(
    name=NAME,
    version="1",
    scope="row",
    needs=("doc_id", "body", "content_type"),
    adds=("title", "text", "text_hash", "charset", "language_hint", "density", "edits"),
    setup=setup,
    apply=apply,
)
