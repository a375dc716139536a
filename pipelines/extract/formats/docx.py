"""Word documents (Office Open XML): paragraphs, headings, lists, tables, notes, images and charts.

`source_text` is the visible text of the document: a line per paragraph or row, cells divided by tabs.
"""

from __future__ import annotations

import re
from typing import Any

from pipelines.extract.building import Builder, Built
from pipelines.extract.dates import stated
from pipelines.extract.decode import Undecodable
from pipelines.extract.office.content import Content, Line, Paragraph, Table, content
from pipelines.extract.office.package import Package
from pipelines.extract.prose import Numbered, ends_sentence, numbering
from pipelines.extract.result import Extracted, Media
from pipelines.extract.textfile import too_little
from pipelines.extract.unreadable import Unreadable
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
# White space that Markdown has no use for, and the mark that divides cells.
_SPECIAL = re.compile(r"[\t\xa0]+|\n|\|")
_UNTITLED = re.compile(r"(?:microsoft word|document|文档|無標題|untitled|no title)[\s-]*\d*", re.I)
_NOBODY = re.compile(
    r"(?:administrator|admin|user|owner|root|unknown|python-docx|微软用户|用户|lenovo|dell|hp|pc)\d*", re.I
)
MAX_HEADING = 60  # characters of a heading that only its number or bold type tells


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """The visible text of the document. Raises Undecodable."""
    if len(body) > max_bytes:
        raise Undecodable("page_too_large", None, len(body))
    try:
        return _source(content(_opened(body)))
    except Unreadable as error:
        raise Undecodable(error.rule, error.detail, error.value) from None


def read(body: bytes, content_type: str | None, params: ExtractParams, url: str | None = None) -> Extracted | Verdict:
    """The text of a document. Images become media keys (`docx:word/media/…`) where the parameters ask for them."""
    if not body.strip(b"\x00 \t\r\n"):
        return Verdict("empty_page", 0.0)
    try:
        package = _opened(body)
        found = content(package)
        about = _about(package)
    except Unreadable as error:
        return Verdict(error.rule, error.value, error.threshold, error.detail)
    built = _build(found, found.images if params.media_keys else [], params.structure)
    verdict = too_little(built, params)
    if verdict:
        return verdict
    title, author, published = about
    return Extracted(
        title or _title(built),
        built.text,
        "utf-8",
        None,
        1.0,
        built.edits,
        kind="docx",
        author=author,
        published=published,
        blocks=built.blocks,
        media=list({m.key: m for m in reversed(found.images)}.values())[::-1],
    )


def _opened(body: bytes) -> Package:
    """The package of a document. Raises Unreadable, also for other formats of Office and for macros."""
    if body.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16le") in body:
            raise Unreadable("encrypted_document", "ole2")
        old = next((n for n in ("WordDocument", "Workbook", "PowerPoint Document") if n.encode("utf-16le") in body), "")
        raise Unreadable("unsupported_document", {"WordDocument": "doc", "Workbook": "xls"}.get(old, "ole2"))
    package = Package(body)
    kind = package.content_type(package.main())
    if "macroEnabled" in kind:
        raise Unreadable("unsupported_document", "macros")
    for other in ("spreadsheetml", "presentationml"):
        if other in kind:
            raise Unreadable("unsupported_document", other)
    if not package.has(package.main()):
        raise Unreadable("broken_document", "no document part")
    return package


def _about(package: Package) -> tuple[str | None, str | None, str | None]:
    """Title, author and day of creation as the file's properties have them, if they are plausible."""
    name = next((r.target for r in package.relations("").values() if r.kind == "core-properties"), "docProps/core.xml")
    root = package.xml(name)
    if root is None:
        return None, None, None
    title, author = _property(root, f"{_DC}title"), _property(root, f"{_DC}creator")
    created = _property(root, f"{_TERMS}created")
    return (
        title if title and not _UNTITLED.match(title) else None,
        author if author and not _NOBODY.fullmatch(author) else None,
        stated(created) if created else None,
    )


def _property(root: Any, name: str) -> str | None:
    found = root.find(name)
    return " ".join((found.text or "").split())[:300] or None if found is not None else None


