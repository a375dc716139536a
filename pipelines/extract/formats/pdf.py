"""PDF: text in reading order with headings, lists, tables and page numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.extract.building import Built
from pipelines.extract.dates import stated
from pipelines.extract.decode import Undecodable
from pipelines.extract.ocr.engines import EngineMissing
from pipelines.extract.pdf.assembly import Piece, arranged, build, source_of
from pipelines.extract.pdf.process import picture, read_pdf
from pipelines.extract.pdf.spans import Page
from pipelines.extract.result import Extracted
from pipelines.extract.textfile import too_little
from pipelines.extract.unreadable import Unreadable
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

MAX_UNMAPPED = 0.2  # share of characters that the file does not say the meaning of
MAX_OCR_PAGES = 1_000
MAX_SCANNED = 0.5  # share of pages that are pictures without text
_PICTURED = 0.3  # share of a page that its pictures cover, so that it counts as one
_FEW = 20  # characters: fewer on a pictured page are no text layer
_UNTITLED = re.compile(
    r"(?:microsoft (?:word|powerpoint|excel)|untitled|document|无标题|幻灯片|slide|powerpoint|print)", re.I
)
_FILE = re.compile(r"\.(?:docx?|pptx?|xlsx?|pdf|tex|dvi|indd|qxd|wpd|odt|wps|html?)\Z", re.I)
_NOBODY = re.compile(
    r"(?:administrator|admin|user|owner|root|unknown|anonymous|微软用户|用户|lenovo|dell|hp|pc)\d*", re.I
)
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)")


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """All that the pages show, in reading order. Raises Undecodable."""
    if len(body) > max_bytes:
        raise Undecodable("page_too_large", None, len(body))
    try:
        return source_of(arranged(read_pdf(body).pages))
    except Unreadable as error:
        raise Undecodable(error.rule, error.detail, error.value) from None


def read(body: bytes, content_type: str | None, params: ExtractParams, url: str | None = None) -> Extracted | Verdict:
    """The text of a file; one of pictures needs OCR."""
    if not body.strip(b"\x00 \t\r\n"):
        return Verdict("empty_page", 0.0)
    try:
        pdf = read_pdf(body)
    except Unreadable as error:
        return Verdict(error.rule, error.value, error.threshold, error.detail)
    refused = _unusable(pdf.pages, params)
    if refused:
        return refused
    pages = pdf.pages
    if params.ocr:
        try:
            pages = [*pages, *_recognised(body, pages, params)]
        except Unreadable as error:
            return Verdict(error.rule, error.value, error.threshold, error.detail)
        except EngineMissing as error:
            return Verdict("needs_ocr", detail=str(error))
    pieces = arranged(pages)
    built = build(pieces, params.structure)
    verdict = too_little(built, params)
    if verdict:
        return verdict
    return Extracted(
        _stated_title(pdf.title) or _title(built),
        built.text,
        "utf-8",
        None,
        _density(pieces),
        built.edits,
        kind="pdf",
        author=_author(pdf.author),
        published=_day(pdf.created),
        blocks=built.blocks,
    )


def _recognised(body: bytes, pages: Sequence[Page], params: ExtractParams) -> list[Page]:
    """What OCR reads on the pages that are pictures. Raises Unreadable and EngineMissing."""
    from pipelines.extract.ocr.pages import SCALE, page_of

    scanned = [page for page in pages if is_scanned(page)]
    out = []
    for page in scanned:
        grey = picture(body, page.number, SCALE)
        out.append(page_of(grey, page.number, params, max(grey.shape[1] / page.width, 0.01)))
    return out


def _unusable(pages: Sequence[Page], params: ExtractParams) -> Verdict | None:
    """The verdict on pages without a text, or with one that cannot be trusted."""
    letters = sum(len(span.text) for page in pages for span in page.spans)
    unmapped = sum(page.unmapped for page in pages)
    share = round(unmapped / max(letters, unmapped, 1), 4)
    if share > MAX_UNMAPPED:
        return Verdict("scrambled_text", share, MAX_UNMAPPED)
    scanned = sum(map(is_scanned, pages))
    if params.ocr and scanned > MAX_OCR_PAGES:
        return Verdict("document_limit", scanned, MAX_OCR_PAGES, "pages for OCR")
    if not params.ocr and scanned > MAX_SCANNED * len(pages):
        return Verdict("needs_ocr", round(scanned / len(pages), 4), MAX_SCANNED, "pdf")
    return None


def is_scanned(page: Page) -> bool:
    """Whether a page is a picture without a text layer."""
    return page.pictured >= _PICTURED and sum(len(span.text) for span in page.spans) < _FEW


def _density(pieces: Sequence[Piece]) -> float:
    kept = sum(len(piece.source) for piece in pieces if piece.item is not None)
    everything = sum(len(piece.source) for piece in pieces)
    return round(kept / everything, 4) if everything else 1.0


def _title(built: Built) -> str | None:
    """The first heading of the highest level on the first pages."""
    heads = [b for b in built.blocks if b.kind == "heading" and (b.page or 1) <= 2]
    if not heads:
        return None
    first = min(heads, key=lambda b: (b.level, b.start))
    return built.text[first.start : first.end].lstrip("# ")[:300] or None


def _stated_title(title: str | None) -> str | None:
    text = " ".join((title or "").split())[:300]
    plausible = len(text) > 2 and not _UNTITLED.match(text) and not _FILE.search(text) and "\ufffd" not in text
    return text if plausible and any(c.isalpha() for c in text) else None


def _author(author: str | None) -> str | None:
    text = " ".join((author or "").split())[:300]
    return text if len(text) > 1 and not _NOBODY.fullmatch(text) and "\ufffd" not in text else None


def _day(created: str | None) -> str | None:
    """The day of `D:20240305…`: when the file was made, by a clock that may be anyone's."""
    found = _DATE.match(created or "")
    return stated(f"{found[1]}-{found[2]}-{found[3]}") if found else None
