"""The pages on which a crawler or a pipeline may stumble. Paths and texts do not depend on the library served."""

from __future__ import annotations

import gzip

from infra.demo.articles import Article, load, render
from infra.demo.resources import Resource, redirect

SLOW_SECONDS = 1.5
NESTING = 5_000  # elements within each other on the deep page

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def resident_id(first_17: str) -> str:
    """A Chinese resident identity number with its check character (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, first_17, strict=True))
    return first_17 + _ID_CHECKS[total % 11]


# Invented; a corpus that holds one of these strings was not scrubbed.
PLANTED_PII = {
    "id": resident_id("11010519491231002"),  # the example of the standard's own text
    "mobile": "13800138000",
    "email": "wang.xiaoming@mail.example.net",
    "phone": "+1 202-555-0143",  # of the range kept for fiction
    "email_en": "agnes.thorpe@mail.example.net",
}


def _page(path: str, kind: str, article: Article, day_of_change: int = 1, **more: object) -> Resource:
    body = render(article).encode()
    return Resource(
        path,
        kind,
        body,
        title=article.title,
        language=article.language,
        changed_day=day_of_change,
        **more,  # type: ignore[arg-type]
    )


def specials(day: int, target: str = "/handmade-zh/tea.html") -> list[Resource]:
    """Every special URL of the day, in order of path; redirects lead to the path ``target``."""
    both = [*_charsets(), *_broken(), *_twins(), *_personal(), *_languages(), *_private(), *_redirects(target)]
    return sorted([*both, *_changing(day)], key=lambda resource: resource.path)


def _charsets() -> list[Resource]:
    gbk, lying, big5 = (load(f"special-{name}", "zh") for name in ("gbk", "lying", "big5"))
    return [
        Resource(
            "/special/gbk.html",
            "gbk",
            render(gbk, "gbk").encode("gbk"),
            content_type="text/html",
            title="GBK",
            language="zh",
        ),
        Resource(
            "/special/big5.html",
            "big5",
            render(big5, "big5").encode("big5"),
            content_type="text/html",
            title="Big5",
            language="zh",
        ),
        Resource(
            "/special/lying.html",
            "wrong-charset",
            render(lying, "utf-8").encode("gbk"),
            title="GBK that says it is UTF-8",
            language="zh",
        ),
    ]


def _broken() -> list[Resource]:
    packed = gzip.compress(render(load("special-gzip", "en")).encode(), mtime=0)
    slow = load("special-slow", "en")
    deep = "<div>" * NESTING + "<p>At the bottom.</p>" + "</div>" * NESTING
    binary = bytes(range(256)) * 40
    return [
        Resource(
            "/special/gzip.html", "gzip", packed, content_encoding="gzip", title="Packed with gzip", language="en"
        ),
        Resource(
            "/special/truncated.html",
            "truncated-gzip",
            packed[: len(packed) // 2],
            content_encoding="gzip",
            title="Half of a gzip stream",
        ),
        Resource("/special/empty.html", "empty", b"", title="An empty page"),
        Resource("/special/binary.html", "binary", binary, title="A binary that calls itself HTML"),
        Resource("/special/deep.html", "deep", deep.encode(), title="Deeply nested"),
        Resource("/special/short.html", "short", b"<p>ok</p>", title="Two letters"),
        Resource("/special/links.html", "short", b"<a href='/'>1</a> <a href='/'>2</a> ... &raquo;", title="Junk"),
        Resource("/special/missing.html", "missing", _message(404), 404, title="Never existed"),
        Resource("/special/removed.html", "gone", _message(410), 410, title="Removed for good"),
        Resource("/special/error.html", "error", _message(500), 500, title="Always fails"),
        _page("/special/slow.html", "slow", slow, delay_seconds=SLOW_SECONDS),
    ]


def _message(status: int) -> bytes:
    return f"<!DOCTYPE html><title>{status}</title><h1>{status}</h1>\n".encode()


def _twins() -> list[Resource]:
    zh, en = load("special-near-zh", "zh"), load("special-near-en", "en")
    return [
        _page("/special/run.html", "page", zh),
        _page("/special/run-copy.html", "duplicate", zh),
        _page("/special/run-edited.html", "near-duplicate", zh.with_text("早上六点之前人最少", "清晨六点以前人最少")),
        _page("/special/bees.html", "page", en),
        _page("/special/bees-copy.html", "duplicate", en),
        _page(
            "/special/bees-edited.html",
            "near-duplicate",
            en.with_text("Two hives are enough to begin with.", "Begin with no more than two hives."),
        ),
    ]


def _personal() -> list[Resource]:
    zh, en = load("special-pii-zh", "zh"), load("special-pii-en", "en")
    for name in ("id", "mobile", "email"):
        zh = zh.with_text("{" + name + "}", PLANTED_PII[name])
    en = en.with_text("{email}", PLANTED_PII["email_en"]).with_text("{phone}", PLANTED_PII["phone"])
    return [_page("/special/lost-and-found.html", "pii", zh), _page("/special/minutes.html", "pii", en)]


def _languages() -> list[Resource]:
    return [
        _page("/special/marche.html", "french", load("special-fr", "fr")),
        _page("/special/hanaya.html", "japanese", load("special-ja", "ja")),
    ]


def _private() -> list[Resource]:
    """Pages of the folder that robots.txt forbids; they are linked all the same."""
    article = load("special-private", "en")
    return [_page(f"/private/note-{number}.html", "disallowed", article) for number in (1, 2, 3)]


def _redirects(target: str) -> list[Resource]:
    return [
        redirect("/special/moved", "redirect", 301, target, "Moved for good"),
        redirect("/special/moved-today", "redirect", 302, target, "Moved for now"),
        redirect("/special/hop-1", "redirect-chain", 301, "/special/hop-2", "Moved twice"),
        redirect("/special/hop-2", "redirect-chain", 302, "/special/run.html"),
        redirect("/special/loop-1", "redirect-loop", 302, "/special/loop-2", "Never arrives"),
        redirect("/special/loop-2", "redirect-loop", 302, "/special/loop-1"),
        redirect(
            "/special/into-private", "redirect-to-disallowed", 302, "/private/note-1.html", "Into the private folder"
        ),
    ]


def _changing(day: int) -> list[Resource]:
    """What is one thing on the first day and another on the second."""
    article = load("special-slow", "en").with_text("The island has one ferry", "The peninsula has one ferry")
    closing = _page("/closing/orchard.html", "closing", load("special-closing", "en"))
    if day == 1:
        recovering = Resource(
            "/special/recovering.html", "recovering", _message(503), 503, title="Back soon", retry_after=1
        )
        return [closing, recovering, _page("/special/leaving.html", "leaving", article)]
    return [
        closing,
        _page("/special/recovering.html", "recovering", load("special-gzip", "en"), day_of_change=2),
        Resource("/special/leaving.html", "leaving", _message(410), 410, title="Gone since yesterday"),
    ]
