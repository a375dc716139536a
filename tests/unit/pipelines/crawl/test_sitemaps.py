import gzip
from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.crawl import sitemaps
from pipelines.crawl.sitemaps import Entry, day_of, is_trustworthy, parse


def urls(body: bytes) -> list[str]:
    return [entry.url for entry in parse(body).pages]


#: The example of sitemaps.org/protocol.html, shortened.
EXAMPLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc>http://www.example.com/</loc><lastmod>2005-01-01</lastmod><priority>0.8</priority></url>
  <url><loc>http://www.example.com/catalog?item=12&amp;desc=vacation_hawaii</loc>
    <image:image><image:loc>http://www.example.com/p.jpg</image:loc></image:image></url>
</urlset>"""


def test_a_url_set():
    found = parse(EXAMPLE)
    assert found.pages == [
        Entry("http://www.example.com/", date(2005, 1, 1)),
        Entry("http://www.example.com/catalog?item=12&desc=vacation_hawaii", None),
    ]
    assert (found.sitemaps, found.beyond, found.problems) == ([], 0, Counter())
    assert parse(gzip.compress(EXAMPLE)) == found == parse(EXAMPLE.decode().encode("utf-16"))


def test_an_index_with_a_prefix():
    found = parse(
        b'<sm:sitemapindex xmlns:sm="x"><sm:sitemap><sm:loc> http://a/1.xml.gz </sm:loc></sm:sitemap></sm:sitemapindex>'
    )
    assert (found.pages, found.sitemaps) == ([], [Entry("http://a/1.xml.gz", None)])


def test_feeds():
    rss = b"""<rss version="2.0"><channel><link>http://a/</link><item><title>x&nbsp;y</title><link>http://a/1</link>
        <atom:link href="http://a/feed" xmlns:atom="a"/><pubDate>Mon, 06 Sep 2021 23:30:00 -0500</pubDate></item>
        </channel></rss>"""
    assert parse(rss).pages == [Entry("http://a/1", date(2021, 9, 7))]
    atom = b"""<feed xmlns="http://www.w3.org/2005/Atom"><link href="http://a/"/><entry><source><link href="http://b/"/></source>
        <link rel="self" href="http://a/self"/><link href="http://a/1"/><updated>2020-01-01T00:30:00+08:00</updated></entry></feed>"""
    assert parse(atom).pages == [Entry("http://a/1", date(2019, 12, 31))]
    rdf = b"<rdf:RDF xmlns='p'><channel><link>http://a/</link></channel><item><link>http://a/1</link><dc:date>2020-02-03</dc:date></item></rdf:RDF>"
    assert parse(rdf).pages == [Entry("http://a/1", date(2020, 2, 3))]


def test_a_list_of_lines():
    assert urls(b"\xef\xbb\xbfhttp://a/1\r\n\r\nhttps://a/\xe4\xb8\xad\r\n") == ["http://a/1", "https://a/中"]
    assert parse(b"http://a/1\nnonsense\n").problems == {"broken": 1}


@pytest.mark.parametrize("body", [b"<html><body>Not found", b"Not found", b"", b"\x00\xff", b'{"a": 1}'])
def test_what_is_no_sitemap_says_so(body):
    found = parse(body)
    assert found.pages == [] and found.problems.total() == 1


def test_gbk_is_read_as_declared():
    body = '<?xml version="1.0" encoding="gb2312"?><urlset><url><loc>http://a/新闻</loc></url></urlset>'
    assert urls(body.encode("gbk")) == ["http://a/新闻"]
    assert urls(body.replace("gb2312", "no-such").encode()) == ["http://a/新闻"]
    assert urls(body.replace("gb2312", "base64").encode()) == ["http://a/新闻"]


def test_broken_xml_is_read_as_far_as_possible_and_reported():
    good = b"<url><loc>http://a/%d</loc></url>"
    body = (
        b"<urlset>"
        + good % 1
        + b"<url><loc>http://a/2</lo></url>"
        + good % 3
        + b"<url><loc <"
        + good % 4
        + b"</urlset>"
    )
    found = parse(body)
    assert [e.url for e in found.pages] == ["http://a/1", "http://a/3", "http://a/4"]
    assert found.problems == {"broken": 2}
    assert parse(b"<urlset>" + good % 1 + b"<url><loc>http://a/").problems == {"broken": 1}


def test_stray_ampersands_and_control_characters_do_not_break_a_file():
    body = b"<urlset><url><loc>http://a/?x=1&y=2&amp;z=3</loc></url>\x00\x0b<url><loc><![CDATA[http://a/?x=1&y=2]]></loc></url></urlset>"
    assert urls(body) == ["http://a/?x=1&y=2&z=3", "http://a/?x=1&y=2"]
    assert not parse(body).problems


def test_entities_are_never_expanded():
    levels = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 10))
    external = b'<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY % p SYSTEM "http://a/dtd">%p;'
    body = (
        b'<!DOCTYPE urlset [<!ENTITY e0 "x">'
        + levels
        + external
        + b"]><urlset><url><loc>http://a/&e9;&f;</loc></url></urlset>"
    )
    found = parse(body)
    assert [e.url for e in found.pages] == ["http://a/&e9;&f;"] and found.problems["entities"]


def test_bombs_and_huge_files_are_bounded(monkeypatch):
    monkeypatch.setattr(sitemaps, "MAX_BYTES", 10_000)
    monkeypatch.setattr(sitemaps, "MAX_ENTRIES", 50)
    bomb = gzip.compress(b"<urlset>" + b"<url><loc>http://a/x</loc></url>" * 100_000)
    found = parse(bomb)
    assert len(found.pages) == 50 and found.beyond > 200 and found.problems["too_large"] == 1
    assert parse(gzip.compress(EXAMPLE)[:-20]).problems["damaged"] == 1
    assert parse(b"<urlset>" + b"<a>" * 200_000).problems["broken"] == 1


def test_broken_records_cost_linear_time(monkeypatch):
    passes = []
    whole = sitemaps._Xml._pass
    monkeypatch.setattr(sitemaps._Xml, "_pass", lambda self, *a: passes.append(1) or whole(self, *a))
    parse(b"<urlset>" + b"<url><loc>http://a/</lo></url>" * 100_000)
    assert len(passes) == sitemaps.MAX_BREAKS + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2004-12-23", date(2004, 12, 23)),
        ("2004-12", date(2004, 12, 31)),
        ("2003", date(2003, 12, 31)),
        ("2004-12-23T18:00:15+00:00", date(2004, 12, 23)),
        ("2004-12-23T02:00:15.123+08:00", date(2004, 12, 22)),
        ("2004-12-23T23:00-0300", date(2004, 12, 24)),
        ("Tue, 10 Jun 2003 04:00:00 GMT", date(2003, 6, 10)),
        ("2004-13-01", None),
        ("0001-01-01T00:00+23:00", None),
        ("yesterday", None),
        ("２００４", None),
    ],
)
def test_days(text, expected):
    assert day_of(text) == expected


def test_which_dates_are_trusted():
    today, old = date(2026, 1, 10), date(2025, 6, 1)
    assert is_trustworthy({old: 5, date(2025, 7, 1): 1, today: 1}, today)
    assert is_trustworthy({old: 1}, today)
    assert not is_trustworthy({}, today)
    assert not is_trustworthy({old: 30}, today)  # all equal: the day of a deployment
    assert not is_trustworthy({today: 3, old: 1}, today)  # most are now: the time of the request
    assert not is_trustworthy({date(2027, 1, 1): 2, old: 1}, today)


@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda t: f"<urlset><url><loc>{t}".encode("utf-8", "replace"))
)
def test_never_raises(body):
    parse(body)


@given(st.lists(st.from_regex(r"http://a/[a-z0-9?&=;]{0,30}", fullmatch=True), max_size=20))
def test_what_was_written_is_read(addresses):
    from xml.sax.saxutils import escape

    listed = "".join(f"<url><loc>{escape(a)}</loc></url>" for a in addresses)
    assert urls(f"<urlset>{listed}</urlset>".encode()) == [a.replace("&amp;", "&") for a in addresses]
