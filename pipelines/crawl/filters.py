"""Which URLs are not asked for: what a deployment blocks, and adult sites, told by their URLs alone.

Adult content is judged as RefinedWeb does (Penedo et al. 2023, appendix G.1): hosts on a list, and a score of weighted
words; never by the content of a page, which would turn away health, art and whole groups of people. Words are whole
tokens of host and path: "essex" holds no "sex". A token in which words are written together counts as these words only
where it is made of known words from end to end ("freesexvideos"). Words of medicine, law, teaching, music and art
count against the score, and public institutions are never judged by words.

The kinds in adult.tsv: host (with its subdomains) and tld are certain; hard, soft: words with weights; pair: two words
side by side in any order; neutral: such a pair in this order, whose words do not count; context: words that lower the
score, together by 1 at most; filler: parts of words that are written together. Chinese words are sought within runs of
Chinese characters, escaped as UTF-8 or GBK or in the host name; pinyin stands among the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import idna

from pipelines.crawl.authority import authority
from pipelines.crawl.requests import Refusal
from pipelines.crawl.robots import matches

_WORDS = Path(__file__).with_name("adult.tsv")
_TOKEN = re.compile(r"[a-z]+|[㐀-䶿一-鿿]+")
_JOINED = 40  # characters; a longer token is no words written together
_MAX_CONTEXT = -1.0
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_IN_HOSTS_FILE = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)\s+(\S+)")


@dataclass(frozen=True)
class Lexicon:
    """adult.tsv, by kind."""

    hosts: frozenset[str]
    tlds: frozenset[str]
    weights: dict[str, tuple[str, float]]  # word -> kind, weight; Latin letters
    chinese: dict[str, tuple[str, float]]
    pairs: frozenset[tuple[str, str]]
    neutral: frozenset[tuple[str, str]]
    pieces: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """The words that come with the package."""
    rows = [line.split("\t") for line in _WORDS.read_text("utf-8").splitlines() if not line.startswith("#")]
    of: dict[str, list[str]] = {}
    weights: dict[str, tuple[str, float]] = {}
    for kind, word, *weight in rows:
        of.setdefault(kind, []).append(word)
        if kind in ("hard", "soft", "context"):
            weights[word] = (kind, float(weight[0]))
    latin = {word: value for word, value in weights.items() if word.isascii()}
    pairs = [tuple(words.split()) for words in of["pair"]]
    return Lexicon(
        hosts=frozenset(of["host"]),
        tlds=frozenset(of["tld"]),
        weights=latin,
        chinese={word: value for word, value in weights.items() if not word.isascii()},
        pairs=frozenset((a, b) for first, second in pairs for a, b in ((first, second), (second, first))),
        neutral=frozenset((a, b) for a, b in map(str.split, of["neutral"])),
        pieces=frozenset((*of["filler"], *(word for word, (kind, _) in latin.items() if kind != "context"))),
    )


@dataclass(frozen=True)
class _Entries:
    """A list of hosts, words and patterns."""

    hosts: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> _Entries:
        hosts, words, patterns = set(), set(), []
        for entry in entries:
            entry = entry.partition("#")[0].strip()
            if entry.lower().startswith("word:"):
                words.add(entry[5:].strip().lower())
            elif "/" in entry or "*" in entry:
                patterns.append(re.sub(r"\Ahttps?://(?:www\.)?", "", entry))
            elif entry:
                hosts.add(_ascii(entry))
        return cls(frozenset(hosts), frozenset(words), tuple(sorted(set(patterns))))

    def match(self, url: str, host: str, tokens: Iterable[str]) -> str | None:
        """The kind and the entry that matches; hosts first."""
        found = _listed(host, self.hosts)
        if found:
            return f"host {found}"
        if self.words and (word := next((t for t in tokens if t in self.words), None)):
            return f"word {word}"
        address = url.partition("://")[2].removeprefix("www.")
        pattern = next((p for p in self.patterns if matches(p, address)), None)
        return f"pattern {pattern}" if pattern else None


@dataclass(frozen=True)
class UrlFilter:
    """Judges normalised URLs. `adult_hosts` come beside those of the package; with no threshold adult URLs pass."""

    allow: _Entries = field(default_factory=_Entries)
    block: _Entries = field(default_factory=_Entries)
    adult_hosts: frozenset[str] = frozenset()
    adult_threshold: float | None = 1.0

    @classmethod
    def of(
        cls,
        allow: Iterable[str] = (),
        block: Iterable[str] = (),
        adult_hosts: Iterable[str] = (),
        adult_threshold: float | None = 1.0,
    ) -> UrlFilter:
        hosts = frozenset(host for line in adult_hosts if (host := _host_of_line(line)))
        return cls(_Entries.of(allow), _Entries.of(block), hosts, adult_threshold)

    def refusal(self, url: str) -> Refusal | None:
        """Why `url` is not asked for: rule `blocked` or `adult_url`; null where it may be."""
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        tokens = _tokens(url, host)
        if self.allow.match(url, host, tokens):
            return None
        blocked = self.block.match(url, host, tokens)
        if blocked:
            return Refusal("blocked", blocked[:200])
        if self.adult_threshold is None:
            return None
        if _listed(host, lexicon().hosts) or _listed(host, self.adult_hosts):
            return Refusal("adult_url", "host")
        if host.rpartition(".")[2] in lexicon().tlds:
            return Refusal("adult_url", "tld")
        if authority(host) in ("government", "military", "academic"):
            return None
        value, classes = score(tokens)
        if value >= self.adult_threshold:
            return Refusal("adult_url", "+".join(classes), value, self.adult_threshold)
        return None


def score(tokens: list[str]) -> tuple[float, list[str]]:
    """The sum of the weights of what `tokens` (a URL's, in order) hold, and the kinds found; each word counts once."""
    words = lexicon()
    found: dict[str, tuple[str, float]] = {}
    skipped: set[int] = set()
    for at, pair in enumerate(pairwise(tokens)):
        if pair in words.neutral:
            skipped.update((at, at + 1))
    for at, pair in enumerate(pairwise(tokens)):
        if pair in words.pairs and at not in skipped and at + 1 not in skipped:
            skipped.update((at, at + 1))
            found[" ".join(sorted(pair))] = ("pair", 1.0)
    for at, token in enumerate(tokens):
        if token.isascii():
            if at not in skipped and token in words.weights:
                found[token] = words.weights[token]
        else:
            found |= {word: value for word, value in words.chinese.items() if word in token}
    context = sum(weight for kind, weight in found.values() if kind == "context")
    adult = [(kind, weight) for kind, weight in found.values() if kind != "context"]
    return sum(weight for _, weight in adult) + max(context, _MAX_CONTEXT), sorted(kind for kind, _ in adult)


def _tokens(url: str, host: str) -> list[str]:
    """Words of host (without its last label), path and query, in order."""
    parts = urlsplit(url)
    text = f"{_shown(host).rpartition('.')[0]} {_decoded(f'{parts.path} {parts.query}')}"
    tokens: list[str] = []
    for token in _TOKEN.findall(_HUMP.sub(" ", text).lower()):
        tokens.extend(_apart(token) if token.isascii() else (token,))
    return tokens


@cache
def _longest_piece() -> int:
    return max(map(len, lexicon().pieces))


def _apart(token: str) -> list[str]:
    """The known words that `token` is made of from end to end, longest last word first; itself where it is not."""
    words = lexicon()
    if len(token) < 5 or len(token) > _JOINED or token in words.weights or token in words.pieces:
        return [token]
    ends: list[int | None] = [0, *[None] * len(token)]  # where the last word before this place begins
    for end in range(1, len(token) + 1):
        for start in range(max(0, end - _longest_piece()), end):
            if ends[start] is not None and token[start:end] in words.pieces:
                ends[end] = start
                break
    if ends[-1] is None:
        return [token]
    found, end = [], len(token)
    while end:
        start = ends[end] or 0
        found.append(token[start:end])
        end = start
    return found[::-1]


def _decoded(text: str) -> str:
    data = unquote_to_bytes(text)
    for encoding in ("utf-8", "gbk"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _shown(host: str) -> str:
    """A host name in its own script."""
    if "xn--" not in host:
        return host
    try:
        return idna.decode(host)
    except (UnicodeError, idna.IDNAError):
        return host


def _ascii(host: str) -> str:
    host = host.strip().lower().removeprefix("www.").strip(".")
    try:
        return host if host.isascii() else idna.encode(host, uts46=True).decode()
    except (UnicodeError, idna.IDNAError):
        return host


def _host_of_line(line: str) -> str:
    """The host of a line of a list, which may be a hosts file."""
    line = line.partition("#")[0].strip()
    in_hosts_file = _IN_HOSTS_FILE.match(line)
    return _ascii(in_hosts_file[1] if in_hosts_file else line)


def _listed(host: str, hosts: frozenset[str]) -> str | None:
    """The entry of `hosts` that is `host` or a domain above it."""
    while host:
        if host in hosts:
            return host
        host = host.partition(".")[2]
    return None
