"""The content of a word-processing document, in order: paragraphs, tables, notes, charts (ECMA-376 part 1, 17).

Deleted text, hidden text, comments, headers, footers and tables of contents are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.extract.media import key_of
from pipelines.extract.office.charts import C, chart_table
from pipelines.extract.office.numbering import Numbering, W, integer
from pipelines.extract.office.package import Package, Relation
from pipelines.extract.office.styles import Style, list_of, outline, styles
from pipelines.extract.result import BlockKind, Media

MAX_DEPTH = 60  # of nested elements that are looked into
MAX_COLUMNS = 63  # Word's own limit
MAX_HEADING = 300  # characters; a longer paragraph is text, whatever its style says
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_V = "{urn:schemas-microsoft-com:vml}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_SKIPPED = frozenset(
    W + name
    for name in [
        "del",
        "moveFrom",
        "delText",
        "instrText",
        "delInstrText",
        "rPr",
        "pPr",
        "sectPr",
        "tblPr",
        "tblGrid",
        "trPr",
        "tcPr",
        "sdtPr",
        "rt",
        "annotationRef",
        "commentReference",
    ]
)
_BLOCKS = frozenset((f"{W}p", f"{W}tbl"))


@dataclass(slots=True)
class Line:
    """Text of a paragraph or a cell, and what is put into it at which place: marks, and images by their number."""

    text: str = ""
    marks: list[tuple[int, str]] = field(default_factory=list)
    images: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Paragraph:
    kind: BlockKind
    level: int
    number: str  # that the program puts before it, "-" for a bullet
    line: Line
    page: int | None
    bold: bool = False


@dataclass(slots=True)
class Table:
    rows: list[list[Line]]
    page: int | None


@dataclass(slots=True)
class Content:
    items: list[Paragraph | Table]
    images: list[Media]


def content(package: Package) -> Content:
    """Everything that a reader of the document sees, in order. Raises Unreadable."""
    main = package.main()
    relations = package.relations(main)
    root = package.xml(main)
    reader = _Reader(package, relations, root)
    if root is not None:
        body = root.find(f"{W}body")
        reader.blocks(root if body is None else body, 0)
        reader.notes()
    return Content(reader.items, reader.images)


class _Reader:
    def __init__(self, package: Package, relations: dict[str, Relation], root: Any) -> None:
        self.package, self.relations = package, relations
        self.styles = styles(package.xml(_part(relations, "styles")))
        self.numbering = Numbering(package.xml(_part(relations, "numbering")))
        self.items: list[Paragraph | Table] = []
        self.images: list[Media] = []
        self.noted: dict[tuple[str, str], int] = {}  # kind and id of notes -> number, in the order of their references
        self.line = Line()
        self.bold = True
        self.length = 0  # characters of the current paragraph so far
        self.blank = True  # whether they are white space only
        self.aside: list[Any] = []  # text boxes and charts of the current paragraph
        rendered = root is not None and root.find(f".//{W}lastRenderedPageBreak") is not None
        self.page: int | None = 1 if rendered else None
        self.began: int | None = self.page  # page of the first character of the current paragraph

    def blocks(self, parent: Any, depth: int) -> None:
        for element in _children(parent, depth):
            if element.tag == f"{W}p":
                self.paragraph(element, depth)
            elif element.tag == f"{W}tbl":
                self.table(element, depth)
            elif element.tag not in _SKIPPED and not _is_contents(element):
                self.blocks(element, depth + 1)

    def paragraph(self, element: Any, depth: int) -> None:
        line, bold, aside = self.read(element, depth)
        properties = element.find(f"{W}pPr")
        style = self._style(properties)
        number, level = list_of(properties)
        if number is None:
            number, level = style.number, level or style.depth
        marker = self.numbering.next(number, level) if number and number != "0" else None
        if not style.contents and (line.text.strip() or line.images):
            self.items.append(self._made(line, style, outline(properties), marker, level, bold))
        for each in aside:
            self._beside(each, depth)

    def _style(self, properties: Any | None) -> Style:
        named = properties.find(f"{W}pStyle") if properties is not None else None
        return self.styles.get(named.get(f"{W}val", ""), Style()) if named is not None else Style()

    def _made(self, line: Line, style: Style, outlined: int, marker: str | None, depth: int, bold: bool) -> Paragraph:
        heading = min(outlined or style.heading, 6)
        if heading and len(line.text) <= MAX_HEADING and line.text.strip():
            return Paragraph("heading", heading, (marker or "").strip("-"), line, self.began)
        if marker:
            return Paragraph("list_item", depth + 1, marker, line, self.began)
        if style.quote:
            return Paragraph("quote", 1, "", line, self.began)
        return Paragraph("paragraph", 0, "", line, self.began, bold)

    def read(self, element: Any, depth: int) -> tuple[Line, bool, list[Any]]:
        """The text of a paragraph, whether all of it is bold, and what floats beside it."""
        before = self.line, self.bold, self.aside, self.length, self.blank
        self.line, self.bold, self.aside, self.length, self.blank = Line(), True, [], 0, True
        self.began = self.page
        parts: list[str] = []
        self._inline(element, parts, depth)
        self.line.text = "".join(parts)
        out = self.line, self.bold and bool(parts), self.aside
        self.line, self.bold, self.aside, self.length, self.blank = before
        return out

    def _inline(self, parent: Any, parts: list[str], depth: int) -> None:
        for child in _children(parent, depth):
            tag = child.tag
            if tag in (f"{W}t", f"{_M}t"):
                self._text(child.text or "", parts)
            elif tag == f"{W}r":
                if not _says(child, "vanish"):
                    self.bold &= _says(child, "b") or not any(t.text and t.text.strip() for t in child.iter(f"{W}t"))
                    self._inline(child, parts, depth + 1)
            elif tag in _SKIPPED or tag in _BLOCKS:
                continue
            elif tag in (f"{W}tab", f"{W}ptab"):
                self._text("\t", parts)
            elif tag in (f"{W}br", f"{W}cr"):
                self._text("\n" if child.get(f"{W}type", "textWrapping") == "textWrapping" else "", parts)
            elif tag == f"{W}noBreakHyphen":
                self._text("-", parts)
            elif tag == f"{W}lastRenderedPageBreak":
                self.page = (self.page or 0) + 1
                self.began = self.page if self.blank else self.began
            elif tag == f"{W}sym":
                self._text(_symbol(child), parts)
            elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
                self._note(child)
            elif tag in (f"{W}drawing", f"{W}pict", f"{W}object"):
                self._drawing(child)
            else:
                self._inline(child, parts, depth + 1)

    def _text(self, text: str, parts: list[str]) -> None:
        if text:
            parts.append(text)
            self.length += len(text)
            self.blank = self.blank and not text.strip()

    def _note(self, element: Any) -> None:
        note = (element.tag[len(W) : -len("Reference")], element.get(f"{W}id", ""))
        number = self.noted.setdefault(note, len(self.noted) + 1)
        self.line.marks.append((self.length, f"[^{number}]"))

    def _drawing(self, element: Any) -> None:
        described = next(element.iter(f"{_WP}docPr"), None)
        alt = described.get("descr") or described.get("title") if described is not None else None
        boxes = [box for box in element.iter(f"{W}txbxContent") if not _is_fallback(box, element)]
        self.aside += boxes
        for each in element.iter(f"{_A}blip", f"{_V}imagedata", f"{C}chart"):
            if _is_fallback(each, element):
                continue
            if each.tag == f"{C}chart":
                self.aside.append(each)
                continue
            relation = self.relations.get(each.get(f"{_R}embed") or each.get(f"{_R}id") or "")
            if relation and relation.kind == "image":
                url = f"docx:{relation.target}"
                self.line.images.append((self.length, len(self.images)))
                self.images.append(Media(key_of("img", url), "img", url, " ".join((alt or "").split())[:500] or None))

    def _beside(self, element: Any, depth: int) -> None:
        if element.tag != f"{C}chart":
            self.blocks(element, depth + 1)
            return
        relation = self.relations.get(element.get(f"{_R}id") or "")
        root = self.package.xml(relation.target) if relation else None
        title, rows = chart_table(root) if root is not None else ("", [])
        if rows and title:
            self.items.append(Paragraph("paragraph", 0, "", Line(title), self.page))
        if rows:
            self.items.append(Table([[Line(cell) for cell in row] for row in rows], self.page))

    def table(self, element: Any, depth: int) -> None:
        rows = list(_within(element, f"{W}tr", depth))
        cells = [list(_within(row, f"{W}tc", depth)) for row in rows]
        if max(map(len, cells), default=0) < 2:  # a frame around text
            for cell in (cell for row in cells for cell in row):
                self.blocks(cell, depth + 1)
            return
        place, page = len(self.items), self.page
        lines = [self._row(row, own, depth) for row, own in zip(rows, cells, strict=True)]
        lines = [line for line in lines if line]
        if any(cell.text.strip() or cell.images for line in lines for cell in line):
            self.items.insert(place, Table(lines, page))  # charts of its cells come after it

    def _row(self, row: Any, cells: list[Any], depth: int) -> list[Line]:
        if row.find(f"{W}trPr/{W}del") is not None:
            return []
        out = [Line() for _ in range(_columns(row.find(f"{W}trPr/{W}gridBefore"), 0))]
        for cell in cells:
            properties = cell.find(f"{W}tcPr")
            merged = properties.find(f"{W}vMerge") if properties is not None else None
            continued = merged is not None and merged.get(f"{W}val", "continue") == "continue"
            out.append(Line() if continued else self._cell(cell, depth))
            wide = properties.find(f"{W}gridSpan") if properties is not None else None
            out += [Line() for _ in range(_columns(wide, 1) - 1)]
        return out[:MAX_COLUMNS]

    def _cell(self, cell: Any, depth: int) -> Line:
        """The paragraphs of a cell, tables within it included, as lines of one text."""
        out = Line()
        for element in cell.iter(f"{W}p"):
            if _is_fallback(element, cell):
                continue
            line, _, aside = self.read(element, depth + 1)
            for each in aside:
                if each.tag == f"{C}chart":
                    self._beside(each, depth)
            if not line.text.strip() and not line.images:
                continue
            shift = len(out.text) + bool(out.text)
            out.text += ("\n" if out.text else "") + line.text
            out.marks += [(at + shift, mark) for at, mark in line.marks]
            out.images += [(at + shift, image) for at, image in line.images]
        return out

    def notes(self) -> None:
        """The footnotes and endnotes that the text refers to."""
        for kind in ("footnote", "endnote"):
            root = self.package.xml(_part(self.relations, f"{kind}s"))
            notes = {} if root is None else {each.get(f"{W}id", ""): each for each in root.iter(W + kind)}
            for (of, name), number in list(self.noted.items()):
                if of == kind and name in notes:
                    line = self._cell(notes[name], 0)
                    if line.text.strip():
                        self.items.append(Paragraph("paragraph", 0, f"[^{number}]:", line, None))


def _part(relations: dict[str, Relation], kind: str) -> str:
    return next((r.target for r in relations.values() if r.kind == kind), "")


def _children(parent: Any, depth: int) -> Iterator[Any]:
    """Child elements; of alternatives the first. Below MAX_DEPTH there is nothing."""
    if depth > MAX_DEPTH:
        return
    for child in parent:
        if not isinstance(child.tag, str):
            continue
        if child.tag == f"{_MC}AlternateContent":
            choice = child.find(f"{_MC}Choice")
            chosen = choice if choice is not None else child.find(f"{_MC}Fallback")
            yield from () if chosen is None else _children(chosen, depth + 1)
        else:
            yield child


def _within(parent: Any, tag: str, depth: int) -> Iterator[Any]:
    """Rows or cells, in content controls and insertions too."""
    for child in _children(parent, depth):
        if child.tag == tag:
            yield child
        elif child.tag not in _SKIPPED and child.tag not in _BLOCKS:
            yield from _within(child, tag, depth + 1)


def _is_fallback(element: Any, top: Any) -> bool:
    for above in element.iterancestors():
        if above.tag == f"{_MC}Fallback":
            return True
        if above is top:
            return False
    return False


def _is_contents(element: Any) -> bool:
    """Whether a content control holds a table of contents that the program made."""
    if element.tag != f"{W}sdt":
        return False
    gallery = element.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
    return gallery is not None and gallery.get(f"{W}val") == "Table of Contents"


def _says(run: Any, name: str) -> bool:
    """Whether a run's properties switch something on."""
    found = run.find(f"{W}rPr/{W}{name}")
    return found is not None and found.get(f"{W}val", "1") not in ("0", "false", "off")


def _columns(element: Any | None, default: int) -> int:
    return min(max(integer(element.get(f"{W}val"), default), 0), MAX_COLUMNS) if element is not None else default


def _symbol(element: Any) -> str:
    """A character of a symbol font; those without a meaning of their own are left out."""
    try:
        code = int(element.get(f"{W}char", ""), 16)
    except ValueError:
        return ""
    return chr(code) if 0x20 < code < 0xD800 or 0xF900 <= code < 0xFFFE else ""
