"""Machine-readable reservations against text and data mining and training: what a reply, a page or a site says.

Read are X-Robots-Tag and robots <meta> (`noai`, `noml`), the TDM Reservation Protocol (final report of the W3C
community group, 2024: header, <meta>, /.well-known/tdmrep.json), the header Content-Usage (draft-ietf-aipref-attach)
and ai.txt (Spawning). `noimageai` and `noindex` do not reserve texts. Of several sources that disagree, the one that
reserves counts. No function raises on malformed input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pipelines.crawl import robots
from pipelines.crawl.urls import percent_normal
from pipelines.extract.markup import attributes
from pipelines.extract.rights import NO_TRAINING, directives
from pipelines.extract.tree import start_tags

MAX_FILE_BYTES = 500 * 1024  # of tdmrep.json and ai.txt; a longer tdmrep.json is no answer
MAX_RULES = 10_000
_SEARCHED = 100_000  # characters of a page that are searched for <meta>: it belongs into the head
_WINDOW = 400  # characters after "<meta" in which the words must stand
_META = re.compile(r"<[mM][eE][tT][aA][\s/]")
_HEADERS = frozenset((b"x-robots-tag", b"tdm-reservation", b"content-usage"))
_NO_USAGE = re.compile(r"(?:^|,)\s*train-ai\s*=\s*n\s*(?:[;,]|$)")
_EXTENSION = re.compile(r"\*\.\w+")


class OptOut(NamedTuple):
    """A reservation. `signal`: x_robots_tag, meta_robots, tdm_header, tdm_meta or content_usage; `detail`: its word."""

    signal: str
    detail: str


def of_headers(headers: Sequence[tuple[bytes, bytes]], agent: str) -> OptOut | None:
    """The first reservation among the headers of a reply, as it concerns the crawler `agent`."""
    for name, value in headers:
        name = name.lower()
        if name not in _HEADERS:
            continue
        text = value.decode("latin-1")
        if name == b"x-robots-tag":
            found = _forbidding(text, agent)
            if found:
                return OptOut("x_robots_tag", found)
        elif name == b"tdm-reservation":
            if text.strip() == "1":
                return OptOut("tdm_header", "tdm-reservation")
        elif _NO_USAGE.search(text.lower()):
            return OptOut("content_usage", "train-ai")
    return None


def of_markup(html: str, agent: str) -> OptOut | None:
    """The first reservation in a <meta> of a page. Pages without a telling word cost one search for "<meta"."""
    if not _hinted(html):
        return None
    return of_metas((source for _, source in start_tags(html, frozenset(("meta",)))), agent)


def of_page(body: bytes, agent: str) -> OptOut | None:
    """of_markup() for the bytes of a page: the words are ASCII, so that only UTF-16 needs to be told apart."""
    wide = body[:2] in (b"\xff\xfe", b"\xfe\xff")
    return of_markup(body[: 2 * _SEARCHED].decode("utf-16" if wide else "latin-1", "replace"), agent)


def of_metas(sources: Iterable[str], agent: str) -> OptOut | None:
    """The same from the attributes of the <meta> elements of a parsed page."""
    names = ("robots", robots.product_token(agent).lower())
    for source in sources:
        found = attributes(source)
        name = found.get("name", "").strip().lower()
        if name == "tdm-reservation":
            if found.get("content", "").strip() == "1":
                return OptOut("tdm_meta", "tdm-reservation")
        elif name and name in names:
            word = _forbidding(found.get("content", ""), agent)
            if word:
                return OptOut("meta_robots", word)
    return None


def _hinted(html: str) -> bool:
    for meta in _META.finditer(html, 0, _SEARCHED):
        near = html[meta.end() : meta.end() + _WINDOW].lower()
        if "tdm-reservation" in near or any(word in near for word in NO_TRAINING):
            return True
    return False


def _forbidding(value: str, agent: str) -> str | None:
    said = directives(value, agent)
    return next((word for word in NO_TRAINING if word in said), None)


@dataclass(frozen=True)
class TdmRep:
    """A parsed tdmrep.json: (pattern of paths, reserved) in the order of the file."""

    rules: tuple[tuple[str, bool], ...] = ()

    @classmethod
    def parse(cls, body: bytes) -> TdmRep:
        """Read /.well-known/tdmrep.json. Entries that are no rule are skipped; what is no JSON array has no rules."""
        if len(body) > MAX_FILE_BYTES:
            return cls()
        try:
            found = json.loads(body.decode("utf-8-sig", "replace"))
        except (ValueError, RecursionError):
            return cls()
        entries = found if isinstance(found, list) else [found]
        rules = (_rule(entry) for entry in entries[:MAX_RULES])
        return cls(tuple(rule for rule in rules if rule))

    def reserved(self, path: str) -> bool:
        """Whether the first rule that matches `path` (with its query) reserves it. Patterns are those of robots.txt."""
        path = _normal(path or "/")
        return next((reserved for pattern, reserved in self.rules if robots.matches(pattern, path)), False)


def _normal(path: str) -> str:
    return percent_normal(path.encode("utf-8", "replace").decode())  # a lone surrogate cannot be escaped


def _rule(entry: Any) -> tuple[str, bool] | None:
    if not isinstance(entry, dict):
        return None
    location, value = entry.get("location"), entry.get("tdm-reservation")
    if not isinstance(location, str) or not location or isinstance(value, bool) or value not in (0, 1, "0", "1"):
        return None
    return _normal(location), value in (1, "1")


@dataclass(frozen=True)
class AiTxt:
    """A parsed ai.txt: robots.txt whose patterns may be file name extensions ("Disallow: *.txt")."""

    robots: robots.Robots

    @classmethod
    def parse(cls, body: bytes, agent: str = "") -> AiTxt:
        """Read /ai.txt as it concerns `agent`: the group of that name, else the group for all."""
        found = robots.parse(body, robots.product_token(agent))
        rules = tuple((f"{p}$" if _EXTENSION.fullmatch(p) else p, allows) for p, allows in found.rules)
        return cls(replace(found, rules=rules))

    def allowed(self, path: str) -> bool:
        """Whether texts at `path` may be used for training; its query is not looked at."""
        path = _normal(path.partition("?")[0] or "/")
        return next((allows for pattern, allows in self.robots.rules if robots.matches(pattern, path)), True)
