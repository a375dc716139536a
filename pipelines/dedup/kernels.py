"""What all compiled kernels of de-duplication share: the digest of their sources, and the 64-bit finaliser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipelines.compiled import compiler, digest_of, inlined

__all__ = ["SOURCES", "inlined", "kernel", "mix"]

SOURCES = digest_of(sorted(Path(__file__).parent.glob("*.py")))
kernel = compiler(SOURCES)

_FIRST, _SECOND, _SHIFT = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)


@kernel
def mix(value: Any) -> Any:
    """The finaliser of MurmurHash3 (Appleby, public domain): a bijection of uint64 in which every bit reaches every."""
    value = np.uint64(value)
    value = (value ^ (value >> _SHIFT)) * _FIRST
    value = (value ^ (value >> _SHIFT)) * _SECOND
    return value ^ (value >> _SHIFT)
