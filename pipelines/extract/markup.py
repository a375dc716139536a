"""Tokens of an HTML page by one regular expression, in linear time and with their places in the page.

The expression follows the tokeniser of the HTML Standard where pages depend on it: '>' in quoted attribute values, raw
text elements, bogus comments, tags cut off by the end of the page. Its loops are possessive, so no part of the page is
looked at twice – but no group is that can fail behind its first character: there Python before 3.11.5 forgets to step
back (its issue 106052). Those are greedy, and nothing follows them that could fail.
"""

from __future__ import annotations

import re
from html import unescape

# A quote opens a value only behind '='. The value ends at the same quote; without one, it is an ordinary character.
_ATTRIBUTES = r"""(?:[^>=]++|=[ \t\r\n\f]*+(?:"[^"]*+"|'[^']*+')?)*+"""
RAW = ("script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp")
#: Groups: 1 raw text element, 2 its attributes, 3 its content; 4 "/" of an end tag, 5 name, 6 attributes.
#: Without groups 1 and 5 the token is a comment, a doctype, a processing instruction or a CDATA section.
TOKEN = re.compile(
    r"<(?:(?i:(?=[stinx])(" + "|".join(RAW) + r")(?=[\s/>])(" + _ATTRIBUTES + r")(?:>|\Z)"
    r"([^<]*+(?:<(?!/\1(?=[\s/>]))[^<]*+)*)(?:</\1[^>]*>?)?)"
    r"|(/?)([a-zA-Z][^\s/>]*+)(" + _ATTRIBUTES + r")(?:>|\Z)"
    r"|!--(?:-?>|[^-]*+(?:-(?!-!?>)[^-]*+)*(?:--!?>)?)"
    r"|!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*(?:\]\]>)?"
    r"|[!?/][^>]*+>?+)"
)
#: Groups: 1 name, 2 to 4 the value in double, single or no quotes.
ATTRIBUTE = re.compile(r"""([^\s/>="'][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+)?))?""")


def words(text: str) -> frozenset[str]:
    """The words of a list written as one string."""
    return frozenset(text.split())


def attributes(source: str) -> dict[str, str]:
    """Attributes of a start tag, names in lower case, values with entities decoded; the first of a name counts."""
    out: dict[str, str] = {}
    for found in ATTRIBUTE.finditer(source):
        name = found[1].lower()
        if name not in out:
            out[name] = unescape(found[2] or found[3] or found[4] or "")
    return out
