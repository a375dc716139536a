"""A column of texts as one UTF-8 buffer with offsets: the form in which the compiled kernels read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class Texts:
    data: NDArray[np.uint8]  # valid UTF-8
    offsets: NDArray[np.int64]  # len(texts) + 1

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def text(self, row: int) -> str:
        return bytes(self.data[self.offsets[row] : self.offsets[row + 1]]).decode()

    def prefix(self, row: int, size: int) -> str:
        """The text within the first `size` bytes; a character that the border would cut is left out."""
        start = self.offsets[row]
        return bytes(self.data[start : min(start + size, self.offsets[row + 1])]).decode(errors="ignore")


def from_arrow(column: pa.ChunkedArray | pa.Array) -> tuple[Texts, list[tuple[int, str]]]:
    """The texts of a string column, and the rows that have none with the reason.

    A missing text and one that is not UTF-8 (Arrow does not check unless asked) are read as empty.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    array = array.cast(pa.large_string(), safe=False)
    bad: list[tuple[int, str]] = []
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        binary = array.cast(pa.large_binary(), safe=False).to_pylist()
        broken = {row for row, value in enumerate(binary) if value is not None and not _is_utf8(value)}
        bad += [(row, "UnicodeDecodeError") for row in sorted(broken)]
        array = pa.array([None if r in broken or v is None else v.decode() for r, v in enumerate(binary)],
                         pa.large_string())  # fmt: skip
    if array.null_count:
        known = {row for row, _ in bad}
        bad += [(row, "MissingText") for row in np.flatnonzero(array.is_null()).tolist() if row not in known]
        array = array.fill_null("")
    _, offsets, data = array.buffers()
    at = np.frombuffer(offsets, np.int64, len(array) + 1, array.offset * 8) if len(array) else np.zeros(1, np.int64)
    content = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return Texts(content, at), sorted(bad)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def to_arrow(texts: Texts) -> pa.Array:
    """The texts as an Arrow string column. Raises pa.ArrowInvalid over 2 GiB."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(texts.offsets)), pa.py_buffer(texts.data)]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers).cast(pa.string())
