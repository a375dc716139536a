"""What is taken from one page or document, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pipelines.edits import Edit

BlockKind = Literal["heading", "paragraph", "list_item", "table", "code", "quote", "media", "formula"]
MediaKind = Literal["img", "video", "audio", "embed"]


class Block(NamedTuple):
    """One block of the text, in order; blocks do not overlap, and only white space lies between them.

    `start` and `end` are character offsets in the text, Markdown marks included. `level` is 1–6 for a heading, the
    depth from 1 for a list item or quotation, else 0. `page` counts from 1, null where there are no pages. `parent` is
    the place in the list of the heading that governs the block (for a heading: the next higher one), null at the top.
    """

    kind: BlockKind
    level: int
    start: int
    end: int
    page: int | None = None
    parent: int | None = None


class Media(NamedTuple):
    """An image, video or sound of the text. `key` is its atom (pipelines.atoms), `url` absolute or within a file."""

    key: str
    kind: MediaKind
    url: str
    alt: str | None = None


@dataclass(slots=True)
class Extracted:
    """The text of one page and what the page says of itself; null is what it does not say.

    `edits` lead from the decoded source (`formats.<kind>.source_text`) to `text`. `published` is ISO 8601: a date, or a
    time with its offset. `stated_licence` is an SPDX identifier or a URL that the page itself names.
    """

    title: str | None
    text: str
    charset: str
    language_hint: str | None
    density: float
    edits: list[Edit]
    kind: str = "html"
    author: str | None = None
    published: str | None = None
    canonical_url: str | None = None
    stated_licence: str | None = None
    blocks: list[Block] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
