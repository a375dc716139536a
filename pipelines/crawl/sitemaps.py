"""Sitemaps and feeds: the URLs that a site lists itself, with the days on which they last changed.

Read are the XML of sitemaps.org 0.9 (URL sets, indexes), RSS 2.0 and 1.0, Atom (RFC 4287) and lists of one URL a line,
plain or gzipped. XML is read without its DTD: nothing is ever expanded or fetched. Where it breaks, reading goes on
with the next record, and the break is reported.
"""

from __future__ import annotations

import calendar
import codecs
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple
from xml.parsers import expat

from pipelines.crawl.decoding import BadEncoding, Decoder

MAX_BYTES = 50 * 1024 * 1024  # of a file, not compressed (sitemaps.org)
MAX_ENTRIES = 50_000  # of a file (sitemaps.org); further ones are counted
MAX_DEPTH = 3  # indexes within indexes; the protocol knows one level, some sites have two
MAX_BREAKS = 1_000  # places where broken XML is taken up again
_MAX_FIELD = 8_192  # characters of a URL or date
_PIECE = 65_536

Problem = Literal["broken", "entities", "not_a_sitemap", "too_large", "damaged"]

_RECORDS = {"url": "loc", "sitemap": "loc", "item": "link", "entry": "link"}  # record -> its field with the address
_DATES = ("lastmod", "updated", "pubDate", "date", "published")  # the first of them counts
_ROOTS = frozenset(("urlset", "sitemapindex", "rss", "RDF", "feed"))
_RECORD = re.compile(rb"<(?:[\w.-]+:)?(?:url|sitemap|item|entry)[\s>]")
_STRAY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});)")
_CONTROL = bytes(range(9)) + b"\x0b\x0c" + bytes(range(14, 32))
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_W3C = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)


class Entry(NamedTuple):
    """One listed address as it stands in the file, and the latest day that its date may mean (UTC)."""

    url: str
    lastmod: date | None


@dataclass
class Sitemap:
    """A parsed file: pages, further sitemaps, how many entries lie beyond the limit, and what was wrong with it."""

    pages: list[Entry] = field(default_factory=list)
    sitemaps: list[Entry] = field(default_factory=list)
    beyond: int = 0
    problems: Counter[Problem] = field(default_factory=Counter)


def parse(body: bytes) -> Sitemap:
    """Read a sitemap or feed of at most MAX_BYTES; what is longer is cut. Never raises."""
    found = Sitemap()
    body = _unpacked(body, found)
    if len(body) > MAX_BYTES:
        found.problems["too_large"] += 1
        body = body[: MAX_BYTES - 1]
    data = _utf8(body)
    if data.lstrip()[:1] == b"<":
        _Xml(found).read(_STRAY.sub(b"&amp;", data.translate(None, _CONTROL)))
    else:
        _lines(data, found)
    return found


