"""Atoms: pieces of a text that no step alters or splits.

A media key stands for an image or video (`⟦img:3f2a⟧`), a placeholder for something taken out (`<CN_MOBILE>`, or
`<CN_MOBILE:0f3a…>` with a keyed hash). Both are bounded in length, so that searching them is linear in the text.
"""

from __future__ import annotations

import re

MEDIA_KEY = r"⟦[a-z]{1,16}:[^⟦⟧\s\x00-\x1f]{1,200}⟧"
PLACEHOLDER = r"<[A-Z][A-Z0-9_]{1,39}(?:[:#][0-9A-Za-z_-]{1,64})?>"
MEDIA = re.compile(MEDIA_KEY)
ATOM = re.compile(f"{MEDIA_KEY}|{PLACEHOLDER}")
_ALONE = re.compile(rf"(?:(?<!\n)\n+|\A){MEDIA_KEY}(?=\n|\Z)")


def without_media(text: str) -> str:
    """The text without its media keys: a key that stands alone goes with its line."""
    return MEDIA.sub("", _ALONE.sub("", text)).strip("\n") if "⟦" in text else text
