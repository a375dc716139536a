from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.links import absolute, canonical, links, robots_meta

BASE = "https://example.org/a/b.html"


def test_links_are_absolute_and_in_document_order_without_repetition():
    html = (
        "<a href=\"c.html#x\">1</a><a href=/d>2</a><A HREF='//other.org/e?q=1&amp;r=2'>3</A>"
        '<area href="c.html"><a href="mailto:a@b.c">m</a><a href="javascript:void(0)">j</a><a name=x>n</a>'
    )
    assert links(html, BASE) == [
        "https://example.org/a/c.html",
        "https://example.org/d",
        "https://other.org/e?q=1&r=2",
    ]


def test_the_first_base_counts_for_all_links():
    html = '<a href="x">1</a><base href="/root/"><base href="/other/"><a href="y">2</a>'
    assert links(html, BASE) == ["https://example.org/root/x", "https://example.org/root/y"]


def test_nofollow_of_a_link_and_of_the_page():
    assert links('<a rel="ugc nofollow" href="x">1</a><a href="y">2</a>', BASE) == ["https://example.org/a/y"]
    assert links('<meta name="ROBOTS" content="index, NoFollow"><a href="y">2</a>', BASE) == []
    assert links('<meta name="robots" content="none"><a href="y">2</a>', BASE) == []


def test_links_in_scripts_comments_and_quoted_attributes_do_not_count():
    html = "<script>'<a href=\"s\">'</script><!-- <a href=c> --><p title='<a href=q>'><a href='real'>"
    assert links(html, BASE) == ["https://example.org/a/real"]


def test_malformed_addresses_are_left_out():
    assert links('<a href="http://[::1">1</a><a href="http://">2</a><a href="">3</a>', BASE) == []


def test_canonical():
    assert canonical('<link rel="Canonical" href="/c?a=1">', BASE) == "https://example.org/c?a=1"
    assert canonical('<link rel=stylesheet href="/c.css">', BASE) is None


def test_robots_meta():
    html = '<meta name=robots content="NoIndex, noai"><meta content="noimageai" name="robots">'
    assert robots_meta(html) == {"noindex", "noai", "noimageai"}
    assert robots_meta('<meta name="robots" content="none">') == {"none", "noindex", "nofollow"}
    assert robots_meta("<p>") == frozenset()


@given(st.from_regex(r"/[a-c./%?=&#~_ 中-]{0,12}", fullmatch=True), st.sampled_from(["http://h/x/y", "https://h:8/"]))
def test_links_from_the_root_are_what_joining_gives(href: str, base: str) -> None:
    assert links(f'<a href="{href}">', base) == [url for url in [absolute(base, href)] if url]


def test_a_link_from_the_root_that_is_no_address_is_left_out() -> None:
    assert links(f'<a href="/{"a" * 4_096}"><a href="/{"b/" * 2_047}">', "http://h/") == ["http://h/" + "b/" * 2_047]
    assert links('<a href="/a">', "ftp://h/") == []
