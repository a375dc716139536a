"""Rows of any table, file or reply as items: what is needed of them, as canonical JSON, under a name that stays.

The name is the value of the source's `id_field`; without one `<file>#id:<id>` where the record has a column that is
known for ids, otherwise `<file>#<hash of what is kept>`. The second record of a name is refused, never taken for a
change; a record that is refused keeps its name where that can be told, so that it does not count as gone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pipelines.acquire.dialogues import tree
from pipelines.acquire.items import Item, Refused
from pipelines.acquire.products import dropped
from pipelines.acquire.seen import Seen
from pipelines.acquire.shapes import SHAPES, Shape, canonical, convert, shape_of
from pipelines.acquire.trees import Tree, Trees
from pipelines.acquire.values import Malformed, at, fold, language_of, plain, without
from pipelines.crawl.urls import UrlError, normalise
from pipelines.params import SourceParams
from pipelines.schemas import hash128

MEDIA_TYPE = "application/vnd.nightmill.record+json"
MAX_NAME = 200  # characters of an id; a longer one is known by its hash
_IDS = ("id", "_id", "uuid", "guid", "doc_id", "record_id", "message_id", "conversation_id", "qid", "编号")
_URLS = ("url", "link", "source_url", "page_url", "product_url", "网址", "链接")
_OWN_PAGE = ("text", "product")  # kinds for which a URL is the record's own, and not that of what it was taken from
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One record and its place in its file, from 1 (the header of a table counts)."""

    place: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A place where no record could be read; 0 is the whole file. `lost` where more than one may stand there."""

    place: int
    rule: str
    value: float | None = None
    threshold: float | None = None
    detail: str | None = None
    lost: bool = False


def content_type(kind: str) -> str:
    return f"{MEDIA_TYPE}; shape={kind}"


def encode(value: Any) -> str:
    """Canonical JSON: no spaces, fields in the order of their kind, nothing escaped that need not be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def items(rows: Iterable[Row | BadRow], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """One item per record (of an article with several contexts, one each) or one refusal, in the order of the rows."""
    return _Reading(name, source).read(rows)


class _Reading:
    def __init__(self, name: str, source: SourceParams) -> None:
        self._name, self._source = name, source
        self._seen = Seen()
        self._trees = Trees()
        self._drop = dropped(source.drop)
        self._lang = language_of(source.language)

    def read(self, rows: Iterable[Row | BadRow]) -> Iterator[Item | Refused]:
        for row in rows:
            if isinstance(row, BadRow):
                place = f"{self._name}#{row.place}" if row.place else self._name
                yield Refused(place, row.rule, row.value, row.threshold, row.detail, lost=row.lost)
                continue
            row = Row(row.place, without(row.values, self._drop))
            part = 0
            try:
                for found in self._row(row):
                    yield found
                    part += 1
            except Malformed as error:
                yield self._refused(row, error, part)
            except (RecursionError, OverflowError, ValueError):
                yield self._refused(row, Malformed("unreadable_row"), part)
        for each in self._trees.rest():
            yield from self._tree(each)

    def _refused(self, row: Row, error: Malformed, part: int = 0) -> Refused:
        """By the record's own name, unless another item has it: a twin, or an earlier part of the same record."""
        name = None
        if error.rule != "duplicate_id" and not part:
            with suppress(Malformed):
                name = self._id(row.values, _folded(row.values))
        name = name or f"{self._name}#{row.place}"
        return Refused(name, error.rule, error.value, error.threshold, error.detail)

    def _row(self, row: Row) -> Iterator[Item | Refused]:
        source = self._source
        shape, view = shape_of(row.values, source.shape, source.fields, source.source_class)
        if shape.grouped:
            done = self._trees.add(view.folded, row.place)
            if done is None:
                raise Malformed("scattered_tree")
            for each in done:
                yield from self._tree(each)
            return
        number = -1
        for number, fields in enumerate(convert(shape, view)):
            try:
                yield self._item(shape, fields, row.values, f"/{number + 1}" if number else "")
            except Malformed as error:
                yield self._refused(row, error, number)
        if number < 0:
            raise Malformed("empty_record")

    def _tree(self, grown: Tree) -> Iterator[Item | Refused]:
        values = {**grown.messages[0], "id": grown.key}
        try:
            yield self._item(SHAPES["openassistant_rows"], canonical(tree(grown.messages)), values)
        except Malformed as error:
            yield self._refused(Row(grown.place, values), error)

    def _item(self, shape: Shape, fields: Mapping[str, Any], values: Mapping[str, Any], part: str = "") -> Item:
        """Raises Malformed for a record that is too large, comes twice or lacks its id."""
        if self._lang and "lang" not in fields and shape.kind != "parallel":
            fields = {"lang": self._lang, **fields}
        body = encode(fields).encode("utf-8")
        limit = self._source.max_item_bytes
        if len(body) > limit:
            raise Malformed("too_large", None, len(body), limit)
        folded = _folded(values)
        name = (self._id(values, folded) or f"{self._name}#{hash128(body)}") + part
        url = _url(folded)
        own = url if shape.kind in _OWN_PAGE and not self._source.id_field and not part else None
        if not self._seen.add(own or name):
            raise Malformed("duplicate_id")
        return Item(name, body, content_type(shape.kind), url=own, final_url=url)

    def _id(self, values: Mapping[str, Any], folded: Mapping[str, Any]) -> str | None:
        """The name that a record gives itself; null where it has none. Raises Malformed where it must have one."""
        field = self._source.id_field
        if field:
            found = _short(at(values, field), field)
            if not found:
                raise Malformed("missing_id", "id_field")
            return found
        given = next((each for each in (_short(folded.get(name), name) for name in _IDS) if each), None)
        return f"{self._name}#id:{given}" if given else None


def _folded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {fold(name): value for name, value in values.items()}


def _short(value: Any, field: str) -> str | None:
    """An id as part of a name; null for what cannot be one."""
    if value is None or isinstance(value, bool | list | tuple | Mapping | bytes):
        return None
    text = plain(value, field).replace("\n", " ")
    return text if len(text) <= MAX_NAME else hash128(text)


def _url(folded: Mapping[str, Any]) -> str | None:
    for name in _URLS:
        value = folded.get(name)
        if isinstance(value, str) and value[:8].lower().startswith(("http://", "https://")):
            try:
                return normalise(value)
            except UrlError:
                continue
    return None


def damaged(text: str) -> bool:
    """Whether a line holds bytes that its encoding does not have (see `textfile`)."""
    return not text.isascii() and _SURROGATE.search(text) is not None
