"""HTML: decode, parse, choose the main text, render it."""

from __future__ import annotations

from pipelines.extract.decode import Undecodable, decode
from pipelines.extract.described import describe
from pipelines.extract.main_text import choose
from pipelines.extract.media import media_of
from pipelines.extract.meta import language_of, title_of
from pipelines.extract.render import render
from pipelines.extract.result import Extracted
from pipelines.extract.tree import TooManyBlocks, parse
from pipelines.params import ExtractParams
from pipelines.stage import Verdict


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """The decoded page, which the edits of `read` start from. Raises Undecodable."""
    return decode(body, content_type, max_bytes).text


def read(body: bytes, content_type: str | None, params: ExtractParams, url: str | None = None) -> Extracted | Verdict:
    """Main text of a page from its raw bytes; `url` is what its relative addresses start from."""
    try:
        decoded = decode(body, content_type, params.max_page_bytes)
    except Undecodable as error:
        threshold = params.max_page_bytes if error.rule == "page_too_large" else None
        return Verdict(error.rule, error.value, threshold, error.detail)
    return read_text(decoded.text, decoded.charset, params, url)


def read_text(source: str, charset: str, params: ExtractParams, url: str | None = None) -> Extracted | Verdict:
    """The same from decoded text."""
    if not source.strip(" \t\r\n\f\v\x00"):
        return Verdict("empty_page", 0.0)
    try:
        page = parse(source, params.max_depth, params.max_blocks)
    except TooManyBlocks as error:
        return Verdict("too_many_blocks", error.count, params.max_blocks)
    title = title_of(page)
    choice = choose(page)
    if not choice.visible:
        return Verdict("no_main_text", 0.0, params.min_characters)
    said = describe(page, choice.kept, url, title)
    if said.paywalled and params.refuse_paywalled:
        return Verdict("paywalled")
    media = media_of(page, choice, url)
    keys = media if params.media_keys else ()
    text, edits, blocks = render(page, choice.kept, structure=params.structure, media=keys)
    size = min(len(text), choice.characters)  # neither marks nor keys lengthen it
    if size < params.min_characters:
        return Verdict("too_short", size, params.min_characters)
    density = round(choice.characters / choice.visible, 4)
    if density < params.min_density:
        return Verdict("low_density", density, params.min_density)
    resources = list({placed.media.key: placed.media for placed in reversed(media)}.values())[::-1]
    return Extracted(
        title,
        text,
        charset,
        language_of(page),
        density,
        edits,
        blocks=blocks,
        media=resources,
        author=said.author,
        published=said.published,
        canonical_url=said.canonical_url,
        stated_licence=said.stated_licence,
    )
