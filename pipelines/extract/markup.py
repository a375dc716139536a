"""Attributes of a tag, and lists of words."""

from __future__ import annotations

import re
from html import unescape

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
