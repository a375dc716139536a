"""Dates in ISO 8601, as machines and people write them in Chinese and English.

A date is never guessed: where day and month could change places (05/06/2019), where the year has two digits or where
the calendar has no such day, there is none. A time of day is kept only with its offset from UTC; without one it is a
local time of an unknown place, and the day alone is returned.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple

OLDEST_PAGE = 1990  # year of the first web pages: a date in a URL or beside a title is no older
_OLDEST, _NEWEST = 1500, 2099
_UNSET = frozenset((date(1970, 1, 1), date(1900, 1, 1)))  # what programs write for "none", with 0:00

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_NUMERALS = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0}
_ZH_DIGIT = "[〇零○一二三四五六七八九]"
_TIME = (
    r"(?:[T\s,@|·-]{0,4}(?:at\s)?(?P<hour>[0-2]?\d):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?:[.,]\d{1,9})?"
    r"\s{0,2}(?:(?P<zone>Z\b|GMT|UTC)?\s?(?P<sign>[+-])(?P<zone_h>[01]\d):?(?P<zone_m>[0-5]\d)(?!\d)|(?P<utc>Z\b|GMT|UTC))?"
    r")?"
)
_YEAR = r"(?<!\d)(?P<year>[12]\d{3})"
_FORMS = (
    re.compile(_YEAR + r"\s?(?P<sep>[-/.])\s?(?P<month>\d{1,2})\s?(?P=sep)\s?(?P<day>\d{1,2})(?![\d%])" + _TIME, re.I),
    re.compile(
        _YEAR + r"\s?年\s?(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?(?:[日号號]|(?!\d))"
        r"(?:\s?[（(]?(?:星期|周|週|礼拜)[一二三四五六日天][）)]?)?" + _TIME,
        re.I,
    ),
    re.compile(
        r"(?<![a-z])(?P<name>"
        + _MONTH
        + r")\.?\s?(?P<day>\d{1,2})(?:st|nd|rd|th)?\s?,?\s(?P<year>[12]\d{3})(?!\d)"
        + _TIME,
        re.I,
    ),
    re.compile(
        r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s-](?:of\s)?(?P<name>"
        + _MONTH
        + r")\.?,?[\s-](?P<year>[12]\d{3})(?!\d)"
        + _TIME,
        re.I,
    ),
    re.compile(r"(?<![\d/.-])(?P<first>\d{1,2})(?P<sep>[-/.])(?P<other>\d{1,2})(?P=sep)(?P<year>[12]\d{3})(?![\d/.-])"),
)
_COMPACT = re.compile(r"(?P<year>[12]\d{3})(?P<month>[01]\d)(?P<day>[0-3]\d)(?:T?(?:[0-2]\d[0-5]\d(?:[0-5]\d)?)Z?)?")
_IN_NUMERALS = re.compile(
    rf"(?P<year>(?:{_ZH_DIGIT}){{4}})年(?P<month>十[一二]?|[一二三四五六七八九])月(?P<day>[一二三]?十[一二三四五六七八九]?|[一二三四五六七八九])[日号號]"
)
_REPUBLIC = re.compile(r"民[国國]\s?(?P<year>\d{2,3})\s?年\s?(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?日")
_URL_DAY = re.compile(
    r"[/_=-][a-z]?(?P<year>(?:19|20)\d\d)(?:(?P<sep>[/_-])(?P<month>[01]?\d)(?P=sep)(?P<day>[0-3]?\d)|"
    r"/?(?P<month2>[01]\d)/?(?P<day2>[0-3]\d))(?![\d])"
)


class Found(NamedTuple):
    """A date with its place in the text that was searched. `timed`: a time of day stands beside it."""

    iso: str
    start: int
    end: int
    timed: bool


def in_text(text: str, oldest: int = _OLDEST) -> list[Found]:
    """The unambiguous dates of a short text, in order. Places are those of the NFKC form of `text`."""
    text = unicodedata.normalize("NFKC", text)
    found: list[Found] = []
    if "年" in text:
        found += _in_chinese_numerals(text)
    for form in _FORMS:
        for match in form.finditer(text):
            iso = _iso(match.groupdict())
            if iso and int(iso[:4]) >= oldest:
                found.append(Found(iso, match.start(), match.end(), ":" in match[0]))
    return sorted(found, key=lambda f: f.start)


def stated(value: str) -> str | None:
    """The date in a value that is meant for machines (an attribute, JSON-LD); None where it has none or is unset."""
    value = value.strip()[:100]
    compact = _COMPACT.fullmatch(value)
    if compact:
        return _usable(_iso(compact.groupdict()))
    found = in_text(value)
    return _usable(found[0].iso) if found else None


def of_url(url: str) -> str | None:
    """The day in the path of a URL (/2024/05/01/, /2024-05-01, /202405/01, /t20240501_), else None."""
    path = url[:2_000].partition("://")[2].partition("?")[0].partition("#")[0]
    for match in _URL_DAY.finditer(path):
        month, day = match["month"] or match["month2"], match["day"] or match["day2"]
        found = _day(int(match["year"]), int(month), int(day))
        if found and found.year >= OLDEST_PAGE:
            return found.isoformat()
    return None


def _iso(parts: dict[str, str | None]) -> str | None:
    """ISO 8601 of matched parts; None where the calendar has no such day or the order is open."""
    year = int(parts["year"] or 0)
    if parts.get("first"):
        order = _order(int(parts["first"] or 0), int(parts["other"] or 0))
        if order is None:
            return None
        month, day = order
    else:
        name = parts.get("name")
        month = _MONTHS[name.lower()] if name else int(parts["month"] or 0)
        day = int(parts["day"] or 0)
    found = _day(year, month, day)
    if found is None:
        return None
    zone = _zone(parts)
    if zone is None or not parts.get("hour") or int(parts["hour"] or 0) > 23:
        return found.isoformat()
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    clock = time(hour, minute, second, tzinfo=zone)
    return datetime.combine(found, clock).isoformat()


def _order(first: int, other: int) -> tuple[int, int] | None:
    """(month, day) of two numbers, if only one order makes a date, or both the same one."""
    if first == other or (first > 12 >= other):
        return other, first
    if other > 12 >= first:
        return first, other
    return None


def _zone(parts: dict[str, str | None]) -> tzinfo | None:
    if parts.get("sign"):
        away = timedelta(hours=int(parts["zone_h"] or 0), minutes=int(parts["zone_m"] or 0))
        return timezone(away if parts["sign"] == "+" else -away)
    return UTC if parts.get("utc") else None


def _day(year: int, month: int, day: int) -> date | None:
    if not _OLDEST <= year <= _NEWEST:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _usable(iso: str | None) -> str | None:
    """Dates that programs write where they know none are none."""
    if iso is None or (date.fromisoformat(iso[:10]) in _UNSET and iso[11:19] in ("", "00:00:00")):
        return None
    return iso


def _in_chinese_numerals(text: str) -> list[Found]:
    """二〇二四年五月一日, and years of the Republic of China (民國113年5月1日)."""
    found = []
    for match in _IN_NUMERALS.finditer(text):
        year = int("".join(str(_NUMERALS[c]) for c in match["year"]))
        day = _day(year, _small(match["month"]), _small(match["day"]))
        if day:
            found.append(Found(day.isoformat(), match.start(), match.end(), False))
    for match in _REPUBLIC.finditer(text):
        day = _day(int(match["year"]) + 1911, int(match["month"]), int(match["day"]))
        if day:
            found.append(Found(day.isoformat(), match.start(), match.end(), False))
    return found


def _small(numeral: str) -> int:
    """A numeral from 一 (1) to 三十九 (39)."""
    tens, ten, units = numeral.rpartition("十")
    return (_NUMERALS.get(tens, 1) * 10 if ten else 0) + _NUMERALS.get(units, 0)
