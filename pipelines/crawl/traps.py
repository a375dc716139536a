"""Places where a crawler would go round for ever: limits on the form of new URLs, and on how many have one form.

Session ids and tracking parameters are taken off links before they are visited (plain_link), not by the normaliser:
a change there would give a new `doc_id` to every page that is stored.
"""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

from pipelines.crawl.requests import Refusal
from pipelines.params import CrawlParams

#: Parameters that carry a session, or tell where a visitor came from; of the second kind, those the normaliser lacks.
_SESSION = frozenset(
    (
        *("jsessionid", "phpsessid", "aspsessionid", "sessionid", "session_id", "sessid", "oscsid", "zenid", "cfid"),
        *("cftoken", "xtc_sid", "s_sid"),
    )
)
_TRACKING = frozenset(
    (
        *("spm", "yclid", "igshid", "igsh", "mc_cid", "mc_eid", "gbraid", "wbraid", "twclid", "ttclid", "bd_vid"),
        *("qz_gdt", "vd_source", "hmsr", "hmpl", "hmcu", "hmkw", "hmci"),
    )
)
_SID = re.compile(r"(?:sid|PHPSESSID)=[0-9A-Za-z,-]{16,}\Z", re.IGNORECASE)  # a short sid chooses content on some sites
_IN_PATH = re.compile(
    r";(?:jsessionid|phpsessid|sid)=[^/;?]*|/\((?:[SAF]\([0-9A-Za-z_-]{10,100}\)){1,3}\)", re.IGNORECASE
)

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(?<![0-9a-z])(?=[0-9a-f]*[0-9])[0-9a-f]{12,}(?![0-9a-z])", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")
_YEAR = r"(?:19|20|21)[0-9]{2}"
_DATE_PATH = re.compile(rf"/{_YEAR}[-/_.]?(?:0?[1-9]|1[0-2])(?:[-/_.]?(?:0?[1-9]|[12][0-9]|3[01]))?/?\Z")
_DATE_VALUE = re.compile(rf"{_YEAR}[-/_.]?(?:0?[1-9]|1[0-2])(?:[-/_.]?(?:0?[1-9]|[12][0-9]|3[01]))?(?:[T ].*)?\Z")
_DATE_NAMES = frozenset(("year", "month", "day", "date", "week", "y", "m", "d", "ym", "ymd", "nian", "yue", "ri"))


def plain_link(url: str) -> str:
    """A normalised URL without session ids and tracking parameters."""
    head, _, query = url.partition("?")
    if ";" in head or "/(" in head:
        head = _IN_PATH.sub("", head)
    if query:
        query = "&".join(part for part in query.split("&") if not _is_dropped(part))
    return f"{head}?{query}" if query else head


def _is_dropped(part: str) -> bool:
    name = part.partition("=")[0].lower()
    return name in _SESSION or name in _TRACKING or name.startswith("aspsessionid") or bool(_SID.match(part))


def form(url: str, params: CrawlParams) -> Refusal | None:
    """Rule `trap` where a new URL passes a limit of its form; `detail` is the limit's name. Linear in its length."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    names = Counter(segment for segment in segments if not segment.isdigit())
    fields = parts.query.split("&") if parts.query else []
    for name, value, limit in (
        ("url_characters", len(url), params.max_url_characters),
        ("path_segments", len(segments), params.max_path_segments),
        ("repeated_segments", max(names.values(), default=0), params.max_repeated_segments),
        ("query_fields", len(fields), params.max_query_fields),
    ):
        if value > limit:
            return Refusal("trap", name, value, limit)
    return None


def shape(url: str) -> str | None:
    """The URL with what varies abstracted, where it is of a kind of which there may be endlessly many; else null.

    Those are: paths that end in a date, queries that name one, and URLs with two or more varying values in the query,
    or a random id. A number in a path, or one in the query, is how sites name their articles.
    """
    parts = urlsplit(url)
    path, query = parts.path, parts.query
    fields = [tuple(part.partition("=")[::2]) for part in query.split("&")] if query else []
    ids = len(_UUID.findall(path)) + len(_HEX.findall(_UUID.sub("", path)))
    varying = [name for name, value in fields if _varies(value)]
    dated = bool(_DATE_PATH.search(path)) or any(_is_date(name, value) for name, value in fields)
    if not (dated or len(varying) > 1 or (ids and (ids > 1 or varying))):
        return None
    abstracted = "&".join(sorted(f"{name}={_abstract(value)}" for name, value in fields))
    return f"{parts.netloc}{_abstract(path)}?{abstracted}"


def _varies(value: str) -> bool:
    return bool(_DIGITS.search(value) or _UUID.search(value))


def _is_date(name: str, value: str) -> bool:
    return bool(_DATE_VALUE.match(value)) or (name.lower() in _DATE_NAMES and value.isdigit())


def _abstract(text: str) -> str:
    return _DIGITS.sub("0", _HEX.sub("h", _UUID.sub("u", text)))


class Shapes:
    """Counts URLs by shape; beyond the limit a new one is refused."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[str] = Counter()

    def known(self, url: str) -> None:
        """Count a URL that is visited anyway."""
        found = shape(url)
        if found is not None:
            self._counts[found] += 1

    def refusal(self, url: str) -> Refusal | None:
        """Count a new URL; rule `trap` where there are too many of its shape."""
        found = shape(url)
        if found is None:
            return None
        self._counts[found] += 1
        if self._counts[found] > self._limit:
            return Refusal("trap", "pages_per_shape", self._counts[found], self._limit)
        return None
