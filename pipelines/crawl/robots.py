"""robots.txt verdicts by RFC 9309.

Own parser: the usual one (Protego) leaves RFC 9309 on several of Google's published cases, and its wildcard matching
becomes a regular expression of the site's making. Here a pattern is matched in linear time. Beyond the RFC, what
Google's parser accepts too: a missing colon, common misspellings of `disallow`, and `Allow: /x/index.html` also
allowing `/x/`. `Crawl-delay` (in seconds) is no part of the RFC, but sites mean it.

Two of Google's published cases (ID_Encoding, with an unescaped character in the URL and with escaped letters in the
rule) expect no match, since that library leaves it to its callers to normalise URLs. RFC 9309 section 2.2.2 wants both
sides normalised before they are compared, and lists both pairs as matches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pipelines.crawl.urls import UrlError, normalise, percent_normal
from pipelines.schemas import hash128

MAX_BYTES = 500 * 1024  # RFC 9309 section 2.5: at least 500 KiB are parsed; what follows is not read
MAX_SITEMAPS = 1_000

_DISALLOW = {"disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"}
_AGENT = {"user-agent", "useragent", "user agent"}
_SITEMAP = {"sitemap", "site-map"}
_TOKEN = re.compile(r"[A-Za-z_-]+")


@dataclass(frozen=True)
class RobotsVerdict:
    """Whether one URL may be fetched. `digest` names the robots.txt that said so; null where none was read.

    `reason` is allow_rule, disallow_rule, no_rule, no_robots (4xx), unreachable (5xx, 429, network) or private_address.
    """

    allowed: bool
    crawl_delay: float | None
    digest: str | None
    reason: str
    also: str | None = None  # evidence: what other files of the origin say of the page


@dataclass
class _Group:
    rules: list[tuple[str, bool]] = field(default_factory=list)  # (normalised pattern, allows)
    crawl_delay: float | None = None


@dataclass(frozen=True)
class Robots:
    """A parsed robots.txt as it concerns one product token; the most specific rule first."""

    rules: tuple[tuple[str, bool], ...]
    crawl_delay: float | None
    sitemaps: tuple[str, ...]
    digest: str | None
    reason: str | None = None  # set where the status alone decides: no_robots or unreachable

    def verdict(self, url: str) -> RobotsVerdict:
        """The most specific (longest) matching rule decides; allow wins a tie (RFC 9309 section 2.2.2)."""
        if self.reason:
            return RobotsVerdict(self.reason == "no_robots", None, None, self.reason)
        path = _path(url)
        if path == "/robots.txt":
            return RobotsVerdict(True, self.crawl_delay, self.digest, "no_rule")
        for pattern, allows in self.rules:
            if matches(pattern, path):
                reason = "allow_rule" if allows else "disallow_rule"
                return RobotsVerdict(allows, self.crawl_delay, self.digest, reason)
        return RobotsVerdict(True, self.crawl_delay, self.digest, "no_rule")


def allowed(robots_txt: bytes | None, status: int | None, url: str, agent: str) -> RobotsVerdict:
    """The verdict for `url` and the product token `agent`. `status` is null where no answer came.

    2xx: as the file says. 429 and 5xx or no answer: nothing may be fetched. Other 4xx, and redirects that lead
    nowhere: no restriction (RFC 9309 section 2.3.1).
    """
    return read(robots_txt, status, agent).verdict(url)


def read(robots_txt: bytes | None, status: int | None, agent: str) -> Robots:
    """What a reply to the request for robots.txt means for `agent`; see allowed()."""
    if status is None or status == 429 or status >= 500:
        return Robots((), None, (), None, "unreachable")
    if not 200 <= status < 300:
        return Robots((), None, (), None, "no_robots")
    return parse(robots_txt or b"", agent)


def parse(robots_txt: bytes, agent: str) -> Robots:
    """Read a robots.txt; never raises, whatever the bytes are."""
    groups: dict[str, _Group] = {}
    current: list[_Group] = []
    open_group = False  # still within the user-agent lines at the head of a group
    sitemaps: list[str] = []
    for key, value in _lines(robots_txt):
        if key in _AGENT:
            if not open_group:
                current = []
            current.append(groups.setdefault(_product(value), _Group()))
            open_group = True
        elif key == "allow" or key in _DISALLOW:
            open_group = False
            for rule in _rules(value, key == "allow"):
                for group in current:
                    group.rules.append(rule)
        elif key == "crawl-delay":
            for group in current:
                group.crawl_delay = _seconds(value, group.crawl_delay)
        elif key in _SITEMAP and len(sitemaps) < MAX_SITEMAPS:
            sitemaps.append(value)
    mine = groups.get(agent.lower()) if agent else None
    group = mine or groups.get("*") or _Group()
    rules = tuple(sorted(set(group.rules), key=lambda rule: (-len(rule[0]), not rule[1], rule[0])))
    return Robots(rules, group.crawl_delay, _urls(sitemaps), hash128(robots_txt[:MAX_BYTES]))


def product_token(user_agent: str) -> str:
    """The name by which robots.txt calls a crawler: `nightmill` for `nightmill/0.1 (+https://...)`."""
    match = _TOKEN.match(user_agent)
    return match[0] if match else ""


def _lines(robots_txt: bytes) -> list[tuple[str, str]]:
    head = robots_txt[:MAX_BYTES]
    if len(robots_txt) > MAX_BYTES:  # half a line may say the opposite of the whole one
        head = head[: max(head.rfind(b"\n"), head.rfind(b"\r"), 0)]
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    found = []
    for line in re.split(r"[\r\n]", text):
        line = line.partition("#")[0].strip()
        key, colon, value = line.partition(":")
        if not colon:
            words = line.split()
            if len(words) != 2:
                continue
            key, value = words
        found.append((key.strip().lower(), value.strip()))
    return found


def _product(value: str) -> str:
    """The product token of a user-agent line; `*` may be followed by a remark."""
    if value == "*" or value[:2] in ("* ", "*\t"):
        return "*"
    return product_token(value).lower()


def _rules(value: str, allows: bool) -> list[tuple[str, bool]]:
    if not value:
        return []  # an empty pattern matches nothing
    pattern = _normal(value)
    rules = [(pattern, allows)]
    folder, slash, name = pattern.rpartition("/")
    if allows and slash and name.startswith("index.htm"):
        rules.append((f"{folder}/$", True))
    return rules


def _normal(path: str) -> str:
    return percent_normal(path)  # `*` and `$` are sub-delims: they stay as they are, and their escapes stay escapes


def _path(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path or "/"
    return _normal(f"{path}?{parts.query}" if parts.query else path)


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern covers a path, both percent-normal.

    `*` stands for any characters, a final `$` for the end. Each part is sought from where the last one ended.
    """
    anchored = pattern.endswith("$")
    first, *rest = (pattern[:-1] if anchored else pattern).split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not rest:
        return not anchored or at == len(path)
    for part in rest[:-1]:
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    last = rest[-1]
    if anchored:
        return path.endswith(last) and len(path) - len(last) >= at
    return path.find(last, at) >= 0


def _seconds(value: str, otherwise: float | None) -> float | None:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return otherwise
    return max(float(value), otherwise or 0.0)


def _urls(values: list[str]) -> tuple[str, ...]:
    urls: dict[str, None] = {}
    for value in values:
        try:
            urls[normalise(value)] = None
        except UrlError:
            continue  # a sitemap at no URL is no sitemap
    return tuple(urls)
