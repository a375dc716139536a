"""Pictures of pages made easier to read: contrast, specks, slant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
MAX_SLANT = 5.0  # degrees
STEP = 0.25
_SAMPLE = 800  # longer side of the picture that the slant is measured on


def prepared(picture: Grey) -> Grey:
    """The picture with full contrast, without specks, its lines level."""
    out = despeckled(contrasted(picture))
    slant = slant_of(out)
    return turned(out, slant) if abs(slant) >= STEP else out


def contrasted(picture: Grey) -> Grey:
    """Grey values stretched so that ink is black and paper white; a picture of one grey stays."""
    low, high = np.percentile(picture[::2, ::2], (1, 95))
    if high - low < 20:
        return picture
    return ((picture.astype(np.float32) - low) * (255 / (high - low))).clip(0, 255).astype(np.uint8)


def despeckled(picture: Grey) -> Grey:
    """Without single dark or light points: each is replaced by the median of its row and column neighbours.

    Only points that differ from all of their neighbours change, so that thin strokes stay.
    """
    if min(picture.shape) < 3:
        return picture
    middle = picture[1:-1, 1:-1].astype(np.int16)
    around = np.stack([
        picture[1 + dy : picture.shape[0] - 1 + dy, 1 + dx : picture.shape[1] - 1 + dx]
        for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx
    ]).astype(np.int16)  # fmt: skip
    lone = (middle < around.min(0) - 60) | (middle > around.max(0) + 60)
    out = picture.copy()
    out[1:-1, 1:-1] = np.where(lone, np.median(around, axis=0), middle).astype(np.uint8)
    return out


def slant_of(picture: Grey) -> float:
    """By how many degrees lines of text rise to the right.

    The angle at which the ink of rows is the least even: projection profiles (Postl, 1986), on a small copy of the
    picture whose columns are shifted instead of turned.
    """
    step = max(max(picture.shape) // _SAMPLE, 1)
    ink = (picture[::step, ::step] < 128).astype(np.float32)
    if not ink.any() or min(ink.shape) < 20:
        return 0.0
    rows, columns = np.nonzero(ink)
    best = (-1.0, 0.0)
    for slant in np.arange(-MAX_SLANT, MAX_SLANT + STEP / 2, STEP):
        level = np.rint(rows + columns * np.tan(np.radians(slant))).astype(np.int64)
        profile = np.bincount(level - level.min()).astype(np.float64)
        score = float(np.square(np.diff(profile)).sum())
        if (score, -abs(slant)) > (best[0], -abs(best[1])):
            best = (score, float(slant))
    return best[1]


def turned(picture: Grey, degrees: float) -> Grey:
    """The picture turned clockwise, its size kept, paper in the corners."""
    from PIL import Image

    return np.asarray(
        Image.fromarray(picture).rotate(-degrees, resample=Image.Resampling.BICUBIC, fillcolor=255), np.uint8
    )
