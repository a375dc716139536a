import pytest

from pipelines.acquire.queries import MAX_QUERY, click_of, normal_query
from pipelines.acquire.values import Malformed


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("  Laptop   BAG ", "laptop bag"),
        ("ＬＡＰＴＯＰ　包", "laptop 包"),
        ("“手机壳”？", "手机壳"),
        ("C++", "c++"),
        ("c#!", "c#"),
        ("don't panic", "don't panic"),
        ("？！", ""),
    ],
)
def test_a_query_has_one_spelling(text, query):
    assert normal_query(text) == query == normal_query(query)


def test_who_and_what_are_hashes():
    click = click_of({"搜索词": "手机壳", "点击商品": "1017", "用户": "张三"}, {})
    assert click.query == "手机壳" and len(click.item) == len(click.user) == 16
    assert click == click_of({"a": {"b": "手机壳"}, "sku": 1017, "uid": "张三"}, {"query": "a.b"})


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"query": "", "url": "x", "user": "u"}, "missing_field"),
        ({"query": "？", "url": "x", "user": "u"}, "missing_field"),
        ({"query": "a", "url": "x"}, "missing_field"),
        ({"query": "a", "user": "u"}, "missing_field"),
        ({"query": ["a"], "url": "x", "user": "u"}, "field_type"),
        ({"query": "x" * (MAX_QUERY + 1), "url": "x", "user": "u"}, "too_long"),
        ({"query": "ann@example.org", "url": "x", "user": "u"}, "personal"),
        ({"query": "call 13800138000", "url": "x", "user": "u"}, "personal"),
        ({"query": "www.example.org", "url": "x", "user": "u"}, "personal"),
    ],
)
def test_what_is_no_click_or_tells_of_somebody_is_left_out(row, rule):
    with pytest.raises(Malformed) as caught:
        click_of(row, {})
    assert caught.value.rule == rule
