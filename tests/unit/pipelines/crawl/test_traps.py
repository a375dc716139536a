from itertools import pairwise

import pytest

from pipelines.crawl.traps import Shapes, form, plain_link, shape
from pipelines.crawl.urls import normalise
from pipelines.params import CrawlParams

PARAMS = CrawlParams()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a/x;jsessionid=0AAB?y=1", "http://a/x?y=1"),
        ("http://a/x?PHPSESSID=0123456789abcdef&y=1", "http://a/x?y=1"),
        ("http://a/x?y=1&sid=0123456789abcdef01", "http://a/x?y=1"),
        ("http://a/x?sid=12", "http://a/x?sid=12"),  # a section, not a session
        ("http://a/(S(lit3py55t21z5v55vlm25s55))/x.aspx", "http://a/x.aspx"),
        ("http://a/x?spm=a2c.1&id=2", "http://a/x?id=2"),
        ("http://a/x?spm=1", "http://a/x"),
        ("http://a/x?from=20&page=2", "http://a/x?from=20&page=2"),  # may choose what is shown
        ("http://a/wiki/Java_(S)", "http://a/wiki/Java_(S)"),
        ("http://a/x?a=1&b=2", "http://a/x?a=1&b=2"),
    ],
)
def test_links_lose_sessions_and_tracking_only(url, expected):
    assert plain_link(normalise(url)) == expected
    assert plain_link(expected) == expected


def trap(url: str) -> tuple | None:
    found = form(url, PARAMS)
    return (found.detail, found.value, found.threshold) if found else None


def test_limits_of_form():
    assert trap("http://a/" + "x" * 2_000) == ("url_characters", 2_009, 2_000)
    assert trap("http://a/" + "/".join(f"s{n}" for n in range(25))) == ("path_segments", 25, 24)
    assert trap("http://a/en/docs/en/docs/en/docs/en/docs") == ("repeated_segments", 4, 3)
    assert trap("http://a/x?" + "&".join(f"f{n}=1" for n in range(25))) == ("query_fields", 25, 24)
    for fine in ("http://a/", "http://a/en/docs/en/docs/en/x", "http://a/11/11/11/11/11", "http://a/x?a=1&a=2"):
        assert trap(fine) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a/calendar/2026/03/14/", "a/calendar/0/0/0/?"),
        ("http://a/events/2031-12", "a/events/0-0?"),
        ("http://a/cal?year=2030&month=4", "a/cal?month=0&year=0"),
        ("http://a/cal?date=2030-04-01", "a/cal?date=0-0-0"),
        ("http://a/list?page=3&size=20&tag=x", "a/list?page=0&size=0&tag=x"),
        ("http://a/list?tag=x&size=21&page=4", "a/list?page=0&size=0&tag=x"),  # one shape whatever the order
        ("http://a/f81d4fae-7dec-11d0-a765-00a0c91e6bf6/0123456789abcdef", "a/u/h?"),
        ("http://a/news/2026/03/14/1234.html", None),  # an article
        ("http://a/viewthread.php?tid=77", None),
        ("http://a/page/9", None),
        ("http://a/x?tag=a&sort=b", None),
        ("http://a/deadbeefcafe", None),  # no digit: may be a word
        ("http://a/obj/0123456789abcdef", None),
    ],
)
def test_shapes_of_what_may_be_endless(url, expected):
    assert shape(url) == expected


def test_a_shape_has_a_limit_and_known_pages_count():
    shapes = Shapes(3)
    shapes.known("http://a/cal/2026/01/01")
    found = [shapes.refusal(f"http://a/cal/2026/01/0{n}") for n in range(2, 6)]
    assert found[:2] == [None, None]
    assert [(r.rule, r.detail, r.value, r.threshold) for r in found[2:]] == [
        ("trap", "pages_per_shape", 4, 3),
        ("trap", "pages_per_shape", 5, 3),
    ]
    assert shapes.refusal("http://a/article/7") is None


def test_hostile_urls_cost_linear_time():
    """Counted in what the abstraction hands back, and bounded by the length of a normalised URL in any case."""
    sizes = [len(shape("http://a/" + "0123456789abcdef/" * n + "?a=1&b=2") or "") for n in (100, 200, 400)]
    assert all(b / a < 2.5 for a, b in pairwise(sizes))
