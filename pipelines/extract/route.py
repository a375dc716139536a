"""Which format a body has, and the module that reads it.

A format is one module in `pipelines.extract.formats` with two functions:

    read(body, content_type, params, url) -> Extracted | Verdict
    source_text(body, content_type, max_bytes) -> str     # what the edits start from; raises Undecodable

Modules are imported when the first body of their format comes along.
"""

from __future__ import annotations

import importlib
import re
from typing import Protocol, cast

from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

MEDIA_TYPES = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/vnd.nightmill.record+json": "record",
    "text/plain": "plain",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/vtt": "subtitles",
    "text/srt": "subtitles",
    "application/x-subrip": "subtitles",
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template": "docx",
    "application/vnd.ms-word.document.macroenabled.12": "docx",
    "application/msword": "docx",
    "image/png": "image",
    "image/jpeg": "image",
    "image/tiff": "image",
}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "docx"),  # OLE: old or encrypted Office files, for its telling reject
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"WEBVTT", "subtitles"),
)
_BINARY = frozenset(("pdf", "docx", "image"))  # without their magic bytes they are what they look like
_CUE = re.compile(rb"\d{1,6}[ \t]*\r?\n\d{1,3}:\d\d:\d\d[,.]\d{1,3}[ \t]*-->")
_HTML = re.compile(rb"<(?:!doctype\s+html|html[\s>]|\?xml[^>]{0,200}\?>\s*<(?:!doctype\s+html|html[\s>]))", re.I)


class Format(Protocol):
    """What a module of `pipelines.extract.formats` offers."""

    def read(
        self, body: bytes, content_type: str | None, params: ExtractParams, url: str | None = None
    ) -> Extracted | Verdict: ...

    def source_text(self, body: bytes, content_type: str | None, max_bytes: int) -> str: ...


def kind_of(body: bytes, content_type: str | None) -> str:
    """The format: what the first bytes say where they are unmistakable, else the media type, else HTML."""
    head = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK\x03\x04") and _is_office(body):
        return "docx"
    media_type = (content_type or "").partition(";")[0].strip().lower()
    kind = MEDIA_TYPES.get(media_type, "html")
    if _HTML.match(head) and (kind in _BINARY or kind == "plain"):
        return "html"
    if kind == "plain" or (kind == "html" and media_type in ("", "application/octet-stream")):
        return "subtitles" if _CUE.match(head) else kind
    return kind


def _is_office(body: bytes) -> bool:
    """Whether a ZIP archive is an Office document: such archives list their content types, names are not compressed."""
    return b"[Content_Types].xml" in body[:4096] or b"[Content_Types].xml" in body[-65536:]


def format_of(body: bytes, content_type: str | None) -> Format:
    return cast(Format, importlib.import_module(f"pipelines.extract.formats.{kind_of(body, content_type)}"))


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """The decoded source of a body, whatever its format. Raises Undecodable."""
    return format_of(body, content_type).source_text(body, content_type, max_bytes)
