"""What a reader of files, databases or interfaces hands to the crawl: items, and what could not be one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from pipelines.params import SourceParams


@dataclass(frozen=True, slots=True)
class Item:
    """One document of a source, as raw bytes.

    `name` is relative to the source and the same every night; two items of one name, or of one URL, are two captures of
    one document, and the later one counts. `url` is the item's own address, if it has one: it then is the document's
    key instead of the name. `status` is that of HTTP: 404 and 410 say that the document is gone, 304 that it is as it
    was captured before; `body` is empty then. `fetched_at` (with time zone) is when it was captured, where the source
    says so; `hops` are the URLs between `url` and `final_url`; `evidence` is why it may be used, where the item itself
    says so; `headers` are those of the HTTP reply that it came with, which may reserve rights.
    """

    name: str
    body: bytes
    content_type: str
    url: str | None = None
    final_url: str | None = None
    status: int = 200
    fetched_at: datetime | None = None
    hops: tuple[str, ...] = ()
    evidence: str | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Something of a source that becomes no item. Never holds text of a document.

    `name` as of Item; for a part of a file that has no name of its own, the file's with the place, such as
    `a.warc.gz#1234` (byte offset) or `a.csv#12` (row from 1). `url` where the refused thing has one. `lost` where more
    than this one item may stand there unread: then no item of the source counts as missing tonight.
    """

    name: str
    rule: str
    value: float | None = None
    threshold: float | None = None
    detail: str | None = None
    url: str | None = None
    lost: bool = False


class Damaged(Exception):
    """A file's bytes end or break while they are decompressed. Streams raise it; readers let it pass."""

    def __init__(self, rule: str, detail: str | None = None, value: float | None = None) -> None:
        super().__init__(rule)
        self.rule, self.detail, self.value = rule, detail, value


#: Reads one file: its bytes, its name within the source, the source. Memory must not grow with the file, unless the
#: format can only be read whole and the reader refuses what is too large. Damaged input is a Refused, never an
#: exception (but Damaged, which passes through), and what stands before the damage is yielded. The stream is seekable
#: where `router.SEEKING` has the format; otherwise it may be a decompressor.
Reader = Callable[[IO[bytes], str, SourceParams], Iterator[Item | Refused]]
