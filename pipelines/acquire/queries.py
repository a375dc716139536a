"""Rows of search and click logs: the query in one spelling, what was clicked, and by whom, without saying who."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

from pipelines.acquire.values import Malformed, View, plain
from pipelines.schemas import hash128

MAX_QUERY = 100  # characters; longer ones are pasted texts
NAMES = {
    "query": ("query", "q", "keyword", "keywords", "search_term", "search_query", "搜索词", "查询", "关键词"),
    "item": (
        "clicked",
        "click",
        "clicked_url",
        "url",
        "doc_id",
        "item_id",
        "sku",
        "item",
        "点击",
        "点击商品",
        "商品编号",
    ),
    "user": ("user", "user_id", "uid", "session", "session_id", "device_id", "anonid", "用户", "会话"),
}
_PERSONAL = re.compile(r"\d{5}|@|\d{3}[ -]\d{3}|https?:|www\.")
_SPACE = re.compile(r"\s+")
_EDGE = re.compile(r"\A[^\w#+]+|[^\w#+]+\Z")


class Click(NamedTuple):
    query: str
    item: str  # hash of what was clicked
    user: str  # hash of who clicked


def normal_query(text: str) -> str:
    """A query in one spelling: NFKC, case folded, single spaces, no punctuation around it (but `c++` and `c#`)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _EDGE.sub("", _SPACE.sub(" ", folded))


def click_of(values: Mapping[str, Any], fields: Mapping[str, str]) -> Click:
    """One click. `fields` says which columns hold `query`, `item` and `user`, where they have no usual name.

    Raises Malformed: `missing_field`; `personal` where a query may hold somebody's number or address; `too_long`.
    """
    view = View(values, fields, NAMES)
    found = {name: plain(view.get(name), name) for name in NAMES}
    query = normal_query(found["query"])
    for name, value in (found | {"query": query}).items():
        if not value:
            raise Malformed("missing_field", name)
    if len(query) > MAX_QUERY:
        raise Malformed("too_long", None, len(query), MAX_QUERY)
    if _PERSONAL.search(query):
        raise Malformed("personal")
    return Click(query, hash128(found["item"])[:16], hash128(found["user"])[:16])
