from datetime import date, timedelta

import pyarrow as pa

from jobs.acquire.known import add_failed, known_pages
from jobs.datasets import Version
from jobs.storage import MemoryStorage
from jobs.writer import write_version
from pipelines.schemas import PAGES, capture_id, document_id, hash128, rejects_of

FIRST = date(2026, 1, 1)


def capture(path, day, status, body=None, source="s", **others):
    url = f"http://a/{path}"
    on = FIRST + timedelta(days=day)
    hashed = hash128(body) if body else None
    return {
        "doc_id": document_id("t", source, url),
        "capture": capture_id(on.isoformat(), hashed),
        "capture_day": on,
        "source": source,
        "url": url,
        "final_url": url,
        "status": status,
        "body_hash": hashed,
        "depth": 2,
        **others,
    }


def version(dataset, rows):
    storage = MemoryStorage()
    return Version(storage, write_version(storage, dataset, [pa.Table.from_pylist(rows, schema=dataset.schema)]))


def test_histories_are_folded_from_captures():
    pages = version(
        PAGES,
        [
            capture("steady", 0, 200, "x", etag='"1"'),
            capture("steady", 2, 304),
            capture("steady", 4, 200, "x", etag='"2"'),
            capture("edited", 0, 200, "x"),
            capture("edited", 1, 200, "y"),
            capture("edited", 5, 200, "z"),
            capture("gone", 0, 200, "x", etag='"1"'),
            capture("gone", 1, 404),
            capture("gone", 2, 404),
            capture("back", 0, 404),
            capture("back", 3, 200, "x"),
            capture("other", 0, 200, "x", source="elsewhere"),
        ],
    )
    known, bodies = known_pages(pages, ["s", "new"])
    found = known["s"]
    days, rows = FIRST.toordinal(), {}
    histories = found.histories()
    for url in found:
        row = found.row(url)
        rows[url[9:]] = tuple(int(column[row]) for column in histories[:4])
    assert rows == {
        "steady": (days + 4, 2, 0, 4),
        "edited": (days + 5, 2, 2, 5),
        "gone": (days + 2, 2, 1, 2),
        "back": (days + 3, 1, 1, 3),
    }
    assert found["http://a/steady"].etag == '"2"' and found["http://a/gone"].etag is None
    assert found["http://a/edited"].depth == 2
    doc = {path: document_id("t", "s", f"http://a/{path}") for path in ("steady", "gone")}
    assert bodies.get("s", doc["steady"]) == hash128("x") and bodies.get("s", doc["gone"]) is None
    assert bodies.get("s", doc["steady"]) is not None and bodies.get("s", doc["gone"]) is None
    assert bodies.covers("new") and bodies.get("new", doc["steady"]) is None and not bodies.covers("elsewhere")
    assert len(known["new"]) == 0 and "elsewhere" not in known


def reject(path, rule, detail=None):
    url = f"http://a/{path}"
    return {"doc_id": document_id("t", "s", url), "source": "s", "url": url, "rule": rule, "detail": detail}


def test_what_could_not_be_had_is_tried_again_and_what_had_to_wait_waits():
    known, _ = known_pages(version(PAGES, [capture("stored", 0, 200, "x")]), ["s"])
    rejects = [
        reject("stored", "fetch_error"),
        reject("failed", "fetch_error", "timeout"),
        reject("waits", "max_pages", "depth 2"),
        reject("blocked", "blocked", "host a"),
        reject("deep", "max_depth"),
        reject("endless", "trap", "query_fields"),
        reject("bad", "bad_url", "scheme"),
    ]
    add_failed(version(rejects_of("crawl"), rejects), known, {"s": 9})
    found = {url[9:]: (page.depth, known["s"].is_waiting(known["s"].row(url))) for url, page in known["s"].items()}
    assert found == {"stored": (2, False), "failed": (9, False), "waits": (2, True), "blocked": (9, True)}


def test_nothing_is_known_on_the_first_night():
    known, bodies = known_pages(None, ["s"])
    add_failed(None, known, {"s": 1})
    assert list(known["s"]) == [] and bodies.get("s", "0" * 32) is None
