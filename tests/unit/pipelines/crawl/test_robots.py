import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from pipelines.crawl.robots import MAX_BYTES, allowed, parse, product_token, read


def verdict(robots: str | bytes, path: str, agent: str = "ExampleBot") -> bool:
    body = robots.encode() if isinstance(robots, str) else robots
    return allowed(body, 200, "http://example.com" + path, agent).allowed


# RFC 9309 section 5.1
SIMPLE = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.req("CRL-03")
@pytest.mark.parametrize(
    ("agent", "path", "expected"),
    [
        ("otherbot", "/a.gif", False),
        ("otherbot", "/a.gif?x", True),
        ("otherbot", "/example/x", False),
        ("otherbot", "/publications/x", True),
        ("FooBot", "/", False),
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/allowed.gif", True),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/example/other.gif", True),
        ("quxbot", "/example/page.html", True),
    ],
)
def test_simple_example_of_the_rfc(agent: str, path: str, expected: bool) -> None:
    assert verdict(SIMPLE, path, agent) is expected


def test_longest_match_of_the_rfc() -> None:
    robots = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert verdict(robots, "/example/page/", "foobot")
    assert not verdict(robots, "/example/page/disallowed.gif", "foobot")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [  # the table of RFC 9309 section 2.2.2
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/ツ"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-%2a.html"),
    ],
)
def test_patterns_and_paths_are_compared_in_normal_form(pattern: str, path: str) -> None:
    if "%3A" in path:  # reserved characters keep their escape: the two are different resources
        assert verdict(f"User-agent: *\nDisallow: {pattern}", path)
    else:
        assert not verdict(f"User-agent: *\nDisallow: {pattern}", path)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/", "/anything", True),
        ("", "/anything", False),
        ("/fish*", "/fish/x", True),
        ("/*.php$", "/a.php", True),
        ("/*.php$", "/a.php5", False),
        ("/a*b*c$", "/axxbyybc", True),
        ("/a*b*c$", "/axxbyyb", False),
        ("/aa*a$", "/aa", False),
        ("/*", "/", True),
        ("/$", "/", True),
        ("/$", "/a", False),
        ("/a%2A", "/a*", False),
        ("*/private", "/x/private", True),
        ("/Fish", "/fish", False),
    ],
)
def test_wildcards(pattern: str, path: str, matches: bool) -> None:
    assert verdict(f"user-agent: *\ndisallow: {pattern}\n", path) is not matches


@pytest.mark.parametrize(
    "robots",
    [
        "User-agent: *\rDisallow: /\r",
        "\ufeffUSER-AGENT : *\r\nDISALLOW : / # all of it\r\n",
        "user-agent *\ndisallow /\n",
        "User-agent: *\nDissallow: /\n",
        "User-agent: * (all)\nDisallow: /\n",
        "User-agent: a\nSitemap: http://x/\nUser-agent: *\nDisallow: /",
        "User-agent: *\nDisallow: /a\n\nnonsense\nUser-agent: *\nDisallow: /",
    ],
)
def test_lenient_reading_still_sees_the_ban(robots: str) -> None:
    assert not verdict(robots, "/a")
    assert not verdict(robots, "/b")


def test_a_rule_before_any_group_is_void_and_an_own_group_shadows_the_general_one() -> None:
    assert verdict("Disallow: /\n", "/x")
    assert verdict("User-agent: *\nDisallow: /\nUser-agent: examplebot\nDisallow: /y", "/x")


def test_an_empty_own_group_still_shadows_the_general_one() -> None:
    assert verdict("User-agent: *\nDisallow: /\n\nUser-agent: examplebot\n", "/x")


def test_robots_txt_itself_is_always_allowed() -> None:
    assert verdict("User-agent: *\nDisallow: /", "/robots.txt")


def test_index_html_allows_its_folder() -> None:
    robots = "user-agent: *\nallow: /a/index.html\ndisallow: /"
    assert verdict(robots, "/a/")
    assert not verdict(robots, "/a/b")


@pytest.mark.parametrize(
    ("status", "permitted", "reason"),
    [
        (200, True, "no_rule"),
        (404, True, "no_robots"),
        (403, True, "no_robots"),
        (302, True, "no_robots"),
        (429, False, "unreachable"),
        (500, False, "unreachable"),
        (503, False, "unreachable"),
        (None, False, "unreachable"),
    ],
)
def test_status_decides_where_there_is_no_file(status: int | None, permitted: bool, reason: str) -> None:
    result = allowed(None, status, "http://example.com/", "examplebot")
    assert (result.allowed, result.reason) == (permitted, reason)


def test_crawl_delay_sitemaps_and_digest() -> None:
    text = b"Sitemap: http://e.example/s.xml\nUser-agent: *\nCrawl-delay: 2.5\nCrawl-delay: x\nsite-map: /relative\n"
    robots = read(text, 200, "examplebot")
    assert robots.crawl_delay == 2.5
    assert robots.sitemaps == ("http://e.example/s.xml",)
    result = robots.verdict("http://e.example/")
    assert result.crawl_delay == 2.5
    assert result.digest is not None and len(result.digest) == 32


def test_what_is_beyond_the_size_limit_is_not_read() -> None:
    filler = b"# " + b"x" * MAX_BYTES + b"\n"
    assert verdict(filler + b"user-agent: *\ndisallow: /\n", "/x")
    assert not verdict(b"user-agent: *\ndisallow: /\n" + filler, "/x")


def test_product_token() -> None:
    assert product_token("nightmill/0.1 (+https://example.org)") == "nightmill"
    assert product_token("") == ""


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_give_a_verdict(robots: bytes, agent: str) -> None:
    assert parse(robots, agent).verdict("http://e.example/").allowed in (True, False)


_paths = st.text(alphabet="ab/*", min_size=0, max_size=8).map("/".__add__)


@given(st.lists(st.tuples(st.sampled_from(["Allow", "Disallow"]), _paths), max_size=6), st.text("ab/", max_size=8))
def test_agrees_with_an_independent_parser(rules: list[tuple[str, str]], path: str) -> None:
    text = "User-agent: *\n" + "".join(f"{kind}: {pattern}\n" for kind, pattern in rules)
    url = "http://example.com/" + path.lstrip("/")
    assert verdict(text, url.removeprefix("http://example.com")) == Protego.parse(text).can_fetch(url, "examplebot")


def test_a_pattern_full_of_wildcards_takes_linear_time() -> None:
    def seconds(n: int) -> float:
        robots = parse(f"user-agent: *\ndisallow: /{'a*' * n}b$\n".encode(), "x")
        url = "http://e.example/" + "a" * n
        start = time.perf_counter()
        for _ in range(5):
            assert robots.verdict(url).allowed
        return time.perf_counter() - start

    seconds(100)
    assert min(seconds(4_000) for _ in range(3)) < 12 * min(seconds(1_000) for _ in range(3))
