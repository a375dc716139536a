"""An HTTP reply as an archive keeps it: status, headers, and the body as its sender meant it.

Archives keep transfer and content encodings, or have undone them and kept the headers; both are everyday. An encoding
is undone where the body looks like it, and the body taken as it is where not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.crawl.decoding import BadEncoding, Decoder, TooMuch

MAX_HEADERS = 65_536  # bytes
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})\b")
_BLANK = re.compile(rb"\n\r?\n")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]{0,1000})?\r?\n")
_LOOKS = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


class BadMessage(ValueError):
    """What is wrong with a reply: `rule` is bad_http, bad_chunks, content_encoding, decompression_limit or clipped."""

    def __init__(
        self, rule: str, value: float | None = None, threshold: float | None = None, detail: str | None = None
    ):
        super().__init__(rule)
        self.rule, self.value, self.threshold, self.detail = rule, value, threshold, detail


@dataclass(frozen=True)
class Message:
    status: int
    headers: list[tuple[bytes, bytes]]
    raw: bytes  # the body as it stands in the archive


def parse(block: bytes) -> Message:
    """Split a reply. Raises BadMessage for what does not begin with a status line and headers."""
    status = _STATUS.match(block)
    if not status:
        raise BadMessage("bad_http", detail="no status line")
    blank = _BLANK.search(block, 0, MAX_HEADERS)
    if blank is None and len(block) > MAX_HEADERS:
        raise BadMessage("bad_http", len(block), MAX_HEADERS, "the headers do not end")
    end = blank.end() if blank else len(block)
    lines = block[:end].replace(b"\r\n", b"\n").split(b"\n")[1:]
    headers = [
        (name.strip(), value.strip()) for name, colon, value in (line.partition(b":") for line in lines) if colon
    ]
    return Message(int(status[1]), headers, block[end:])


def all_of(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    """The values of a header, joined by commas."""
    return ",".join(value.decode("latin-1") for key, value in headers if key.lower() == name)


def decoded(message: Message, limit: int) -> bytes:
    """The body, with transfer and content encoding undone, at most `limit` bytes. Raises BadMessage."""
    body, chunked = message.raw, False
    if "chunked" in all_of(message.headers, b"transfer-encoding").lower() and _SIZE.match(body):
        body, chunked = unchunked(body), True
    coding = all_of(message.headers, b"content-encoding").lower().replace(" ", "")
    if coding not in ("", "identity") and _encoded(coding, body):
        body = _undone(coding, body, limit)
    elif not chunked:
        _check_length(message, coding, body)
    if len(body) > limit:
        raise BadMessage("too_large", len(body), limit)
    return body


def _check_length(message: Message, coding: str, body: bytes) -> None:
    """A body shorter than its Content-Length was cut; one of an encoding that is undone has another length anyway."""
    stated = all_of(message.headers, b"content-length")
    if coding in ("", "identity") and re.fullmatch(r"[0-9]{1,15}", stated) and int(stated) > len(body):
        raise BadMessage("clipped", len(body), int(stated), "shorter than its Content-Length")


def unchunked(body: bytes) -> bytes:
    """The body without its chunk sizes (RFC 9112 section 7.1). Raises BadMessage where it breaks off."""
    parts: list[bytes] = []
    at = 0
    while True:
        size = _SIZE.match(body, at)
        if not size:
            raise BadMessage("bad_chunks", at, detail="no chunk begins here")
        length, at = int(size[1], 16), size.end()
        if length == 0:
            return b"".join(parts)
        if at + length > len(body):
            raise BadMessage("bad_chunks", at, detail="the last chunk is cut")
        parts.append(body[at : at + length])
        at += length
        at += 2 if body.startswith(b"\r\n", at) else body.startswith(b"\n", at)


def _encoded(coding: str, body: bytes) -> bool:
    """Whether the body still is what its header says; of br and deflate nobody can tell without trying."""
    magic = _LOOKS.get(coding)
    return bool(body) and (body.startswith(magic) if magic else not _is_markup(body))


def _is_markup(body: bytes) -> bool:
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"{"))


def _undone(coding: str, body: bytes, limit: int) -> bytes:
    try:
        decoder = Decoder(coding, limit)
        out = decoder.feed(body)
        decoder.finish()
        return out
    except TooMuch:
        raise BadMessage("decompression_limit", limit + 1, limit) from None
    except BadEncoding as error:
        raise BadMessage("content_encoding", detail=str(error)) from None
