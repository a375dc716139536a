"""Markdown (CommonMark with tables): its text as it stands, without front matter and HTML, and its blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipelines.extract.building import Builder, Built
from pipelines.extract.decode import Undecodable
from pipelines.extract.frontmatter import front_matter
from pipelines.extract.media import MOST, key_of
from pipelines.extract.result import BlockKind, Extracted, Media
from pipelines.extract.textfile import decoded, refusal, too_little
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

_BREAK = re.compile(r"\r\n|\r|\n")
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|</?[a-zA-Z][a-zA-Z0-9-]{0,30}(?=[\s/>])[^<>]{0,2000}>"
    r"|!\[(?P<alt>[^\[\]\n]{0,500})\]"
    r"\([ \t]{0,5}<?(?P<url>[^\s()<>]{1,2000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,500})?)>?"
    r"""(?:[ \t]{1,5}(?:"[^"\n]{0,300}"|'[^'\n]{0,300}'))?[ \t]{0,5}\)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]+""",
    re.S,
)
_TICKS = re.compile(r"`+")
_SETEXT = re.compile(r"[ \t>]{0,40}(?:=+|-+)[ \t]*\Z")
_WRAPPED = re.compile(r"(#{1,6})[ \t]*|[*_`]{1,3}")


class Leaf(NamedTuple):
    """A block without blocks in it: lines `first` up to `last` of the source."""

    kind: BlockKind
    level: int
    first: int
    last: int


class Cut(NamedTuple):
    """A span of the source that goes, or that `new` stands for."""

    start: int
    end: int
    new: str


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """The decoded file. Raises Undecodable."""
    return decoded(body, content_type, max_bytes).text


def read(body: bytes, content_type: str | None, params: ExtractParams, url: str | None = None) -> Extracted | Verdict:
    """The text of a Markdown file. Images become media keys where the parameters ask for them."""
    try:
        found = decoded(body, content_type, params.max_page_bytes)
    except Undecodable as error:
        return refusal(error, params)
    head = front_matter(found.text)
    media: list[Media] = []
    built = build(found.text, head.end, media, keys=params.media_keys, max_depth=params.max_depth)
    verdict = too_little(built, params)
    if verdict:
        return verdict
    return Extracted(
        head.title or _title(built),
        built.text,
        found.charset,
        head.language,
        1.0,
        built.edits,
        kind="markdown",
        author=head.author,
        published=head.published,
        stated_licence=head.licence,
        blocks=built.blocks,
        media=list({m.key: m for m in reversed(media)}.values())[::-1],
    )


def build(
    source: str, start: int = 0, media: list[Media] | None = None, *, keys: bool = False, max_depth: int = 100
) -> Built:
    """The blocks of `source` from `start` on; `media` receives its images, `keys` then stand for them in the text."""
    images: list[Media] = [] if media is None else media
    builder = Builder(source)
    lines = _lines(source, start)
    for leaf in _leaves(source[start:], min(max_depth, 100)):
        _write(builder, leaf, lines[leaf.first : leaf.last], images, keys)
    return builder.finish()


def _title(built: Built) -> str | None:
    heads = sorted((b for b in built.blocks if b.kind == "heading"), key=lambda b: (b.level, b.start))
    if not heads:
        return None
    text = built.text[heads[0].start : heads[0].end]
    return _WRAPPED.sub("", text).strip()[:300] or None


def _lines(source: str, start: int) -> list[tuple[int, int]]:
    """Spans of the lines from `start` on, without their ends."""
    out = []
    for found in _BREAK.finditer(source, start):
        out.append((start, found.start()))
        start = found.end()
    return [*out, (start, len(source))]


def _leaves(text: str, max_depth: int) -> list[Leaf]:
    parser = MarkdownIt("commonmark", {"maxNesting": max_depth}).enable("table").disable(["inline", "text_join"])
    out: list[Leaf] = []
    depth = quoted = 0
    item: int | None = None  # the first line of a list item whose first block has not come yet
    table = False
    for token in parser.parse(text):
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            depth += 1
        elif kind in ("bullet_list_close", "ordered_list_close"):
            depth -= 1
        elif kind == "list_item_open":
            item = token.map[0] if token.map else None
        elif kind == "list_item_close":
            item = None
        elif kind in ("blockquote_open", "blockquote_close"):
            quoted += token.nesting
        elif kind in ("table_open", "table_close"):
            table = kind == "table_open"
            if table:
                out.append(_leaf(token, "table"))
        elif table or not token.map:
            continue
        elif kind == "heading_open":
            out.append(_leaf(token, "heading", int(token.tag[1])))
        elif kind in ("fence", "code_block"):
            out.append(_leaf(token, "code"))
        elif kind == "html_block":
            out.append(_leaf(token, "paragraph"))
        elif kind == "paragraph_open":
            if item is not None and item == token.map[0]:
                out.append(_leaf(token, "list_item", depth))
            else:
                out.append(_leaf(token, "quote", quoted) if quoted else _leaf(token, "paragraph"))
        if kind not in ("list_item_open", "blockquote_open", "bullet_list_open", "ordered_list_open"):
            item = None
    return out


