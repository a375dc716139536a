"""A picture of a page to a page of text pieces, as a PDF with a text layer has them."""

from __future__ import annotations

from statistics import median

import numpy as np
from numpy.typing import NDArray

from pipelines.extract.ocr import words
from pipelines.extract.ocr.engines import Found, read
from pipelines.extract.ocr.prepare import prepared
from pipelines.extract.pdf.spans import Page, Span
from pipelines.params import ExtractParams

MIN_CONFIDENCE = 0.3  # a line that its engine is less sure of is taken for a picture
SCALE = 300 / 72  # pixels per point


def page_of(picture: NDArray[np.uint8], number: int, params: ExtractParams, scale: float = SCALE) -> Page:
    """The text that an engine reads in a picture. Raises EngineMissing."""
    found = read(prepared(picture), params.ocr, params.ocr_languages)
    found = [line for line in found if line.confidence >= MIN_CONFIDENCE]
    known = words.of(params.ocr_words)
    usual = median(line.y1 - line.y0 for line in found) if found else 0.0
    spans = [_span(line, known.corrected(line.text), usual, scale) for line in found]
    height, width = picture.shape
    return Page(number, width / scale, height / scale, spans, [], 1.0, 0, [], recognised=True)


def _span(line: Found, text: str, usual: float, scale: float) -> Span:
    """A piece whose type size is that of the page where its box is about as high: boxes follow letters, not type."""
    high = line.y1 - line.y0
    size = usual if 0.7 * usual < high < 1.35 * usual else high
    return Span(
        text, line.x0 / scale, line.y0 / scale, line.x1 / scale, line.y1 / scale, round(0.8 * size / scale, 1), False
    )
