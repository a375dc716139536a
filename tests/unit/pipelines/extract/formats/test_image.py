import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.extract.formats import pdf as pdf_format
from pipelines.extract.formats.image import read, source_text
from pipelines.extract.ocr import engines
from pipelines.extract.ocr.engines import EngineMissing, Found
from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams

PARAMS = ExtractParams(min_characters=5, ocr="rapidocr")
STORY = ["A heading of it", "The text of a picture goes on over", "several lines that make up one", "paragraph of it."]


def picture(kind="PNG", size=(600, 400), frames=1):
    out = io.BytesIO()
    page = Image.new("L", size, 255)
    ImageDraw.Draw(page).rectangle((50, 50, 200, 60), fill=0)
    more = {"save_all": True, "append_images": [page] * (frames - 1)} if frames > 1 else {}
    page.save(out, kind, **more)
    return out.getvalue()


@pytest.fixture
def engine(monkeypatch):
    """An engine that reads the same lines in every picture."""
    heights = [60, 30, 30, 31]
    lines = [Found(text, 50, 60 + 45 * at, 50 + 15 * len(text), 60 + 45 * at + heights[at], 0.9)
             for at, text in enumerate(STORY)]  # fmt: skip
    lines.append(Found("noise", 400, 300, 440, 330, 0.1))

    def fake(grey, languages):
        assert grey.dtype == np.uint8 and grey.ndim == 2 and languages == "chi_sim+eng"
        return lines

    monkeypatch.setitem(engines.ENGINES, "rapidocr", fake)


@pytest.mark.parametrize(("kind", "named"), [("PNG", "png"), ("JPEG", "jpeg"), ("TIFF", "tiff")])
def test_pictures_need_an_engine(kind, named):
    verdict = read(picture(kind), None, ExtractParams())
    assert (verdict.rule, verdict.detail) == ("needs_ocr", named)
    assert source_text(picture(kind), None, 10**6) == ""


@pytest.mark.req("EXT-06")
def test_lines_become_paragraphs_with_pages(engine, replayed):
    found = read(picture("TIFF", frames=2), None, PARAMS)
    assert isinstance(found, Extracted) and found.kind == "image"
    text = "# A heading of it\n\nThe text of a picture goes on over several lines that make up one paragraph of it."
    assert found.text == f"{text}\n\n{text}"
    assert [(b.kind, b.page) for b in found.blocks] == [
        ("heading", 1), ("paragraph", 1), ("heading", 2), ("paragraph", 2)
    ]  # fmt: skip
    replayed("", found.text, found.edits)


@pytest.mark.req("EXT-06")
def test_columns_of_a_recognised_page_become_a_table(monkeypatch):
    cells = [Found(text, 50 + 200 * column, 60 + 45 * row, 120 + 200 * column, 90 + 45 * row, 0.9)
             for row, texts in enumerate([("年份", "数量", "Note"), ("2023", "12", "a"), ("2024", "7", "b")])
             for column, text in enumerate(texts)]  # fmt: skip
    monkeypatch.setitem(engines.ENGINES, "rapidocr", lambda grey, languages: cells)
    found = read(picture(), None, PARAMS)
    assert isinstance(found, Extracted)
    assert found.text == "| 年份 | 数量 | Note |\n| --- | --- | --- |\n| 2023 | 12 | a |\n| 2024 | 7 | b |"


def test_scanned_pages_of_a_pdf_stand_among_its_text(engine, pdf, replayed):
    def scan(canvas):
        from reportlab.lib.utils import ImageReader

        canvas.drawImage(ImageReader(Image.new("L", (60, 80), 255)), 0, 0, 595, 842)

    own = [(72, 100, 10, "Helvetica", "A page with a text of its own, which is long enough.")]
    last = [(72, 100, 10, "Helvetica", "Another page with a text of its own comes at the end.")]
    body = pdf([own, [scan], last])
    found = pdf_format.read(body, None, PARAMS)
    assert isinstance(found, Extracted)
    assert [(b.kind, b.page) for b in found.blocks] == [
        ("paragraph", 1), ("heading", 2), ("paragraph", 2), ("paragraph", 3)
    ]  # fmt: skip
    source = pdf_format.source_text(body, None, 10**7)
    replayed(source, found.text, found.edits)
    without = pdf_format.read(body, None, ExtractParams(min_characters=5))
    assert isinstance(without, Extracted) and [b.page for b in without.blocks] == [1, 3]


def test_refusals(engine, monkeypatch):
    assert read(b"\x89PNG\r\n\x1a\n rubbish", None, PARAMS).rule == "broken_document"
    assert read(b"no picture", None, PARAMS).rule == "broken_document"
    assert read(picture()[:-300], None, PARAMS).rule == "broken_document"
    assert read(picture(size=(20, 20)), None, PARAMS).rule == "empty_page"
    huge = read(picture(size=(9000, 9000)), None, PARAMS)
    assert (huge.rule, huge.detail) == ("document_limit", "pixels")

    def missing(grey, languages):
        raise EngineMissing("the program tesseract is not installed")

    monkeypatch.setitem(engines.ENGINES, "rapidocr", missing)
    verdict = read(picture(), None, PARAMS)
    assert (verdict.rule, verdict.detail) == ("needs_ocr", "the program tesseract is not installed")
