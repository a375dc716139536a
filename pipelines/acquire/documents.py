"""Files that are one document each: pages, PDF, Word, Markdown, text and subtitles go on as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from pipelines.acquire.items import Item, Refused
from pipelines.acquire.router import HEAD_BYTES, format_of
from pipelines.params import SourceParams

CONTENT_TYPES = {
    "html": "text/html",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "md": "text/markdown",
    "txt": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
}


def read(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """The file as one item, without a charset: what is in it says that better than its surroundings."""
    body = stream.read(source.max_item_bytes + 1)
    if len(body) > source.max_item_bytes:
        yield Refused(name, "too_large", len(body), source.max_item_bytes)
    elif not body.strip():
        yield Refused(name, "empty_file", len(body))
    else:
        yield Item(name, body, CONTENT_TYPES[format_of(name, body[:HEAD_BYTES])])
