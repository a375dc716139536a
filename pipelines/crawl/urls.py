"""URL normalisation: one spelling per resource, so that one page has one `doc_id`.

RFC 3986 section 6.2 (case, percent-encoding, dot segments, default port) with what browsers do beyond it (WHATWG URL:
white space, backslashes, numeric IPv4 spellings, UTS 46 host names). The order of the query stays, since servers may
read it. Parameters that only tell the site's owner where a visitor came from (`utm_*` and the click ids of
advertisers) are removed: they never choose the content, and a page must not count once per campaign. An empty query
goes too. A change of any of this raises `schemas.NORMALISER_VERSION`.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urljoin, urlsplit

import idna

from pipelines.schemas import hash128

MAX_LENGTH = 8_000  # characters; RFC 9110 section 4.1 asks for at least this much
DEFAULT_PORTS = {"http": 80, "https": 443}

#: Ports of other services that a URL must not reach (WHATWG Fetch, "port blocking").
BLOCKED_PORTS = frozenset(
    (
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104),
        *(109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515),
        *(526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049),
        *(3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    )
)

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NOT_IN_PATH = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@/-]+")
_NOT_IN_QUERY = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@/?-]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}\Z")
_TRACKING = re.compile(r"(?:utm_[^=]*|gclid|fbclid|msclkid|dclid)(?:=|\Z)")
_EDGES = "".join(map(chr, range(33)))  # C0 controls and space


class UrlError(ValueError):
    """A URL that is not fetched. `rule` is one word: scheme, credentials, host, port, length, encoding or syntax."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def normalise(url: str) -> str:
    """The normal form of an absolute http or https URL, without its fragment. Raises UrlError.

    Idempotent: the normal form of a normal form is itself.
    """
    text = url.strip(_EDGES).translate({9: None, 10: None, 13: None})
    if len(text) > MAX_LENGTH:
        raise UrlError("length", f"the URL has more than {MAX_LENGTH} characters")
    head, mark, query = text.partition("#")[0].partition("?")
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):[/\\]*(.*)\Z", head, re.DOTALL)
    if not match or (scheme := match[1].lower()) not in DEFAULT_PORTS:
        raise UrlError("scheme", "only absolute http and https URLs are fetched")
    authority, slash, path = match[2].replace("\\", "/").partition("/")
    if "@" in authority:
        raise UrlError("credentials", "a URL must not carry a user name or password")
    host, port = _authority(authority, scheme)
    try:
        path = remove_dot_segments(slash + percent_normal(path, _NOT_IN_PATH)) or "/"
        query = _query(query) if mark else ""
    except UnicodeEncodeError:
        raise UrlError("encoding", "the URL has a lone surrogate") from None
    result = f"{scheme}://{host}{port}{path}" + (f"?{query}" if query else "")
    if len(result) > MAX_LENGTH:
        raise UrlError("length", f"the normalised URL has more than {MAX_LENGTH} characters")
    return result


def join(base: str, link: str) -> str:
    """The normal form of `link` as it stands in the page at `base`. Raises UrlError."""
    try:
        absolute = urljoin(base, link.strip(_EDGES))
    except ValueError:
        raise UrlError("syntax", "the link cannot be resolved") from None
    return normalise(absolute)


def url_id(url: str) -> str:
    """Key of a normalised URL in `url_aliases`."""
    return hash128(url)


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of a normalised URL: what one robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def host_of(url: str) -> str:
    """`host[:port]` of a normalised URL: what delays and concurrency are counted for."""
    return urlsplit(url).netloc


def site_of(url: str) -> str:
    """The host within which links are followed: `www.` is the same site, another port is another one."""
    return host_of(url).removeprefix("www.")


def percent_normal(text: str, foreign: re.Pattern[str] = _NOT_IN_QUERY) -> str:
    """Escapes in upper case, unreserved characters unescaped, runs of `foreign` characters escaped as UTF-8.

    A `%` that begins no escape is escaped itself. Raises UnicodeEncodeError on a lone surrogate.
    """
    if not foreign.search(text):
        return text
    parts = _ESCAPE.split(text)  # text, hex digits, text, hex digits, ..., text
    for at, part in enumerate(parts):
        if at % 2:
            char = chr(int(part, 16))
            parts[at] = char if char in _UNRESERVED else f"%{part.upper()}"
        else:
            parts[at] = foreign.sub(_escaped, part)
    return "".join(parts)


def remove_dot_segments(path: str) -> str:
    """RFC 3986 section 5.2.4, in one pass over the segments of an absolute path."""
    segments = path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


def _escaped(run: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in run[0].encode())


def _query(query: str) -> str:
    return "&".join(part for part in percent_normal(query).split("&") if not _TRACKING.match(part))


def _authority(authority: str, scheme: str) -> tuple[str, str]:
    bracket = authority.rfind("]") + 1
    host, colon, digits = authority[bracket:].partition(":")
    host = authority[:bracket] + host
    if colon and digits:
        if not re.fullmatch(r"[0-9]{1,5}", digits) or not 0 < (port := int(digits)) < 65_536 or port in BLOCKED_PORTS:
            raise UrlError("port", "the port is not one that pages are served on")
        if port != DEFAULT_PORTS[scheme]:
            return _host(host), f":{port}"
    return _host(host), ""


def _host(host: str) -> str:
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1] if '%' not in host else '').compressed}]"
        except ValueError:
            raise UrlError("host", "the host is no IPv6 address") from None
    try:
        name = percent_decoded(host[: 4 * 253])
        if not name.isascii():
            name = idna.encode(name, uts46=True, transitional=False).decode()
    except (UnicodeError, idna.IDNAError):
        raise UrlError("host", "the host is no domain name") from None
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(map(_LABEL.match, labels)):
        raise UrlError("host", "the host is no domain name")
    return _ipv4(labels) if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]) else name


def percent_decoded(host: str) -> str:
    """A host with its escapes decoded as UTF-8. Raises UnicodeError where they are not."""
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), host.encode().decode("latin-1")).encode("latin-1").decode()


def _ipv4(labels: list[str]) -> str:
    """Dotted form of the spellings that resolvers take for IPv4: decimal, octal, hexadecimal, one to four parts."""
    try:
        numbers = [_number(label) for label in labels]
        last = numbers.pop()
        if len(numbers) > 3 or any(n > 255 for n in numbers) or last >= 256 ** (4 - len(numbers)):
            raise ValueError
    except ValueError:
        raise UrlError("host", "the host is no IPv4 address") from None
    return str(ipaddress.IPv4Address(sum(n << (24 - 8 * at) for at, n in enumerate(numbers)) + last))


def _number(label: str) -> int:
    if label.startswith("0x") and re.fullmatch(r"[0-9a-f]*", label[2:]):
        return int(label[2:] or "0", 16)
    if not label.isdigit():  # int() would also take underscores
        raise ValueError
    return int(label, 8 if len(label) > 1 and label.startswith("0") else 10)
