"""Engines of optical character recognition behind one shape: a grey picture in, lines with places out.

`tesseract` is the program of that name (Apache 2.0) with its language files, from the system; `rapidocr` is the package
(Apache 2.0) with PaddleOCR's models in its wheel. Both run on one processor core, since pages run beside each other.
"""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.extract.prose import is_wide

Grey = NDArray[np.uint8]
SECONDS = 300  # for one picture, after which a program counts as stuck


class Found(NamedTuple):
    """A line that an engine read: its text, its place in pixels, and how sure the engine is (0–1)."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    confidence: float


class EngineMissing(RuntimeError):
    """The engine is not installed; the message says what to install."""


def tesseract(picture: Grey, languages: str) -> list[Found]:
    """Lines by the program `tesseract`. Raises EngineMissing."""
    head = f"P5 {picture.shape[1]} {picture.shape[0]} 255\n".encode()
    command = ["tesseract", "stdin", "stdout", "-l", languages, "--psm", "3", "tsv"]
    try:
        done = subprocess.run(
            command, input=head + np.ascontiguousarray(picture).tobytes(), capture_output=True, timeout=SECONDS,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"}, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise EngineMissing("the program tesseract is not installed") from None
    if done.returncode and b"Failed loading language" in done.stderr:
        raise EngineMissing(f"tesseract lacks a language of {languages}")
    return lines_of_tsv(done.stdout.decode("utf-8", "replace"))


def lines_of_tsv(table: str) -> list[Found]:
    """The lines of Tesseract's TSV: words of one block, paragraph and line put together."""
    words: dict[tuple[str, ...], list[Found]] = {}
    for row in io.StringIO(table):
        cells = row.rstrip("\n").split("\t")
        if len(cells) != 12 or cells[0] != "5" or not cells[11].strip():
            continue
        left, top, wide, high = map(int, cells[6:10])
        found = Found(cells[11].strip(), left, top, left + wide, top + high, float(cells[10]) / 100)
        words.setdefault(tuple(cells[1:5]), []).append(found)
    return [_line(line) for line in words.values()]


def _line(words: list[Found]) -> Found:
    text = ""
    for word in words:
        text += ("" if not text or (is_wide(text[-1]) and is_wide(word.text[0])) else " ") + word.text
    return Found(
        text, min(w.x0 for w in words), min(w.y0 for w in words), max(w.x1 for w in words), max(w.y1 for w in words),
        sum(w.confidence for w in words) / len(words),
    )  # fmt: skip


@cache
def _rapidocr() -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError:
        raise EngineMissing("install the extra `ocr` for rapidocr") from None
    threads = "EngineConfig.onnxruntime."
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            threads + "intra_op_num_threads": 1,
            threads + "inter_op_num_threads": 1,
        }
    )


def rapidocr(picture: Grey, languages: str) -> list[Found]:
    """Lines by RapidOCR, whose models read Chinese and English whatever `languages` says. Raises EngineMissing."""
    result = _rapidocr()(np.repeat(picture[:, :, None], 3, axis=2))
    out = []
    for box, text, score in zip(*((v if v is not None else ()) for v in (result.boxes, result.txts, result.scores)),
                                strict=True):  # fmt: skip
        xs, ys = [float(x) for x, _ in box], [float(y) for _, y in box]
        if text.strip():
            out.append(Found(text.strip(), min(xs), min(ys), max(xs), max(ys), float(score)))
    return out


Engine = Callable[[Grey, str], list[Found]]
ENGINES: dict[str, Engine] = {"tesseract": tesseract, "rapidocr": rapidocr}


def read(picture: Grey, name: str, languages: str) -> list[Found]:
    """Lines by an engine, or by several divided by `+`, whose readings are merged. Raises EngineMissing."""
    readings = [ENGINES[each](picture, languages) for each in name.split("+")]
    merged = readings[0]
    for other in readings[1:]:
        merged = merge(merged, other)
    return merged


def merge(first: list[Found], second: list[Found]) -> list[Found]:
    """Of lines at the same place the one that its engine is surer of; lines that only one engine saw stay."""
    out = list(first)
    order = sorted(range(len(out)), key=lambda at: out[at].y0)
    for line in second:
        at = next((at for at in order if _same_place(out[at], line)), None)
        if at is None:
            out.append(line)
        elif line.confidence > out[at].confidence:
            out[at] = line
    return out


def _same_place(a: Found, b: Found) -> bool:
    wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    smaller = min((a.x1 - a.x0) * (a.y1 - a.y0), (b.x1 - b.x0) * (b.y1 - b.y0))
    return wide > 0 and high > 0 and wide * high > 0.5 * smaller
