import time

import pytest

from pipelines.extract.around import Around
from pipelines.extract.published import published_of


def published(*lines, linked=(), metas=None, markup="", heading=0, tail=(), url=None):
    return published_of(linked, metas or {}, lambda: Around(list(lines), heading, list(tail), markup), url)


def test_the_order_of_sources():
    sources = {
        "linked": [{"datePublished": "2024-01-01T10:00:00+08:00"}],
        "metas": {"pubdate": ["2024-01-02"], "article:published_time": ["2024-01-03"]},
        "markup": '<time datetime="2024-01-04">',
        "url": "https://example.org/2024/01/06/",
    }
    assert published("发布时间：2024-01-05", **sources) == "2024-01-01T10:00:00+08:00"
    del sources["linked"]
    assert published("发布时间：2024-01-05", **sources) == "2024-01-03"
    del sources["metas"]
    assert published("发布时间：2024-01-05", **sources) == "2024-01-04"
    del sources["markup"]
    assert published("发布时间：2024-01-05", **sources) == "2024-01-05"
    assert published("2024-01-05", **sources) == "2024-01-06"
    assert published(**sources) == "2024-01-06"
    assert published() is None


def test_an_ambiguous_statement_leaves_it_to_the_next():
    assert published(linked=[{"datePublished": "05/06/2019"}], metas={"date": ["2019-06-05"]}) == "2019-06-05"


@pytest.mark.parametrize(
    ("metas", "day"),
    [
        ({"publishdate": ["2024-05-01"]}, "2024-05-01"),
        ({"sn-post-date": ["2019/11/19"]}, "2019-11-19"),
        ({"article_date_original": ["Monday, November 18, 2019, 08:19 PM"]}, "2019-11-18"),
        ({"article:modified_time": ["2024-05-01"]}, None),
        ({"og:updated_time": ["2024-05-01"]}, None),
        ({"date": ["soon"]}, None),
        ({"publishedtype": ["1"]}, None),
    ],
)
def test_metas(metas, day):
    assert published(metas=metas) == day


@pytest.mark.parametrize(
    ("markup", "day"),
    [
        (
            '<time class="entry-date published" datetime="2024-05-01T09:00:00+02:00">x</time>',
            "2024-05-01T09:00:00+02:00",
        ),
        ('<time class="updated" datetime="2024-05-02"><time datetime="2024-05-01">', "2024-05-01"),
        ('<time datetime="2024-05-02"></time><time pubdate datetime="2024-05-01">', "2024-05-01"),
        ('<span itemprop="datePublished">2024年5月1日</span>', "2024-05-01"),
        ('<span itemprop="datePublished" content="2024-05-01">gestern</span>', "2024-05-01"),
        ('<time class="modified" datetime="2024-05-02">', None),
        ("<time>22 hours ago</time>", None),
        ("<time", None),
    ],
)
def test_elements(markup, day):
    assert published(markup=markup) == day


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        (["标题", "发布时间：2024年5月1日 10:23 来源：新华网"], "2024-05-01"),
        (["Title", "May 1, 2024"], "2024-05-01"),
        (["Title", "Updated: May 3, 2024", "Published: May 1, 2024"], "2024-05-01"),
        (["标题", "更新时间：2024-05-03"], "2024-05-03"),
        (["今天是2024年5月3日 星期五", "标题", "2024-05-01 10:23:00 阅读 35"], "2024-05-01"),
        (["标题", "【新华社2024年5月1日电】" + "很长的一段" * 60], "2024-05-01"),
        (
            [
                "标题",
                "这次会议于2024年5月1日在北京举行，来自全国各地的代表参加了会议并且发言，会议十分成功，大家都很高兴",
            ],
            None,
        ),
        (["标题", "1937年7月7日"], None),
        (["标题", "05/06/2019"], None),
        (["© 2024-05-01 Example"], None),
        (["BUSINESS.EXAMPLE.COM 2004年7月16日08:19 [ 黄宇 ] 来源：[ 某报 ]"], "2004-07-16"),
        ([], None),
    ],
)
def test_lines(lines, day):
    assert published(*lines) == day


def test_behind_the_text_a_date_needs_a_label():
    assert published("标题", tail=["2024-05-01"]) is None
    assert published("标题", tail=["发表于 2024年5月1日 12:40 - (阅读:37)"]) == "2024-05-01"


def test_the_date_behind_the_heading_counts_more_than_the_one_before():
    assert published("2024-05-03", "Title", "2024-05-01", heading=1) == "2024-05-01"


def test_hostile_surroundings_cost_linear_time():
    def seconds(size):
        start = time.process_time()
        for piece in ("<time ", "<time datetime=2024-01-0", "datePublished", "<b>2024-1-", "pubdate<"):
            published(piece * size, markup=piece * size)
        return time.process_time() - start

    seconds(10)
    assert seconds(2_000) < 12 * max(seconds(500), 0.01)
