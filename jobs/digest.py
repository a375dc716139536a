"""The digest of a dataset: what its rows say, whatever files they lie in.

digest = (row count, sum modulo 2^128 of BLAKE2b-128 over each row's canonical encoding). The sum does not depend on
order, and a row can be added to it or taken out of it, so a night's digest costs what the night changed.

Canonical encoding of a row: for every identity column, sorted by name: name, NUL, type name, NUL, value.
value = 0x00 for null, otherwise 0x01 and
  int64, date (days), timestamp (microseconds, UTC)   8 bytes, little-endian, two's complement
  bool                                                1 byte
  float64                                             8 bytes IEEE little-endian; -0 is written as 0, one NaN
  string (UTF-8), binary                              8 bytes length, then the bytes
  list                                                8 bytes length, then each element as a value
  struct                                              each field, sorted by name, as name, NUL, type name, NUL, value
docs/digest.md has test vectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.schemas import Dataset

_MODULUS = 1 << 128
_NULL, _SET = b"\x00", b"\x01"


@dataclass(frozen=True)
class Digest:
    rows: int = 0
    total: int = 0

    def __str__(self) -> str:
        return f"{self.total:032x}.{self.rows}"

    @classmethod
    def parse(cls, text: str) -> Digest:
        if not re.fullmatch(r"[0-9a-f]{32}\.\d+", text):
            raise ValueError(f"not a digest: {text!r}")
        total, rows = text.split(".")
        return cls(int(rows), int(total, 16))

    @property
    def prefix(self) -> str:
        """Enough of the digest to name a version."""
        return f"{self.total:032x}"[:16]

    def plus(self, hashes: Iterable[bytes]) -> Digest:
        return self._moved(hashes, 1)

    def minus(self, hashes: Iterable[bytes]) -> Digest:
        return self._moved(hashes, -1)

    def _moved(self, hashes: Iterable[bytes], sign: int) -> Digest:
        values = [int.from_bytes(h, "little") for h in hashes]
        return Digest(self.rows + sign * len(values), (self.total + sign * sum(values)) % _MODULUS)


def type_name(kind: pa.DataType) -> str:
    """The name of a type in the canonical encoding. Raises TypeError for a type that datasets do not use."""
    simple = {
        pa.int64(): "int64",
        pa.float64(): "float64",
        pa.string(): "string",
        pa.binary(): "binary",
        pa.bool_(): "bool",
        pa.date32(): "date",
        pa.timestamp("us", "UTC"): "timestamp",
    }
    if kind in simple:
        return simple[kind]
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        fields = sorted((kind.field(i) for i in range(kind.num_fields)), key=lambda f: f.name)
        return "struct<" + ",".join(f"{f.name}:{type_name(f.type)}" for f in fields) + ">"
    raise TypeError(f"type {kind} has no canonical encoding")


def row_hashes(table: pa.Table, dataset: Dataset) -> list[bytes]:
    """BLAKE2b-128 of every row's canonical encoding."""
    columns = [_tagged(table[name].combine_chunks(), name) for name in sorted(dataset.identity)]
    return [blake2b(b"".join(parts), digest_size=16).digest() for parts in zip(*columns, strict=True)]


def digest_of(tables: Iterable[pa.Table], dataset: Dataset) -> Digest:
    total = Digest()
    for table in tables:
        total = total.plus(row_hashes(table, dataset))
    return total


def _tag(name: str, kind: pa.DataType) -> bytes:
    return name.encode() + b"\0" + type_name(kind).encode() + b"\0"


def _tagged(array: pa.Array, name: str) -> list[bytes]:
    tag = _tag(name, array.type)
    return [tag + value for value in _values(array)]


def _values(array: pa.Array) -> list[bytes]:
    fixed = _fixed_width(array)
    if fixed is not None:
        return _rows(fixed)
    payload = _payload(array)
    if not array.null_count:
        return [_SET + p for p in payload]
    return [_SET + p if valid else _NULL for p, valid in zip(payload, array.is_valid().to_pylist(), strict=True)]


def _payload(array: pa.Array) -> list[bytes]:
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        raw = array.cast(pa.binary()).to_pylist()
        return [b"" if r is None else len(r).to_bytes(8, "little") + r for r in raw]
    if pa.types.is_list(kind):
        return _lists(array)
    if pa.types.is_struct(kind):
        return [b"".join(parts) for parts in zip(*(_tagged(f, n) for n, f in _fields(array)), strict=True)]
    return _rows(_eight_bytes(array)[:, 1:]) if not pa.types.is_boolean(kind) else _rows(_one_byte(array)[:, 1:])


def _lists(array: pa.ListArray) -> list[bytes]:
    ends = np.cumsum(pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)).tolist()
    elements = array.flatten()
    fixed = _fixed_width(elements)
    if fixed is None:
        parts = _values(elements)
        joined = [b"".join(parts[at:end]) for at, end in zip([0, *ends], ends, strict=False)]
    else:
        width, raw = fixed.shape[1], fixed.tobytes()
        joined = [raw[at * width : end * width] for at, end in zip([0, *ends], ends, strict=False)]
    counts = np.diff([0, *ends]).tolist()
    return [n.to_bytes(8, "little") + part for n, part in zip(counts, joined, strict=True)]


def _fields(array: pa.StructArray) -> list[tuple[str, pa.Array]]:
    names = sorted(array.type.field(i).name for i in range(array.type.num_fields))
    return [(name, array.field(name)) for name in names]


def _fixed_width(array: pa.Array) -> np.ndarray | None:
    """The values as a byte matrix of one row each, where all have one width and none is null; otherwise None."""
    kind = array.type
    if array.null_count or pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_list(kind):
        return None
    if pa.types.is_boolean(kind):
        return _one_byte(array)
    if not pa.types.is_struct(kind):
        return _eight_bytes(array)
    parts = [_constant(_SET, len(array))]
    for name, field in _fields(array):
        values = _fixed_width(field)
        if values is None:
            return None
        parts += [_constant(_tag(name, field.type), len(array)), values]
    return np.hstack(parts)


def _rows(matrix: np.ndarray) -> list[bytes]:
    width, raw = matrix.shape[1], matrix.tobytes()
    return [raw[at : at + width] for at in range(0, len(raw), width)]


def _constant(value: bytes, rows: int) -> np.ndarray:
    return np.broadcast_to(np.frombuffer(value, np.uint8), (rows, len(value)))


def _one_byte(array: pa.Array) -> np.ndarray:
    bits = array.fill_null(False).to_numpy(zero_copy_only=False).astype(np.uint8)
    return np.hstack([_constant(_SET, len(array)), bits.reshape(-1, 1)])


def _eight_bytes(array: pa.Array) -> np.ndarray:
    if pa.types.is_floating(array.type):
        numbers = array.fill_null(0.0).to_numpy(zero_copy_only=False)
        numbers = np.where(numbers == 0, 0.0, numbers)
        numbers = np.where(np.isnan(numbers), np.nan, numbers).astype("<f8")
    else:
        step = pa.int32() if pa.types.is_date32(array.type) else pa.int64()
        numbers = array.cast(step).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).astype("<i8")
    raw = np.ascontiguousarray(numbers).view(np.uint8).reshape(len(array), 8)
    return np.hstack([_constant(_SET, len(array)), raw])