def _leaf(token: Token, kind: BlockKind, level: int = 0) -> Leaf:
    first, last = token.map or (0, 0)
    return Leaf(kind, level, first, last)


def _write(builder: Builder, leaf: Leaf, lines: Sequence[tuple[int, int]], media: list[Media], keys: bool) -> None:
    source = builder.source
    builder.block(leaf.kind, leaf.level)
    if leaf.kind == "heading" and len(lines) > 1 and _SETEXT.match(source[slice(*lines[-1])]):
        lines = lines[:-1]
        builder.mark("#" * leaf.level + " ")
    if leaf.kind == "code":
        for at, (start, end) in enumerate(lines):
            builder.join("\n" if at else "")
            builder.copy(start, end)
        return
    cuts = _cuts(source, lines[0][0], lines[-1][1], media, keys)
    between = " " if leaf.kind == "heading" else "\n"
    begun = False
    for start, end in lines:
        indented = leaf.kind == "list_item" and leaf.level > 1 and not begun  # the indent says how deep an item is
        pieces = _trimmed(source, _pieces(cuts, start, end), indented)
        if not pieces:
            continue
        builder.join(between if begun else "")
        begun = True
        for a, b, new in pieces:
            if new:
                builder.replace(a, b, new)
            else:
                builder.copy(a, b)


def _pieces(cuts: list[Cut], start: int, end: int) -> list[Cut]:
    """What stays of a line: spans to copy (without text) and spans to replace. Cuts behind `start` are used up."""
    out = []
    while cuts and cuts[-1].start < end:
        cut = cuts[-1]
        if cut.start > start:
            out.append(Cut(start, cut.start, ""))
        if cut.new:
            out.append(cut)
        start = max(start, min(cut.end, end))
        if cut.end > end:
            break
        cuts.pop()
    if start < end:
        out.append(Cut(start, end, ""))
    return out


def _trimmed(source: str, pieces: list[Cut], indented: bool) -> list[Cut]:
    """The pieces of a line without white space that cuts have left at its borders."""
    first, last = 0, len(pieces)
    while last > first and not pieces[last - 1].new and not source[slice(*pieces[last - 1][:2])].strip():
        last -= 1
    while first < last and not pieces[first].new and not source[slice(*pieces[first][:2])].strip():
        first += 1
    pieces = pieces[first:last]
    if pieces and not pieces[-1].new:
        a, b, _ = pieces[-1]
        pieces[-1] = Cut(a, a + len(source[a:b].rstrip()), "")
    if pieces and not pieces[0].new and not indented:
        a, b, _ = pieces[0]
        pieces[0] = Cut(b - len(source[a:b].lstrip()), b, "")
    return pieces


def _cuts(source: str, start: int, end: int, media: list[Media], keys: bool) -> list[Cut]:
    """Tags, comments and control characters of a block, and images where keys are wanted; the last one first."""
    code = _code_spans(source, start, end)
    out: list[Cut] = []
    for found in _MARKUP.finditer(source, start, end):
        while code and code[-1][1] <= found.start():
            code.pop()
        if code and code[-1][0] < found.start():
            continue
        if found["url"] is None:
            out.append(Cut(*found.span(), ""))
        elif len(media) < MOST:
            key = key_of("img", found["url"])
            media.append(Media(key, "img", found["url"], found["alt"] or None))
            if keys:
                out.append(Cut(*found.span(), key))
    return out[::-1]


def _code_spans(source: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans between runs of as many backticks, the last one first."""
    runs = [found.span() for found in _TICKS.finditer(source, start, end)]
    following: dict[int, int] = {}
    partner = [0] * len(runs)
    for at in range(len(runs) - 1, -1, -1):
        length = runs[at][1] - runs[at][0]
        partner[at] = following.get(length, 0)
        following[length] = at
    out = []
    at = 0
    while at < len(runs):
        if partner[at]:
            out.append((runs[at][0], runs[partner[at]][1]))
            at = partner[at]
        at += 1
    return out[::-1]
