"""Pages of a PDF through PDFium, in the process that `pipelines.extract.pdf.child` runs in.

Calls into C cost more than anything else here, so that there is one per character (its box) and a few per piece.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

MAX_OBJECTS = 20_000  # of a page that are looked at for ruled lines and images
MAX_SEGMENTS = 400  # of a path
MAX_CHARACTERS = 1_000_000  # of a page
# What characters stand for: nothing, a hyphen at a line's end as PDFium marks it, the letters of a ligature.
_MEANT: dict[int, str | None] = {
    **dict.fromkeys((*range(0x20), *range(0x7F, 0xA0))),
    **dict.fromkeys((0x02, 0xAD, 0xFFFE), "-"),
    **dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)),
}
# Names of bold and of typewriter fonts; those of TeX do not say it in words.
_BOLD = re.compile("bold|black|heavy|demi|cmbx|sfbx|-medi(?!um)|simhei|heiti|黑体")
_MONO = re.compile("courier|mono|nimbusmon|consol|cm(?:sl)?tt|sftt|typewriter|menlo|inconsolata|lettergothic|fixed")
_TEXT, _PATH, _IMAGE, _FORM = 1, 2, 3, 5  # FPDF_PAGEOBJ_*
_WIDE = ((0x2E80, 0x30FF), (0x31C0, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFF60), (0x20000, 0x3FFFF))
Boxes = NDArray[np.float64]


def _fast(function: Any, result: Any, *arguments: Any) -> Any:
    """A C function that takes and returns plain addresses, without wrapping them in objects."""
    address = ctypes.cast(function, ctypes.c_void_p).value
    return ctypes.PYFUNCTYPE(result, *arguments)(address or 0)


_P, _I = ctypes.c_void_p, ctypes.c_int
_loose_box = _fast(pdfium.FPDFText_GetLooseCharBox, _I, _P, _I, _P)
_text_object = _fast(pdfium.FPDFText_GetTextObject, _P, _P, _I)
_matrix_at = _fast(pdfium.FPDFText_GetMatrix, _I, _P, _I, _P)
_size_at = _fast(pdfium.FPDFText_GetFontSize, ctypes.c_double, _P, _I)
_generated_at = _fast(pdfium.FPDFText_IsGenerated, _I, _P, _I)
_unmapped_at = _fast(pdfium.FPDFText_HasUnicodeMapError, _I, _P, _I)
_code_at = _fast(pdfium.FPDFText_GetUnicode, ctypes.c_uint, _P, _I)
_font_of = _fast(pdfium.FPDFTextObj_GetFont, _P, _P)
_font_name = _fast(pdfium.FPDFFont_GetBaseFontName, ctypes.c_size_t, _P, _P, ctypes.c_size_t)
_font_weight = _fast(pdfium.FPDFFont_GetWeight, _I, _P)
_type_of = _fast(pdfium.FPDFPageObj_GetType, _I, _P)
_bounds_of = _fast(pdfium.FPDFPageObj_GetBounds, _I, _P, _P, _P, _P, _P)
_matrix_of = _fast(pdfium.FPDFPageObj_GetMatrix, _I, _P, _P)
_object_at = _fast(pdfium.FPDFPage_GetObject, _P, _P, _I)
_inner_count = _fast(pdfium.FPDFFormObj_CountObjects, _I, _P)
_inner_at = _fast(pdfium.FPDFFormObj_GetObject, _P, _P, ctypes.c_ulong)
_segments = _fast(pdfium.FPDFPath_CountSegments, _I, _P)
_segment_at = _fast(pdfium.FPDFPath_GetPathSegment, _P, _P, _I)
_point_of = _fast(pdfium.FPDFPathSegment_GetPoint, _I, _P, _P, _P)
_segment_type = _fast(pdfium.FPDFPathSegment_GetType, _I, _P)
_draw_mode = _fast(pdfium.FPDFPath_GetDrawMode, _I, _P, _P, _P)


class Reader:
    """Reads the pages of one document; fonts are looked at once."""

    def __init__(self) -> None:
        self._fonts: dict[int, tuple[bool, bool]] = {}

    def page(self, page: Any) -> dict[str, Any]:
        """Pieces, ruled lines and images of a page, as plain data."""
        frame = _Frame(page)
        text = pdfium.FPDFText_LoadPage(page)
        if not text:
            return frame.result([], [], 0.0, 0, [])
        try:
            address = ctypes.cast(text, ctypes.c_void_p).value
            spans, aside, unmapped = self._spans(address, frame)
        finally:
            pdfium.FPDFText_ClosePage(text)
        rules, pictured = _drawn(page, frame)
        return frame.result(spans, rules, pictured, unmapped, aside)

    def _spans(self, text: Any, frame: _Frame) -> tuple[list[list[Any]], list[str], int]:
        count = pdfium.FPDFText_CountChars(ctypes.cast(text, pdfium.FPDF_TEXTPAGE))
        count = min(max(count, 0), MAX_CHARACTERS)
        codes = _codes(text, count)
        # Space, and controls that are no hyphens, are no glyphs; a zero is a glyph that nobody knows.
        ink = ~(((codes <= 0x20) & (codes != 0x02)) | (codes == 0xA0) | (codes == 0x3000) | (codes == 0xFEFF))
        unmapped = int(((codes == 0) | (codes == 0xFFFD) | ((codes >= 0xE000) & (codes < 0xF000))).sum())
        places = np.flatnonzero(ink)
        if not len(places):
            return [], [], unmapped
        raw = np.zeros((len(places), 4), np.float32)
        at = raw.ctypes.data
        for offset, place in enumerate(places.tolist()):
            _loose_box(text, place, at + 16 * offset)
        boxes = frame.turned(raw[:, [0, 3, 2, 1]].astype(np.float64))
        typed = _typed_spaces(text, codes, places)
        starts, spaced = _pieces(boxes, codes[places], places, typed)
        letters, offsets = _letters(codes[places], spaced)
        ends = np.append(starts[1:], len(places))
        corners = [np.minimum.reduceat(boxes[:, side], starts) for side in (0, 1)]
        corners += [np.maximum.reduceat(boxes[:, side], starts) for side in (2, 3)]
        around = np.stack(corners, axis=1).round(2).tolist()
        spans: list[list[Any]] = []
        aside: list[str] = []
        matrix = (ctypes.c_float * 6)()
        at = ctypes.addressof(matrix)
        left_out = -1  # the last glyph that went aside
        for first, last, box in zip(starts.tolist(), ends.tolist(), around, strict=True):
            place = int(places[first])
            piece = letters[offsets[first] : offsets[last - 1] + 1].translate(_MEANT).strip()
            sample = (place, int(places[(first + last) // 2]), int(places[last - 1]))
            foreign = all(_unmapped_at(text, each) == 1 for each in sample)
            unmapped += last - first if foreign else 0
            if not piece:
                continue
            _matrix_at(text, place, at)
            upright, scale = frame.direction(matrix)
            if foreign or not upright or not frame.shows(*box):
                if aside and first and left_out == first - 1 and place == places[first - 1] + 1:
                    aside[-1] += piece  # letters of a slanting line are pieces of their own
                else:
                    aside.append(piece)
                left_out = last - 1
                continue
            size = _size_at(text, place) * scale
            size = size if 0.5 < size < 2000 else box[3] - box[1]
            bold, mono = self._font(text, place)
            for other in sample[1:]:
                if (bold or mono) and other != place:
                    also_bold, also_mono = self._font(text, other)
                    bold, mono = bold and also_bold, mono and also_mono
            spans.append([piece, *box, round(size, 2), bold, mono])
        return spans, aside, unmapped

    def _font(self, text: Any, place: int) -> tuple[bool, bool]:
        """Whether a character is bold, and whether its type has one width."""
        found = _text_object(text, place)
        font = _font_of(found) if found else None
        if not font:
            return False, False
        if font not in self._fonts:
            name = ctypes.create_string_buffer(256)
            length = _font_name(font, name, 255)
            label = name.value.decode("utf-8", "replace").lower() if 0 < length <= 256 else ""
            bold = bool(_BOLD.search(label)) or 600 <= _font_weight(font) <= 1000
            self._fonts[font] = bold, bool(_MONO.search(label))
        return self._fonts[font]


class _Frame:
    """How a page is turned: from its own coordinates to those of the reader's eye."""

    def __init__(self, page: Any) -> None:
        box = pdfium.FS_RECTF()
        pdfium.FPDF_GetPageBoundingBox(page, ctypes.byref(box))
        self.rotation = pdfium.FPDFPage_GetRotation(page) % 4
        self.left, self.bottom = box.left, box.bottom
        across, along = max(box.right - box.left, 1.0), max(box.top - box.bottom, 1.0)
        self.own = across, along
        self.width, self.height = (along, across) if self.rotation % 2 else (across, along)

    def turned(self, boxes: Boxes) -> Boxes:
        """left, bottom, right, top → x0, y0, x1, y1."""
        across, along = self.own
        x0, y0 = boxes[:, 0] - self.left, boxes[:, 1] - self.bottom
        x1, y1 = boxes[:, 2] - self.left, boxes[:, 3] - self.bottom
        columns = {
            0: (x0, along - y1, x1, along - y0),
            1: (y0, x0, y1, x1),
            2: (across - x1, y0, across - x0, y1),
            3: (along - y1, across - x1, along - y0, across - x0),
        }[self.rotation]
        return np.nan_to_num(np.stack(columns, axis=1), posinf=1e6, neginf=-1e6).clip(-1e6, 1e6)

    def direction(self, matrix: Any) -> tuple[bool, float]:
        """Whether text with this matrix runs to the right, and how it scales its type size."""
        a, b, c, d = matrix[0], matrix[1], matrix[2], matrix[3]
        for _ in range(self.rotation):
            a, b = b, -a
        return a > 0 and abs(b) < 0.1 * a, float(np.hypot(c, d))

    def shows(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        return -2 < (x0 + x1) / 2 < self.width + 2 and -2 < (y0 + y1) / 2 < self.height + 2

    def result(
        self, spans: list[list[Any]], rules: list[list[float]], pictured: float, unmapped: int, aside: list[str]
    ) -> dict[str, Any]:
        return {
            "width": round(self.width, 2),
            "height": round(self.height, 2),
            "spans": spans,
            "rules": rules,
            "pictured": round(pictured, 3),
            "unmapped": unmapped,
            "aside": aside,
        }


def _codes(text: Any, count: int) -> NDArray[np.uint32]:
    """A code point per character of the page."""
    buffer = (ctypes.c_ushort * (count + 1))()
    page = ctypes.cast(text, pdfium.FPDF_TEXTPAGE)
    got = pdfium.FPDFText_GetText(page, 0, count, buffer) - 1 if count else 0
    codes = np.frombuffer(bytes(buffer), np.uint16, count).astype(np.uint32)
    if got == count and not ((codes >= 0xD800) & (codes < 0xE000)).any():
        return codes
    # Characters without text and those beyond the first plane shift the two ways of counting.
    return np.array([_code_at(text, place) for place in range(count)], np.uint32)


def _wide(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    out = np.zeros(len(codes), np.bool_)
    for low, high in _WIDE:
        out |= (codes >= low) & (codes <= high)
    return out


def _typed_spaces(text: Any, codes: NDArray[np.uint32], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Between which ideographs the file has a space of its own: PDFium sees some where lines are stretched."""
    out = np.zeros(max(len(places) - 1, 0), np.bool_)
    wide = _wide(codes[places])
    for at in np.flatnonzero((np.diff(places) == 2) & wide[1:] & wide[:-1]).tolist():
        out[at] = _generated_at(text, int(places[at]) + 1) == 0
    return out


def _pieces(
    boxes: Boxes, codes: NDArray[np.uint32], places: NDArray[np.int64], typed: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where pieces begin, and which glyphs have a space before them. `typed` tells of spaces between ideographs."""
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 0.5)
    low = np.minimum(height[1:], height[:-1])
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    gap = boxes[1:, 0] - boxes[:-1, 2]
    parted = (np.abs(np.diff(middle)) > 0.5 * low) | (gap > 0.6 * low) | (gap < -0.8 * low)
    wide = _wide(codes)
    both = wide[1:] & wide[:-1]
    spaced = np.where(both, typed | (gap > 0.45 * low), (np.diff(places) > 1) & (gap > 0.05 * low) | (gap > 0.28 * low))
    starts = np.concatenate(([0], np.flatnonzero(parted) + 1))
    return starts, np.concatenate(([False], spaced & ~parted))


def _letters(codes: NDArray[np.uint32], spaced: NDArray[np.bool_]) -> tuple[str, NDArray[np.int64]]:
    """The glyphs as one text, with a space before those that have one, and the place of each in it."""
    offsets = np.arange(len(codes)) + np.cumsum(spaced)
    out = np.full(len(codes) + int(spaced.sum()), 0x20, np.uint32)
    unusable = ((codes >= 0xD800) & (codes < 0xE000)) | (codes > 0x10FFFF)
    out[offsets] = np.where(unusable, 0, codes)
    return out.astype("<u4").tobytes().decode("utf-32-le"), offsets


def _drawn(page: Any, frame: _Frame) -> tuple[list[list[float]], float]:
    """Thin lines of a page, edges of boxes among them, and the share that images cover."""
    edges: list[tuple[float, float, float, float]] = []
    covered = 0.0
    sides = (ctypes.c_float * 4)()
    at = ctypes.addressof(sides)
    whole = frame.own[0] * frame.own[1]
    for kind, found, outer in _objects(page):
        if kind not in (_PATH, _IMAGE) or not _bounds_of(found, at, at + 4, at + 8, at + 12):
            continue
        left, bottom, right, top = sides if outer is None else _moved(outer, *sides)
        if kind == _IMAGE:
            covered += max(right - left, 0) * max(top - bottom, 0)
        elif right - left < 3 or top - bottom < 3:
            edges.append((left, bottom, right, top))
        else:
            edges += _edges(found, outer, (left, bottom, right, top))
    if not edges:
        return [], min(covered / whole, 1.0)
    boxes = frame.turned(np.array(edges, np.float64))
    long = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) > 5
    return [[round(v, 2) for v in box] for box in boxes[long].tolist()], min(covered / whole, 1.0)


def _objects(page: Any) -> Iterator[tuple[int, Any, Any]]:
    """(kind, object, matrix of the form it is in) of the objects on a page, forms opened once."""
    address = ctypes.cast(page, ctypes.c_void_p).value
    left = MAX_OBJECTS
    for number in range(min(pdfium.FPDFPage_CountObjects(page), MAX_OBJECTS)):
        found = _object_at(address, number)
        kind = _type_of(found) if found else 0
        left -= 1
        if kind != _FORM:
            yield kind, found, None
            continue
        matrix = (ctypes.c_float * 6)()
        _matrix_of(found, ctypes.addressof(matrix))
        for inner in range(min(max(_inner_count(found), 0), max(left, 0))):
            left -= 1
            each = _inner_at(found, inner)
            if each:
                yield _type_of(each), each, matrix


def _moved(m: Any, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
    xs = [m[0] * x + m[2] * y + m[4] for x in (left, right) for y in (bottom, top)]
    ys = [m[1] * x + m[3] * y + m[5] for x in (left, right) for y in (bottom, top)]
    return min(xs), min(ys), max(xs), max(ys)


def _edges(path: Any, outer: Any, box: tuple[float, float, float, float]) -> list[tuple[float, float, float, float]]:
    """Straight horizontal and vertical strokes of a path."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    _draw_mode(path, ctypes.addressof(fill), ctypes.addressof(stroke))
    count = _segments(path)
    if not stroke.value or not 2 <= count <= MAX_SEGMENTS:
        return []
    matrix = (ctypes.c_float * 6)()
    _matrix_of(path, ctypes.addressof(matrix))
    point = (ctypes.c_float * 2)()
    at = ctypes.addressof(point)
    out: list[tuple[float, float, float, float]] = []
    before: tuple[float, float] | None = None
    for number in range(count):
        segment = _segment_at(path, number)
        if not segment or not _point_of(segment, at, at + 4):
            continue
        x, y, _, _ = _moved(matrix, point[0], point[1], point[0], point[1])
        if outer is not None:
            x, y, _, _ = _moved(outer, x, y, x, y)
        if before is not None and _segment_type(segment) == pdfium.FPDF_SEGMENT_LINETO:
            line = (min(x, before[0]), min(y, before[1]), max(x, before[0]), max(y, before[1]))
            if line[2] - line[0] < 1 or line[3] - line[1] < 1:
                out.append(line)
        before = (x, y)
    if len(out) == 3 and count <= 5:  # a rectangle closes by itself
        left, bottom, right, top = box
        return [
            (left, bottom, right, bottom),
            (left, top, right, top),
            (left, bottom, left, top),
            (right, bottom, right, top),
        ]
    return out
