"""The parameters of every stage, with types, defaults and meaning.

Standard library only: the command line reads and checks configuration before anything heavy is imported. A field's
comment is its documentation; units are in the name or the comment.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal

SourceKind = Literal["web", "files", "sql", "api"]
LicenceVerdict = Literal["open", "restricted", "unknown"]
#: What a source is, for rights, priorities and reports: class -> default priority (denser knowledge comes first).
SOURCE_CLASSES = {
    "book": 90,
    "standard": 90,
    "encyclopedia": 80,
    "product": 70,
    "open_dataset": 60,
    "instruction": 60,
    "preference": 60,
    "labelled": 60,
    "parallel": 60,
    "code": 50,
    "news": 50,
    "web": 40,
    "dialogue_public": 40,
    "dialogue_synthetic": 30,
    "dialogue_service": 30,  # customer-service logs: only where desensitised and authorised
    "subtitles": 30,
    "request_log": 20,  # only where desensitised and authorised
    "query_log": 20,
    "social": 20,
}


_CREDENTIALS = re.compile(r"\s*(?:[\w+.-]+:)?[/\\]*[^/\\?#]*@")


def _open_addresses(addresses: tuple[str, ...]) -> None:
    """Configuration is recorded with every run: nothing in it may open a door. Raises ValueError, without the text."""
    for number, each in enumerate(addresses):
        if _CREDENTIALS.match(each):
            raise ValueError(
                f"address {number} holds a user name or password; take it out, and of an interface name a secret "
                "under `auth`"
            )


def _printable(name: str) -> None:
    if not name.strip() or not name.isprintable():
        raise ValueError("must be printable text, and not empty")


def _secret_name(name: str) -> None:
    """Raises ValueError, never with the text, for what may be the secret itself."""
    if name and not re.fullmatch(r"[\w.-]+", name):
        raise ValueError("must be the name of an entry of `secrets`, never the secret itself")


_ADDRESSES, _SECRET = {"check": _open_addresses}, {"check": _secret_name}


@dataclass(frozen=True)
class SourceParams:
    """One declared source. `kind` says how it is read, `source_class` what it is."""

    name: str = field(metadata={"check": _printable})
    kind: SourceKind = "web"
    source_class: str = "web"  # a key of SOURCE_CLASSES
    licence: str = "unknown"  # SPDX identifier, or words
    authorised: bool = True
    desensitised: bool = False  # personal data were taken out before it came here
    evidence: str = ""  # why it may be used: terms of use, contract, permission; recorded, never interpreted
    owner: str = ""
    priority: int = 0  # 0: that of the class
    # kind web
    seeds: tuple[str, ...] = field(default=(), metadata=_ADDRESSES)
    follow_links: bool = True
    max_pages: int = 10_000  # visited in a night, known and new ones together
    max_depth: int = 10
    new_share: float = (
        0.3  # of max_pages is kept for new pages, the rest for known ones; what one leaves, the other has
    )
    sitemaps: bool = True  # read those of robots.txt and /sitemap.xml; where links are not followed: only sitemap_urls
    sitemap_urls: tuple[str, ...] = field(default=(), metadata=_ADDRESSES)  # further sitemaps and feeds (RSS, Atom)
    allow_private_addresses: bool = False  # loopback and private networks; only for sites of one's own
    # kind files: any format, WARC and data-set folders included
    path: str = ""  # file, folder or pattern with *, from the folder of params.yaml
    max_item_bytes: int = 50_000_000  # decompressed; a larger file or record is rejected
    # kind sql
    connection: str = field(default="", metadata=_SECRET)  # name of a secret: a SQLAlchemy URL
    query: str = ""
    # kind api: JSON over HTTP; `seeds` are its addresses, in which {page}, {offset} and {cursor} are filled in
    items_at: str = ""  # JSON pointer to the records of a reply, e.g. /data/items; empty: the reply itself
    next_at: str = ""  # JSON pointer to the next page's address or cursor; empty: no such thing, or pages by number
    first_page: int = 1
    page_size: int = 0  # records of a full page: {offset} grows by it, a shorter page is the last; 0: an empty one is
    auth: str = field(
        default="", metadata=_SECRET
    )  # name of a secret: value of `auth_header`, for the seed's origin only
    auth_header: str = "Authorization"
    # records: files of rows, sql and api
    shape: str = "auto"  # what a record is, see pipelines.acquire.shapes
    fields: dict[str, str] = field(default_factory=dict)  # name of the shape -> name in the record
    language: str = ""  # of records that do not say theirs, e.g. zh
    id_field: str = ""  # what tells records apart; without one a changed record is a new document
    drop: tuple[str, ...] = ()  # columns left out before anything is stored; of orders also: recipient, phone, …
    complete: bool = True  # a reading is all there is: an item that is missing from it is gone

    def __post_init__(self) -> None:
        if self.source_class not in SOURCE_CLASSES:
            known = ", ".join(SOURCE_CLASSES)
            raise ValueError(f"source_class is {self.source_class!r}; it must be one of: {known}")
        _in_range(self, 0, 1, "new_share")
        _in_range(self, 1, math.inf, "max_pages", "max_item_bytes")
        _in_range(self, 0, math.inf, "max_depth", "page_size", "first_page")


#: Reservations against text and data mining and training that are heeded, by where they stand.
RESERVATIONS = ("headers", "meta", "tdmrep", "ai_txt")


@dataclass(frozen=True)
class CrawlParams:
    user_agent: str = "nightmill/0.1 (+https://example.org/nightmill)"
    sources: tuple[SourceParams, ...] = ()
    concurrency: int = 8
    per_host_concurrency: int = 2
    per_host_delay_seconds: float = 0.5
    timeout_seconds: float = 20.0
    max_redirects: int = 5
    max_body_bytes: int = 10_000_000
    attempts: int = 3
    max_retry_wait_seconds: float = 120.0  # a server that asks for more (Retry-After) is not asked again this run
    max_crawl_delay_seconds: float = 60.0  # pages of a host whose robots.txt asks for more are rejected, not hurried
    max_host_failures: int = 20  # fetches failed in a row; the host's other URLs are then rejected unvisited this run
    max_links_per_page: int = 5_000  # links beyond these, in the order of the page, are not followed
    content_types: tuple[str, ...] = ("text/html", "application/xhtml+xml")
    refuse_licences: tuple[LicenceVerdict, ...] = ("restricted",)  # sources so judged are not read
    # opt-outs: X-Robots-Tag, tdm-reservation and Content-Usage; robots <meta>; /.well-known/tdmrep.json; /ai.txt
    heed: tuple[str, ...] = RESERVATIONS
    on_ban: Literal["candidate", "retract"] = "candidate"  # stored pages that may not be fetched any more: list or drop
    max_sitemaps: int = 200  # files per source and night, indexes included
    # URL filters; an entry is a host (its subdomains too), word:WORD, or HOST/PATH with * for anything, $ for the end
    allow: tuple[str, ...] = ()  # wins over `block` and over the filter of adult URLs
    block: tuple[str, ...] = ()
    block_files: tuple[str, ...] = ()  # files with one such entry a line, from the folder of params.yaml
    adult_filter: bool = True  # by URL alone, never by content
    adult_files: tuple[str, ...] = ()  # further adult hosts, one a line, from the folder of params.yaml
    adult_threshold: float = 1.0  # sum of the weights of a URL's words at which it is rejected
    # traps: new URLs beyond these are rejected unvisited
    max_url_characters: int = 2_000
    max_path_segments: int = 24
    max_repeated_segments: int = 3  # how often one name may stand in a path
    max_query_fields: int = 24
    max_pages_per_shape: int = 1_000  # per source, of URLs that end in a date or have two or more varying query values
    # recrawl: a known page is visited again after min_days at the earliest, after max_days at the latest
    recrawl_min_days: int = 1
    recrawl_max_days: int = 30  # 0: no latest day
    recrawl_budget: int = (
        0  # known pages per source and night, the likeliest to have changed first; 0: all that are due
    )
    skip_canonical: bool = False  # reject new pages that name another crawled page of their source as canonical

    def __post_init__(self) -> None:
        unknown = sorted(set(self.heed) - set(RESERVATIONS))
        if unknown:
            raise ValueError(f"heed: no reservation is called {unknown[0]!r}; they are: {', '.join(RESERVATIONS)}")
        _in_range(self, 0, math.inf, *(n for n in vars(self) if n.startswith("recrawl_")), "adult_threshold")
        _in_range(self, 1, math.inf, "concurrency", "per_host_concurrency", "attempts", "max_body_bytes")
        _in_range(self, 1, math.inf, "max_url_characters", "max_path_segments", "max_repeated_segments")
        _in_range(self, 0, math.inf, "per_host_delay_seconds", "max_retry_wait_seconds", "max_crawl_delay_seconds")
        _in_range(self, 0, math.inf, "max_redirects", "max_links_per_page", "max_sitemaps", "max_query_fields")
        _in_range(self, 1, math.inf, "max_host_failures", "max_pages_per_shape")
        if self.timeout_seconds <= 0:
            raise ValueError(f"timeout_seconds is {self.timeout_seconds}; it must be more than 0")


@dataclass(frozen=True)
class ExtractParams:
    min_characters: int = 25  # shorter main text is rejected
    max_page_bytes: int = 10_000_000  # of HTML
    max_document_bytes: int = 50_000_000  # of every other format
    max_depth: int = 2_000  # of nested elements; beyond it a page is read as flat text
    max_blocks: int = 100_000  # pieces of text between block borders in a page; more are rejected
    min_density: float = 0.0  # main-text / visible characters; measure before you enforce
    refuse_paywalled: bool = False  # reject pages that say they are paid for (schema.org isAccessibleForFree)
    structure: bool = True  # Markdown marks for headings, lists, tables, quotations, code; false: plain lines
    media_keys: bool = False  # a key in the text where an image or video stands; the resource table is kept either way
    # optical character recognition of scanned PDF pages and images: the engine, "" for none, two divided by "+": the
    # surer reading of each line. tesseract: the program; rapidocr: the extra `ocr`, which images need in any case
    ocr: Literal["", "tesseract", "rapidocr", "tesseract+rapidocr"] = ""
    ocr_languages: str = "chi_sim+eng"  # of tesseract
    ocr_words: tuple[str, ...] = ()  # of the domain: recognised words one character away from one of them become it


@dataclass(frozen=True)
class CleanParams:
    languages: tuple[str, ...] = ("zh", "en")
    min_language_score: float = 0.5
    min_characters: int = 50
    max_characters: int = 500_000
    min_chinese_characters: int = 10  # profile zh
    min_words: int = 30  # profile en
    max_symbol_share: float = 0.3  # neither letter, digit, mark, punctuation nor space
    max_punctuation_share: float = 0.35
    max_duplicate_line_share: float = 0.3
    max_garbled_share: float = 0.02  # characters of mojibake, replacement, private use and control
    max_markup_share: float = 0.1  # characters of HTML tags and character references
    # Gopher (Rae et al. 2021, app. A.1): words as spaCy's English tokeniser cuts them, Chinese ones as jieba does
    gopher_min_words: int = 50  # profile en; words that hold more than marks
    gopher_max_words: int = 100_000
    gopher_min_word_length: float = 3.0  # mean characters; profile en
    gopher_max_word_length: float = 10.0  # profile en
    gopher_max_hashes_per_word: float = 0.1
    gopher_max_ellipses_per_word: float = 0.1
    gopher_max_bullet_line_share: float = 0.9
    gopher_max_ellipsis_line_share: float = 0.3
    gopher_min_letter_word_share: float = 0.8  # words with a letter
    gopher_min_stop_words: int = 2  # profile en: of the, be, to, of, and, that, have, with
    gopher_max_repeated_paragraph_share: float = 0.3
    gopher_max_repeated_paragraph_character_share: float = 0.2
    gopher_max_repeated_line_share: float = 0.3
    gopher_max_repeated_line_character_share: float = 0.2
    gopher_max_top_2_gram_share: float = 0.2  # characters that the most frequent n-gram covers
    gopher_max_top_3_gram_share: float = 0.18
    gopher_max_top_4_gram_share: float = 0.16
    gopher_max_repeated_5_gram_share: float = 0.15  # characters in n-grams seen before
    gopher_max_repeated_6_gram_share: float = 0.14
    gopher_max_repeated_7_gram_share: float = 0.13
    gopher_max_repeated_8_gram_share: float = 0.12
    gopher_max_repeated_9_gram_share: float = 0.11
    gopher_max_repeated_10_gram_share: float = 0.1
    # FineWeb (Penedo et al. 2024, sec. 3.6)
    fineweb_min_final_line_share: float = 0.12  # lines that end in a final mark
    fineweb_max_short_line_share: float = 0.67  # lines of at most 30 characters
    fineweb_max_repeated_line_character_share: float = 0.01
    fineweb_max_breaks_per_word: float = 0.3
    # C4 (Raffel et al. 2020, sec. 2.2), profile en, over the lines that its line rules would keep
    c4_max_placeholder_lines: int = 0  # lines with "lorem ipsum"
    c4_max_curly_lines: int = 0  # lines with a curly bracket: code
    c4_min_sentences: int = 5
    off: tuple[str, ...] = ("gopher_*", "fineweb_*", "c4_*")  # rules that measure but do not reject; * stands for any

    def __post_init__(self) -> None:
        counts = [name for name in vars(self) if name.endswith(("_characters", "_words", "_lines", "_sentences"))]
        _in_range(self, 0, math.inf, *counts, *(n for n in vars(self) if n.endswith(("_per_word", "_length"))))
        _in_range(self, 0, 1, "min_language_score", *(name for name in vars(self) if name.endswith("_share")))


Policy = Literal["mask", "hash", "drop_span", "drop_row", "keep"]
PII_ENTITIES = (
    "SECRET",
    "URL_CREDENTIALS",
    "EMAIL",
    "CN_ID_CARD",
    "IBAN",
    "BANK_CARD",
    "CN_MOBILE",
    "CN_PASSPORT",
    "QQ_NUMBER",
    "WECHAT_ID",
    "CN_PLATE",
    "US_SSN",
    "IP_ADDRESS",
    "PHONE",
)  # what recognisers find; named here too, so that a wrong name is seen before anything heavy is imported


def _in_range(values: object, low: float, high: float, *names: str) -> None:
    """Raises ValueError where a named field of `values` is outside low..high."""
    for name in names:
        value = getattr(values, name)
        if not low <= value <= high:
            allowed = f"be at least {low:g}" if high == math.inf else f"lie between {low:g} and {high:g}"
            raise ValueError(f"{name} is {value}; it must {allowed}")


def _entities(policies: dict[str, str]) -> None:
    unknown = sorted(set(policies) - set(PII_ENTITIES))
    if unknown:
        raise ValueError(f"no entity is called {unknown[0]!r}; entities: {', '.join(PII_ENTITIES)}")


@dataclass(frozen=True)
class ScrubParams:
    policies: dict[str, Policy] = field(default_factory=dict, metadata={"check": _entities})  # per entity
    default_policy: Policy = "mask"  # mask | hash | drop_span | drop_row | keep
    hash_key: str = ""  # name of the secret for policy `hash`


@dataclass(frozen=True)
class DedupParams:
    threshold: float = 0.8  # exact Jaccard of shingle sets
    shingle_words: int = 5  # profile of spaced scripts
    shingle_characters: int = 5  # profile of Chinese, Japanese, Korean
    bands: int = 32
    rows: int = 4
    seed: int = 1

    def __post_init__(self) -> None:
        _in_range(self, 0.05, 1, "threshold")
        _in_range(self, 1, 64, "shingle_words", "shingle_characters", "rows")
        _in_range(self, 1, 1024, "bands")
        _in_range(self, 0, math.inf, "seed")


@dataclass(frozen=True)
class ProfileParams:
    sensitive_words: tuple[str, ...] = ()  # whole words, case-insensitive; empty: the share is not measured
    density_floor: float = 0.7  # the share of documents whose text density lies under it is a figure
    top_hosts: int = 20  # hosts with a figure of their own, the largest first
    top_values: int = 50  # languages, licences, sources and rules per stage with a figure of their own
