"""Who wrote a page: what it states for machines, then bylines in Chinese and English.

An editor (责任编辑) and a source (来源) are no authors. Account names, roles, addresses and the name of the site are no
names of authors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pipelines.extract.around import Around
from pipelines.extract.linked import names
from pipelines.extract.markup import attributes, words
from pipelines.extract.meta import tidy

MAX_NAMES = 20
_LONGEST = 60  # characters of one name
_METAS = (
    *("author", "article:author", "og:article:author", "dc.creator", "dcterms.creator", "dc.contributor.author"),
    *("citation_author", "byl", "byline", "sailthru.author", "parsely-author", "article.author", "creator"),
)
_NOBODY = words(
    "admin administrator root user null none undefined n/a na unknown anonymous guest editor editors editorial staff "
    "webmaster default test author name 佚名 匿名 未知 管理员 编辑 小编 网友 网络 转载 本站 原创 作者 记者 站长 互联网 "
    "系统管理员"
)
_ADDRESS = re.compile(r"https?:|www\.|//|[@<>{}=]|\.(?:com|cn|org|net)\b", re.I)
_CODE = re.compile(r"[A-Za-z]{0,3}[_-]?\d[\d_-]*\Z|[\W\d_]+\Z|.*?\d(?:\d\d\d|:\d\d)")  # an account, or a date
_ROLE = re.compile(
    r"\b(?:writers?|reporters?|correspondents?|staff|contributors?|columnists?|producers?|journalists?|bureau|team)\Z",
    re.I,
)
_LEAD = re.compile(
    r"\A(?:(?:written|posted|story|text|words|reported|article|published)\s+)?by\b:?\s*|\Aauthors?\s?:\s*|"
    r"\A(?:作\s{0,4}者|文|撰文)\s?[:：]\s*",
    re.I,
)
_AFTER = re.compile(r"\s[|–—]\s|\s-\s|\s{2,}|[|｜•]|\(|（|\s(?:for|of|from|at|in)\s|,\s(?:updated|published)", re.I)
_HAN_NAME = re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf]{2,4}|[\u4e00-\u9fff]{1,8}(?:[·•‧・][\u4e00-\u9fff]{1,8}){1,3}")
_AND = re.compile(r"\s(?:and|und|et|y)\s|\s?&\s(?=[A-Z])|[;；、，]\s?", re.I)

_MARKS = ("uthor", "yline", "reator")
_TAG = re.compile(r"<[a-zA-Z][a-zA-Z0-9]*+\s([^<>]*+)>")
_TAG_REACH = 500  # characters before a mark in which its tag begins
_CLASS = re.compile(r"(?:\A|[\s_-])(?:author|byline)s?(?:[_-]?(?:name|link|text))?(?:\Z|\s)", re.I)
_TEXTS = re.compile(r"(?:<[^<>]*>|\s)*([^<>]+)")
_MARKED_REACH = 700

_UPPER = "[A-ZÀ-ÖØ-Þ]"
_NAME = (
    rf"{_UPPER}[\w.'’-]*(?:\s(?:(?:de|van|von|der|den|la|bin|al|el|di|da|du|le|ter)\s){{0,2}}{_UPPER}[\w.'’-]*){{0,4}}"
)
_EN_LINE = re.compile(
    rf"(?:\A|[|·•]\s?|\s)(?:(?:[Ww]ritten|[Pp]osted|[Ss]tory|[Tt]ext|[Rr]eported|[Ww]ords)\s)?(?:[Bb]y|BY)\s?:?\s"
    rf"({_NAME}(?:(?:,|\sand|\s&|,\sand)\s{_NAME}){{0,5}})"
)
_EN_LABEL = re.compile(rf"(?:\A|\s)Authors?\s?:\s?({_NAME}(?:(?:,|\sand|\s&)\s{_NAME}){{0,5}})")
_BYLINE = 100  # characters of a line in which a label stands; twice as many for reporters
_EN_HINT = re.compile(r"\b(?:[Bb]y|BY|Authors?)\b")
_DATED = re.compile(r"\b[12]\d{3}\b|\bago\b")

_ZH_LABEL = re.compile(
    r"(?:\A|[\s|｜丨（(\[【。》”\u3000])(?:(?:本文|原文|原)?作\s{0,8}者|撰文|撰稿人?|执笔人?|執筆|文字?|图文|文图)"
    r"\s?(?:[:：/／|｜丨]|(?<=者)\s)\s?(.{1,80})"
)
_ZH_STOP = re.compile(
    r"来源|來源|出处|出處|出自|发[布表]|發[布表佈]|时间|時間|日期|编辑|編輯|责编|責編|责任|点击|浏览|阅读|閱讀|字号|评论|人气|"
    r"[\s　][图圖摄攝](?=[/／:：\s])|字体|打印"
    r"|分享|收藏|校对|审核|摄影|图片|译者|翻译|更新|\d{4}|[|｜丨\[\]【】（）()。；;：:！!？?<>《》—]|/|／"
)
_REPORTER = re.compile(
    r"(?<![对對诉訴向答问問据據名位为為是的])(?:记者|記者|通讯员|特约撰稿人|评论员)([\s:：]{0,3})([^，,。；;：:（()）【】]{2,40})"
)
_REPORTER_STOP = re.compile(
    r"报道|報道|報導|发自|發自|摄影|摄|撰|电|讯|文/|图/|通讯员|通訊員|记者|實習|实习|\d|[|｜丨/／]"
)
#: The hundred most frequent family names of China, and compound ones: four in five people.
_FAMILY = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟"
    "谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤葛罗"
    "張劉陳楊黃趙吳孫馬鄭謝許韓馮鄧蕭蔣葉蘇魏呂盧鐘譚陸賈韋鄒閻龍賀顧龔萬錢嚴湯"
) | frozenset(("欧阳", "司马", "上官", "诸葛", "东方", "夏侯", "尉迟", "皇甫", "歐陽", "司馬"))


def author_of(
    linked: Sequence[Mapping[str, Any]],
    metas: Mapping[str, Sequence[str]],
    near: Callable[[], Around],
    site: Iterable[str] = (),
) -> str | None:
    """The authors, divided by ", ": JSON-LD, <meta>, marked elements, bylines; else None. `site`: names of the site."""
    sites = {name.casefold() for name in site if name}

    def people(values: Iterable[str]) -> list[str]:
        found = dict.fromkeys(name for value in values for name in named(value) if name.casefold() not in sites)
        return list(found)[:MAX_NAMES]

    for member in ("author", "creator"):
        for node in linked:
            found = people(names(node.get(member)))
            if found:
                return ", ".join(found)
    for name in _METAS:
        found = people(metas.get(name, ()))
        if found:
            return ", ".join(found)
    around = near()
    for text in _marked(around.markup):
        found = people([text])
        if found:
            return ", ".join(found)
    return ", ".join(byline(around)[:MAX_NAMES]) or None


def named(value: str) -> list[str]:
    """The names in a value that should hold an author; none where it holds an address, a role or an account."""
    text = _LEAD.sub("", tidy(value[:300]).strip(" ,;:："))
    cut = _AFTER.search(text)
    if cut and cut.start():
        text = text[: cut.start()]
    if not text or _ADDRESS.search(text):
        return []
    parts = [part for part in _AND.split(text) if part]
    if len(parts) == 1 and "," in text:
        pieces = [piece.strip() for piece in text.split(",")]
        # "Smith, John" is one name
        parts = [text] if len(pieces) == 2 and all(" " not in p for p in pieces) and text.isascii() else pieces
    elif "," in text:
        parts = [piece for part in parts for piece in part.split(",")]
    if len(parts) == 1 and len(tokens := text.split()) > 1 and all(_HAN_NAME.fullmatch(t) for t in tokens):
        parts = tokens
    return [name for part in parts if _is_name(name := part.strip(" ,.:：·-"))]


def _is_name(name: str) -> bool:
    if not 2 <= len(name) <= _LONGEST or name.casefold() in _NOBODY or len(name.split()) > 6:
        return False
    return not (_CODE.match(name) or _ROLE.search(name) or any(c in name for c in "。！？!?"))


def _marked(markup: str) -> list[str]:
    """Texts of elements that are marked as the author's name, the surest mark first."""
    found: list[tuple[int, str]] = []
    for at in _places(markup):
        match = _TAG.match(markup, at)
        if not match:
            continue
        marks = attributes(match[1])
        said = marks.get("itemprop", "").lower().split()
        if "author" in marks.get("rel", "").lower().split():
            rank = 0
        elif "author" in said or "creator" in said:
            rank = 1
        elif _CLASS.search(marks.get("class", "")):
            rank = 2
        else:
            continue
        if marks.get("content"):
            found.append((rank, marks["content"]))
            continue
        text = _first_text(markup[match.end() : match.end() + _MARKED_REACH])
        if text:
            found.append((rank, text))
    return [text for _, text in sorted(found, key=lambda entry: entry[0])]


