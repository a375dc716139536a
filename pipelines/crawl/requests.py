"""What a fetch asks and what its reply means, without a network: requests, outcomes, and the rows they become.

Bodies are no part of an outcome, so that an outcome is one short line of JSON; they are kept beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any, Literal

import pyarrow as pa

from pipelines.crawl.decoding import ACCEPTED
from pipelines.crawl.urls import host_of, url_id
from pipelines.extract.rights import directives
from pipelines.params import SourceParams
from pipelines.schemas import PAGES, REJECT, URL_ALIASES, capture_id, hash128

STAGE = "crawl"
REDIRECTS = frozenset((301, 302, 303, 307, 308))
PAGE_WITHOUT_BODY = frozenset((304, 404, 410))
RETRIED = frozenset((429, 500, 502, 503, 504))
PAUSES_HOST = frozenset((429, 503))  # the whole host is asked to be left alone, not one page
MAX_HEADER = 1_024  # characters of a header value that is kept

_REJECT_SCHEMA = pa.schema([pa.field(name, kind) for name, kind in REJECT])
_BACKOFF_SECONDS = 1.0


Kind = Literal["page", "robots", "sitemap", "tdmrep", "ai_txt"]


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One URL to visit. `validators_of` is the URL that the validators were received from (after redirects)."""

    doc_id: str
    tenant_id: str
    source: str
    requested_url: str
    url: str
    depth: int
    etag: str | None = None
    last_modified: str | None = None
    validators_of: str | None = None
    allow_private: bool = False
    kind: Kind = "page"
    turn: int = 0  # of a file that is asked for again within a run, since it has become too old

    @property
    def key(self) -> str:
        """Idempotency key: within a run one page, or one host's robots.txt, is asked for once.

        Validators and depth stay out of it, so that a restart on other knowledge still finds what was fetched. One
        robots.txt serves all sources, but not across different rights to private addresses.
        """
        if self.kind == "page":
            return hash128("page", self.tenant_id, self.source, self.url)
        turn = (str(self.turn),) if self.turn else ()
        return hash128(self.kind, "private" if self.allow_private else "public", self.url, *turn)


def file_request(kind: Kind, url: str, allow_private: bool, turn: int = 0) -> FetchRequest:
    """The request for a file that speaks for a site, and is no page of any source."""
    return FetchRequest(url_id(url), "", "", url, url, 0, allow_private=allow_private, kind=kind, turn=turn)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a URL is not asked for, as its reject will say it."""

    rule: str
    detail: str | None = None
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class FetchOutcome:
    """What became of one request: a page (`rule` is null) or a reject. Sizes in bytes, times in milliseconds."""

    doc_id: str
    tenant_id: str
    source: str
    requested_url: str
    url: str
    final_url: str
    hops: tuple[str, ...] = ()
    status: int | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    authorisation: str | None = None
    body_hash: str | None = None
    body_bytes: int | None = None
    wire_bytes: int = 0  # of bodies, as they came over the network
    attempts: int = 0  # HTTP requests made, redirects and retries included
    fetched_at: str = ""  # ISO 8601, UTC
    elapsed_ms: int = 0
    nofollow: bool = False  # X-Robots-Tag says that the page's links are not to be followed
    rule: str | None = None
    value: float | None = None
    threshold: float | None = None
    detail: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in _OUTCOME}, "hops": list(self.hops)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FetchOutcome:
        return cls(**{**data, "hops": tuple(data["hops"])})


_OUTCOME = tuple(field.name for field in fields(FetchOutcome))


def body_hash(body: bytes) -> str:
    """BLAKE2b-128 of the bytes of a body after Content-Encoding was undone; 32 hexadecimal characters."""
    return blake2b(body, digest_size=16).hexdigest()


def request_headers(request: FetchRequest, url: str, user_agent: str, accept: Sequence[str]) -> list[tuple[str, str]]:
    """Headers of the request for `url`, which is `request.url` or a hop. Validators go only where they came from."""
    return [
        ("Host", host_of(url)),
        ("User-Agent", user_agent),
        ("Accept", ", ".join((*accept, "*/*;q=0.1"))),
        ("Accept-Encoding", ACCEPTED),
        *validators(request, url),
    ]


def validators(request: FetchRequest, url: str) -> list[tuple[str, str]]:
    """Headers that make the request for `url` conditional; none where `url` is not what they were received from."""
    if url != (request.validators_of or request.url):
        return []
    known = (("If-None-Match", request.etag), ("If-Modified-Since", request.last_modified))
    return [(name, value) for name, value in known if value]


def header(headers: Sequence[tuple[bytes, bytes]], name: str) -> str | None:
    """The first value of header `name`; null where there is none or it is absurdly long."""
    for key, value in headers:
        if key.lower() == name.encode():
            text = value.decode("latin-1").strip()
            return text if len(text) <= MAX_HEADER else None
    return None


def says_nofollow(headers: Sequence[tuple[bytes, bytes]], user_agent: str) -> bool:
    """Whether an X-Robots-Tag that concerns `user_agent` forbids to follow the links of a page."""
    values = [value.decode("latin-1") for key, value in headers if key.lower() == b"x-robots-tag"]
    return any({"nofollow", "none"} & directives(value, user_agent) for value in values)


def location(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The target of a redirect, as UTF-8 where it is that, otherwise Latin-1."""
    for key, value in headers:
        if key.lower() == b"location":
            try:
                return value.decode("utf-8")
            except UnicodeDecodeError:
                return value.decode("latin-1")
    return None


