"""The columns, keys and roles of every dataset.

A dataset has a key (its first column is always a lower-case hexadecimal hash, so that key ranges are balanced) and
typed columns. A column is `identity` (part of the digest), `observed` (times, latency: left out of the digest) or
`inexact` (floats of models: left out as well, since they may differ between machines).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

import pyarrow as pa

Role = Literal["identity", "observed", "inexact"]

NORMALISER_VERSION = "1"

EDITS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("new_length", pa.int64())]))
SUBJECTS = pa.list_(pa.struct([("digest", pa.string()), ("key_id", pa.string())]))
SIGNALS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64())]))
FINDINGS = pa.list_(pa.struct([("entity", pa.string()), ("start", pa.int64()), ("end", pa.int64())]))
BLOCKS = pa.list_(
    pa.struct(
        [
            ("kind", pa.string()),  # heading | paragraph | list_item | table | code | quote | media | formula
            ("level", pa.int64()),  # of a heading 1-6; depth of a list item or quotation; else 0
            ("start", pa.int64()),  # characters in the text of the same row
            ("end", pa.int64()),
            ("page", pa.int64()),  # from 1; null where the source has no pages
            ("parent", pa.int64()),  # place in this list of the heading it stands under
        ]
    )
)
MEDIA = pa.list_(
    pa.struct([("key", pa.string()), ("kind", pa.string()), ("url", pa.string()), ("alt", pa.string())])
)  # the resource table: what a media key of the text stands for
INSTANT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Dataset:
    """A dataset's name, key and columns. `roles` names only the columns that are not `identity`."""

    name: str
    key: tuple[str, ...]
    schema: pa.Schema
    roles: Mapping[str, Role] = field(default_factory=dict)

    def role(self, column: str) -> Role:
        return self.roles.get(column, "identity")

    @property
    def identity(self) -> list[str]:
        return [name for name in self.schema.names if self.role(name) == "identity"]

    def conform(self, table: pa.Table) -> pa.Table:
        """Select, order and cast the columns of `table`; a missing nullable column becomes null.

        Raises KeyError for a missing key column and pa.ArrowInvalid where a value does not fit its type.
        """
        columns = []
        for column in self.schema:
            if column.name in table.column_names:
                columns.append(table[column.name].cast(column.type))
            elif column.name in self.key:
                raise KeyError(f"{self.name}: key column {column.name!r} is missing")
            else:
                columns.append(pa.nulls(table.num_rows, column.type))
        return pa.Table.from_arrays([_one(c) for c in columns], schema=self.schema)


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _schema(*parts: Iterable[tuple[str, pa.DataType]]) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for part in parts for name, kind in part])


#: Every row of every layer says whose it is, where it came from and under which right it is held.
COMMON: tuple[tuple[str, pa.DataType], ...] = (
    ("doc_id", pa.string()),  # 32 hexadecimal characters, see document_id()
    ("tenant_id", pa.string()),
    ("source", pa.string()),
    ("source_class", pa.string()),
    ("licence", pa.string()),
    ("authorised", pa.bool_()),
    ("subject_ids", SUBJECTS),  # keyed hashes of the people a row is about, with the key's name
    ("capture", pa.string()),  # "<day>:<body hash>", see capture_id()
)

#: What identifies a text within the order of time; see DESIGN "order key" = (since, doc_id).
_TEXT: tuple[tuple[str, pa.DataType], ...] = (
    ("since", pa.date32()),  # first day since which this text has been current at this document
    ("url", pa.string()),
    ("title", pa.string()),
    ("text", pa.string()),
)

REJECT: tuple[tuple[str, pa.DataType], ...] = (
    *COMMON,
    ("url", pa.string()),
    ("stage", pa.string()),
    ("rule", pa.string()),
    ("value", pa.float64()),  # the measured value, rounded to 6 decimals; null where the rule measures nothing
    ("threshold", pa.float64()),
    ("detail", pa.string()),  # a value that is no number (a language, an error class); never text of a document
    ("kept_id", pa.string()),  # for duplicates: the twin that stayed
    ("via_id", pa.string()),  # for duplicates: the document through which they are linked
    ("similarity", pa.float64()),  # to via_id
    ("similarity_kept", pa.float64()),  # to kept_id
)

