"""Which format a body has, and the module that reads it.

A format is one module in `pipelines.extract.formats` with two functions:

    read(body, content_type, params, url) -> Extracted | Verdict
    source_text(body, content_type, max_bytes) -> str     # what the edits start from; raises Undecodable

Modules are imported when the first body of their format comes along.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

MEDIA_TYPES = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/vnd.nightmill.record+json": "record",
}
_MAGIC: tuple[tuple[bytes, str], ...] = ()


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
    media_type = (content_type or "").partition(";")[0].strip().lower()
    return MEDIA_TYPES.get(media_type, "html")


def format_of(body: bytes, content_type: str | None) -> Format:
    return cast(Format, importlib.import_module(f"pipelines.extract.formats.{kind_of(body, content_type)}"))


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """The decoded source of a body, whatever its format. Raises Undecodable."""
    return format_of(body, content_type).source_text(body, content_type, max_bytes)