def is_wanted(content_type: str | None, wanted: Sequence[str]) -> bool:
    """Whether a body of this type is kept. A page without a type is: browsers sniff it, and so does extraction."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    return not media_type or media_type in wanted


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 section 10.2.3); null where it cannot be read."""
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())


def backoff(url: str, attempt: int) -> float:
    """Seconds to wait after the `attempt`-th failure (from 1): 1, 2, 4, ... plus up to half of it.

    The part that spreads requests out comes from a hash of the URL, so that a run can be told again.
    """
    spread = int(hash128(url, str(attempt))[:8], 16) / 0x1_0000_0000
    return _BACKOFF_SECONDS * 2.0 ** (attempt - 1) * (1 + spread / 2)


def page_row(
    outcome: FetchOutcome, body: bytes | None, source: SourceParams, day: str, depth: int = 0
) -> dict[str, Any]:
    """The row of `schemas.PAGES` of an outcome that is a page, found `depth` links from a seed."""
    return {
        **_common(outcome, source, capture_id(day, outcome.body_hash)),
        "capture_day": date.fromisoformat(day),
        "body_hash": outcome.body_hash,
        "requested_url": outcome.requested_url,
        "url": outcome.url,
        "depth": depth,
        "final_url": outcome.final_url,
        "hops": list(outcome.hops),
        "status": outcome.status,
        "content_type": outcome.content_type,
        "etag": outcome.etag,
        "last_modified": outcome.last_modified,
        "authorisation": outcome.authorisation,
        "body_bytes": outcome.body_bytes,
        "body": body,
        "fetched_at": datetime.fromisoformat(outcome.fetched_at),
        "elapsed_ms": outcome.elapsed_ms,
    }


def reject_row(outcome: FetchOutcome, source: SourceParams, day: str) -> dict[str, Any]:
    """The row of the crawl's rejects of an outcome that is none."""
    return {
        **_common(outcome, source, capture_id(day, None)),
        "url": outcome.url,
        "stage": STAGE,
        "rule": outcome.rule,
        "value": _rounded(outcome.value),
        "threshold": _rounded(outcome.threshold),
        "detail": outcome.detail,
    }


def aliases(outcome: FetchOutcome, day: str, canonical: str | None = None) -> list[dict[str, Any]]:
    """Rows of `schemas.URL_ALIASES`: every URL that an outcome's page is known by."""
    urls = [("requested", outcome.url), *(("hop", hop) for hop in outcome.hops), ("final", outcome.final_url)]
    if canonical is not None:
        urls.append(("canonical", canonical))
    since = date.fromisoformat(day)
    return [
        {
            "url_id": url_id(url),
            "doc_id": outcome.doc_id,
            "kind": kind,
            "url": url,
            "tenant_id": outcome.tenant_id,
            "since": since,
        }
        for kind, url in urls
    ]


def pages_table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=PAGES.schema)


def rejects_table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=_REJECT_SCHEMA)


def aliases_table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=URL_ALIASES.schema)


def _common(outcome: FetchOutcome, source: SourceParams, capture: str) -> dict[str, Any]:
    return {
        "doc_id": outcome.doc_id,
        "tenant_id": outcome.tenant_id,
        "source": source.name,
        "source_class": source.source_class,
        "licence": source.licence,
        "authorised": source.authorised,
        "subject_ids": [],
        "capture": capture,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
