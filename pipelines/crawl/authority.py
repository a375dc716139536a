"""What kind of institution a host belongs to, as far as its name is reserved for such: a signal for ranking."""

from __future__ import annotations

from typing import Literal

Authority = Literal["government", "military", "academic", "international", "none"]

#: Labels reserved worldwide (RFC 920, ICANN sponsored domains), and second-level ones under country codes.
_TOP: dict[str, Authority] = {"gov": "government", "mil": "military", "edu": "academic", "int": "international"}
_SECOND: dict[str, Authority] = {
    "gov": "government",
    "gouv": "government",
    "gob": "government",
    "go": "government",  # .jp, .kr, .th
    "govt": "government",  # .nz
    "mil": "military",
    "mod": "military",  # .uk
    "edu": "academic",
    "ac": "academic",
    "sch": "academic",
    "nhs": "government",  # .uk
    "museum": "academic",
}
_PUBLIC_GO = frozenset(("jp", "kr", "th", "id", "ke", "tz", "ug", "cr"))
_RANKS: dict[Authority, int] = {"government": 3, "academic": 3, "international": 2, "military": 2, "none": 0}


def authority(host: str) -> Authority:
    """The class of a host name: .gov, .gov.cn, .edu.cn, .ac.uk, .mil and their like; `none` says nothing against it."""
    labels = host.lower().rstrip(".").partition(":")[0].split(".")
    if len(labels) < 2:
        return "none"
    if labels[-1] in _TOP:
        return _TOP[labels[-1]]
    if len(labels) > 2 and len(labels[-1]) == 2:
        second = labels[-2]
        if second == "go" and labels[-1] not in _PUBLIC_GO:
            return "none"
        return _SECOND.get(second, "none")
    return "none"


def rank(host: str) -> int:
    """A number that orders hosts by authority, higher first."""
    return _RANKS[authority(host)]
