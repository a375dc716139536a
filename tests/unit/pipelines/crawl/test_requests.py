from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import blake2b

import pytest

from pipelines.crawl.requests import (
    FetchOutcome,
    FetchRequest,
    aliases,
    aliases_table,
    backoff,
    body_hash,
    header,
    is_wanted,
    location,
    page_row,
    pages_table,
    reject_row,
    rejects_table,
    request_headers,
    retry_after,
)
from pipelines.crawl.urls import url_id
from pipelines.params import SourceParams

REQUEST = FetchRequest("d" * 32, "t", "s", "HTTP://E.example/a", "http://e.example/a", 0)
OUTCOME = FetchOutcome(
    "d" * 32,
    "t",
    "s",
    "HTTP://E.example/a",
    "http://e.example/a",
    "http://e.example/c",
    hops=("http://e.example/b",),
    status=200,
    body_hash=body_hash(b"x"),
    body_bytes=1,
    fetched_at="2026-01-02T03:04:05+00:00",
)
SOURCE = SourceParams("s", source_class="news", licence="CC0", authorised=False)


def test_body_hash_is_plain_blake2b() -> None:
    assert body_hash(b"") == "cae66941d9efbd404e4d88758ea67670"  # of nothing, by `b2sum -l 128`
    assert body_hash(b"abc") == blake2b(b"abc", digest_size=16).hexdigest()


def test_the_key_names_the_page_within_a_run_and_nothing_else() -> None:
    same = (replace(REQUEST, depth=5), replace(REQUEST, etag='"x"'), replace(REQUEST, requested_url="y"))
    assert {r.key for r in same} == {REQUEST.key}
    others = [replace(REQUEST, tenant_id="u"), replace(REQUEST, source="r"), replace(REQUEST, url="http://e.example/")]
    robots = replace(REQUEST, kind="robots")
    others += [robots, replace(robots, allow_private=True)]
    assert len({r.key for r in (REQUEST, *others)}) == 6
    assert replace(robots, source="r", tenant_id="u").key == robots.key


def test_headers() -> None:
    request = replace(REQUEST, etag='W/"x"', last_modified="then")
    assert request_headers(request, "http://e.example:81/a", "bot/1", ("text/html",)) == [
        ("Host", "e.example:81"),
        ("User-Agent", "bot/1"),
        ("Accept", "text/html, */*;q=0.1"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ]
    conditional = dict(request_headers(request, request.url, "bot/1", ()))
    assert (conditional["If-None-Match"], conditional["If-Modified-Since"]) == ('W/"x"', "then")


def test_reading_headers() -> None:
    found = [(b"ETag", b' "a" '), (b"etag", b"second"), (b"Long", b"x" * 2_000), (b"Location", "/中".encode())]
    assert header(found, "etag") == '"a"'
    assert header(found, "long") is None
    assert header(found, "missing") is None
    assert location(found) == "/中"
    assert location([(b"location", b"/caf\xe9")]) == "/café"
    assert location([]) is None


def test_wanted_types() -> None:
    wanted = ("text/html",)
    assert is_wanted("Text/HTML; charset=x", wanted) and is_wanted(None, wanted) and is_wanted(" ", wanted)
    assert not is_wanted("application/json", wanted) and not is_wanted("text/html2", wanted)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Fri, 02 Jan 2026 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2026 00:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("9" * 50, None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 1, 2, tzinfo=UTC)) == seconds


def test_backoff_doubles_spreads_and_repeats() -> None:
    for attempt, base in ((1, 1.0), (2, 2.0), (3, 4.0)):
        waits = {backoff(f"http://e.example/{n}", attempt) for n in range(50)}
        assert len(waits) == 50
        assert all(base <= wait < 1.5 * base for wait in waits)
    assert backoff("http://e.example/", 1) == backoff("http://e.example/", 1)


@pytest.mark.req("CRL-03")
def test_a_page_row_carries_its_rights_and_evidence() -> None:
    outcome = replace(OUTCOME, authorisation="http://e.example/robots.txt d1 no_rule")
    row = pages_table([page_row(outcome, b"x", SOURCE, "2026-01-02")]).to_pylist()[0]
    assert (row["licence"], row["authorised"], row["source_class"]) == ("CC0", False, "news")
    assert row["authorisation"] == "http://e.example/robots.txt d1 no_rule"
    assert (row["capture_day"], row["capture"]) == (date(2026, 1, 2), "2026-01-02:" + body_hash(b"x"))
    assert (row["body"], row["hops"], row["subject_ids"]) == (b"x", ["http://e.example/b"], [])
    assert row["fetched_at"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_reject_row() -> None:
    outcome = replace(OUTCOME, rule="too_large", value=0.12345678, threshold=1, detail="x")
    row = rejects_table([reject_row(outcome, SOURCE, "2026-01-02")]).to_pylist()[0]
    assert (row["stage"], row["rule"], row["value"], row["threshold"]) == ("crawl", "too_large", 0.123457, 1.0)
    assert (row["doc_id"], row["url"], row["capture"], row["detail"]) == ("d" * 32, REQUEST.url, "2026-01-02:", "x")
    assert row["kept_id"] is None


def test_aliases_name_every_url_once_per_kind() -> None:
    rows = aliases_table(aliases(OUTCOME, "2026-01-02", canonical="http://e.example/z")).to_pylist()
    assert [(r["kind"], r["url"][-1]) for r in rows] == [
        ("requested", "a"),
        ("hop", "b"),
        ("final", "c"),
        ("canonical", "z"),
    ]
    assert all(r["url_id"] == url_id(r["url"]) and r["since"] == date(2026, 1, 2) for r in rows)


def test_an_outcome_survives_json() -> None:
    assert FetchOutcome.from_json(OUTCOME.to_json()) == OUTCOME
