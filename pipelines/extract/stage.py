"""The stage `extract`: raw bytes to documents with main text, and the edits that tie every character to the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import pyarrow as pa

from pipelines.atoms import without_media
from pipelines.edits import Edit
from pipelines.extract.formats import html as html_format
from pipelines.extract.result import Block, Extracted, Media
from pipelines.extract.route import format_of, kind_of
from pipelines.params import ExtractParams
from pipelines.schemas import BLOCKS, EDITS, MEDIA, hash128
from pipelines.stage import Context, Emitted, MapStage, Verdict, rejects, replace_columns

NAME = "extract"
_TOLD = ("title", "text", "charset", "language_hint", "kind", "author", "published", "canonical_url", "stated_licence")


def extract(
    body: bytes | None, html: str | None, content_type: str | None, params: ExtractParams, url: str | None = None
) -> Extracted | Verdict:
    """The text of one page or document from its raw bytes, or from decoded HTML where there are none."""
    size = len(body) if body is not None else len(html or "")
    if body is not None and kind_of(body, content_type) != "html":
        params = replace(params, max_page_bytes=params.max_document_bytes)  # what every format calls its limit
    if size > params.max_page_bytes:
        return Verdict("page_too_large", size, params.max_page_bytes)
    if body is None:
        return html_format.read_text(html or "", "unicode", params, url)
    return format_of(body, content_type).read(body, content_type, params, url)


def setup(ctx: Context) -> ExtractParams:
    params: ExtractParams = ctx.params
    return params


def _lists(rows: Sequence[Sequence[Edit | Block | Media]], kind: pa.ListType) -> pa.Array:
    """The stored form of lists of named tuples, without an object per entry: a page may have hundreds of thousands."""
    offsets = pa.array(accumulate(map(len, rows), initial=0), pa.int32())
    struct = kind.value_type
    fields = [pa.array([entry[at] for row in rows for entry in row], struct[at].type) for at in range(len(struct))]
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(fields, fields=list(struct))).cast(kind)


def _column(batch: pa.Table, name: str) -> list[Any]:
    return batch[name].to_pylist() if name in batch.column_names else [None] * batch.num_rows


def apply(params: ExtractParams, batch: pa.Table) -> Emitted:
    """Rows with main text (without `body`), and a reject for every other page."""
    at: list[int] = []
    found: list[Extracted] = []
    out: list[int] = []
    verdicts: list[Verdict] = []
    names = ("body", "html", "content_type", "final_url" if "final_url" in batch.column_names else "url")
    for i, (body, html, content_type, url) in enumerate(zip(*(_column(batch, name) for name in names), strict=True)):
        try:
            result = extract(body, html, content_type, params, url)
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
            **{name: pa.array([getattr(f, name) for f in found], pa.string()) for name in _TOLD},
            # another address of an image makes no other text
            "text_hash": pa.array([hash128(without_media(f.text)) for f in found], pa.string()),
            "density": pa.array([f.density for f in found], pa.float64()),
            "edits": _lists([f.edits for f in found], EDITS),
            "blocks": _lists([f.blocks for f in found], BLOCKS),
            "media": _lists([f.media for f in found], MEDIA),
        },
    )
    return Emitted(rows, rejects(NAME, batch, out, verdicts))


STAGE = MapStage(
    name=NAME,
    version="3",
    scope="row",
    needs=("doc_id", "body", "content_type", "final_url"),
    adds=(*_TOLD, "text_hash", "density", "edits", "blocks", "media"),
    setup=setup,
    apply=apply,
)
