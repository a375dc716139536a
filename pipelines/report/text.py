"""Foreign text made safe to look at.

Escaping HTML is not enough: directional overrides reorder what a reader sees (Boucher and Anderson, "Trojan Source",
2021), zero-width and tag characters hide words, and control characters and lone surrogates break the file. Each such
character is shown as its code point.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from markupsafe import Markup, escape

from pipelines.atoms import ATOM

_HIDDEN_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")  # letters or marks without a shape


def is_hidden(character: str) -> bool:
    """Whether a character has no shape of its own, moves others about, or cannot stand in a file."""
    if character in "\n\t":
        return False
    if character.isprintable():
        return character in _BLANK_LETTERS
    return unicodedata.category(character) in _HIDDEN_CATEGORIES or ord(character) & 0xFFFE == 0xFFFE


def visible(text: str) -> str:
    """Plain text with every hidden character written out, as in `⟨U+202E⟩`."""
    if text.isprintable() and not _BLANK_LETTERS.intersection(text):
        return text
    return "".join(f"⟨U+{ord(c):04X}⟩" if is_hidden(c) else c for c in text)


def passage(text: str, entities: Collection[str], limit: int = 2_000) -> Markup:
    """HTML of a sample: escaped, hidden characters and placeholders of `entities` and media keys marked.

    At most `limit` characters are shown. A tag-like text that names no entity stays ordinary text.
    """
    text = text[:limit]
    out: list[Markup] = []
    at = 0
    for atom in ATOM.finditer(text):
        kind = "media" if atom[0].startswith("⟦") else "mask"
        if kind == "mask" and re.split("[:#]", atom[0][1:-1])[0] not in entities:
            continue
        marked = Markup('<mark class="{}">{}</mark>').format(kind, _shown(atom[0]))
        out += [_shown(text[at : atom.start()]), marked]
        at = atom.end()
    return Markup("").join([*out, _shown(text[at:])])


def _shown(text: str) -> Markup:
    return Markup("").join(_chip(c) if is_hidden(c) else escape(c) for c in text)


def _chip(character: str) -> Markup:
    name = unicodedata.name(character, "control or unnamed character")
    return Markup('<span class="cp" title="{}">U+{:04X}</span>').format(name, ord(character))
