import pytest

from pipelines.extract.described import describe
from pipelines.extract.tree import parse

CHINESE = """<html><head><title>港口的早晨_每日新闻</title>
<meta name="author" content="每日新闻"><link rel=canonical href="/2024/a.html"></head><body>
<div>首页 新闻 体育</div><h1>港口的早晨</h1>
<div class=info>2024年5月1日 10:23 来源：每日新闻 作者：李明</div>
<div id=text><p>清晨的港口很安静，渔船一艘接一艘地回来了。</p><p>老人说，这样的早晨一年里也没有几次。</p></div>
<p>责任编辑：王芳</p></body></html>"""
ENGLISH = """<html><head><title>Quiet harbour</title><script type="application/ld+json">
{"@context":"https://schema.org","@graph":[{"@type":"NewsArticle","datePublished":"2024-05-01T10:23:00Z",
"author":{"@id":"#a"},"isAccessibleForFree":"False","license":"https://creativecommons.org/licenses/by/4.0/"},
{"@id":"#a","name":"Ann Lee"}]}</script><base href="https://example.org/en/"><link rel="Canonical" href="harbour">
</head><body><h1>Quiet harbour</h1><p>The boats came back one after another.</p></body></html>"""


def kept_of(page, word):
    return [i for i, s in enumerate(page.segments) if word in page.source[slice(*s.spans[0])]]


def test_a_chinese_page():
    page = parse(CHINESE)
    found = describe(page, kept_of(page, "早晨一年") or [3], "https://example.org/x", "港口的早晨")
    assert (found.author, found.published) == ("李明", "2024-05-01")
    assert found.canonical_url == "https://example.org/2024/a.html"
    assert (found.stated_licence, found.paywalled) == (None, False)


def test_an_english_page():
    page = parse(ENGLISH)
    found = describe(page, [len(page.segments) - 1], "https://example.org/x")
    assert (found.author, found.published) == ("Ann Lee", "2024-05-01T10:23:00+00:00")
    assert found.canonical_url == "https://example.org/en/harbour"
    assert (found.stated_licence, found.paywalled) == ("CC-BY-4.0", True)


def test_without_an_address_a_relative_one_is_none():
    assert describe(parse(CHINESE), []).canonical_url is None


@pytest.mark.parametrize(
    "source", ["", "<p>", "x", "<title>", "<h1></h1>" * 100, "<link rel=canonical>", "<base href='http://['>"]
)
def test_pages_that_say_nothing(source):
    page = parse(source)
    found = describe(page, list(range(len(page.segments))), "https://example.org/")
    assert (found.author, found.published, found.canonical_url, found.stated_licence) == (None,) * 4
