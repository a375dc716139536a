"""Check digits and ranges: what makes a row of digits an identifier. Arguments are ASCII, without separators."""

from __future__ import annotations

import ipaddress
from datetime import date

#: First two digits by GB/T 2260; 83 stands for residents from Taiwan.
_PROVINCES = frozenset(
    str(code)
    for codes in ((11, 16), (21, 24), (31, 38), (41, 47), (50, 55), (61, 66), (71, 72), (81, 84))
    for code in range(*codes)
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # 2^(17-i) mod 11
_ID_DIGITS = "10X98765432"

#: Issuer ranges of ISO/IEC 7812 cards: first and last prefix (of equal length), and lengths in digits.
_ISSUERS = (
    ("62", "62", range(16, 20)),  # UnionPay
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)), ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)), ("37", "37", (15,)),  # American Express
    ("300", "305", range(14, 20)), ("36", "36", range(14, 20)), ("38", "39", range(16, 20)),  # Diners Club
    ("6011", "6011", range(16, 20)), ("644", "649", range(16, 20)), ("65", "65", range(16, 20)),  # Discover
    ("3528", "3589", range(16, 20)), ("1800", "1800", (15,)), ("2131", "2131", (15,)),  # JCB
    ("50", "50", range(12, 20)), ("56", "58", range(12, 20)), ("60", "60", range(16, 20)), ("63", "63", range(12, 20)),
    ("67", "67", range(12, 20)),  # Maestro
    ("9558", "9558", (19,)),  # ICBC before UnionPay
)  # fmt: skip
_IBAN_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI NL",
    19: "MK SI",
    20: "AT EE KZ LT LU XK",
    21: "CH HR LI LV",
    22: "BG DE GB IE ME RS",
    23: "AE GI IL",
    24: "AD CZ ES MD PK RO SA SE SK TN",
    25: "PT",
    26: "IS TR",
    27: "FR GR IT MC SM",
    28: "CY HU LB PL",
    29: "BR QA UA",
    30: "KW",
    31: "MT",
}
_IBAN_LENGTHS = {country: length for length, names in _IBAN_COUNTRIES.items() for country in names.split()}


def is_date(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def is_resident_id(number: str) -> bool:
    """An 18-digit number of GB 11643-1999: province, date of birth from 1900, ISO 7064 MOD 11-2 check digit."""
    if len(number) != 18 or number[:2] not in _PROVINCES or not "1900" <= number[6:10] <= "2099":
        return False
    total = sum(int(d) * w for d, w in zip(number[:17], _ID_WEIGHTS, strict=True))
    return number[17].upper() == _ID_DIGITS[total % 11] and is_date(number[6:10], number[10:12], number[12:14])


def is_old_resident_id(number: str) -> bool:
    """A 15-digit number as issued until 1999: province and date of birth in the 20th century; no check digit."""
    return len(number) == 15 and number[:2] in _PROVINCES and is_date("19" + number[6:8], number[8:10], number[10:12])


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    total = sum(int(d) for d in number[-1::-2])
    total += sum(sum(divmod(2 * int(d), 10)) for d in number[-2::-2])
    return total % 10 == 0


def issued(number: str) -> bool:
    """Whether prefix and length are those of a card issuer."""
    return any(len(number) in lengths and first <= number[: len(first)] <= last for first, last, lengths in _ISSUERS)


def is_iban(number: str) -> bool:
    """ISO 13616: length of the country and remainder 1 modulo 97."""
    if len(number) != _IBAN_LENGTHS.get(number[:2]):
        return False
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def ip_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address if it can be somebody's: not one for private networks, documentation, loopback, multicast …"""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address if address.is_global and not address.is_multicast else None
