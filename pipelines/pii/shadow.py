"""A shadow of a text: same length, but digits, letters and separators of every form are ASCII.

Recognisers look at the shadow, so that full-width digits, typographic dashes and no-break spaces need no patterns of
their own, and positions are those of the text. Atoms become newlines, which no recogniser crosses.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

from pipelines.atoms import ATOM

ZERO_WIDTH = "\u200b"  # stands for every character without width


@cache
def _table() -> dict[int, int]:
    table = {code: ord("-") for code in (*range(0x2010, 0x2016), 0x2212, 0xFE63, 0x30FC)}
    table |= {code: ord(" ") for code in (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)}
    table |= {code: ord(ZERO_WIDTH) for code in (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF)}
    table |= {ord(c): ord("·") for c in "•・‧∙⋅"}
    table |= {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0) not in "!,;?"}  # full-width
    for code in range(0x80, sys.maxunicode + 1):
        digit = unicodedata.decimal(chr(code), None)
        if digit is not None:
            table[code] = ord("0") + digit
    return table


@cache
def _translated() -> re.Pattern[str]:
    return re.compile("[" + "".join(re.escape(chr(code)) for code in sorted(_table())) + "]")


def shadow(text: str) -> str:
    if "⟦" in text or "<" in text:
        text = ATOM.sub(lambda m: "\n" * len(m.group()), text)
    if not text.isascii() and _translated().search(text):
        text = text.translate(_table())
    return text
