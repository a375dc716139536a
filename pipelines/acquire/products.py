"""Rows of shops and databases, composed field by field into contexts that stand on their own.

A context has a name and sections of labelled values; as Markdown the name is the level-1 heading, and every further
heading repeats it, so that each chunk says what it is about. Labels are Chinese or English as the values are. Names,
telephone numbers and addresses of orders are composed too, for the scrubber to find, unless they are dropped here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from resiliparse.extract.html2text import extract_plain_text

from pipelines.acquire.values import MAX_DEPTH, Malformed, View, fold, is_chinese, nested, plain, tidy

Fields = dict[str, Any]
MAX_LINES = 2_000  # labelled values of one record


class Known(NamedTuple):
    zh: str
    en: str
    names: tuple[str, ...]  # folded names of columns, beside the field's own name


def _known(zh: str, en: str, names: str = "") -> Known:
    return Known(zh, en, (*dict.fromkeys((fold(zh), fold(en), *names.split())),))


NAME_COLUMNS = (
    "product_name",
    "goods_name",
    "item_name",
    "sku_name",
    "product_title",
    "goods_title",
    "商品名称",
    "商品名",
    "商品标题",
    "产品名称",
    "name",
    "title",
    "subject",
    "名称",
    "标题",
    "主题",
)
PRODUCT = {
    "sku": _known("商品编号", "Product number", "sku_id product_id goods_id item_id 货号 商品id sku编号"),
    "brand": _known("品牌", "Brand", "brand_name"),
    "category": _known("分类", "Category", "category_name categories product_category 类目 商品分类 类别"),
    "model": _known("型号", "Model", "model_name"),
    "price": _known("价格", "Price", "sale_price unit_price current_price 售价 单价 现价"),
    "original_price": _known("原价", "List price", "list_price market_price 市场价"),
    "currency": _known("币种", "Currency", "currency_code"),
    "stock": _known("库存", "In stock", "inventory stock_quantity 库存数量"),
    "sales": _known("销量", "Sold", "sales_volume sold 月销量"),
    "colour": _known("颜色", "Colour", "color"),
    "size": _known("尺寸", "Size", "尺码"),
    "weight": _known("重量", "Weight"),
    "material": _known("材质", "Material"),
    "origin": _known("产地", "Origin", "place_of_origin country_of_origin"),
    "specs": _known("规格", "Specifications", "specification attributes attrs params 参数 规格参数 商品属性"),
    "warranty": _known("保修", "Warranty", "质保"),
    "description": _known(
        "商品介绍", "Description", "product_description detail details intro 商品描述 描述 详情 商品详情 简介"
    ),
}
REVIEW = {
    "rating": _known("评分", "Rating", "score stars star 星级"),
    "review_time": _known("评价时间", "Reviewed at", "review_date comment_time 评论时间"),
    "reviewer": _known("评价人", "Reviewer", "review_user reviewer_name 评论人 昵称"),
    "review": _known(
        "评价内容", "Review", "review_text review_body review_content comment comment_text 评价 评论 评论内容"
    ),
    "reply": _known("商家回复", "Reply", "seller_reply merchant_reply"),
}
ORDER = {
    "order_id": _known("订单号", "Order number", "order_no order_number 订单编号"),
    "order_time": _known("下单时间", "Ordered at", "order_date created_at 下单日期"),
    "quantity": _known("数量", "Quantity", "qty num 购买数量"),
    "amount": _known("金额", "Amount", "total total_amount order_amount 总价 订单金额 实付金额"),
    "payment": _known("支付方式", "Payment", "payment_method pay_type"),
    "order_status": _known("订单状态", "Status", "status 状态"),
    "logistics": _known("物流", "Shipping", "carrier express shipping_method 快递公司"),
    "tracking": _known("物流单号", "Tracking number", "tracking_no tracking_number 快递单号"),
}
RECIPIENT = {
    "recipient": _known(
        "收货人", "Recipient", "receiver consignee receiver_name buyer buyer_name customer_name 姓名 买家"
    ),
    "phone": _known("联系电话", "Telephone", "mobile tel telephone receiver_phone 手机 手机号 电话"),
    "address": _known("收货地址", "Address", "receiver_address shipping_address full_address 地址 详细地址"),
}
_ADDRESS_PARTS = (
    "province 省 省份 state",
    "city 市 城市",
    "district 区 区县 county",
    "street 街道 address_line1",
    "postcode zip zip_code postal_code 邮编",
)
#: Section -> (heading zh, heading en, its fields, columns that hold a list of such records)
SECTIONS: dict[str, tuple[str, str, dict[str, Known], tuple[str, ...]]] = {
    "product": ("", "", PRODUCT, ()),
    "review": ("用户评价", "Reviews", REVIEW, ("reviews", "comments", "评价列表", "评论列表")),
    "order": ("订单", "Orders", ORDER, ("orders", "order_items", "订单列表")),
    "recipient": ("收货信息", "Delivery", RECIPIENT, ("addresses", "地址列表")),
}
_COLUMN = {
    name: (section, field)
    for section, (_, _, fields, _) in SECTIONS.items()
    for field, known in fields.items()
    for name in (field, *known.names)
}
_LISTS = {name: section for section, (_, _, _, names) in SECTIONS.items() for name in names}
_PART = {name: at for at, names in enumerate(_ADDRESS_PARTS) for name in names.split()}
_HTML = re.compile(r"</?(?:p|div|br|span|img|table|tr|td|ul|ol|li|h[1-6]|b|strong|em|a|font)\b[^<>]{0,2000}>", re.I)


def dropped(names: Iterable[str]) -> frozenset[str]:
    """Folded column names to leave out: those named, and all names of a known field that is named."""
    out = set(map(fold, names))
    for column, (_, field) in _COLUMN.items():
        if field in out:
            out.add(column)
    return frozenset(out | (_PART.keys() if "address" in out else set()))


def is_product(names: set[str]) -> bool:
    """Whether folded column names are those of a shop: two or more of its fields, one of them no everyday word."""
    telling = {"sku", "brand", "price", "order_id", "review", "stock", "original_price", "tracking"}
    found = {_COLUMN[name][1] for name in names if name in _COLUMN}
    named = not names.isdisjoint(NAME_COLUMNS[:10])
    return len(found & telling) + named >= 2


def product(view: View) -> Iterator[Fields]:
    """One shop record as a context: what is known of the product, its reviews, its orders and where they went."""
    yield compose(view, known=True)


def record(view: View) -> Iterator[Fields]:
    """Any database row as a context: its name, then each field under its own label."""
    yield compose(view, known=False)


def compose(view: View, known: bool) -> Fields:
    """`{lang, name, sections: [{title, groups: [[{label, value}]]}]}`; every value comes once, in a fixed order.

    With `fields` set for the source, only the fields named there survive. Raises Malformed where nothing is left.
    """
    values = _selected(view)
    chinese = is_chinese(_strings(values))
    name_column = next((n for n in NAME_COLUMNS if _scalar(values.get(n))), None)
    name = plain(values.get(name_column), "name") if name_column else ""
    rest = {column: value for column, value in values.items() if column != name_column}
    if known:
        sections = _shop_sections(rest, chinese)
    else:
        sections = [_section("", [_lines(rest, chinese, {})])]
    sections = [section for section in sections if section["groups"]]
    if not sections:
        raise Malformed("empty_record")
    if sum(len(group) for section in sections for group in section["groups"]) > MAX_LINES:
        raise Malformed("too_many_fields", threshold=MAX_LINES)
    if not name and known:
        name = _order_name(rest, chinese)
    return {"lang": "zh" if chinese else "en", "name": name, "sections": sections}


def _selected(view: View) -> dict[str, Any]:
    if view.chosen:
        return {fold(field): view.get(field) for field in view.chosen}
    return dict(view.folded)


def _strings(values: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(values, str):
        yield values[:10_000]
    elif isinstance(values, Mapping) and depth < MAX_DEPTH:
        for each in values.values():
            yield from _strings(each, depth + 1)
    elif isinstance(values, list | tuple) and depth < MAX_DEPTH:
        for each in values:
            yield from _strings(each, depth + 1)


def _scalar(value: Any) -> bool:
    return value is not None and not isinstance(value, Mapping | list | tuple) and bool(plain(value, "name"))


def _order_name(values: Mapping[str, Any], chinese: bool) -> str:
    known = ORDER["order_id"]
    number = next((plain(values[n], n) for n in ("order_id", *known.names) if _scalar(values.get(n))), "")
    return f"{'订单' if chinese else 'Order'} {number}" if number else ""


def _section(title: str, groups: Sequence[list[Fields]]) -> Fields:
    return {"title": title, "groups": [group for group in groups if group]}


def _shop_sections(values: Mapping[str, Any], chinese: bool) -> list[Fields]:
    """The four sections in their order; fields that no section knows are the product's."""
    own: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    listed: dict[str, list[Any]] = {section: [] for section in SECTIONS}
    parts: dict[int, str] = {}
    for column, value in values.items():
        value = nested(value)
        section = _LISTS.get(column)
        if section and isinstance(value, list):
            listed[section] += value
        elif column in _PART and column not in _COLUMN and _scalar(value):
            parts.setdefault(_PART[column], plain(value, column))
        else:
            own[_COLUMN.get(column, ("product", ""))[0]][column] = value
    if parts:
        given = [own["recipient"].pop(name, None) for name in ("address", *RECIPIENT["address"].names)]
        own["recipient"]["address"] = _address(parts, next(filter(_scalar, given), None), chinese)
    out = []
    for section, (zh, en, fields, _) in SECTIONS.items():
        groups = [_lines(own[section], chinese, fields)]
        for each in listed[section]:
            found = (
                {fold(k): v for k, v in each.items()} if isinstance(each, Mapping) else {next(reversed(fields)): each}
            )
            groups.append(_lines(found, chinese, fields))
        out.append(_section(zh if chinese else en, groups))
    return out


