"""The provenance list: one row per declared source, with the right under which it is held."""

from __future__ import annotations

import pyarrow as pa

from jobs.context import JobContext
from jobs.datasets import Version
from jobs.writer import VersionWriter
from pipelines.schemas import SOURCES, hash128


def sources_table(ctx: JobContext) -> pa.Table:
    """The sources that the run's parameters declare, as rows of `sources`."""
    tenant = ctx.config.settings.tenant
    rows = [
        {
            "source_id": hash128(tenant, source.name),
            "tenant_id": tenant,
            "source": source.name,
            "kind": source.kind,
            "source_class": source.source_class,
            "licence": source.licence,
            "licence_verdict": "unknown",
            "authorised": source.authorised,
            "desensitised": source.desensitised,
            "evidence": source.evidence or None,
            "owner": source.owner or None,
            "priority": source.priority,
            "origin": list(source.seeds),
        }
        for source in ctx.parameters().sources
    ]
    return pa.Table.from_pylist(rows, schema=SOURCES.schema)


def replace_all(writer: VersionWriter, table: pa.Table, previous: Version | None) -> None:
    """Make `table` the whole content of a small dataset."""
    now = set(table["source_id"].to_pylist())
    before = [i for piece in (previous.scan(["source_id"]) if previous else ()) for i in piece["source_id"].to_pylist()]
    writer.remove(sorted(set(before) - now), "no longer declared")
    writer.upsert(table)
