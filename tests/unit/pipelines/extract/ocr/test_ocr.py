"""The parts of OCR around the engines; engines themselves by the shape of what they return."""

import sys
import types

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.extract.ocr import engines
from pipelines.extract.ocr.engines import EngineMissing, Found, lines_of_tsv, merge
from pipelines.extract.ocr.prepare import contrasted, despeckled, prepared, slant_of, turned
from pipelines.extract.ocr.words import Words

TSV = """level	page_num	block_num	par_num	line_num	word_num	left	top	width	height	conf	text
4	1	1	1	1	0	41	51	515	34	-1
5	1	1	1	1	1	41	51	34	34	96	机
5	1	1	1	1	2	88	53	23	32	90	器
5	1	1	1	1	3	130	53	60	32	90	learns
5	1	1	1	2	1	41	133	60	29	80	The
5	1	1	1	2	2	113	133	90	37	100	quick
"""


def ruled(degrees=0.0):
    """A picture with bars like lines of text, turned clockwise."""
    page = Image.new("L", (600, 800), 255)
    draw = ImageDraw.Draw(page)
    for top in range(100, 700, 30):
        draw.rectangle((80, top, 520, top + 9), fill=0)
    return turned(np.asarray(page, np.uint8), degrees)


@pytest.mark.parametrize("degrees", [-3.0, -1.0, 0.0, 0.5, 2.5])
def test_a_slant_is_measured_and_taken_back(degrees):
    page = ruled(degrees)
    assert slant_of(page) == pytest.approx(-degrees, abs=0.25)
    assert abs(slant_of(prepared(page))) <= 0.25


def test_contrast_and_specks():
    grey = np.full((50, 60), 180, np.uint8)
    grey[10:20, 10:40] = 90
    assert set(np.unique(contrasted(grey))) == {0, 255}
    assert (contrasted(np.full((9, 9), 77, np.uint8)) == 77).all()
    page = np.full((20, 20), 255, np.uint8)
    page[5, 5] = 0
    page[10, 3:9] = 0
    clean = despeckled(page)
    assert clean[5, 5] == 255 and (clean[10, 3:9] == 0).all()
    assert despeckled(np.zeros((1, 1), np.uint8)).shape == (1, 1) and slant_of(np.full((9, 9), 255, np.uint8)) == 0


def test_lines_of_tesseract():
    assert lines_of_tsv(TSV) == [
        Found("机器 learns", 41, 51, 190, 85, pytest.approx(0.92)), Found("The quick", 41, 133, 203, 170, 0.9)
    ]  # fmt: skip
    assert lines_of_tsv("") == [] and lines_of_tsv("5\tbroken") == []


def test_tesseract_is_given_the_picture_and_a_missing_one_is_told(tmp_path, monkeypatch):
    program = tmp_path / "tesseract"
    program.write_text(f'#!/bin/sh\nhead -c 12 > {tmp_path}/head\necho "$@" > {tmp_path}/asked\ncat {tmp_path}/tsv\n')
    program.chmod(0o755)
    (tmp_path / "tsv").write_text(TSV)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert [f.text for f in engines.read(np.zeros((5, 7), np.uint8), "tesseract", "eng")] == [
        "机器 learns",
        "The quick",
    ]
    assert (tmp_path / "head").read_bytes().startswith(b"P5 7 5 255\n")
    assert (tmp_path / "asked").read_text().split() == ["stdin", "stdout", "-l", "eng", "--psm", "3", "tsv"]
    program.write_text("#!/bin/sh\necho 'Failed loading language' >&2\nexit 1\n")
    with pytest.raises(EngineMissing, match="language"):
        engines.tesseract(np.zeros((5, 7), np.uint8), "xyz")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(EngineMissing, match="not installed"):
        engines.tesseract(np.zeros((5, 7), np.uint8), "eng")


def test_rapidocr_gets_colours_and_returns_boxes(monkeypatch):
    class RapidOCR:
        def __init__(self, params):
            assert params["EngineConfig.onnxruntime.intra_op_num_threads"] == 1

        def __call__(self, picture):
            assert picture.shape == (5, 7, 3)
            box = np.array([[1, 2], [5, 2], [5, 4], [1, 4]], float)
            return types.SimpleNamespace(boxes=np.array([box]), txts=("机器",), scores=(0.8,))

    engines._rapidocr.cache_clear()
    monkeypatch.setitem(sys.modules, "rapidocr", types.SimpleNamespace(RapidOCR=RapidOCR))
    assert engines.rapidocr(np.zeros((5, 7), np.uint8), "") == [Found("机器", 1, 2, 5, 4, 0.8)]
    engines._rapidocr.cache_clear()
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(EngineMissing, match="extra"):
        engines.rapidocr(np.zeros((5, 7), np.uint8), "")
    engines._rapidocr.cache_clear()


def test_of_two_readings_the_surer_one_stays_and_nothing_is_lost():
    first = [Found("1l", 0, 0, 10, 10, 0.5), Found("only first", 0, 50, 10, 60, 0.5)]
    second = [Found("11", 1, 1, 11, 11, 0.9), Found("only second", 0, 90, 10, 99, 0.4)]
    assert [f.text for f in merge(first, second)] == ["11", "only first", "only second"]


@pytest.mark.parametrize(
    ("read", "right"),
    [("transforrner of a rnodel", "transforrner of a rnodel"), ("the transformcr", "the transformer"),
     ("Transformcr", "Transformer"), ("transformer", "transformer"), ("机器学刁模型", "机器学习模型"),
     ("在机器学习中", "在机器学习中"), ("人工智能", "人工智能"), ("pytorcn", "PyTorch")],
)  # fmt: skip
def test_words_of_the_domain(read, right):
    assert Words(["transformer", "机器学习", "abc", "二字", "PyTorch"]).corrected(read) == right


def test_a_word_near_two_known_ones_stays():
    assert Words(["modal word", "model", "modal"]).corrected("modol") == "modol"