_PAGE: tuple[tuple[str, pa.DataType], ...] = (
    ("capture_day", pa.date32()),
    ("body_hash", pa.string()),  # 32 hexadecimal characters; null where there is no body (304, 404, 410)
    ("requested_url", pa.string()),  # as it stood in the seed list or link
    ("url", pa.string()),  # normalised requested URL
    ("depth", pa.int64()),  # links from a seed
    ("final_url", pa.string()),
    ("hops", pa.list_(pa.string())),  # every URL between requested and final
    ("status", pa.int64()),
    ("content_type", pa.string()),
    ("etag", pa.string()),
    ("last_modified", pa.string()),
    ("authorisation", pa.string()),  # evidence of lawful fetching: robots.txt digest and verdict
    ("body_bytes", pa.int64()),
    ("body", pa.binary()),
    ("fetched_at", INSTANT),
    ("elapsed_ms", pa.int64()),
)

PAGES = Dataset(
    "pages",
    ("doc_id", "capture"),
    _schema(COMMON, _PAGE),
    {"depth": "observed", "fetched_at": "observed", "elapsed_ms": "observed"},
)
URL_ALIASES = Dataset(
    "url_aliases",
    ("url_id", "doc_id", "kind"),
    _schema(
        (
            ("url_id", pa.string()),  # hash of the normalised URL
            ("doc_id", pa.string()),
            ("kind", pa.string()),  # requested | hop | final | canonical
            ("url", pa.string()),
            ("tenant_id", pa.string()),
            ("since", pa.date32()),
        )
    ),
)
DOCUMENTS = Dataset(
    "documents",
    ("doc_id",),
    _schema(
        COMMON,
        _TEXT,
        (
            ("text_hash", pa.string()),
            ("charset", pa.string()),
            ("language_hint", pa.string()),  # of the page itself (html lang), lower case; null where it has none
            ("density", pa.float64()),  # main-text characters / visible characters, 4 decimals
            ("kind", pa.string()),  # format of the source, e.g. html, pdf
            ("author", pa.string()),
            ("published", pa.string()),  # ISO 8601 as the page states it
            ("canonical_url", pa.string()),
            ("stated_licence", pa.string()),  # SPDX identifier or URL that the page itself names
            ("edits", EDITS),  # over the decoded page
            ("blocks", BLOCKS),  # of this text; later layers map them through their edits
            ("media", MEDIA),
        ),
    ),
)
_CLEAN: tuple[tuple[str, pa.DataType], ...] = (
    *_TEXT,
    ("lang", pa.string()),  # ISO 639-1
    ("lang_score", pa.float64()),
    ("signals", SIGNALS),
)
CLEAN = Dataset("clean", ("doc_id",), _schema(COMMON, _CLEAN, (("edits", EDITS),)), {"lang_score": "inexact"})
SCRUBBED = Dataset(
    "scrubbed",
    ("doc_id",),
    _schema(COMMON, _CLEAN, (("findings", FINDINGS), ("edits", EDITS))),  # findings: spans in the scrubbed text
    {"lang_score": "inexact"},
)
CORPUS = Dataset(
    "corpus",
    ("doc_id",),
    _schema(COMMON, _CLEAN, (("findings", FINDINGS), ("characters", pa.int64()), ("tokens", pa.int64()))),
    {"lang_score": "inexact"},
)
DEDUP_INDEX = Dataset(
    "dedup_index",
    ("doc_id",),
    _schema(
        (
            ("doc_id", pa.string()),
            ("tenant_id", pa.string()),
            ("since", pa.date32()),
            ("exact", pa.string()),  # hash of the normalised text
            ("shingles", pa.int64()),  # number of distinct shingles
            ("signature", pa.binary()),  # permutations x uint32, little-endian
        )
    ),
)
TOMBSTONE_CANDIDATES = Dataset(
    "tombstone_candidates",
    ("doc_id", "reason"),
    _schema(
        COMMON,
        (
            ("reason", pa.string()),  # gone | robots | opt_out | refused (402, 451) | licence
            ("detail", pa.string()),  # HTTP status, or which signal said it
            ("url", pa.string()),
            ("since", pa.date32()),  # first day on which it was seen
        ),
    ),
)
SOURCES = Dataset(
    "sources",
    ("source_id",),
    _schema(
        (
            ("source_id", pa.string()),  # hash128(tenant, source)
            ("tenant_id", pa.string()),
            ("source", pa.string()),
            ("kind", pa.string()),
            ("source_class", pa.string()),
            ("licence", pa.string()),
            ("licence_verdict", pa.string()),  # open | restricted | unknown
            ("authorised", pa.bool_()),
            ("desensitised", pa.bool_()),
            ("evidence", pa.string()),  # why it may be used: terms of use, contract, permission
            ("owner", pa.string()),
            ("priority", pa.int64()),  # higher comes first: books and standards before web pages and news
            ("origin", pa.list_(pa.string())),  # seeds, paths or the query, without credentials
        )
    ),
)
METRICS = Dataset(
    "metrics",
    ("metric_id",),
    _schema(
        (
            ("metric_id", pa.string()),
            ("dataset", pa.string()),
            ("version", pa.string()),  # the content that was judged
            ("name", pa.string()),
            ("dimension", pa.string()),  # e.g. the language of a share; "" for the whole
            ("value", pa.float64()),  # rounded to 6 decimals
            ("reason", pa.string()),  # why value is null
        )
    ),
)
VIOLATIONS = Dataset(
    "violations",
    ("violation_id",),
    _schema(
        (
            ("violation_id", pa.string()),
            ("dataset", pa.string()),
            ("version", pa.string()),
            ("metric", pa.string()),
            ("doc_id", pa.string()),
            ("value", pa.float64()),
            ("detail", pa.string()),
        )
    ),
)
TOMBSTONES = Dataset(
    "tombstones",
    ("tombstone_id",),
    _schema(
        (
            ("tombstone_id", pa.string()),
            ("scope", pa.string()),  # url | pattern | host | subject | content
            ("target", pa.string()),
            ("doc_ids", pa.list_(pa.string())),
            ("reason", pa.string()),
            ("requested_at", INSTANT),
        )
    ),
    {"requested_at": "observed"},
)


