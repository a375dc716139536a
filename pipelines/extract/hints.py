"""What class, id and role of an element say about its text. Words that sites share, never rules for one site."""

from __future__ import annotations

import re

from pipelines.extract.markup import ATTRIBUTE, words

# Flags (plain integers: they are read for every element of every page).
BOILERPLATE = 1  # navigation, sharing, advertising, ...
CONTENT = 2  # the body of an article
HIDDEN = 4  # not shown
COMMENTS = 8

_TELLING = words("class id role itemprop hidden aria-hidden style data-component")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[a-z]+")
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)

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
    widget widgets widgettitle footnote footnotes endnotes masthead topbar toplinks feedback survey donate donation
    """)
# An id is often the slug of a heading ("authors", "parport-poll"): only these words of ids count.
_BOILERPLATE_IDS = words("""
    nav navbar navigation subnav topnav menu submenu breadcrumb breadcrumbs footer sidebar sharebar social ad ads advert
    banner popup modal cookie cookies consent gdpr newsletter masthead topbar toc related taboola outbrain
""")
_COMMENT_WORDS = words("comments disqus respond commentlist commentform replies")
_TELLING_IDS = _BOILERPLATE_IDS | _COMMENT_WORDS
_HIDDEN_WORDS = words("hidden hide invisible visuallyhidden")
_FOR_SCREEN_READERS = (words("sr only"), words("screen reader text"))
_CONTENT = re.compile(
    r"(?:article[-_]{0,2}(?:body|content|text|copy|main)"
    r"|(?:entry|post|story|news|blog|page)[-_]{0,2}(?:body|content|text|copy)"
    r"|content[-_]{0,2}(?:body|article|text)|body[-_]{0,2}(?:content|copy|text)"
    r"|(?<!\S)(?:article|artical|zhengwen|mw-parser-output)(?!\S))"
)
_BODY_PROPERTIES = frozenset(("articlebody", "text"))
_ROLES = {
    "navigation": BOILERPLATE,
    "banner": BOILERPLATE,
    "contentinfo": BOILERPLATE,
    "complementary": BOILERPLATE,
    "search": BOILERPLATE,
    "dialog": BOILERPLATE,
    "alertdialog": BOILERPLATE,
    "menu": BOILERPLATE,
    "menubar": BOILERPLATE,
    "toolbar": BOILERPLATE,
    "doc-footnote": BOILERPLATE,
    "doc-endnotes": BOILERPLATE,
    "tablist": BOILERPLATE,
}


def hint_of(attributes: str) -> int:
    """The flags in the attributes of one start tag."""
    hint = 0
    said: set[str] = set()
    for name, double, single, bare in ATTRIBUTE.findall(attributes):
        name = name.lower()
        if name not in _TELLING:
            continue
        value = double or single or bare
        if name == "class" or name == "id" or name == "data-component":
            lower = value.lower()
            found = _WORD.findall(lower if lower == value else _CAMEL.sub("-", value).lower())
            said.update(found if name != "id" else _TELLING_IDS.intersection(found))
            if _CONTENT.search(lower):
                hint |= CONTENT
        elif name == "style":
            if _INVISIBLE.search(value):
                hint |= HIDDEN
        elif name == "role":
            hint |= _ROLES.get(value.lower(), 0)
        elif name == "itemprop":
            if value.lower() in _BODY_PROPERTIES:
                hint |= CONTENT
        elif name == "hidden" or value.lower() == "true":  # the latter for aria-hidden
            hint |= HIDDEN
    if not said.isdisjoint(_COMMENT_WORDS):
        hint |= COMMENTS
    boilerplate = said & _BOILERPLATE_WORDS
    if boilerplate and not (boilerplate <= {"widget", "widgets"} and "elementor" in said):
        hint |= BOILERPLATE
    if not said.isdisjoint(_HIDDEN_WORDS) or any(names <= said for names in _FOR_SCREEN_READERS):
        hint |= HIDDEN
    return hint
