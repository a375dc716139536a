"""Title, language and named values that a page states about itself."""

from __future__ import annotations

import re
from html import unescape

from pipelines.extract.markup import attributes
from pipelines.extract.tree import Page, Segment

MAX_TITLE = 300  # characters
_SEARCHED = 2_000  # characters of <title> that are looked at
_TAGS = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"[\s\x00-\x1f]+")
# "_" divides Chinese titles ("标题_频道_网站"); elsewhere it belongs to identifiers.
_SEPARATOR = re.compile(
    r"\s[-|–—·•:»«_/~]+\s|\s?[|»«]+\s?|(?<=[\u2e80-\uffff])_+|_+(?=[\u2e80-\uffff])|\s?(?:——|－|｜)\s?|\s?-{2,}\s?"
)
_KEY = re.compile(r"""\b(?:name|property|itemprop)\s*+=\s*+["']?\s*+([^"'\s>]++)""", re.I)
_TELLING = re.compile(r"auth|creator|byl|dat[ei]|pub|time|issued|created|right|licen[cs]e|site_name|application-name")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def tidy(text: str) -> str:
    """Markup out, entities decoded, white space collapsed."""
    return _SPACE.sub(" ", unescape(_TAGS.sub(" ", text))).strip()


def text_of(page: Page, segment: Segment) -> str:
    """The text of one segment on one line."""
    text = "".join([page.source[a:b] for a, b in segment.spans])
    return " ".join((unescape(text) if "&" in text else text).split())


def headings(page: Page) -> list[str]:
    """Texts of the h1 elements, in order."""
    return [text_of(page, s) for s in page.segments if page.names[s.node] == "h1"]


def title_of(page: Page) -> str | None:
    """The page's title without the name of its site: an h1 or og:title that <title> begins or ends with, else the
    first long part of <title>, else og:title or the first h1."""
    whole = tidy(page.source[slice(*page.title)])[:_SEARCHED] if page.title else ""
    shared = ""
    for name, source in page.metas:
        if name == "meta" and "title" in source:
            found = attributes(source)
            if (found.get("property") or found.get("name") or "").lower() in ("og:title", "twitter:title"):
                shared = shared or tidy(found.get("content", ""))
    heads = [h for h in headings(page) if h]
    for short in (*heads, shared):
        if short == whole and short in heads:
            return short[:MAX_TITLE]
        if len(short) >= 2 and short != whole and (whole.startswith(short) or whole.endswith(short)):
            return short[:MAX_TITLE]
    if whole:
        parts = [p for p in _SEPARATOR.split(whole) if p]
        longest = max(parts, key=len, default=whole)
        # Most sites put their name last.
        return (parts[0] if parts and 3 * len(parts[0]) >= len(longest) else longest)[:MAX_TITLE]
    first = shared or (heads[0] if heads else "")
    return first[:MAX_TITLE] or None


def language_of(page: Page) -> str | None:
    """Primary language subtag (BCP 47) in lower case, from <html lang> or http-equiv content-language; else None."""
    stated: dict[str, str] = {}
    for name, source in page.metas:
        if name == "html":
            found = attributes(source)
            stated.setdefault("html", found.get("lang") or found.get("xml:lang") or "")
        elif name == "meta" and "anguage" in source:
            found = attributes(source)
            if found.get("http-equiv", "").lower() == "content-language":
                stated.setdefault("meta", found.get("content", ""))
    for value in (stated.get("html"), stated.get("meta")):
        primary = re.split(r"[-_,;\s]", (value or "").strip().lower())[0]
        if _LANGUAGE.fullmatch(primary):
            return primary
    return None


def stated_of(page: Page) -> dict[str, list[str]]:
    """Contents of the <meta> elements that tell of author, date, rights or site, by name, property or itemprop in
    lower case."""
    found: dict[str, list[str]] = {}
    for name, source in page.metas:
        named = _KEY.search(source) if name == "meta" else None
        if named and _TELLING.search(named[1].lower()):
            said = attributes(source)
            key = said.get("property") or said.get("name") or said.get("itemprop") or ""
            content = said.get("content", "").strip()
            if key and content:
                found.setdefault(key.strip().lower(), []).append(content)
    return found


def site_names(page: Page, metas: dict[str, list[str]]) -> list[str]:
    """Names of the site: what <meta> says, and the parts of <title> beside the page's own title."""
    told = [value for name in ("og:site_name", "application-name") for value in metas.get(name, ())]
    whole = tidy(page.source[slice(*page.title)])[:_SEARCHED] if page.title else ""
    return [*told, *[part.strip() for part in _SEPARATOR.split(whole)[1:]]]