def _title(built: Built) -> str | None:
    """The first heading of the highest level."""
    heads = sorted((b for b in built.blocks if b.kind == "heading"), key=lambda b: (b.level, b.start))
    return built.text[heads[0].start : heads[0].end].lstrip("# ")[:300] or None if heads else None


def _source(found: Content) -> str:
    out = []
    for item in found.items:
        rows = [[item.line]] if isinstance(item, Paragraph) else item.rows
        out += ["\t".join(line.text for line in row) + "\n" for row in rows]
    return "".join(out)


def _build(found: Content, media: list[Media], structure: bool) -> Built:
    builder = Builder(_source(found), structure)
    levels = _numbered_headings(found)
    at = 0
    for item in found.items:
        if isinstance(item, Table):
            at = _table(builder, item, at, media)
            continue
        _begin(builder, item, levels.get(id(item), 0))
        at = _line(builder, item.line, at, media, "\n" if item.kind == "paragraph" else " ") + 1
    return builder.finish()


def _begin(builder: Builder, item: Paragraph, level: int) -> None:
    """Begin a paragraph's block, with what stands before its text; `level` makes a heading of it."""
    kind = "heading" if level else item.kind
    level = level or item.level
    builder.block(kind, level, item.page)
    if kind == "heading":
        builder.mark("#" * level + " ")
    elif kind == "list_item":
        builder.mark("  " * (level - 1) + ("- " if item.number == "-" else ""))
    elif kind == "quote":
        builder.mark("> ")
    if item.number.strip("-"):
        builder.join(item.number + " ")


def _numbered_headings(found: Content) -> dict[int, int]:
    """Headings of a document that has none by style: 第一章, 1.2 or 三、 in bold. Identity of paragraph → level."""
    paragraphs = [item for item in found.items if isinstance(item, Paragraph)]
    if any(item.kind == "heading" for item in paragraphs):
        return {}
    told: dict[int, Numbered] = {}
    for item in paragraphs:
        text = item.line.text.strip()
        number = numbering(text) if len(text) <= MAX_HEADING and not ends_sentence(text) else None
        if number and item.kind == "paragraph" and (item.bold or number.family == "chapter"):
            told[id(item)] = number
    families = ("chapter", "han", "decimal")
    ranks = sorted(set(told.values()), key=lambda n: (families.index(n.family), n.depth))
    return {name: min(ranks.index(number) + 1, 6) for name, number in told.items()}


def _table(builder: Builder, table: Table, at: int, media: list[Media]) -> int:
    """A table; returns where its text ends in the source."""
    builder.block("table", 0, table.page)

    def put(row: int, column: int) -> None:
        nonlocal at
        at = _line(builder, table.rows[row][column], at, media, " ", cell=True) + 1

    builder.table(list(map(len, table.rows)), put)
    return at


def _line(builder: Builder, line: Line, at: int, media: list[Media], lines: str, cell: bool = False) -> int:
    """Copy a text from `at` on, trimmed, with its marks and images; returns where it ends in the source."""
    text = line.text
    first = len(text) - len(text.lstrip())
    last = max(len(text.rstrip()), first)
    put = [(place, mark, False) for place, mark in line.marks]
    put += [(place, media[number].key, True) for place, number in line.images if media]
    here = first
    for place, what, image in sorted(put, key=lambda p: p[0]):
        place = min(max(place, here), last)
        _copy(builder, at + here, at + place, lines, cell)
        here = place
        if image:
            builder.insert(what, counts=False)
        else:
            builder.join(what)
    _copy(builder, at + here, at + last, lines, cell)
    return at + len(text)


def _copy(builder: Builder, start: int, end: int, lines: str, cell: bool) -> None:
    at = start
    pipe = "\\|" if builder.structure else "|"
    for found in _SPECIAL.finditer(builder.source, start, end):
        new = lines if found[0] == "\n" else (pipe if cell else "|") if found[0] == "|" else " "
        if new != found[0]:
            builder.copy(at, found.start())
            builder.replace(*found.span(), new)
            at = found.end()
    builder.copy(at, end)
