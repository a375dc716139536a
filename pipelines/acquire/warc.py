"""WARC (ISO 28500, versions 0.17 to 1.1) and ARC files, plain or gzipped; WET and WAT are WARC.

Of the records, responses, resources, conversions (the texts of WET files) and revisits are documents. The framing is
our own: readers at hand take a cut file for a whole one (warcio), or one cut within a record's headers (fastwarc), and
stop at the first damage. Here damage is reported with file and offset, and reading goes on with the next record.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO

from pipelines.acquire.addresses import normal
from pipelines.acquire.documents import CONTENT_TYPES
from pipelines.acquire.http_message import MAX_HEADERS, BadMessage, all_of, decoded, parse, unchunked
from pipelines.acquire.items import Item, Refused
from pipelines.acquire.router import HEAD_BYTES, format_of
from pipelines.acquire.tape import GZIP, Broken, GzipTape, Tape
from pipelines.params import SourceParams

WANTED = frozenset((*CONTENT_TYPES.values(), "application/xhtml+xml"))
UNTOLD = ("", "application/octet-stream", "unknown/unknown", "no-type")
GONE = (404, 410)

MAX_DAMAGES = 1_000  # places in one file; a worse one is no archive
_MAX_BLANKS = 4_096  # bytes of line ends between two records
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[ \t]*(.*)")
_DIGESTS = {"sha1": 20, "sha-1": 20, "md5": 16, "sha256": 32, "sha-256": 32, "sha512": 64, "sha-512": 64}


@dataclass(frozen=True)
class Record:
    """A record that is whole. `kind` is that of WARC; an ARC record is a response. Header names are in lower case."""

    place: str
    kind: str
    headers: dict[str, str]
    block: bytes

    @property
    def url(self) -> str | None:
        return self.headers.get("warc-target-uri", "").strip("<> ") or None


@dataclass(frozen=True)
class Bad:
    """A record that is not, or bytes that are none. `lost`: others may have gone with it."""

    place: str
    rule: str
    value: float | None = None
    threshold: float | None = None
    detail: str | None = None
    url: str | None = None
    lost: bool = False


def read(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """The captures of an archive, in order. A file without any is refused as `no_documents`."""
    kinds: Counter[str] = Counter()
    documents = 0
    for found in records(stream, source.max_item_bytes):
        if isinstance(found, Bad):
            where = f"{name}#{found.place}"
            yield Refused(where, found.rule, found.value, found.threshold, found.detail, found.url, found.lost)
            documents += 1
        else:
            kinds[found.kind] += 1
            for item in _items(found, f"{name}#{found.place}", source.max_item_bytes):
                yield item
                documents += 1
    if not documents:
        detail = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no records"
        yield Refused(name, "no_documents", sum(kinds.values()), detail=detail)


def records(stream: IO[bytes], limit: int) -> Iterator[Record | Bad]:
    """All records of a WARC or ARC file whose blocks have at most `limit` bytes, besides their HTTP headers."""
    first = stream.read(len(GZIP))
    zipped = first.startswith(GZIP[:2])
    tape = (GzipTape if zipped else Tape)(stream, first)
    archive = _Archive(tape, limit + MAX_HEADERS)
    joined = going = True
    damages = 0
    while going:
        place = tape.place
        try:
            if not tape.section():
                return
            for count, found in enumerate(archive.section()):
                if zipped and count and joined:
                    joined = False  # said once; the records are sound
                    yield Bad(f"{tape.member}+", "not_member_compressed", detail="several records in a gzip member")
                yield found
        except Broken as broken:
            place = archive.place or place
            yield Bad(place, broken.rule, broken.value, broken.threshold, broken.detail, broken.url, lost=True)
            damages += 1
            if damages == MAX_DAMAGES:
                yield Bad("end", "given_up", damages, MAX_DAMAGES, "the rest of the file is not read", lost=True)
                return
            going = tape.resync()
            archive.place = None


class _Archive:
    """Reads records off a tape. `place` is where the last one begins."""

    def __init__(self, tape: Tape, limit: int) -> None:
        self._tape, self._limit = tape, limit
        self._arc_fields = 5  # of a line of ARC version 1; version 2 has ten
        self.place: str | None = None

    def section(self) -> Iterator[Record | Bad]:
        """The records of a section; a record is yielded when what comes after it is sound. Raises Broken."""
        self._blanks()
        while self._tape.peek(1):
            self.place = self._tape.place
            if self._tape.peek(5) == b"WARC/":
                yield self._warc()
            else:
                yield self._arc()
        self.place = None

    def _warc(self) -> Record | Bad:
        block = self._tape.block(MAX_HEADERS)
        if block is None:
            whole = len(self._tape.peek(MAX_HEADERS)) >= MAX_HEADERS
            raise Broken("bad_record" if whole else "truncated", "the headers do not end")
        headers = _headers(block)
        record = Record(self.place or "", headers.get("warc-type", "").lower(), headers, b"")
        return self._whole(record, headers.get("content-length", ""))

    def _arc(self) -> Record | Bad:
        line = self._tape.line(MAX_HEADERS)
        if not line.endswith(b"\n"):
            raise Broken("truncated" if len(line) < MAX_HEADERS else "bad_record", "no record begins here")
        text = line.decode("utf-8", "replace").strip()
        about = text.startswith("filedesc:")  # says which version the others are of, and is of that itself
        fields = text.split(" ") if about else text.rsplit(" ", self._arc_fields - 1)
        if len(fields) < 5 or not re.fullmatch(r"[0-9]{8,14}", fields[2]) or ":" not in fields[0]:
            raise Broken("bad_record", "no record begins here")
        headers = {"warc-target-uri": fields[0], "warc-date": _arc_date(fields[2]), "content-type": fields[3]}
        found = self._whole(Record(self.place or "", "warcinfo" if about else "response", headers, b""), fields[-1])
        if about and isinstance(found, Record):
            self._arc_fields = 10 if found.block[:1] == b"2" else 5
        return found

    def _whole(self, record: Record, length: str) -> Record | Bad:
        """The record with its block, once the bytes behind it are those that belong there."""
        if not re.fullmatch(r"[0-9]{1,18}", length):
            raise Broken("bad_record", "no length", url=record.url)
        size = int(length)
        try:
            if size > self._limit:
                return self._skipped(record, size)
            block = self._tape.take(size)
            if len(block) < size:
                raise Broken("truncated", "shorter than its length", len(block), size)
            self._blanks()
            behind = self._tape.peek(5)
        except Broken as broken:
            broken.url = record.url
            raise
        if behind and behind != b"WARC/" and "warc-type" in record.headers:
            self._tape.untake(block)
            raise Broken("length_mismatch", "no record begins where this one ends", size, url=record.url)
        return replace(record, block=block)

    def _skipped(self, record: Record, size: int) -> Bad:
        if isinstance(self._tape, GzipTape):  # unpacking it only to throw it away is what a bomb wants
            raise Broken("too_large", None, size, self._limit)
        if not self._tape.skip(size):
            raise Broken("truncated", "shorter than its length", threshold=size)
        self._blanks()
        return Bad(record.place, "too_large", size, self._limit, url=record.url)

    def _blanks(self) -> None:
        """Go past the line ends between two records."""
        count = 0
        while self._tape.peek(1) in (b"\r", b"\n"):
            self._tape.take(1)
            count += 1
            if count > _MAX_BLANKS:
                raise Broken("bad_record", "line ends without end", count, _MAX_BLANKS)


def _headers(block: bytes) -> dict[str, str]:
    """Named fields in lower case; a line that begins with white space goes on with the one before."""
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", block)
    fields = (_FIELD.match(line.strip(b"\r")) for line in unfolded.split(b"\n")[1:])
    return {m[1].decode("latin-1").lower(): m[2].decode("utf-8", "replace").strip() for m in fields if m}


def _arc_date(digits: str) -> str:
    d = digits.ljust(14, "0")
    return f"{d[:4]}-{d[4:6]}-{d[6:8]}T{d[8:10]}:{d[10:12]}:{d[12:14]}Z"


def _items(record: Record, name: str, limit: int) -> Iterator[Item | Refused]:
    """What a record says as a document: one item or refusal, or nothing for requests, metadata and the like."""
    if record.kind not in ("response", "resource", "conversion", "revisit", "continuation"):
        return
    url = record.url
    address = normal(url)
    if address is None:
        yield Refused(name, "bad_url", detail=(url or "none").partition(":")[0][:20])
    elif "warc-segment-number" in record.headers or record.kind == "continuation":
        yield Refused(name, "segmented", detail=record.headers.get("warc-segment-number"), url=url)
    elif reason := record.headers.get("warc-truncated"):
        yield Refused(name, "warc_truncated", len(record.block), detail=reason[:40], url=url)
    else:
        try:
            yield _item(record, name, limit)
        except BadMessage as bad:
            yield Refused(name, bad.rule, bad.value, bad.threshold, bad.detail, url)


def _item(record: Record, name: str, limit: int) -> Item | Refused:
    url = record.url
    blank = Item(name, b"", "", url, url, fetched_at=_instant(record.headers.get("warc-date", "")))
    stated = record.headers.get("content-type", "")
    if record.kind in ("resource", "conversion") or not record.block.startswith(b"HTTP/"):
        _check_digests(record, [record.block])
        if record.kind == "revisit":
            return replace(blank, status=304)
        return _typed(replace(blank, body=record.block, content_type=stated))
    message = parse(record.block)
    status = 304 if record.kind == "revisit" and message.status == 200 else message.status
    if record.kind == "response":
        _check_digests(record, [message.raw])
    if status == 304 and record.kind == "revisit":
        return replace(blank, status=304)
    if status in GONE:
        return replace(blank, status=status)
    if status != 200:
        return Refused(name, "http_status", status, url=url)
    typed = all_of(message.headers, b"content-type")[:1024]
    body, headers = decoded(message, limit), tuple(message.headers)
    return _typed(replace(blank, body=body, content_type=typed, headers=headers))


def _typed(item: Item) -> Item | Refused:
    """The item, if it is of a kind that texts are taken from; told from its bytes where the archive does not say."""
    media_type = item.content_type.partition(";")[0].strip().lower()
    if media_type in WANTED:
        return item
    if media_type in UNTOLD:
        found = CONTENT_TYPES.get(format_of((item.url or "").partition("?")[0], item.body[:HEAD_BYTES]))
        if found in WANTED:
            return replace(item, content_type=found)
    return Refused(item.name, "content_type", detail=media_type[:100], url=item.url)


def _check_digests(record: Record, payloads: list[bytes]) -> None:
    """Raises BadMessage where the block is not the one that was written.

    A payload digest is believed only against it: archives compute it before or after decoding, so that a mismatch
    says nothing where the block's own digest fits.
    """
    block = _matches(record.headers.get("warc-block-digest", ""), record.block)
    if block is False:
        raise BadMessage("bad_digest", detail="block")
    stated = record.headers.get("warc-payload-digest", "")
    if block is None and stated and "warc-record-id" in record.headers:
        found = [_matches(stated, payload) for payload in [*payloads, *_unchunked(payloads)]]
        if found and not any(each is not False for each in found):
            raise BadMessage("bad_digest", detail="payload")


def _unchunked(payloads: list[bytes]) -> Iterator[bytes]:
    for payload in payloads:
        try:
            yield unchunked(payload)
        except BadMessage:
            continue


def _matches(stated: str, data: bytes) -> bool | None:
    """Whether `data` has this digest; null for none, or one of an algorithm that we do not know."""
    algorithm, _, value = stated.partition(":")
    size = _DIGESTS.get(algorithm.lower())
    if size is None:
        return None
    digest = hashlib.new(algorithm.lower().replace("-", ""), data, usedforsecurity=False).digest()
    try:
        wanted = (
            bytes.fromhex(value)
            if len(value) == 2 * size
            else base64.b32decode(value.upper() + "=" * (-len(value) % 8))
        )
    except (ValueError, binascii.Error):
        return False
    return wanted == digest


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
