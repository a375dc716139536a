"""When a page was published: what it states for machines, then what stands beside its heading, then its URL."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.extract import dates
from pipelines.extract.around import Around
from pipelines.extract.linked import first_string
from pipelines.extract.markup import attributes, words

_MEMBERS = ("datePublished", "uploadDate", "dateCreated")
#: Names of <meta>, the most telling first; then any name that speaks of publication.
_METAS = words("article:published_time og:published_time og:article:published_time datepublished article.published")
_OTHER_METAS = (
    *("parsely-pub-date", "sailthru.date", "dc.date.issued", "dcterms.issued", "citation_publication_date", "pubdate"),
    *("publishdate", "publish-date", "publish_date", "publication_date", "publicationdate", "dc.date", "dcterms.date"),
    *("dc.date.created", "dcterms.created", "citation_date", "og:release_date", "date"),
)
_SPEAKS = re.compile(
    r"publ?i?s?h?.{0,12}(?:dat|time|_at)|(?:dat|time).{0,12}(?:publ|original|posted)|(?:post|releas|creat).{0,8}dat"
)
_CHANGED = re.compile(r"modif|updat|revis|expir|chang|access")

_ELEMENTS = ("<time", "<TIME", "datePublished", "pubdate")
_TAG = re.compile(r"<[a-zA-Z][a-zA-Z0-9]*+([^<>]*+)>([^<>]*+)")
_TAG_REACH = 500  # characters before an attribute in which its tag begins

_LABEL = re.compile(
    r"(?:(?:发[布表]|刊[登发]|上传|录入|创建|发稿|首发|發[布佈表]|張貼|张贴)(?:时间|日期|時間)?|"
    r"(?<![\u4e00-\u9fff])(?:时间|日期|時間)|published|posted|publish(?:ed)? date|date)"
    r"\s?(?:于|於|on|at)?\s?[:：]?\s?\Z",
    re.I,
)
_CHANGES = re.compile(
    r"(?:更新|修改|修订|最后|編輯|updated?|modified|revised|edited)(?:时间|日期|時間|于|於|on|at|\s)?\s?[:：]?\s?\Z",
    re.I,
)
_NOT_THIS = re.compile(
    r"(?:今天|今日|现在|現在|当前|當前|today|注册|註冊|登录|登錄|生日|出生|截止|截至|有效|到期|活动|born|joined|since|until|©|copyright)"
    r"\D{0,8}\Z",
    re.I,
)
_REPORT = (
    re.compile(r"\A[【\[][^】\]]{0,20}\Z"),
    re.compile(r"(?:讯|訊|电|電|报道|報道|消息)[】\]]"),
)  # 【新华社2005年5月7日电】
_LONGEST = 200  # characters of a line beside a heading; longer ones are paragraphs
_YEAR = re.compile(r"\d{4}|[〇零○一二三四五六七八九]{4}年|民[国國]")
_LABEL_REACH = 16  # characters before a date in which its label stands


def published_of(
    linked: Sequence[Mapping[str, Any]], metas: Mapping[str, Sequence[str]], near: Callable[[], Around], url: str | None
) -> str | None:
    """ISO 8601 of the publication: JSON-LD, <meta>, elements and lines beside the heading, the URL; else None."""
    for member in _MEMBERS:
        for node in linked:
            value = first_string(node.get(member))
            found = dates.stated(value) if value else None
            if found:
                return found
    found = _of_metas(metas)
    if found:
        return found
    around = near()
    return _of_elements(around.markup) or _of_lines(around, dates.of_url(url) if url else None)


def _of_metas(metas: Mapping[str, Sequence[str]]) -> str | None:
    told = [name for name in metas if name in _METAS]
    other = [name for name in _OTHER_METAS if name in metas]
    rest = [name for name in metas if _SPEAKS.search(name) and not _CHANGED.search(name)]
    for name in dict.fromkeys((*told, *other, *rest)):
        for value in metas[name]:
            found = dates.stated(value)
            if found:
                return found
    return None


def _of_elements(markup: str) -> str | None:
    """<time> and itemprop=datePublished; what is marked as the publication comes first, what was changed never."""
    best: tuple[int, str] | None = None
    for at in _places(markup):
        match = _TAG.match(markup, at)
        if not match:
            continue
        found = attributes(match[1])
        marks = " ".join((found.get("itemprop", ""), found.get("class", ""), "pubdate" if "pubdate" in found else ""))
        if _CHANGED.search(marks.lower()) and "publi" not in marks.lower():
            continue
        rank = 0 if "datePublished" in marks or "pubdate" in marks else 1 if "publi" in marks.lower() else 2
        values = (found.get("datetime"), found.get("content"), match[2][:100])
        iso = next((d for value in values if value and (d := dates.stated(value))), None)
        if iso and (best is None or rank < best[0]):
            best = (rank, iso)
    return best[1] if best else None


def _places(markup: str) -> list[int]:
    """Where the tags begin that may state a date."""
    places: set[int] = set()
    for mark in _ELEMENTS:
        at = markup.find(mark)
        while at >= 0:
            places.add(markup.rfind("<", max(at - _TAG_REACH, 0), at + 1))
            at = markup.find(mark, at + 1)
    return sorted(places - {-1})


def _of_lines(near: Around, from_url: str | None) -> str | None:
    """The best date in the lines: with a label, with a time of day, close behind the heading; the URL's day before a
    bare date."""
    best: tuple[tuple[int, int], str] | None = None
    for at, line in enumerate(near.head):
        distance = at - near.heading if at >= near.heading else 3 * (near.heading - at)
        for iso, score in _dated(line):
            rank = (-score, distance)
            if best is None or rank < best[0]:
                best = (rank, iso)
    if best is None or best[0][0] > -3:
        for line in near.tail:
            labelled = next((iso for iso, score in _dated(line) if score >= 3), None)
            if labelled:
                return labelled
    if best and (best[0][0] <= -3 or not from_url or best[1][:10] == from_url):
        return best[1]
    return from_url


def _dated(line: str) -> list[tuple[str, int]]:
    """(date, score) of a line's dates. 3 with a label, 2 opening a report or with a time of day, 1 bare, 0 changed."""
    out: list[tuple[str, int]] = []
    if (len(line) > _LONGEST and line[0] not in "【[") or not _YEAR.search(line, 0, _LONGEST):
        return out
    line = unicodedata.normalize("NFKC", line)  # what places of dates refer to
    for found in dates.in_text(line[:_LONGEST], dates.OLDEST_PAGE):
        before = line[max(found.start - _LABEL_REACH, 0) : found.start]
        if _NOT_THIS.search(before):
            continue
        if _CHANGES.search(before):
            score = 0
        elif _LABEL.search(before) and len(line) <= _LONGEST:
            score = 3
        elif _REPORT[0].match(line[: found.start]) and _REPORT[1].match(line, found.end):
            score = 2
        elif len(line) > _LONGEST:
            continue
        elif found.end - found.start < len(line) // 4:
            continue  # a line of text that mentions a day
        else:
            score = 2 if found.timed else 1
        out.append((found.iso, score))
    return out
