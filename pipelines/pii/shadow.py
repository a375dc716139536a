"""A shadow of a text: same length, but digits, letters and separators of every form are ASCII.

Recognisers look at the shadow, so that full-width digits, typographic dashes and no-break spaces need no patterns of
their own, and positions are those of the text. Atoms become newlines, which no recogniser crosses.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.atoms import ATOM

ZERO_WIDTH = "\u200b"  # stands for every character without width


@cache
def _table() -> NDArray[np.uint32]:
    table = np.arange(0x110000, dtype=np.uint32)
    table[[*range(0x2010, 0x2016), 0x2212, 0xFE63, 0x30FC]] = ord("-")
    table[[0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]] = ord(" ")
    table[[0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF]] = ord(ZERO_WIDTH)
    table[[ord(c) for c in "•・‧∙⋅"]] = ord("·")
    table[0xFF01:0xFF5F] -= 0xFEE0  # full-width forms of ASCII
    digits = {code: unicodedata.decimal(chr(code), None) for code in range(0x80, 0x110000)}
    for code, digit in digits.items():
        if digit is not None:
            table[code] = ord("0") + digit
    table.flags.writeable = False
    return table


def shadow(text: str) -> str:
    if "⟦" in text or "<" in text:
        text = ATOM.sub(lambda m: "\n" * len(m.group()), text)
    if text.isascii():
        return text
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return _table()[codes].tobytes().decode("utf-32-le", "surrogatepass")
