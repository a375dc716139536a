"""What class, id and role of an element say about its text. Words that sites share, never rules for one site.

`pipelines.extract.scan` reads them: values of class, id and data-component are cut into words of letters, and a capital
letter behind a small one begins a word, too. It notes one bit for each kind of word; `FLAGS` says what they come to.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipelines.extract import scan
from pipelines.extract.markup import words

# Flags (plain integers: they are read for every element of every page).
BOILERPLATE = 1  # navigation, sharing, advertising, ...
CONTENT = 2  # the body of an article
HIDDEN = 4  # not shown
COMMENTS = 8

_BOILERPLATE_WORDS = words("""
    nav navbar navigation subnav navi topnav menu menus submenu breadcrumb breadcrumbs crumb crumbs bread navbox
    footer foot footers colophon copyright disclaimer legal sidebar sidebars sidenav sidepanel rail
    related relatedposts recommend recommended recommendation recommendations recirc trending popular mostread
    mostpopular suggested
    share shares sharing sharebar sharedaddy social socials sns follow followus addthis addtoany
    jiathis bdsharebuttonbox
    ads ad adv advert adverts advertisement advertising adsense adsbygoogle sponsor sponsored promo promos promotion
    banner banners outbrain taboola dfp guanggao
    popup modal overlay lightbox cookie cookies consent gdpr newsletter subscribe subscription signup login signin
    register search searchbox searchform pagination pager paging pagenav prevnext
    tags taglist tagcloud keywords categories catlinks toolbar tools byline bylines author authorbox bio
    timestamp postmeta meta caption captions gallery slideshow carousel credit credits
    ranking rating ratings noprint printfooter skip skiplink screenreader
    editsection headerlink toc tocbox qrcode erweima ewm daohang fenxiang xiangguan pinglun tuijian
    widgettitle footnote footnotes endnotes masthead topbar toplinks feedback survey donate donation
    """)
_WIDGETS = words("widget widgets")  # boilerplate unless a page builder calls every element so
_BUILDERS = words("elementor")
# An id is often the slug of a heading ("authors", "parport-poll"): only these words of ids count.
_BOILERPLATE_IDS = words("""
    nav navbar navigation subnav topnav menu submenu breadcrumb breadcrumbs footer sidebar sharebar social ad ads advert
    banner popup modal cookie cookies consent gdpr newsletter masthead topbar toc related taboola outbrain
""")
_COMMENT_WORDS = words("comments disqus respond replies")
_HIDDEN_NAMES = words("""
    hidden hide invisible visuallyhidden visually-hidden is-hidden u-hidden d-none sr-only screen-reader-text
    screen-reader-only elementor-hidden-desktop hidden-desktop hide-desktop d-lg-none d-md-none md:hidden lg:hidden
    """)
_OPENED_WORDS = words("accordion collapse collapsible expand expandable faq tab tabs tabpanel")  # by the reader
_DENYING_WORDS = words("has with no not without")
# Hidden on small screens only.
_SIZES = ("sm", "md", "lg", "xl")
_SHOWN_NAMES = [f"d-{size}-{kind}" for size in _SIZES for kind in ("block", "flex")] + [
    f"{size}:{kind}" for size in _SIZES for kind in ("block", "flex", "grid", "inline")
]
# A word of the first list and one of the second, side by side or as one: "article-body", "entryContent", "newstext".
_PAIRS = (
    (words("article"), words("body content text copy main")),
    (words("entry post story news blog page"), words("body content text copy")),
    (words("content"), words("body article text")),
    (words("body"), words("content copy text")),
    (words("comment"), words("area box form list module panel section wrap wrapper")),
)
_SAID_BY_PAIRS = (CONTENT, CONTENT, CONTENT, CONTENT, COMMENTS)
_CONTENT_NAMES = words("article artical zhengwen mw-parser-output")
_BODY_PROPERTIES = words("articlebody text")
_BOILERPLATE_ROLES = words("""
    navigation banner contentinfo complementary search dialog alertdialog menu menubar toolbar doc-footnote doc-endnotes
    tablist
    """)
_ATTRIBUTES = {
    "class": scan.CLASS, "data-component": scan.CLASS, "id": scan.ID, "role": scan.ROLE, "itemprop": scan.PROPERTY,
    "style": scan.STYLE, "hidden": scan.HIDDEN, "aria-hidden": scan.ARIA_HIDDEN, "href": scan.HREF,
}  # fmt: skip
_INVISIBLE = words("display:none visibility:hidden")
# Character references that the scanner must tell from letters.
_ENTITIES = {"nbsp": 0xA0, "ensp": 0x2002, "emsp": 0x2003, "thinsp": 0x2009, "para": 0xB6, "sect": 0xA7}

_WIDGET, _BUILDER, _SHOWN = 16, 32, 64  # noted beside the flags


def _bits(*lists: tuple[Iterable[str], int]) -> dict[str, int]:
    """Words with the bits of all lists that hold them."""
    out: dict[str, int] = {}
    for listed, bits in lists:
        for word in listed:
            out[word] = out.get(word, 0) | bits
    return out


def _pairs() -> list[tuple[Iterable[str], int]]:
    out: list[tuple[Iterable[str], int]] = []
    for k, (firsts, seconds) in enumerate(_PAIRS):
        out += [(firsts, scan.LEAD << k), (seconds, scan.FOLLOW << k)]
        out.append(([first + second for first in firsts for second in seconds], _SAID_BY_PAIRS[k]))
    return out


#: The scanner's lists, names of elements apart.
LISTS = {
    scan.ATTRIBUTES: _ATTRIBUTES,
    scan.ENTITIES: _ENTITIES,
    scan.CLASS: _bits(
        (_BOILERPLATE_WORDS, BOILERPLATE), (_WIDGETS, _WIDGET), (_BUILDERS, _BUILDER),
        (_COMMENT_WORDS, COMMENTS), (_OPENED_WORDS, _SHOWN), (_DENYING_WORDS, scan.DENIES), *_pairs(),
    ),
    scan.ID: _bits((_BOILERPLATE_IDS, BOILERPLATE), (_COMMENT_WORDS, COMMENTS), *_pairs()),
    scan.CLASS_NAMES: _bits((_CONTENT_NAMES, CONTENT), (_HIDDEN_NAMES, HIDDEN), (_SHOWN_NAMES, _SHOWN)),
    scan.ROLE: {**dict.fromkeys(_BOILERPLATE_ROLES, BOILERPLATE), "tabpanel": _SHOWN},
    scan.PROPERTY: dict.fromkeys(_BODY_PROPERTIES, CONTENT),
    scan.STYLE: dict.fromkeys(_INVISIBLE, HIDDEN),
    scan.HIDDEN: {"": HIDDEN},
    scan.ARIA_HIDDEN: {"true": HIDDEN},
}  # fmt: skip


def flags(said: np.ndarray) -> np.ndarray:
    """The flags of elements from what the scanner noted."""
    out = said & (BOILERPLATE | CONTENT | HIDDEN | COMMENTS)
    for k, flag in enumerate(_SAID_BY_PAIRS):
        out |= np.where(said & (scan.FOLLOW << k), flag, 0)
    out &= ~np.where(said & _SHOWN, HIDDEN, 0)
    out |= np.where(said & (_WIDGET | _BUILDER) == _WIDGET, BOILERPLATE, 0)
    return out.astype(np.uint8)