def day_of(text: str) -> date | None:
    """The day of a W3C date, or of RSS's RFC 822 date, in UTC; null where it is none.

    A month or year without a day means its last one, so that a page is never taken for older than it may be.
    """
    match = _W3C.fullmatch(text.strip())
    try:
        if match is None:
            when = parsedate_to_datetime(text.strip())
            return when.astimezone(UTC).date() if when.tzinfo else when.date()
        year, month = int(match[1]), int(match[2] or 12)
        day = int(match[3] or calendar.monthrange(year, month)[1])
        if match[7] is None or match[7] == "Z":
            return date(year, month, day)
        sign, digits = match[7][0], match[7][1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        local = datetime(year, month, day, int(match[4]), int(match[5]))
        return (local - offset if sign == "+" else local + offset).date()
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


def is_trustworthy(lastmods: Mapping[date, int], day: date) -> bool:
    """Whether a site's dates (day -> URLs) say when pages changed, seen in the night of `day`.

    Many sites write the time of the request, or of the last deployment: if all dates are equal, or most are of this
    day or to come, they say nothing.
    """
    count = sum(lastmods.values())
    recent = sum(number for when, number in lastmods.items() if when >= day)
    return count > 0 and max(lastmods.values()) < max(2, 0.9 * count) and recent <= count / 2


def _unpacked(body: bytes, found: Sitemap) -> bytes:
    if body[:2] != b"\x1f\x8b":
        return body
    decoder, parts = Decoder("gzip", MAX_BYTES + 1, cut=True), []
    try:
        for at in range(0, len(body), _PIECE):
            parts.append(decoder.feed(body[at : at + _PIECE]))
            if decoder.full:
                break
        decoder.finish()
    except BadEncoding:
        found.problems["damaged"] += 1
    return b"".join(parts)


def _utf8(body: bytes) -> bytes:
    """The text in UTF-8, by its BOM, the encoding that its XML declaration names, or UTF-8 itself."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace").encode("utf-8", "replace")
    body = body.removeprefix(codecs.BOM_UTF8)
    declared = _DECLARED.match(body)
    name = declared[1].decode().lower() if declared else "utf-8"
    try:
        codec = codecs.lookup("gb18030" if name in ("gb2312", "gbk") else name)
        if not codec._is_text_encoding:
            codec = codecs.lookup("utf-8")
        return codec.decode(body, "replace")[0].encode("utf-8", "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace").encode()


def _lines(data: bytes, found: Sitemap) -> None:
    lines = (line.strip() for line in data.split(b"\n"))
    for line in lines:
        if line[:7].lower() in (b"http://", b"https:/") and len(line) <= _MAX_FIELD:
            _append(found, found.pages, Entry(line.decode(), None))
        elif line and not line.startswith(b"#"):
            found.problems["broken"] += 1
    if not found.pages:
        found.problems = Counter({"not_a_sitemap": 1})


def _append(found: Sitemap, entries: list[Entry], entry: Entry) -> None:
    if len(found.pages) + len(found.sitemaps) < MAX_ENTRIES:
        entries.append(entry)
    else:
        found.beyond += 1


class _NotOne(Exception):
    pass


class _Xml:
    """Reads records with expat, without namespaces: a record's fields are those of its own prefix."""

    def __init__(self, found: Sitemap) -> None:
        self._found = found
        self._rooted = False
        self._reset()

    def _reset(self) -> None:
        self._depth = 0
        self._record = ""  # local name; empty outside records
        self._prefix = ""
        self._fields: dict[str, str] = {}
        self._field = ""
        self._text: list[str] = []
        self._room = 0

    def read(self, data: bytes) -> None:
        at, breaks = 0, 0
        try:
            while (broken := self._pass(data, at, b"" if at == 0 else b"<r>")) is not None:
                following = _RECORD.search(data, broken + 1)
                if following is None or breaks == MAX_BREAKS:
                    break
                at, breaks = following.start(), breaks + 1
                self._found.problems["broken"] += 1
                self._reset()
        except _NotOne:
            self._found.problems["not_a_sitemap"] += 1
            return
        if broken is not None and not breaks:  # taken up again, it ends with the tag of a root that it has not seen
            self._found.problems["broken"] += 1

    def _pass(self, data: bytes, start: int, head: bytes) -> int | None:
        """Parse from `start`; the place of the first error, null where there is none."""
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity
        try:
            parser.Parse(head, False)
            for at in range(start, len(data), _PIECE):
                parser.Parse(data[at : at + _PIECE], False)
            parser.Parse(b"", True)
        except expat.ExpatError:
            return max(start, start + parser.ErrorByteIndex - len(head))
        return None

    def _entity(self, *_: object) -> None:
        self._found.problems["entities"] = 1

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        prefix, colon, local = name.rpartition(":")
        if not self._rooted:
            if local not in _ROOTS:
                raise _NotOne
            self._rooted = True
        elif not self._record and local in _RECORDS:
            self._record, self._prefix, self._fields = local, prefix + colon, {}
            self._level = self._depth
        elif self._record and self._depth == self._level + 1:
            own = name.startswith(self._prefix) and ":" not in name[len(self._prefix) :]
            if own and local == "link" and "href" in attributes:
                if attributes.get("rel", "alternate") == "alternate":
                    self._fields.setdefault("link", attributes["href"][:_MAX_FIELD])
            elif (own and local in (_RECORDS[self._record], *_DATES)) or name == "dc:date":
                self._field, self._text, self._room = local, [], _MAX_FIELD + 1

    def _characters(self, text: str) -> None:
        if self._field and self._room > 0:
            self._text.append(text[: self._room])
            self._room -= len(text)

    def _end(self, name: str) -> None:
        if self._record:
            if self._field and self._depth == self._level + 1:
                self._fields.setdefault(self._field, "".join(self._text).strip())
                self._field = ""
            elif self._depth == self._level:
                self._finish()
        self._depth -= 1

    def _finish(self) -> None:
        # An address with "&amp;" in it was escaped twice, or stood in CDATA
        url = self._fields.get(_RECORDS[self._record], "").replace("&amp;", "&")
        lastmod = next((self._fields[name] for name in _DATES if self._fields.get(name)), "")
        if url and len(url) <= _MAX_FIELD:
            entries = self._found.sitemaps if self._record == "sitemap" else self._found.pages
            _append(self._found, entries, Entry(url, day_of(lastmod) if lastmod else None))
        elif url:
            self._found.problems["broken"] += 1
        self._record = ""
