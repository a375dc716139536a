import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.crawl.optout import AiTxt, OptOut, TdmRep, of_headers, of_markup, of_metas

AGENT = "nightmill/0.1 (+https://example.org/)"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([(b"Content-Type", b"text/html")], None),
        ([(b"X-Robots-Tag", b"noindex"), (b"x-robots-tag", b"NOAI, noimageai")], ("x_robots_tag", "noai")),
        ([(b"X-Robots-Tag", b"otherbot: noai")], None),
        ([(b"X-Robots-Tag", b"nightmill: noai")], ("x_robots_tag", "noai")),
        ([(b"X-Robots-Tag", b"noimageai")], None),
        (
            [(b"TDM-Reservation", b" 1 "), (b"tdm-policy", b"https://example.org/p.json")],
            ("tdm_header", "tdm-reservation"),
        ),
        ([(b"tdm-reservation", b"0")], None),
        ([(b"tdm-reservation", b"yes")], None),
        ([(b"Content-Usage", b"search=y, train-ai=n")], ("content_usage", "train-ai")),
        ([(b"Content-Usage", b"train-ai=y")], None),
        ([(b"X-Robots-Tag", b"\xff\x00"), (b"", b"")], None),
    ],
)
def test_headers(headers, found):
    assert of_headers(headers, AGENT) == (OptOut(*found) if found else None)


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<meta name="robots" content="noai">', ("meta_robots", "noai")),
        ("<META NAME=ROBOTS CONTENT=NOAI>", ("meta_robots", "noai")),
        ('<meta content="index, noml" name="robots"/>', ("meta_robots", "noml")),
        ('<meta name="nightmill" content="noai">', ("meta_robots", "noai")),
        ('<meta name="googlebot" content="noai">', None),
        ('<meta name="description" content="noai">', None),
        ('<meta name="robots" content="noimageai">', None),
        ('<meta name="robots" content="noindex">', None),
        ('<!-- <meta name="robots" content="noai"> -->', None),
        ('<script>"<meta name=robots content=noai>"</script>', None),
        ('<meta name="tdm-reservation" content="1">', ("tdm_meta", "tdm-reservation")),
        ('<meta name="tdm-reservation" content="0">', None),
        ("<p>The word noai in a text", None),
        ("", None),
        ("<meta", None),
        ("<meta name=robots content=noai", ("meta_robots", "noai")),
    ],
)
def test_markup(html, found):
    assert of_markup(html, AGENT) == (OptOut(*found) if found else None)
    assert of_markup(f"<html><head>{html}", AGENT) == (OptOut(*found) if found else None)


def test_a_meta_in_the_body_counts():
    assert of_markup("<body><p>x</p>" + "<p>text</p>" * 1000 + "<meta name=robots content=noai>", AGENT)


def test_metas_of_a_parsed_page():
    assert of_metas([' charset="utf-8"', ' name="robots" content="noai"'], AGENT) == OptOut("meta_robots", "noai")


def test_hostile_pages_cost_linear_time():
    def steps(size):
        start = time.process_time()
        of_markup("<meta " * size + "noai", AGENT)
        of_markup("<meta name='" * size, AGENT)
        return time.process_time() - start

    steps(1000)
    assert steps(40_000) < 20 * max(steps(5_000), 0.005)


def rules(*entries):
    return TdmRep.parse(json.dumps(entries).encode())


@pytest.mark.parametrize(
    ("path", "reserved"),
    [
        ("/", False),
        ("/images/a.jpg", True),
        ("/images/free/a.jpg", False),
        ("/book.pdf", True),
        ("/book.pdf?x=1", False),
        ("/%7Euser/x", True),
        ("/~user/x", True),
        ("", False),
    ],
)
def test_the_first_rule_that_matches_decides(path, reserved):
    found = rules(
        {"location": "/images/free/", "tdm-reservation": 0},
        {"location": "/images/", "tdm-reservation": 1, "tdm-policy": "https://example.org/policy.json"},
        {"location": "/*.pdf$", "tdm-reservation": 1},
        {"location": "/~user/*", "tdm-reservation": "1"},
    )
    assert found.reserved(path) is reserved


def test_entries_that_are_no_rule_are_skipped():
    found = rules(
        1, None, [], {}, {"location": "/"}, {"location": 3, "tdm-reservation": 1},
        {"location": "/", "tdm-reservation": True}, {"location": "\ud800", "tdm-reservation": 0},
        {"location": "/", "tdm-reservation": [1]}, {"location": "/x", "tdm-reservation": 1},
    )  # fmt: skip
    assert found.rules == (("?", False), ("/x", True))
    assert not found.reserved("/\ud800")


def test_a_single_rule_without_array_counts():
    assert TdmRep.parse(b'\xef\xbb\xbf{"location": "/", "tdm-reservation": 1}').reserved("/x")


@pytest.mark.parametrize(
    "body", [b"", b"<!DOCTYPE html>", b"[" * 200_000, b"\xff\xfe\x00", b"[" + b"9" * 5000 + b"]", b"1", b" " * 600_000]
)
def test_what_is_no_tdmrep_reserves_nothing(body):
    assert TdmRep.parse(body) == TdmRep()


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/a.txt", False),
        ("/a.txt?v=2", False),
        ("/a.txt.html", True),
        ("/a.pdf", False),
        ("/private/x", False),
    ],
)
def test_ai_txt(path, allowed):
    lines = ("Disallow: *.txt", "Disallow: *.pdf", "Disallow: /private/", "Allow: *.html", "Allow: /")
    assert AiTxt.parse("\n".join(("# Spawning AI", "User-Agent: *", *lines)).encode()).allowed(path) is allowed


def test_ai_txt_that_forbids_all():
    for body in (b"User-Agent: *\nDisallow: /\nDisallow: *\n", b"User-agent: *\nDisallow: *"):
        found = AiTxt.parse(body)
        assert not found.allowed("/") and not found.allowed("/x.html") and not found.allowed("")


def test_ai_txt_for_one_agent():
    found = AiTxt.parse(b"User-Agent: nightmill\nDisallow: /\n\nUser-Agent: *\nAllow: /", AGENT)
    assert not found.allowed("/x")
    assert AiTxt.parse(b"User-Agent: other\nDisallow: /", AGENT).allowed("/x")


def test_a_soft_404_is_no_ai_txt():
    assert AiTxt.parse(b"<!DOCTYPE html><title>Not found</title><p>Disallow nothing</p>").allowed("/x")


@given(st.binary(max_size=200), st.text(max_size=50))
def test_nothing_raises(body, path):
    TdmRep.parse(body).reserved(path)
    TdmRep.parse(json.dumps([{"location": path, "tdm-reservation": 1}]).encode()).reserved(path)
    AiTxt.parse(body).allowed(path)
    AiTxt.parse(b"User-agent: *\nDisallow: " + body).allowed(path)
    of_headers([(b"x-robots-tag", body), (body, body)], path)
    of_markup(f"<meta name=robots content='{path}'>noai", AGENT)
