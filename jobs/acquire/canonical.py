"""Canonical addresses: what a page says its real URL is. It becomes an alias, and on demand settles duplicates."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.acquire.known import Bodies
from jobs.effects.frontier import Batch
from jobs.effects.journal import Journal
from pipelines.crawl.requests import STAGE, FetchOutcome, FetchRequest, rejects_table, url_id
from pipelines.crawl.urls import UrlError, join
from pipelines.extract.decode import Undecodable
from pipelines.extract.links import canonical
from pipelines.extract.route import kind_of, source_text
from pipelines.schemas import capture_id, document_id

_COLUMNS = ["doc_id", "tenant_id", "source", "url", "capture_day", "final_url", "content_type", "body"]


def markup(body: bytes, content_type: str | None, limit: int) -> str | None:
    """The page's markup, or None where it is none; `extract` will say why."""
    try:
        return source_text(body, content_type, limit) if kind_of(body, content_type) == "html" else None
    except Undecodable:
        return None


class Canonicals:
    """Reads the canonical addresses of a night's pages; `limit` is the size in bytes to which a page is decoded."""

    def __init__(self, journal: Journal, bodies: Bodies, limit: int, day: str) -> None:
        self._journal, self._bodies, self._limit, self._day = journal, bodies, limit, day

    def named(self, batch: Batch) -> dict[str, str]:
        """doc_id -> canonical URL, of the pages that name one."""
        found = {}
        for page in batch.pages.select(_COLUMNS).to_pylist():
            url = self._of(page["body"], page["content_type"], page["final_url"])
            if url:
                found[page["doc_id"]] = url
        return found

    def aliases(self, batch: Batch, named: dict[str, str]) -> pa.Table:
        """Alias rows for `named`."""
        rows = [
            {
                "url_id": url_id(named[page["doc_id"]]),
                "doc_id": page["doc_id"],
                "kind": "canonical",
                "url": named[page["doc_id"]],
                "tenant_id": page["tenant_id"],
                "since": page["capture_day"],
            }
            for page in batch.pages.select(["doc_id", "tenant_id", "capture_day"]).to_pylist()
            if page["doc_id"] in named
        ]
        return pa.Table.from_pylist(rows, schema=batch.aliases.schema)

    def without_duplicates(self, batch: Batch, named: dict[str, str]) -> Batch:
        """`batch` with rejects (`not_canonical`) in place of new pages whose canonical URL is a page of their source.

        Pages that are stored stay. So does one whose canonical page names yet another one: of a circle none would be
        left.
        """
        rows = batch.pages.drop_columns(["body"]).to_pylist()
        twins = {at: twin for at, row in enumerate(rows) if (twin := self._twin(row, named.get(row["doc_id"])))}
        if not twins:
            return batch
        rejects = [
            {
                **rows[at],
                "capture": capture_id(self._day, None),
                "stage": STAGE,
                "rule": "not_canonical",
                "detail": named[rows[at]["doc_id"]],
                "kept_id": twin,
            }
            for at, twin in twins.items()
        ]
        keep = pa.array([at not in twins for at in range(len(rows))], pa.bool_())
        gone = pa.array([rows[at]["doc_id"] for at in twins], pa.string())
        return Batch(
            batch.pages.filter(keep),
            pa.concat_tables([batch.rejects, rejects_table(rejects)]),
            batch.aliases.filter(pc.invert(pc.is_in(batch.aliases["doc_id"], value_set=gone))),
        )

    def _twin(self, page: dict[str, Any], named: str | None) -> str | None:
        """The document that `page` is a duplicate of."""
        source, tenant = page["source"], page["tenant_id"]
        if named is None or named in (page["url"], page["final_url"]) or self._bodies.get(source, page["doc_id"]):
            return None
        twin = document_id(tenant, source, named)
        if self._bodies.get(source, twin):
            return twin
        key = FetchRequest(twin, tenant, source, named, named, 0).key
        recorded = self._journal.get(key)
        outcome = FetchOutcome.from_json(recorded) if recorded else None
        if outcome is None or outcome.rule is not None or outcome.body_hash is None:
            return None
        further = self._of(self._journal.blob(key), outcome.content_type, outcome.final_url)
        return twin if further in (None, named, outcome.final_url) else None

    def _of(self, body: bytes | None, content_type: str | None, final_url: str | None) -> str | None:
        text = markup(body, content_type, self._limit) if body and final_url else None
        named = canonical(text, final_url) if text and final_url else None
        try:
            return join(final_url, named) if named and final_url else None
        except UrlError:
            return None
