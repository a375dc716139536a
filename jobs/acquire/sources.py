"""The provenance list: one row per declared source, with the right under which it is held."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa

from jobs.acquire.rights import priority
from jobs.context import JobContext
from jobs.datasets import Version
from jobs.writer import VersionWriter
from pipelines.acquire.licences import verdict
from pipelines.params import SourceParams
from pipelines.schemas import SOURCES, hash128

_USER = re.compile(r"(?<=://)[^/?#@\s]*@")
_SECRET = re.compile(
    r"(?i)([?&;](?:[a-z0-9]+[_-])*(?:key|apikey|token|secret|sig|signature|password|passwd|pwd|auth|code|session|sid))=[^&;#]*"
)


def sources_table(ctx: JobContext, sources: Iterable[SourceParams]) -> pa.Table:
    """The sources of a run, as rows of `sources`."""
    tenant = ctx.config.settings.tenant
    rows = [
        {
            "source_id": hash128(tenant, source.name),
            "tenant_id": tenant,
            "source": source.name,
            "kind": source.kind,
            "source_class": source.source_class,
            "licence": source.licence,
            "licence_verdict": verdict(source.licence),
            "authorised": source.authorised,
            "desensitised": source.desensitised,
            "evidence": source.evidence or None,
            "owner": source.owner or None,
            "priority": priority(source),
            "origin": origin(source),
        }
        for source in sources
    ]
    return pa.Table.from_pylist(rows, schema=SOURCES.schema)


def origin(source: SourceParams) -> list[str]:
    """Where a source lies: seeds, path, or the name of its connection and the query; nothing that opens a door."""
    parts = (*source.seeds, source.path, source.connection, source.query)
    return [without_secrets(part) for part in parts if part]


def without_secrets(text: str) -> str:
    """An address without user name and password, and without the values of query fields that sound like keys."""
    return _SECRET.sub(r"\1=***", _USER.sub("", text))


def replace_all(writer: VersionWriter, table: pa.Table, previous: Version | None) -> None:
    """Make `table` the whole content of a small dataset."""
    now = set(table["source_id"].to_pylist())
    before = [i for piece in (previous.scan(["source_id"]) if previous else ()) for i in piece["source_id"].to_pylist()]
    writer.remove(sorted(set(before) - now), "no longer declared")
    writer.upsert(table)
