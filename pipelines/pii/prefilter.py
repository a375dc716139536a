"""One compiled pass over a batch that says which texts can hold which kind of personal data.

It errs on the side of looking: whatever a recogniser finds, a flag announces (a property of the tests). Most texts of
a corpus have no flag and are never turned into Python strings.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipelines.characters import Kind, decode, kinds
from pipelines.texts import Texts


class Flag(IntEnum):
    NUMBER = 1  # 7 digits or more, close together
    DOTTED = 2  # digits with 3 dots between them
    COLONS = 4  # hexadecimal digits with 3 colons or more
    AT = 8
    QQ = 16
    WECHAT = 32
    PASSPORT = 64
    SECRET = 128  # the beginning of a known form of key
    ASSIGNMENT = 256  # a word such as `password`
    PLATE = 512  # a province's character before a letter


PROVINCES = (
    "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"  # on number plates; 使 on those of embassies
)

#: What a text must hold for a flag to be set: in any case, but for keys. Two bytes at least.
_LITERALS: dict[Flag, str] = {
    Flag.QQ: "qq ｑｑ ＱＱ 扣扣 企鹅",
    Flag.WECHAT: "微信 薇信 v信 ｖ信 Ｖ信 wechat weixin vx wx ｗｅｃｈａｔ ＷｅＣｈａｔ ＷＥＣＨＡＴ"
    " ｗｅｉｘｉｎ Ｗｅｉｘｉｎ ＷＥＩＸＩＮ ｖｘ ＶＸ ｗｘ ＷＸ",
    Flag.PASSPORT: "护照 passport",
    Flag.SECRET: "AKIA ASIA ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xoxb- xoxa- xoxp- xoxr- xoxs- xoxo- AIza sk- "
    "sk_live_ rk_live_ LTAI AKID eyJ npm_ pypi- hf_ -----BEGIN",
    Flag.ASSIGNMENT: "key secret token passwd password pwd 密码",
}
_GAP = 3  # characters between two digits of one number, at most


def flags(texts: Texts) -> NDArray[np.int64]:
    """Per text the sum of its flags."""
    out = np.zeros(len(texts), np.int64)
    _flags(texts.data, texts.offsets, kinds(), _provinces(), *_literals(), out)
    return out


@cache
def _provinces() -> NDArray[np.bool_]:
    table = np.zeros(0x110000, np.bool_)
    table[[ord(c) for c in PROVINCES]] = True
    return table


@cache
def _literals() -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Chains of literals by their first two bytes: heads[65536], bytes, (start, end, flag, next) and folded bytes.

    Case counts for the forms of keys only.
    """
    fold = np.array([b | 0x20 if 0x41 <= b <= 0x5A else b for b in range(256)], np.int64)
    heads = np.full(65536, -1, np.int64)
    rows: list[tuple[int, int, int, int]] = []
    data = b""
    for flag, words in _LITERALS.items():
        for word in words.split():
            encoded = word.encode()
            first = int(fold[encoded[0]] << 8 | fold[encoded[1]])
            rows.append((len(data), len(data) + len(encoded), int(flag), int(heads[first])))
            heads[first] = len(rows) - 1
            data += encoded
    return heads, np.frombuffer(data, np.uint8), np.array(rows, np.int64), fold


@njit(cache=True)
def _flags(data, offsets, kind_of, provinces, heads, literals, rows, fold, out):  # type: ignore[no-untyped-def]
    for row in range(len(offsets) - 1):
        i, end = offsets[row], offsets[row + 1]
        found = 0
        digits = dots = gap = 0  # of the current number
        colons = hexes = 0  # of the current run of hexadecimal digits and colons
        province = False  # the character before is one of PROVINCES
        while i < end:
            b = data[i]
            if i + 1 < end:
                at = heads[fold[b] << 8 | fold[data[i + 1]]]
                while at >= 0:
                    start, stop = rows[at, 0], rows[at, 1]
                    if i + stop - start <= end:
                        k = 0
                        exact = rows[at, 2] == Flag.SECRET
                        while start + k < stop and literals[start + k] == (data[i + k] if exact else fold[data[i + k]]):
                            k += 1
                        if start + k == stop:
                            found |= rows[at, 2]
                    at = rows[at, 3]
            if b < 0x80:
                c, size = np.int64(b), 1
                digit = 0x30 <= c <= 0x39
                separator = c == 0x20 or (0x28 <= c <= 0x2F and c != 0x2A and c != 0x2C)
            else:
                c, size = decode(data, i)
                if 0xFF01 <= c <= 0xFF5E:
                    c -= 0xFEE0  # full-width
                    digit = 0x30 <= c <= 0x39
                    separator = not digit
                else:
                    kind = kind_of[c]
                    digit = kind == Kind.DIGIT
                    separator = (not digit and kind > Kind.DIGIT) or kind == Kind.OTHER or c == 0x30FC
            if digit:
                digits += 1
                gap = 0
                if digits >= 7:
                    found |= Flag.NUMBER
            elif digits:
                gap += 1
                if not separator or gap > _GAP:
                    digits = dots = gap = 0
                elif c == 0x2E:
                    dots += 1
            if dots >= 3 and digits >= 4:
                found |= Flag.DOTTED
            if c == 0x3A:
                colons += 1
                if colons >= 3 and hexes >= 4:
                    found |= Flag.COLONS
            elif digit or 0x41 <= (c & ~0x20) <= 0x46:
                hexes += 1
                if colons >= 3 and hexes >= 4:
                    found |= Flag.COLONS
            else:
                colons = hexes = 0
            if c == 0x40:
                found |= Flag.AT
            if province and 0x41 <= c <= 0x5A:
                found |= Flag.PLATE
            province = provinces[c]
            i += size
        out[row] = found
