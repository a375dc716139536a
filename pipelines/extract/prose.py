"""Marks of running text in Chinese and English: ends of sentences, joints of lines, numbers of headings and lists."""

from __future__ import annotations

import re
from typing import NamedTuple

_WIDE = "\u2e80-\u30ff\u31c0-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\U00020000-\U0003ffff"
#: Between two of these a line break of the source is no space (CSS Text 3, segment break transformation rules).
WIDE = re.compile(f"[{_WIDE}“”‘’—…·]")
_WIDE_ONLY = re.compile(f"[{_WIDE}]")
_FINAL = re.compile(r"[.!?。！？…；;][\"'”’」』）)\]】》]{0,3}\Z")
_OPEN_END = re.compile(r"[,:，：、(（\[【《“‘「『—–-]\Z")
_CN = "一二三四五六七八九十百千零〇两0-9０-９"
_CHAPTERS = (
    (re.compile(rf"第[{_CN}]{{1,9}}[编卷篇部集]"), 1),
    (re.compile(rf"第[{_CN}]{{1,9}}[章回讲]"), 2),
    (re.compile(rf"第[{_CN}]{{1,9}}节"), 3),
    (re.compile(r"(?i:part|book|volume)\s{1,3}(?:[0-9]{1,3}|[IVXLC]{1,8})\b"), 1),
    (re.compile(r"(?i:chapter|appendix)\s{1,3}(?:[0-9]{1,3}|[IVXLC]{1,8}|[A-Z])\b"), 2),
    (re.compile(r"(?i:section)\s{1,3}[0-9]{1,3}(?:\.[0-9]{1,3})*\b"), 3),
    (re.compile(r"附录\s{0,2}[A-Z一二三四五六七八九十0-9]{1,3}"), 2),
)
_DECIMAL = re.compile(r"([0-9]{1,3}(?:[.．][0-9]{1,3}){0,5})[.．、]?(?=[\s\u2e80-\uffff])")
_HAN_NUMBER = re.compile(r"([一二三四五六七八九十]{1,3})、|[（(]([一二三四五六七八九十]{1,3})[)）]")
_BULLET = re.compile(
    r"([•‣◦●○▪▫■□◆◇►▶➢➤✓✔★☆·∙⁃\uf06c\uf06e\uf075\uf076\uf0a7\uf0b7\uf0d8\uf0fc])[\s\xa0]*|([-–—*+])[\s\xa0]+"
)
_ORDERED = re.compile(
    r"(?:[0-9]{1,3}[.)）、．](?![0-9])|[(（][0-9]{1,3}[)）]|[a-zA-Z][.)](?=\s)|[(（][a-z][)）]|[①-⑳]|[ivx]{1,4}[.)](?=\s))"
    r"[\s\xa0]*"
)
_DOTS = re.compile(r"[.…·\s]{4,}[0-9]{1,4}\Z")


class Numbered(NamedTuple):
    """A heading's number: `family` tells the ways of numbering apart, `depth` counts from 1 within the family."""

    family: str
    depth: int


def is_wide(character: str) -> bool:
    return bool(_WIDE_ONLY.match(character))


def glue(before: str, after: str) -> str:
    """What stands between two lines that belong together: nothing between ideographs, else a space."""
    if not before or not after or before[-1].isspace() or after[0].isspace():
        return ""
    a, b = before[-1], after[0]
    if WIDE.match(a) and WIDE.match(b) and (is_wide(a) or is_wide(b)):
        return ""
    return " "


def ends_sentence(text: str) -> bool:
    """Whether a text ends with a final mark, closing quotes and brackets aside."""
    return bool(_FINAL.search(text[-8:]))


def is_unfinished(text: str) -> bool:
    """Whether a text ends with a mark that something must follow."""
    return bool(_OPEN_END.search(text[-1:]))


def numbering(text: str) -> Numbered | None:
    """The number that a heading begins with: 第三章, Chapter 3, 1.2, 三、, （二）; None where there is none."""
    for pattern, depth in _CHAPTERS:
        if pattern.match(text):
            return Numbered("chapter", depth)
    found = _DECIMAL.match(text)
    if found:
        return Numbered("decimal", 1 + len(re.findall("[.．]", found[1])))
    found = _HAN_NUMBER.match(text)
    if found:
        return Numbered("han", 1 if found[1] else 2)
    return None


def bullet(text: str) -> int:
    """Length of the bullet and the space behind it with which a text begins, else 0."""
    found = _BULLET.match(text)
    return found.end() if found and found.end() < len(text) else 0


def ordered(text: str) -> int:
    """Length of a list number such as `1.`, `(a)`, `①` and the space behind it, else 0."""
    found = _ORDERED.match(text)
    return found.end() if found and found.end() < len(text) else 0


def is_contents_line(text: str) -> bool:
    """Whether a line is an entry of a table of contents: leaders and a page number at its end."""
    end = text[-60:]
    return ("." in end or "…" in end or "·" in end) and bool(_DOTS.search(end))


def width(text: str) -> int:
    """Columns that a text takes on a terminal: two for a wide character."""
    return len(text) if text.isascii() else len(text) + len(_WIDE_ONLY.findall(text))
