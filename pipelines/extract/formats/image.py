"""Pictures of text (PNG, JPEG, TIFF), read by an OCR engine where the parameters name one."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.extract.decode import Undecodable
from pipelines.extract.ocr.engines import EngineMissing
from pipelines.extract.result import Extracted
from pipelines.extract.textfile import too_little
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

MAX_PIXELS = 40_000_000
MAX_FRAMES = 500  # of a TIFF file
MIN_SIDE = 50  # pixels; a smaller picture holds no text
_KINDS = ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"II*\x00", "tiff"), (b"MM\x00*", "tiff"))


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """A picture has no text of its own: what OCR reads is put in. Raises Undecodable."""
    if len(body) > max_bytes:
        raise Undecodable("page_too_large", None, len(body))
    return ""


def read(body: bytes, content_type: str | None, params: ExtractParams, url: str | None = None) -> Extracted | Verdict:
    """The text in a picture, with a page per frame."""
    kind = next((kind for magic, kind in _KINDS if body.startswith(magic)), None)
    if kind is None:
        return Verdict("broken_document", detail="image")
    if not params.ocr:
        return Verdict("needs_ocr", detail=kind)
    from pipelines.extract.ocr.pages import page_of
    from pipelines.extract.pdf.assembly import arranged, build

    try:
        pages = [page_of(frame, number, params) for number, frame in enumerate(_frames(body), 1)]
    except EngineMissing as error:
        return Verdict("needs_ocr", detail=str(error))
    except _Refused as refusal:
        return Verdict(*refusal.args)
    built = build(arranged(pages), params.structure)
    verdict = too_little(built, params)
    if verdict:
        return verdict
    return Extracted(None, built.text, "utf-8", None, 1.0, built.edits, kind="image", blocks=built.blocks)


class _Refused(Exception):
    """`args` are those of the verdict."""


def _frames(body: bytes) -> Iterator[NDArray[np.uint8]]:
    """The frames of a picture as grey values."""
    try:
        from PIL import Image, ImageSequence
    except ImportError:
        raise EngineMissing("install the extra `ocr` for pictures") from None
    try:
        with Image.open(io.BytesIO(body), formats=("PNG", "JPEG", "TIFF")) as picture:
            for number, frame in enumerate(ImageSequence.Iterator(picture)):
                if frame.width * frame.height > MAX_PIXELS:
                    raise _Refused("document_limit", frame.width * frame.height, MAX_PIXELS, "pixels")
                if number >= MAX_FRAMES:
                    raise _Refused("document_limit", number + 1, MAX_FRAMES, "frames")
                if min(frame.size) >= MIN_SIDE:
                    yield np.asarray(frame.convert("L"), np.uint8)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError, TypeError):
        raise _Refused("broken_document", None, None, "image") from None
