"""What all compiled kernels of de-duplication share: how they are compiled, and the 64-bit finaliser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile `function` on its first call, without the interpreter lock, and keep the machine code on disk.

    numba keeps it beside the source, else in the user's cache folder or in NUMBA_CACHE_DIR. Where none of them can be
    written it raises RuntimeError on decoration; the kernel is then compiled once per process instead. A kernel's file
    alone is watched for changes, so a kernel calls nothing that changes more often than it does.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        return njit(**options)(function)


_FIRST, _SECOND, _SHIFT = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)


@kernel
def mix(value: Any) -> Any:
    """The finaliser of MurmurHash3 (Appleby, public domain): a bijection of uint64 in which every bit reaches every."""
    value = np.uint64(value)
    value = (value ^ (value >> _SHIFT)) * _FIRST
    value = (value ^ (value >> _SHIFT)) * _SECOND
    return value ^ (value >> _SHIFT)
