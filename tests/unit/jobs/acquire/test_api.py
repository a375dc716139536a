"""An HTTP interface on loopback: paging, refusals, secrets, and a kill between two pages."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from jobs.acquire import api
from jobs.acquire.readings import SourceUnavailable
from jobs.config import load
from pipelines.acquire.items import Item, Refused
from pipelines.params import SourceParams

CANARY = "Bearer canary-5d1f"
ROWS = [{"id": n, "question": f"问题 {n}？", "answer": f"答案 {n}"} for n in range(1, 8)]


class Interface:
    """`answer(path, query)` gives a status and a value, bytes or headers; `hits` are the requests so far."""

    def __init__(self):
        self.hits = []
        self.answer = lambda path, query: (200, {"data": {"items": ROWS}})
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                parts = urlsplit(self.path)
                outer.hits.append((self.path, dict(self.headers)))
                status, value = outer.answer(parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()})
                self.send_response(status)
                if status in (301, 302):
                    self.send_header("Location", value)
                    value = b""
                body = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def paths(self):
        return [path for path, _ in self.hits]


@pytest.fixture
def interface():
    made = Interface()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def read(tmp_path, interface, monkeypatch):
    monkeypatch.setenv("API_TOKEN", CANARY)
    (tmp_path / "params.yaml").write_text(
        "secrets: {token: env:API_TOKEN}\ncrawl: {per_host_delay_seconds: 0, attempts: 1, timeout_seconds: 5}\n"
    )

    def run(seed="/q", **given):
        given = {"items_at": "/data/items", "allow_private_addresses": True, **given}
        source = SourceParams("faq", kind="api", seeds=(interface.base + seed,), **given)
        return list(api.read(source, load(tmp_path / "params.yaml", environ={}), tmp_path / "run"))

    return run


def names(found):
    return [item.name for item in found if isinstance(item, Item)]


def rules(found):
    return [(item.rule, item.lost) for item in found if isinstance(item, Refused)]


ALL = [f"faq#id:{n}" for n in range(1, 8)]


@pytest.mark.req("CRL-07")
def test_pages_by_number_end_with_a_short_one(read, interface):
    def answer(path, query):
        at = (int(query["page"]) - 1) * 3
        return 200, {"data": {"items": ROWS[at : at + 3]}}

    interface.answer = answer
    found = read("/q?page={page}", page_size=3)
    assert names(found) == ALL and not rules(found)
    assert interface.paths == ["/q?page=1", "/q?page=2", "/q?page=3"]
    assert found[0].fetched_at is not None


def test_pages_by_offset_end_with_an_empty_one(read, interface):
    interface.answer = lambda path, query: (200, ROWS[int(query["from"]) :][:3])
    assert names(read("/q?from={offset}", items_at="")) == ALL
    assert [path.partition("=")[2] for path in interface.paths] == ["0", "3", "6", "7"]


def test_pages_by_cursor(read, interface):
    def answer(path, query):
        at = int(query.get("c") or 0)
        return 200, {"data": {"items": ROWS[at : at + 4]}, "next": str(at + 4) if at + 4 < 7 else None}

    interface.answer = answer
    assert names(read("/q?c={cursor}", next_at="/next")) == ALL


def test_pages_by_link(read, interface):
    def answer(path, query):
        if path == "/q":
            return 200, {"data": {"items": ROWS[:4]}, "links": {"next": "/more?x=1"}}
        return 200, {"data": {"items": ROWS[4:]}, "links": {}}

    interface.answer = answer
    assert names(read(next_at="/links/next")) == ALL
    assert interface.paths == ["/q", "/more?x=1"]


@pytest.mark.parametrize(
    ("answer", "given", "rule"),
    [
        (lambda p, q: (200, {"data": {"items": ROWS}, "next": "/q"}), {"next_at": "/next"}, "page_loop"),
        (
            lambda p, q: (200, {"data": {"items": ROWS}, "next": "http://x.example/"}),
            {"next_at": "/next"},
            "next_elsewhere",
        ),
        (lambda p, q: (200, {"data": {"items": ROWS}, "next": "file:///etc"}), {"next_at": "/next"}, "bad_url"),
        (lambda p, q: (200, {"rows": ROWS}), {}, "no_records"),
        (lambda p, q: (200, b"<html>"), {}, "bad_json"),
        (lambda p, q: (200, b"[" * 200_000), {}, "bad_json"),
        (lambda p, q: (200, b"\xff\xfe"), {}, "bad_json"),
    ],
)
def test_what_ends_too_early_is_said_and_nothing_counts_as_gone(read, interface, answer, given, rule):
    interface.answer = answer
    assert rules(read(**given)) == [(rule, True)]


def test_a_server_that_ignores_the_page_is_left(read, interface):
    found = read("/q?page={page}")
    assert rules(found) == [("page_loop", True)] and names(found) == ALL and len(interface.hits) == 2


def test_at_most_max_pages_are_asked_for(read, interface):
    interface.answer = lambda path, query: (200, [{"text": query["page"]}])
    found = read("/q?page={page}", items_at="", max_pages=3)
    assert len(names(found)) == 3 and rules(found) == [("max_pages", True)]


def test_the_secret_goes_to_the_seeds_origin_alone_and_is_never_shown(read, interface, capfd, caplog):
    other = Interface()
    try:
        interface.answer = lambda path, query: (302, other.base + "/q")
        found = read(auth="token")
        assert names(found) == ALL
        assert interface.hits[0][1]["Authorization"] == CANARY and "Authorization" not in other.hits[0][1]
        out = capfd.readouterr()
        assert CANARY not in str(found) + out.out + out.err + caplog.text
    finally:
        other.server.shutdown()
        other.server.server_close()


def test_private_addresses_are_refused_unless_allowed(read):
    with pytest.raises(SourceUnavailable) as caught:
        read(allow_private_addresses=False)
    assert caught.value.rule == "private_address"


def test_a_source_that_does_not_answer_is_unavailable_and_can_be_tried_again(read, interface):
    interface.answer = lambda path, query: (503, {})
    with pytest.raises(SourceUnavailable) as caught:
        read()
    assert caught.value.rule == "http_status" and "503" in str(caught.value)
    interface.answer = lambda path, query: (200, {"data": {"items": ROWS}})
    assert names(read()) == ALL


def test_what_was_fetched_before_a_kill_is_not_fetched_again(read, interface):
    class Killed(BaseException):
        pass

    def answer(path, query):
        at = int(query["page"]) - 1
        return 200, [ROWS[at]] if at < 7 else []

    interface.answer = answer
    fetched = api._Pages._page

    def dying(self, url):
        if url.endswith("page=4"):
            raise Killed
        return fetched(self, url)

    api._Pages._page = dying
    try:
        with pytest.raises(Killed):
            read("/q?page={page}", items_at="")
    finally:
        api._Pages._page = fetched
    before = list(interface.paths)
    assert names(read("/q?page={page}", items_at="")) == ALL
    assert before == [f"/q?page={n}" for n in (1, 2, 3)]
    assert interface.paths[3:] == [f"/q?page={n}" for n in range(4, 9)]


def test_what_is_no_object_is_refused_alone(read, interface):
    interface.answer = lambda path, query: (200, {"data": {"items": [ROWS[0], 5, None, ROWS[1]]}})
    found = read()
    assert names(found) == ALL[:2] and [item.name for item in found if isinstance(item, Refused)] == ["faq#2", "faq#3"]
