"""Shop records and database rows as contexts, checked as JSON and as Markdown, in Chinese and English."""

import json

import pytest

from pipelines.acquire.items import Item
from pipelines.acquire.products import MAX_LINES, is_product, without_html
from pipelines.acquire.records import Row, items
from pipelines.acquire.values import is_chinese
from pipelines.extract.formats import record
from pipelines.params import ExtractParams, SourceParams


def compose(row, **source):
    (item,) = items([Row(1, row)], "db", SourceParams("s", kind="sql", **source))
    assert isinstance(item, Item), item
    found = record.read(item.body, item.content_type, ExtractParams(min_characters=1))
    return json.loads(item.body), found


ORDER_ZH = {
    "商品名称": "蓝牙耳机",
    "品牌": "某某",
    "价格": 199.0,
    "规格": '{"颜色": "白", "续航": "20小时"}',
    "商品描述": "<div><p>音质清晰。</p><p>佩戴舒适&amp;轻便。</p></div>",
    "订单号": "A1001",
    "数量": 2,
    "收货人": "张三",
    "手机号": "13800138000",
    "省": "广东省",
    "市": "深圳市",
    "区": "南山区",
    "详细地址": "科技园1号",
    "是否包邮": True,
}
MARKDOWN_ZH = """# 蓝牙耳机

- 品牌：某某
- 价格：199
- 颜色：白
- 续航：20小时
- 是否包邮：是

## 商品介绍：蓝牙耳机

音质清晰。

佩戴舒适&轻便。

## 订单：蓝牙耳机

- 订单号：A1001
- 数量：2

## 收货信息：蓝牙耳机

- 收货人：张三
- 联系电话：13800138000
- 收货地址：广东省深圳市南山区科技园1号"""


@pytest.mark.req("CRL-15")
def test_an_order_is_composed_field_by_field_as_json_and_markdown():
    value, found = compose(ORDER_ZH)
    assert found.text == MARKDOWN_ZH and found.title == "蓝牙耳机" and found.language_hint == "zh"
    assert (value["lang"], value["name"]) == ("zh", "蓝牙耳机")
    assert value["sections"][1] == {
        "title": "订单",
        "groups": [[{"label": "订单号", "value": "A1001"}, {"label": "数量", "value": "2"}]],
    }


@pytest.mark.req("CRL-15")
def test_the_same_in_english_with_reviews():
    row = {
        "product_name": "Cup",
        "brand": "Acme",
        "price": "3.50",
        "in_stock": False,
        "reviews": [{"rating": 5, "comment": "Holds tea."}, {"stars": 1, "review_text": "Broke.", "reply": "Sorry."}],
        "city": "Bonn",
        "street": "Market 1",
        "zip": "53111",
    }
    assert (
        compose(row)[1].text
        == """# Cup

- Brand: Acme
- Price: 3.50
- In stock: no

## Reviews: Cup

### Reviews 1

- Rating: 5
- Review: Holds tea.

### Reviews 2

- Rating: 1
- Review: Broke.
- Reply: Sorry.

## Delivery: Cup

- Address: Market 1, Bonn, 53111"""
    )


@pytest.mark.req("CRL-10")
def test_every_product_stands_under_a_heading_of_the_first_level_of_its_own():
    for row in (ORDER_ZH, {"goods_name": "Cup", "price": 1}):
        blocks = compose(row)[1].blocks
        assert [(b.kind, b.level) for b in blocks if b.level == 1 and b.kind == "heading"] == [("heading", 1)]
        assert blocks[0].level == 1 and all(block.parent is not None for block in blocks[1:])


def test_personal_fields_of_orders_can_be_dropped():
    value, found = compose(ORDER_ZH, drop=("recipient", "phone", "address"))
    assert found.text == MARKDOWN_ZH.partition("\n\n## 收货信息")[0]
    assert not any(word in json.dumps(value, ensure_ascii=False) for word in ("张三", "13800138000", "科技园", "深圳"))


def test_an_order_without_a_product_is_named_by_its_number():
    assert compose({"order_no": "77", "tracking_no": "X", "quantity": 1})[1].title == "Order 77"
    assert compose({"订单号": "77", "快递单号": "甲1"})[1].title == "订单 77"


@pytest.mark.req("EXT-13")
def test_any_database_row_becomes_text_with_its_own_labels():
    row = {
        "title": "Pump P-7",
        "max_pressure_bar": 16,
        "tags": ["steel", "marine"],
        "maintained": None,
        "parts": [{"no": 1, "kind": "seal"}, {"no": 2, "kind": "rotor"}],
        "notes": "First line.\n\nSecond paragraph.",
        "photo": b"\x89PNG",
    }
    assert (
        compose(row)[1].text
        == """# Pump P-7

- max pressure bar: 16
- tags: steel, marine
- parts 1 / no: 1
- parts 1 / kind: seal
- parts 2 / no: 2
- parts 2 / kind: rotor

## notes: Pump P-7

First line.

Second paragraph."""
    )
    assert compose({"设备": "水泵", "状态": "运行中"})[1].text == "- 设备：水泵\n- 状态：运行中"


def test_chosen_fields_are_all_that_is_kept_and_give_the_labels():
    row = {"c1": "Cup", "c2": 3, "c3": "internal"}
    assert compose(row, shape="record", fields={"name": "c1", "price in euro": "c2"})[1].text == (
        "# Cup\n\n- price in euro: 3"
    )


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({}, "empty_record"),
        ({"a": None, "b": "  ", "c": [], "d": float("nan")}, "empty_record"),
        ({"a": [str(n) for n in range(3)], **{f"c{n}": n for n in range(MAX_LINES + 1)}}, "too_many_fields"),
    ],
)
def test_rows_without_or_with_too_many_fields_are_refused(row, rule):
    (refused,) = items([Row(1, row)], "db", SourceParams("s", kind="sql"))
    assert refused.rule == rule


def test_values_nested_without_end_are_refused():
    deep = value = {}
    for _ in range(50):
        value["a"] = value = {}
    value["a"] = "x"
    (refused,) = items([Row(1, {"b": deep})], "db", SourceParams("s", kind="sql"))
    assert refused.rule == "too_deep"


def test_a_shop_is_told_by_two_of_its_columns():
    assert is_product({"sku", "price"}) and is_product({"商品名称", "价格"})
    assert not is_product({"name", "price"}) and not is_product({"title", "description", "status"})


def test_html_of_a_value_becomes_text_whatever_it_is():
    assert without_html("<p>one</p><p>two &lt; three</p>") == "one\n\ntwo < three"
    assert without_html("<b>" * 30_000 + "x") == "x"


@pytest.mark.parametrize(
    ("texts", "chinese"),
    [
        (["华为 Mate 60 Pro"], True),
        (["商品1", "48ba299-3183-4f9f-b403-ba70c15c205a", "A1001"], True),
        (["Cup", "sold as 杯 in China and Japan"], False),
        (["12", "A1001"], False),
        ([], False),
    ],
)
def test_the_language_of_labels_is_that_of_the_values(texts, chinese):
    assert is_chinese(texts) is chinese
