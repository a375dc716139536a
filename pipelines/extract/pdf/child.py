"""The process that reads PDF files for `pipelines.extract.pdf.process`: PDFium is C++ code on hostile input.

Requests and replies are frames: eight bytes of length, then the content. A request is a frame of JSON and a frame with
the file; a reply is one frame of JSON, or for a picture a frame of JSON and one of grey values. The process ends with
its standard input, when it crashes, and at its limits of memory and CPU time.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Any, BinaryIO

import orjson
import pypdfium2.raw as pdfium

from pipelines.extract.pdf.reader import Reader

MAX_PAGES = 5_000
MAX_SPANS = 1_000_000  # pieces of text in one file
MAX_BYTES = 3 << 30  # of address space
CPU_SECONDS = 120  # for one file
MAX_PIXELS = 40_000_000  # of a picture of a page
MAX_BOOKMARKS = 5_000
_ERRORS = {
    pdfium.FPDF_ERR_PASSWORD: ("encrypted_document", "pdf"),
    pdfium.FPDF_ERR_SECURITY: ("encrypted_document", "pdf"),
}


class Refused(Exception):
    """`args` are rule, detail, value and threshold of a reject."""


def main() -> None:
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pdfium.FPDF_InitLibrary()
    while (head := _frame(stdin)) is not None:
        body = _frame(stdin)
        if body is None:
            return
        _limit_cpu()
        try:
            frames = _answer(orjson.loads(head), body)
        except Refused as refusal:
            frames = [orjson.dumps({"refused": refusal.args})]
        except MemoryError:
            frames = [orjson.dumps({"refused": ("document_limit", "memory", None, MAX_BYTES)})]
        for frame in frames:
            stdout.write(len(frame).to_bytes(8, "big"))
            stdout.write(frame)
        stdout.flush()


def _frame(stream: BinaryIO) -> bytes | None:
    length = stream.read(8)
    return stream.read(int.from_bytes(length, "big")) if len(length) == 8 else None


def _limit_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _answer(request: dict[str, Any], body: bytes) -> list[bytes]:
    document = pdfium.FPDF_LoadMemDocument64(body, len(body), None)
    if not document:
        raise Refused(*_ERRORS.get(pdfium.FPDF_GetLastError(), ("broken_document", "pdf")), None, None)
    try:
        count = pdfium.FPDF_GetPageCount(document)
        if count > MAX_PAGES:
            raise Refused("document_limit", "pages", count, MAX_PAGES)
        if request["do"] == "picture":
            return _picture(document, request["page"], request["scale"])
        return [orjson.dumps(_read(document, count))]
    finally:
        pdfium.FPDF_CloseDocument(document)


def _read(document: Any, count: int) -> dict[str, Any]:
    reader = Reader()
    pages: list[Any] = []
    spans = 0
    held = None  # the page before: fonts that two pages share are loaded once as long as one of them is open
    try:
        for number in range(count):
            page = pdfium.FPDF_LoadPage(document, number)
            if held:
                pdfium.FPDF_ClosePage(held)
            held = page
            pages.append(reader.page(page) if page else None)
            spans += len(pages[-1]["spans"]) + len(pages[-1]["aside"]) if page else 0
            if spans > MAX_SPANS:
                raise Refused("document_limit", "text", spans, MAX_SPANS)
    finally:
        if held:
            pdfium.FPDF_ClosePage(held)
    about = {name.lower(): _said(document, name) for name in ("Title", "Author", "CreationDate")}
    return {"pages": pages, **about, "outline": _outline(document)}


def _said(document: Any, name: str) -> str | None:
    tag = name.encode()
    size = pdfium.FPDF_GetMetaText(document, tag, None, 0)
    if not 2 < size <= 4096:
        return None
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDF_GetMetaText(document, tag, buffer, size)
    return _utf16(buffer.raw[: size - 2])


def _utf16(raw: bytes) -> str:
    """Text that JSON can hold, whatever the file has."""
    return raw.decode("utf-16-le", "replace")


def _outline(document: Any) -> list[tuple[int, int, str]]:
    """Bookmarks in order: level, page, title. Circles end at a limit."""
    out: list[tuple[int, int, str]] = []
    first = pdfium.FPDFBookmark_GetFirstChild(document, None)
    waiting = [(first, 1)]
    seen = 0
    while waiting and seen < MAX_BOOKMARKS:
        mark, level = waiting.pop()
        if not mark:
            continue
        seen += 1
        waiting.append((pdfium.FPDFBookmark_GetNextSibling(document, mark), level))
        if level < 9:
            waiting.append((pdfium.FPDFBookmark_GetFirstChild(document, mark), level + 1))
        size = pdfium.FPDFBookmark_GetTitle(mark, None, 0)
        goal = pdfium.FPDFBookmark_GetDest(document, mark)
        page = pdfium.FPDFDest_GetDestPageIndex(document, goal) if goal else -1
        if 2 < size <= 2048:
            buffer = ctypes.create_string_buffer(size)
            pdfium.FPDFBookmark_GetTitle(mark, buffer, size)
            out.append((level, page + 1, _utf16(buffer.raw[: size - 2])))
    return out


def _picture(document: Any, number: int, scale: float) -> list[bytes]:
    """A page as grey values, `scale` pixels to the point, fewer where the page is very large."""
    page = pdfium.FPDF_LoadPage(document, number)
    if not page:
        raise Refused("broken_document", "page", None, None)
    try:
        wide, high = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
        scale = min(scale, (MAX_PIXELS / max(wide * high, 1.0)) ** 0.5)
        width, height = max(int(wide * scale), 1), max(int(high * scale), 1)
        bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_Gray, None, 0)
        if not bitmap:
            raise MemoryError
        try:
            pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
            pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, pdfium.FPDF_ANNOT)
            stride = pdfium.FPDFBitmap_GetStride(bitmap)
            rows = ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), stride * height)
        finally:
            pdfium.FPDFBitmap_Destroy(bitmap)
    finally:
        pdfium.FPDF_ClosePage(page)
    head = {"width": width, "height": height, "stride": stride, "points": (wide, high)}
    return [orjson.dumps(head), rows]


if __name__ == "__main__":
    main()
