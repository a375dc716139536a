import time

import pytest

from pipelines.extract.around import Around
from pipelines.extract.authors import author_of, byline, named


def near(*lines, markup="", heading=0, tail=()):
    return Around(list(lines), heading, list(tail), markup)


def author(linked=(), metas=None, page=None, site=()):
    return author_of(linked, metas or {}, lambda: page or near(), site)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Ann Lee", ["Ann Lee"]),
        ("By Ann Lee", ["Ann Lee"]),
        ("Written by: Ann Lee", ["Ann Lee"]),
        ("Ann Lee | Daily News", ["Ann Lee"]),
        ("Ann Lee and Bo Chen", ["Ann Lee", "Bo Chen"]),
        ("LISA MASCARO, MARY CLARE JALONICK and ERIC TUCKER", ["LISA MASCARO", "MARY CLARE JALONICK", "ERIC TUCKER"]),
        ("Tom Krisher, Auto Writer", ["Tom Krisher"]),
        ("Smith, John", ["Smith, John"]),
        ("Associated Press", ["Associated Press"]),
        ("王建宏 张文攀", ["王建宏", "张文攀"]),
        ("作者：李明、王芳", ["李明", "王芳"]),
        ("阿不都·热合曼", ["阿不都·热合曼"]),
        ("O&amp;M", ["O&M"]),
        ("https://example.org/ann", []),
        ("ann@example.org", []),
        ("L_104485", []),
        ("2022年02月13日07:48", []),
        ("20 Nov 2019 08:00 GMT", []),
        ("admin", []),
        ("佚名", []),
        ("null", []),
        ("", []),
        ("X", []),
        ("a" * 200, []),
        ("他说：这是一句话。", []),
    ],
)
def test_names_in_a_value(value, found):
    assert named(value) == found


def test_the_order_of_sources():
    linked = [{"author": {"name": "Data Name"}}]
    metas = {"author": ["Meta Name"]}
    page = near("By Line Name", markup='<a rel="author" href="/x">Marked Name</a>')
    assert author(linked, metas, page) == "Data Name"
    assert author([], metas, page) == "Meta Name"
    assert author([], {}, page) == "Marked Name"
    assert author([], {}, near("By Line Name")) == "Line Name"
    assert author() is None


def test_the_name_of_the_site_is_no_author():
    assert author(metas={"author": ["Daily News"], "dc.creator": ["Ann Lee"]}, site=["daily news"]) == "Ann Lee"


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ('<span itemprop="author"><a href="/x"><span itemprop="name">Ann Lee</span></a></span>', "Ann Lee"),
        ('<p class="byline">By <b>Ann Lee</b></p>', "Ann Lee"),
        ('<div class="article-author"> <span>by</span> Ann Lee</div>', "Ann Lee"),
        ('<meta itemprop="author" content="Ann Lee">', "Ann Lee"),
        ('<div class="Author">李明</div>', "李明"),
        ('<div class="author-image"><img></div>', None),
        ('<p class="authority">Ann Lee</p>', None),
        ('<a rel="author" href="/', None),
        ("author byline creator", None),
    ],
)
def test_marked_elements(markup, found):
    assert author(page=near(markup=markup)) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("By Ann Lee", ["Ann Lee"]),
        ("BY ANN LEE AND", ["ANN LEE AND"]),
        ("Written by Ann de la Cruz, Bo Chen and O'Neil Smith", ["Ann de la Cruz", "Bo Chen", "O'Neil Smith"]),
        ("Monday November 18, 2019 7:45 am PST by Joe Rossignol", ["Joe Rossignol"]),
        ("Author: Ann Lee", ["Ann Lee"]),
        ("By choosing this you agree", []),
        ("It was said by Ann Lee", []),
        ("作者：李明", ["李明"]),
        ("作 者： 李明 来源：新华网", ["李明"]),
        ("02日14:25 作者： 赵婕 出自[人民文学出版社]", ["赵婕"]),
        ("文/李明 图/王芳", ["李明"]),
        ("文：眉间尺", ["眉间尺"]),
        ("执笔人：闵乐夫 赵兰波 刘韬", ["闵乐夫", "赵兰波", "刘韬"]),
        ("2024-05-01 10:23 来源：新华网 作者：李明 责任编辑：王芳", ["李明"]),
        ("责任编辑：王芳", []),
        ("编辑：王芳", []),
        ("来源：李明", []),
        ("作者： 来源：新华网", []),
        ("光明日报记者 王建宏 张文攀", ["王建宏", "张文攀"]),
        ("据新华社拉萨电（记者 格桑边觉）记者近日从西藏自治区农业农村厅召开", ["格桑边觉"]),
        ("本报记者罗科苏盈发自北京", ["罗科苏盈"]),
        ("□ 本报记者 葛灵丹", ["葛灵丹"]),
        ("本报讯（记者李明 通讯员王芳）昨日", ["李明"]),
        ("记者近日从市政府获悉", []),
        ("他告诉记者 李明已经离开", []),
        ("记者了解到，", []),
        ("", []),
    ],
)
def test_bylines(line, found):
    assert byline(near(line)) == found


def test_a_label_beside_the_heading_comes_before_one_at_the_end_and_before_reporters():
    assert byline(near("本报记者 王芳", "作者：李明", tail=["作者：张伟"])) == ["李明"]
    assert byline(near("正文", tail=["记者 刘涛"])) == ["刘涛"]


def test_hostile_surroundings_cost_linear_time():
    def seconds(size):
        start = time.process_time()
        for piece in (
            "author ",
            "<a author",
            "<b class=author>",
            "By A ",
            "A'.",
            "记者 ",
            "作者 ",
            "author<" + "x" * 10,
        ):
            author(page=near(piece * (size // 10), markup=piece * size))
            named(piece * size)
        return time.process_time() - start

    seconds(10)
    assert seconds(2_000) < 12 * max(seconds(500), 0.01)
