import pytest

from pipelines.extract.meta import MAX_TITLE, language_of, site_names, stated_of, tidy, title_of
from pipelines.extract.tree import parse


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title>Harbour | Daily News</title>", "Harbour"),
        ("<title>Quiet harbour - Daily News</title><h1>Quiet <b>harbour</b></h1>", "Quiet harbour"),
        ("<title>Daily News: News of A - B</title><meta property='og:title' content='News of A - B'>", "News of A - B"),
        ("<title>港口的早晨_每日新闻_网站</title>", "港口的早晨"),
        ("<title>fn vmovl_u8 in core::arch</title>", "fn vmovl_u8 in core::arch"),
        ("<title>A\n  &amp; B &lt;i&gt;</title>", "A & B <i>"),
        ("<title></title><h1>First</h1><h1>Second</h1>", "First"),
        ("<meta name='twitter:title' content='Shared'>", "Shared"),
        ("<svg><title>icon</title></svg>", None),
        ("<title>A long part - B</title><h1>A long part - B<a href=#a>¶</a></h1>", "A long part - B"),
        ("<p>none</p>", None),
        ("<title>|</title>", "|"),
        ("<title>" + "x" * 5000 + "</title>", "x" * MAX_TITLE),
    ],
)
def test_title(html, title):
    assert title_of(parse(html)) == title


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ('<html lang="zh-CN">', "zh"),
        ("<HTML XML:LANG='EN_us'>", "en"),
        ('<meta http-equiv="Content-Language" content="de, en">', "de"),
        ('<html lang=""><meta http-equiv="content-language" content="fr">', "fr"),
        ('<html lang="x-none">', None),
        ("<p lang=en>", None),
    ],
)
def test_language(html, language):
    assert language_of(parse(html)) == language


def test_tidy():
    assert tidy(" a<b>c</b>\n&nbsp;&eacute; < d ") == "a c é < d"


def test_named_values_are_those_that_tell_of_author_date_rights_and_site():
    page = parse(
        """<META NAME="Author" CONTENT="Ann"><meta property='article:published_time' content="2024-05-01">
        <meta content="Bo" itemprop=author><meta name=viewport content="author"><meta name=author content="">"""
    )
    assert stated_of(page) == {"author": ["Ann", "Bo"], "article:published_time": ["2024-05-01"]}


def test_site_names():
    page = parse("<title>News of May - Daily News</title><meta property='og:site_name' content='The Daily'>")
    assert site_names(page, stated_of(page)) == ["The Daily", "Daily News"]
