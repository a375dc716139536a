"""Recognisers of structured personal data: a pattern over the shadow of a text, and a check of what it matched.

Patterns are linear: every quantifier is bounded or consumes a class that nothing behind it shares. `\\b` appears
nowhere, since a Chinese character beside a number is no letter of it; look-around is spelt out for ASCII instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from pipelines.pii import checks
from pipelines.pii.prefilter import PROVINCES, Flag

Look = Literal["text", "numbers", "at", "anchors"]


@dataclass(frozen=True)
class Recogniser:
    entity: str
    needs: Flag  # without this flag a text cannot hold any
    look: Look  # where the pattern is tried: anywhere, in long numbers, at the name before each @, at each anchor
    pattern: re.Pattern[str]
    check: Callable[[re.Match[str]], bool]
    source: str
    group: int = 0  # of the match: what is personal
    digits: int = 7  # a long number with fewer cannot match
    anchors: tuple[str, ...] = ()  # one of them begins every match


_GAP = r"[ ·\-\u200b]{0,2}"  # between two digits of one number
_SEPARATOR = r"[ ·\-\u200b]{1,3}"
_ALONE = r"(?<![0-9])(?<![0-9]\.)"
_ENDS = r"(?![0-9])(?!\.[0-9])"
_LETTERS = re.compile("[A-Za-z]")
_ALPHANUMERIC = re.compile("[A-Za-z0-9]")


def compact(text: str) -> str:
    """Digits and ASCII letters of a piece of a shadow."""
    return re.sub("[^0-9A-Za-z]", "", text)


def before(match: re.Match[str], length: int) -> str:
    """Up to `length` characters in front of the match, lower case."""
    return match.string[max(0, match.start() - length) : match.start()].lower()


def behind(match: re.Match[str], length: int) -> str:
    return match.string[match.end() : match.end() + length].lower()


def _always(_: re.Match[str]) -> bool:
    return True


def _resident_id(match: re.Match[str]) -> bool:
    return checks.is_resident_id(compact(match.group()))


_ID_WORDS = re.compile("身份证|证件号|公民身份|identity card|id card")


def _old_resident_id(match: re.Match[str]) -> bool:
    return bool(_ID_WORDS.search(before(match, 20))) and checks.is_old_resident_id(match.group())


_USUAL_GROUPS = re.compile(r".*1[3-9][0-9][^0-9]*[0-9]{4}[^0-9]*[0-9]{4}$", re.DOTALL)


def _mobile(match: re.Match[str]) -> bool:
    """A number glued into a word of letters on both sides is part of a key or hash; unusual groups in a row of other
    numbers are a table."""
    front, after = before(match, 2), behind(match, 2)
    if _LETTERS.match(front[-1:]) and _LETTERS.match(after):
        return False
    if _USUAL_GROUPS.match(match.group()):
        return True
    return not ((front[-1:] == " " and front[:1].isdigit()) or (after[:1] == " " and after[1:].isdigit()))


_CARD_WORDS = re.compile(r"card|卡号|银行卡|信用卡|账号|帐号|visa|maestro|credit|debit")


def _card(match: re.Match[str]) -> bool:
    """Fewer than 15 digits pass the Luhn check too often by chance: they need a word for a card in front."""
    number = compact(match.group())
    if not checks.issued(number) or not checks.luhn(number) or len(set(number)) < 2:
        return False
    return len(number) >= 15 or bool(_CARD_WORDS.search(before(match, 24)))


def _iban(match: re.Match[str]) -> bool:
    return not _ALPHANUMERIC.match(before(match, 1)) and checks.is_iban(compact(match.group()))


_VERSION_BEFORE = re.compile(
    r"(?:version|ver\.?|release|build|firmware|driver|update|chrome|firefox|版本号?|固件|驱动|升级[至到]?|更新[至到]?"
    r"|section|chapter"
    r"|章节|第)[ :：v]{0,3}$|[a-z_][\-_/]?$|[§#]$"
)
_VERSION_BEHIND = re.compile(r"^[ ]?(?:版本|固件|version|release|节|章)|^[\-_][a-z0-9]|^\.[a-z]")
_DIGITS_AND_DOT = tuple("0123456789.")
_ADDRESS_WORDS = re.compile(
    r"(?:ip|ipv4|地址|address|host|server|服务器|网关|gateway|dns|ping)[^a-z0-9]{0,4}(?:is |was |为|是)?$"
)
_SMALL = 32  # four numbers that are all smaller are rather a version or a section


def _ipv4(match: re.Match[str]) -> bool:
    text, front = match.group(), before(match, 24)
    if front[-1:] in _DIGITS_AND_DOT or checks.ip_address(text) is None:
        return False
    if _ADDRESS_WORDS.search(front):
        return True
    if _VERSION_BEFORE.search(front) or _VERSION_BEHIND.search(behind(match, 10)):
        return False
    return any(int(part) >= _SMALL for part in text.split("."))


def _ipv6(match: re.Match[str]) -> bool:
    """Three groups at least, one of them with a digit: `a::b` is C++."""
    text = match.group()
    if re.match("[0-9A-Za-z:]", before(match, 1)):
        return False
    groups = [group for group in text.split(":") if group]
    if len(groups) < 3 or sum(map(len, groups)) < 4 or not any(c.isdigit() for c in text):
        return False
    return checks.ip_address(text) is not None


_PHONE_WORDS = re.compile(
    r"(?:(?<![a-z])(?:(?:tele|cell)?phone|tel|mobile|fax|whatsapp|answering|(?:call|dial|reach) (?:me|us|him|her|them))"
    r"(?![a-z])|电话|手机|传真|联系方式|热线|座机|致电|拨打)"
    r"[^0-9\n。！？；;]{0,16}$"
)
_NO_PHONE = re.compile(  # dates, four dotted numbers, decimals
    r"(?:19|20)[0-9]{2}[ .\-]?[0-9]{1,2}[ .\-]?[0-9]{1,2}(?![0-9])|[0-9]{1,2}[.\-][0-9]{1,2}[.\-](?:19|20)[0-9]{2}"
    r"|(?:[0-9]{1,3}\.){3}[0-9]{1,3}$|[0-9]+\.[0-9]+$"
)


_DECIMAL = re.compile(r"[+][ ]?[0-9]{1,3}\.[0-9]+$")


def _international(match: re.Match[str]) -> bool:
    """8 to 15 digits (ITU-T E.164), and not a decimal with a sign."""
    return 8 <= len(compact(match.group())) <= 15 and not _DECIMAL.match(match.group())


def _national(match: re.Match[str]) -> bool:
    return 9 <= len(compact(match.group())) <= 11


def _phone_in_context(match: re.Match[str]) -> bool:
    """Any grouping, if a word for a telephone stands in front and the number is no date."""
    digits = len(compact(match.group()))
    return 7 <= digits <= 15 and bool(_PHONE_WORDS.search(before(match, 32))) and not _NO_PHONE.match(match.group())


_FREE_DOMAIN = re.compile(r"@[0-9]+\.[A-Za-z]+$")


def _email(match: re.Match[str]) -> bool:
    """A first label of digits alone is a version (`pkg@1.2.beta`), unless the domain is that of a mail provider."""
    domain = match.group(1)
    return not domain.split(".")[0].isdigit() or bool(_FREE_DOMAIN.match("@" + domain))


def _no_letter_before(match: re.Match[str]) -> bool:
    return not _LETTERS.match(before(match, 1))


_CHINESE = re.compile("[\u4e00-\u9fff]")


def _wechat(match: re.Match[str]) -> bool:
    """Without a sign such as `号:` an ordinary word may follow: then only an id that no word looks like.

    `wx` and `vx` are names in programs, too: they count only with a sign or space, beside Chinese text.
    """
    if not _no_letter_before(match):
        return False
    if len(match.group("word")) == 2 and match.group("word").isascii():
        around = before(match, 12) + behind(match, 12)
        if match.start("id") == match.end("word") or not _CHINESE.search(around):
            return False
    return bool(match.group("sign").strip()) or any(c.isdigit() or c == "_" for c in match.group("id"))


def _plate(match: re.Match[str]) -> bool:
    return sum(c.isdigit() for c in match.group()) >= 3


_KEY_WORDS = re.compile(
    r"(?:(?:api|access|secret|private|auth)[_\- ]?key|secret|token|passwd|password|pwd|密码)[\"']?[ \t]{0,2}$"
)


def _assigned(match: re.Match[str]) -> bool:
    """Behind a word such as `password`, with letters and digits: prose has not both."""
    value = match.group(1)
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return mixed and bool(_KEY_WORDS.search(before(match, 20)))


_KEYS = r"""
    A(?:KI|SI)A[0-9A-Z]{16}                                         # AWS
  | gh[pousr]_[A-Za-z0-9]{36,255} | github_pat_[A-Za-z0-9_]{22,255} # GitHub
  | glpat-[A-Za-z0-9_\-]{20,255}                                    # GitLab
  | xox[abposr]-[A-Za-z0-9\-]{10,255}                               # Slack
  | AIza[0-9A-Za-z_\-]{35}                                          # Google
  | sk-(?=[A-Za-z_\-]{0,40}[0-9])[A-Za-z0-9_\-]{20,255}             # OpenAI, Anthropic, DeepSeek
  | [sr]k_live_[0-9A-Za-z]{16,255}                                  # Stripe
  | LTAI[A-Za-z0-9]{12,30} | AKID[A-Za-z0-9]{32}                    # Alibaba Cloud, Tencent Cloud
  | npm_[A-Za-z0-9]{36} | hf_[A-Za-z0-9]{30,60} | pypi-AgE[A-Za-z0-9_\-]{50,255}
  | eyJ[A-Za-z0-9_\-]{10,4000}\.eyJ[A-Za-z0-9_\-]{10,4000}\.[A-Za-z0-9_\-]{10,4000}  # JSON Web Token
