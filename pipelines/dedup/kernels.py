"""What all compiled kernels of de-duplication share: how they are compiled and kept, and the 64-bit finaliser."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def _sources() -> str:
    state = blake2b(digest_size=6)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()


SOURCES = _sources()


def kernel(function: F) -> F:
    """Compile `function` on its first call, without the interpreter lock, and keep the machine code on disk.

    numba keeps it beside the source, else in the user's cache folder, or in NUMBA_CACHE_DIR. Where none of them can be
    written it raises RuntimeError on decoration; the kernel is then compiled once per process instead. It watches only
    the file of the outermost function, and code of an older callee would give wrong hashes without a word; therefore
    the digest of all files of this folder is part of the name under which the code is kept.
    """
    function.__qualname__ += f"_{SOURCES}"
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    compiled: Any
    try:
        compiled = njit(cache=True, **options)(function)
    except RuntimeError:
        compiled = njit(**options)(function)
    return compiled


def inlined(function: F) -> F:
    """A kernel that becomes part of each kernel that calls it: for small ones with arrays among their arguments, whose
    counting of references would cost more than their work."""
    compiled: Any = njit(inline="always", error_model="numpy")(function)
    return compiled


_FIRST, _SECOND, _SHIFT = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)


@kernel
def mix(value: Any) -> Any:
    """The finaliser of MurmurHash3 (Appleby, public domain): a bijection of uint64 in which every bit reaches every."""
    value = np.uint64(value)
    value = (value ^ (value >> _SHIFT)) * _FIRST
    value = (value ^ (value >> _SHIFT)) * _SECOND
    return value ^ (value >> _SHIFT)