def _address(parts: Mapping[int, str], rest: Any, chinese: bool) -> str:
    """An address from its parts: from the province down in Chinese, from the street up in English."""
    detail = plain(rest, "address")
    if chinese:
        head = "".join(parts[at] for at in sorted(parts) if at < 4 and parts[at] not in detail)
        return " ".join(filter(None, (head + detail, parts.get(4))))
    order = [detail, *(parts.get(at, "") for at in (3, 2, 1, 0, 4))]
    return ", ".join(dict.fromkeys(filter(None, order)))


def _lines(values: Mapping[str, Any], chinese: bool, fields: Mapping[str, Known]) -> list[Fields]:
    """Labelled values: the known fields in their order, then the others in that of the record."""
    places = {name: at for at, (field, known) in enumerate(fields.items()) for name in (field, *known.names)}
    labels = {
        name: known.zh if chinese else known.en
        for field, known in fields.items()
        for name in (field, *known.names)
    }  # fmt: skip
    out: list[Fields] = []
    for column in sorted(values, key=lambda name: places.get(name, len(places))):
        _flatten(labels.get(column) or column.replace("_", " "), values[column], chinese, out, 0)
    return sorted(out, key=lambda line: "\n" in line["value"])  # what has paragraphs of its own comes last


def _flatten(label: str, value: Any, chinese: bool, out: list[Fields], depth: int) -> None:
    value = nested(value)
    if depth > MAX_DEPTH:
        raise Malformed("too_deep", threshold=MAX_DEPTH)
    if isinstance(value, Mapping):
        for name, each in value.items():
            inner = tidy(str(name)).replace("\n", " ")
            own = not depth and label in (PRODUCT["specs"].zh, PRODUCT["specs"].en)  # what it lists says enough
            _flatten(inner if own else f"{label} / {inner}", each, chinese, out, depth + 1)
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping | list | tuple) for each in value):
        for at, each in enumerate(value, 1):
            _flatten(f"{label} {at}", each, chinese, out, depth + 1)
    else:
        listed = value if isinstance(value, list | tuple) else [value]
        texts = [text for text in (_said(each, chinese) for each in listed) if text]
        if texts:
            out.append({"label": tidy(label), "value": ("、" if chinese else ", ").join(texts)})


def _said(value: Any, chinese: bool) -> str:
    """A scalar as a reader would have it: yes and no in words, HTML as text. Pictures in bytes are left out."""
    if isinstance(value, bool):
        return ("是" if value else "否") if chinese else ("yes" if value else "no")
    if isinstance(value, bytes | bytearray | memoryview):
        return ""
    text = plain(value, "value")
    return without_html(text) if "<" in text and _HTML.search(text) else text


def without_html(text: str) -> str:
    """The text of a value that holds HTML, as editors of shops do. Values with absurdly many tags lose them alone."""
    if text.count("<") > 20_000:
        return tidy(_HTML.sub("\n", text))
    return tidy(extract_plain_text(text, preserve_formatting=True, main_content=False, links=False, alt_texts=True))
