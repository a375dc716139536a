"""How functions are compiled to machine code, and where that code is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def digest_of(sources: Iterable[Path]) -> str:
    """What the files say, in twelve hexadecimal digits."""
    state = blake2b(digest_size=6)
    for path in sources:
        state.update(path.read_bytes())
    return state.hexdigest()


def compiler(digest: str) -> Callable[[F], F]:
    """A decorator: compile a function on its first call, without the interpreter lock, and keep the code on disk.

    numba keeps it beside the source, else in the user's cache folder, or in NUMBA_CACHE_DIR. Where none of them can be
    written it raises RuntimeError on decoration; the kernel is then compiled once per process instead. It watches only
    the time stamp of the outermost function's file, and code of an older callee would give wrong results without a
    word; therefore `digest`, of all files that the function's code comes from, is part of the name of what is kept.
    """

    def kernel(function: F) -> F:
        function.__qualname__ += f"_{digest}"
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
        compiled: Any
        try:
            compiled = njit(cache=True, **options)(function)
        except RuntimeError:
            compiled = njit(**options)(function)
        return compiled

    return kernel


def inlined(function: F) -> F:
    """A kernel that becomes part of each kernel that calls it: for small ones with arrays among their arguments, whose
    counting of references would cost more than their work."""
    compiled: Any = njit(inline="always", error_model="numpy")(function)
    return compiled