def _places(markup: str) -> list[int]:
    """Where the tags begin that hold one of the marks."""
    places: set[int] = set()
    for mark in _MARKS:
        at = markup.find(mark)
        while at >= 0:
            places.add(markup.rfind("<", max(at - _TAG_REACH, 0), at))
            at = markup.find(mark, at + 1)
    return sorted(places - {-1})


def _first_text(markup: str) -> str:
    """The first text that is more than "by"."""
    at = 0
    for _ in range(3):
        piece = _TEXTS.match(markup, at)
        if not piece:
            return ""
        text = _LEAD.sub("", tidy(piece[1]))
        if text:
            return text
        at = piece.end()
    return ""


def byline(near: Around) -> list[str]:
    """Names in the bylines of the lines: labels first, those beside the heading before those at the end."""
    lines = [*near.head[near.heading :], *near.head[: near.heading], *near.tail]
    for read in (_labelled, _reporters):
        for line in lines:
            found = read(line)
            if found:
                return found
    return []


def _labelled(line: str) -> list[str]:
    chinese = None if line.isascii() else _ZH_LABEL.search(line, 0, _BYLINE)
    if chinese:
        rest = chinese[1]
        stop = _ZH_STOP.search(rest)
        return named(rest[: stop.start()] if stop else rest) if not stop or stop.start() else []
    if len(line) <= 200 and _EN_HINT.search(line):
        english = _EN_LABEL.search(line) or _EN_LINE.search(line)
        if english and (english.start() == 0 or _DATED.search(line)):
            return named(english[1])
    return []


def _reporters(line: str) -> list[str]:
    """本报记者 王建宏 张文攀; without a space only before a word that ends a byline (记者李扬发自北京)."""
    for match in _REPORTER.finditer(line, 0, 2 * _BYLINE) if "者" in line or "员" in line else ():
        spaced, rest = match[1], match[2]
        stop = _REPORTER_STOP.search(rest)
        ended = stop is not None or match.end() == len(line) or line[match.end()] in "）)】"
        tokens = (rest[: stop.start()] if stop else rest).replace("、", " ").split()
        if not tokens or not all(_HAN_NAME.fullmatch(token) for token in tokens):
            continue
        if spaced or (ended and (tokens[0][0] in _FAMILY or tokens[0][:2] in _FAMILY)):
            return tokens
    return []