"""
_PEM = (
    r"-----BEGIN[ ][A-Z ]{0,30}PRIVATE[ ]KEY-----(?:[^\-]|-(?!-)){0,8000}"
    r"-----END[ ][A-Z ]{0,30}PRIVATE[ ]KEY-----"
)
_KEY_ANCHORS = (
    "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxa-", "xoxb-", "xoxo-", "xoxp-",
    "xoxr-", "xoxs-", "AIza", "sk-", "sk_live_", "rk_live_", "LTAI", "AKID", "npm_", "hf_", "pypi-", "eyJ",
    "-----BEGIN",
)  # fmt: skip
_MOBILE = (
    rf"(?:1[3-9][0-9]{{9}}|1[3-9][0-9]{_SEPARATOR}[0-9]{{4}}{_SEPARATOR}[0-9]{{4}}"
    rf"|1[3-9][0-9]{{2}}{_SEPARATOR}[0-9]{{3}}{_SEPARATOR}[0-9]{{4}}"
    rf"|1[3-9][0-9]{_SEPARATOR}[0-9]{{3}}{_SEPARATOR}[0-9]{{5}}"
    rf"|1[3-9][0-9]{_SEPARATOR}[0-9]{{8}}|1[3-9][0-9]{{5}}{_SEPARATOR}[0-9]{{4}}"
    rf"|1[3-9][0-9]\.[0-9]{{4}}\.[0-9]{{4}}|1[ ·\-\u200b][3-9](?:[ ·\-\u200b][0-9]){{9}})"
)
_CARD = (
    rf"(?:[1-6][0-9]{{11,18}}|[2-6][0-9]{{3}}(?:{_SEPARATOR}[0-9]{{4}}){{3}}(?:{_SEPARATOR}[0-9]{{1,3}})?"
    rf"|6[0-9]{{5}}{_SEPARATOR}[0-9]{{13}}|3[0-9]{{3}}{_SEPARATOR}[0-9]{{6}}{_SEPARATOR}[0-9]{{4,5}})"
)
_PHONE = (
    r"(?<![0-9])(?:\(?0(?:10|2[0-9]|[3-9][0-9]{2})(?:\)[ \-]?|[ \-]{1,2})[2-9][0-9]{6,7}"  # China
    r"|[48]00-[0-9]{3,4}-[0-9]{3,4}"  # China, toll-free
    r"|(?:1[\-. ])?(?:\([2-9][0-9]{2}\)[ ]?|[2-9][0-9]{2}[\-.])[2-9][0-9]{2}[\-.][0-9]{4})"  # NANP
    r"(?![0-9\-])(?!\.[0-9])"
)
_HEX = "[0-9A-Fa-f]"


def _make(entity: str, needs: Flag, look: Look, pattern: str, check: Callable[[re.Match[str]], bool], source: str,
          group: int = 0, *, digits: int = 7, anchors: Iterable[str] = (), flags: int = 0) -> Recogniser:  # fmt: skip
    return Recogniser(entity, needs, look, re.compile(pattern, flags), check, source, group, digits, tuple(anchors))


#: In the order of priority: where two overlap, the earlier entity wins, then the longer match.
RECOGNISERS: tuple[Recogniser, ...] = (
    _make("SECRET", Flag.SECRET, "anchors", rf"(?<![A-Za-z0-9_\-])(?:{_KEYS})(?![A-Za-z0-9_])|{_PEM}", _always,
          "published forms of the issuers", anchors=_KEY_ANCHORS, flags=re.VERBOSE),
    _make("SECRET", Flag.ASSIGNMENT, "text",
          r"[:=][ \t]{0,2}[\"']?([A-Za-z0-9+/_\-]{16,128})(?![A-Za-z0-9+/_\-])", _assigned, "own", 1),
    _make("URL_CREDENTIALS", Flag.AT, "anchors", r"://([^\s/@:<>⟦⟧?#]{1,64}:[^\s/@<>⟦⟧?#]{1,128})@", _always,
          "RFC 3986, 3.2.1", 1, anchors=("://",)),
    _make("EMAIL", Flag.AT, "at",
          r"[A-Za-z0-9._%+\-]{1,64}@((?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![A-Za-z])", _email,
          "RFC 5321, 4.1.2, the forms in use"),
    _make("CN_ID_CARD", Flag.NUMBER, "numbers", rf"{_ALONE}[1-9](?:{_GAP}[0-9]){{16}}{_GAP}(?:[Xx]|[0-9](?![0-9]))",
          _resident_id, "GB 11643-1999", digits=17),
    _make("CN_ID_CARD", Flag.NUMBER, "numbers", rf"{_ALONE}[1-9][0-9]{{14}}(?![0-9Xx])", _old_resident_id,
          "GB 11643-1989", digits=15),
    _make("IBAN", Flag.NUMBER, "text",
          r"[A-Z]{2}[0-9]{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])", _iban, "ISO 13616"),
    _make("BANK_CARD", Flag.NUMBER, "numbers", rf"{_ALONE}{_CARD}{_ENDS}", _card, "ISO/IEC 7812-1", digits=12),
    _make("CN_MOBILE", Flag.NUMBER, "numbers", rf"{_ALONE}(?:\(?(?:\+|00)?86\)?{_GAP})?{_MOBILE}{_ENDS}", _mobile,
          "Telecommunications network code numbering plan (2017), 4.2", digits=11),
    _make("CN_PASSPORT", Flag.PASSPORT, "text",
          r"(?:护照|passport)[^0-9\n]{0,16}?(?<![A-Za-z0-9])([DEGHKPS][A-Z]?[0-9]{7,8})(?![0-9A-Z])", _always,
          "the booklets' numbering since 2012", 1, flags=re.IGNORECASE),
    _make("QQ_NUMBER", Flag.QQ, "text",
          r"(?:[Qq]{2}|扣扣|企鹅)[ ]?(?:群号|群|号码|号|[帐账]号)?[ \t]{0,3}[:是为加\-]{0,2}[ \t]{0,3}"
          r"([1-9][0-9]{4,10})(?![0-9])(?!\.[0-9])", _no_letter_before, "own", 1),
    _make("WECHAT_ID", Flag.WECHAT, "text",
          r"(?P<word>微信|薇信|[Vv]信|[Ww]e[Cc]hat|WECHAT|[Ww]ei[Xx]in|WEIXIN|[VvWw][Xx])"
          r"(?P<sign>(?:号码|号|[帐账]号|同号|[ ]?(?:ID|id|Id)(?![A-Za-z]))?[ \t]{0,3}(?:[:]|(?<=号)[是为])?)[ \t]{0,3}"
          r"(?P<id>[A-Za-z][A-Za-z0-9_\-]{5,19})(?![A-Za-z0-9_\-])", _wechat, "own", 3),
    _make("CN_PLATE", Flag.PLATE, "text",
          rf"[{PROVINCES}][A-HJ-NP-Z][·.\- ]?(?:[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳领]"
          rf"|[A-HJ-NP-Z][A-HJ-NP-Z0-9][0-9]{{4}}|[0-9]{{5}}[A-HJ-NP-Z])(?![A-Za-z0-9])", _plate, "GA 36-2018"),
    _make("US_SSN", Flag.NUMBER, "numbers",
          r"(?<![0-9\-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9\-])", _always, "20 CFR 422.103"),
    _make("IP_ADDRESS", Flag.DOTTED, "text", r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9])(?!\.[0-9])", _ipv4,
          "RFC 791; versions and section numbers left out"),
    _make("IP_ADDRESS", Flag.COLONS, "text",
          rf"{_HEX}{{1,4}}:{_HEX}{{0,4}}(?::{_HEX}{{0,4}}){{2,6}}(?![0-9A-Za-z:])(?!\.[0-9])", _ipv6, "RFC 4291"),
    _make("PHONE", Flag.NUMBER, "numbers",
          r"(?<![0-9+])\+[ ]?[1-9][0-9]{0,2}(?:[ .()\-\u200b]{0,3}[0-9]){5,14}(?![0-9])", _international,
          "ITU-T E.164, E.123"),
    _make("PHONE", Flag.NUMBER, "numbers", _PHONE, _always, "national forms of China and the North American plan"),
    _make("PHONE", Flag.NUMBER, "numbers",
          r"(?<![0-9.\-])(?<![0-9] )0[1-9][0-9]{0,3}(?:[ .\-][0-9]{2,4}){2,4}(?![0-9])(?![ .\-][0-9])", _national,
          "ITU-T E.123: trunk prefix 0, in groups", digits=9),
    _make("PHONE", Flag.NUMBER, "numbers", rf"{_ALONE}[(]?[0-9](?:[ .()\-\u200b]{{0,3}}[0-9]){{6,14}}{_ENDS}",
          _phone_in_context, "own"),
)  # fmt: skip
ENTITIES: tuple[str, ...] = tuple(dict.fromkeys(recogniser.entity for recogniser in RECOGNISERS))