def rejects_of(stage: str) -> Dataset:
    """The rejects that `stage` writes: one dataset per stage, since each dataset has exactly one writing job."""
    return Dataset(f"rejects_{stage}", ("doc_id",), _schema(REJECT))


STAGES_WITH_REJECTS = ("crawl", "extract", "clean", "scrub", "dedup")
DATASETS: dict[str, Dataset] = {
    d.name: d
    for d in (
        PAGES,
        URL_ALIASES,
        DOCUMENTS,
        CLEAN,
        SCRUBBED,
        CORPUS,
        DEDUP_INDEX,
        METRICS,
        VIOLATIONS,
        TOMBSTONES,
        TOMBSTONE_CANDIDATES,
        SOURCES,
        *(rejects_of(stage) for stage in STAGES_WITH_REJECTS),
    )
}


def hash128(*parts: str | bytes) -> str:
    """BLAKE2b-128 over length-prefixed parts, as 32 lower-case hexadecimal characters."""
    state = blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


def document_id(tenant_id: str, source: str, item: str) -> str:
    """`doc_id` of an item: a normalised requested URL, or the item's id within its source."""
    return hash128(tenant_id, source, NORMALISER_VERSION, item)


def capture_id(day: str, body_hash: str | None) -> str:
    """`capture` of a page fetched on `day` (YYYY-MM-DD); a page without a body has an empty hash."""
    return f"{day}:{body_hash or ''}"
