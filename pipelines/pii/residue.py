"""A second look at scrubbed text, for the gate: what is still there that must not be.

Written apart from the recognisers and simpler: other patterns, the check digits computed another way, no prefilter and
no shadow but full-width digits. It does not see everything that they see; what it does see is a failure of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa

_WIDE = str.maketrans("０１２３４５６７８９＠．－＋", "0123456789@.-+")
_HIDE = re.compile(r"⟦[^⟦⟧\n]{1,220}⟧|<[A-Z0-9_]{2,40}(?:[:#][0-9A-Za-z_-]{1,64})?>")
_RUN = re.compile(r"\d(?:[ -]?\d){10,}[Xx]?", re.ASCII)
_PREFIX = re.compile(r"(?:\+|00)86[ -]?$|(?:^|[^0-9.])$")
_LUHN_DOUBLE = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_MAIL = re.compile(r"@[a-z0-9-]{1,63}\.(?:[a-z0-9-]{1,63}\.){0,5}[a-z]{2,24}", re.IGNORECASE | re.ASCII)
_MAIL_NAME = re.compile(r"[A-Za-z0-9_%+-]")
_QQ = re.compile(r"QQ(?:群|号|群号)?[:： ]{1,2}[1-9]\d{4,10}(?!\d)", re.ASCII)
_ADDRESS = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)", re.ASCII)
_VERSION = re.compile(
    r"(?:version|ver|v|release|build|版本号?|升级|更新|固件|驱动)[至到为]?\W{0,3}$|[a-z_]$", re.IGNORECASE
)
_VERSION_AFTER = re.compile(r" ?(?:版本|固件|version|release)", re.IGNORECASE)
_LOCAL = ((192, 168), (169, 254), (192, 0), (198, 18), (198, 19), (198, 51), (203, 0))  # private or documentation
_USER = re.compile(r"://[^\s/:@<>]{1,64}:[^\s/@<>]{1,64}@")  # RFC 3986: <user>:<password> is a form to fill in
_KEY = re.compile(r"(?<![A-Za-z0-9_-])(?:AKIA[0-9A-Z]{16}|gh[ps]_[A-Za-z0-9]{36}|AIza[\w-]{35})(?![\w-])", re.ASCII)
_KEY_START = ("AKIA", "ghp_", "ghs_", "AIza")

ENTITIES = ("BANK_CARD", "CN_ID_CARD", "CN_MOBILE", "EMAIL", "IP_ADDRESS", "QQ_NUMBER", "SECRET", "URL_CREDENTIALS")


def residue(texts: pa.Array | pa.ChunkedArray) -> dict[str, int]:
    """Number of values left per entity in all texts together; every entity of ENTITIES is named."""
    total = dict.fromkeys(ENTITIES, 0)
    for counts in residue_by_text(texts):
        for entity, number in counts.items():
            total[entity] += number
    return total


def residue_by_text(texts: pa.Array | pa.ChunkedArray) -> Iterator[dict[str, int]]:
    """The same per text, with the entities that it holds. A missing text holds none."""
    for text in texts.to_pylist():
        yield _look(text) if text else {}


def _look(text: str) -> dict[str, int]:
    text = _HIDE.sub("\n", text).translate(_WIDE) if not text.isascii() or "<" in text else text
    counts: dict[str, int] = {}
    for match in _RUN.finditer(text):
        entity = _number(text, match.start(), match.group())
        if entity:
            counts[entity] = counts.get(entity, 0) + 1
    if "@" in text:
        _add(counts, "EMAIL", sum(bool(_MAIL_NAME.match(text[max(0, m.start() - 1)])) and not m.group()[1].isdigit()
                                  for m in _MAIL.finditer(text)))  # fmt: skip
        _add(counts, "URL_CREDENTIALS", sum(1 for _ in _USER.finditer(text)))
    if "QQ" in text:
        _add(counts, "QQ_NUMBER", sum(1 for _ in _QQ.finditer(text)))
    _add(counts, "IP_ADDRESS", sum(_public(text, m) for m in _ADDRESS.finditer(text)))
    if any(start in text for start in _KEY_START):
        _add(counts, "SECRET", sum(1 for _ in _KEY.finditer(text)))
    return counts


def _add(counts: dict[str, int], entity: str, number: int) -> None:
    if number:
        counts[entity] = counts.get(entity, 0) + number


def _number(text: str, start: int, run: str) -> str | None:
    """What a run of digits is, if it is one value and nothing else."""
    digits = run.replace(" ", "").replace("-", "").upper()
    if (
        len(digits) == 18
        and _id_remainder(digits) == 1
        and 1 <= int(digits[10:12]) <= 12
        and 1 <= int(digits[12:14]) <= 31
    ):
        return "CN_ID_CARD" if digits[6:8] in ("19", "20") else None
    digits = digits.rstrip("X")
    if len(digits) == 13 and digits[:2] == "86":
        digits, run = digits[2:], run[2:].lstrip(" -")
    if len(digits) == 11 and digits[0] == "1" and digits[1] > "2" and run.count(" ") + run.count("-") in (0, 2):
        return "CN_MOBILE" if _PREFIX.search(text[max(0, start - 5) : start]) else None
    if (len(digits) in (16, 19) and digits[:2] in ("62", "51", "52", "53", "54", "55")) or (
        len(digits) == 16 and digits[0] == "4"
    ):
        total = sum(_LUHN_DOUBLE[int(d)] if at % 2 else int(d) for at, d in enumerate(reversed(digits)))
        return None if total % 10 else "BANK_CARD"
    return None


def _id_remainder(digits: str) -> int:
    """ISO 7064 MOD 11-2 by recursion: 1 for a valid number. -1 where X is no check character."""
    if "X" in digits[:-1]:
        return -1
    remainder = 0
    for digit in digits[:-1]:
        remainder = (remainder + int(digit)) * 2 % 11
    return (remainder + (10 if digits[-1] == "X" else int(digits[-1]))) % 11


def _public(text: str, match: re.Match[str]) -> bool:
    parts = [int(part) for part in match.group().split(".")]
    if max(parts) > 255 or max(parts) < 32 or parts[0] in (0, 10, 127) or parts[0] >= 224:
        return False
    if (
        tuple(parts[:2]) in _LOCAL
        or (parts[0] == 172 and 16 <= parts[1] < 32)
        or (parts[0] == 100 and 64 <= parts[1] < 128)
    ):
        return False
    return not (
        _VERSION.search(text[max(0, match.start() - 12) : match.start()]) or _VERSION_AFTER.match(text, match.end())
    )
