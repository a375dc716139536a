"""The manifest of a dataset version: which files it has, what they say, and how it came to be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from jobs.digest import Digest
from jobs.errors import Terminal, UsageError
from jobs.storage import Storage

FORMAT_VERSION = 1
FileKind = Literal["base", "delta", "delete"]


@dataclass(frozen=True)
class DataFile:
    """An immutable Parquet file. A delete file of sequence number n hides rows of files with numbers below n."""

    kind: FileKind
    seq: int
    path: str
    sha256: str
    rows: int
    bytes: int
    min_key: str
    max_key: str


@dataclass(frozen=True)
class Provenance:
    """How a version came to be. `parameters` are those that the stage reads; timings are seconds."""

    job: str = ""
    run: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)  # dataset -> reference of the version that was read
    fingerprint: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    code_version: str = ""
    components: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    owner: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    funnel: Mapping[str, Any] = field(default_factory=dict)
    tokens: Mapping[str, Any] | None = None  # {"tokenizer": name, "count": n}
    tombstone_epoch: int = 0


@dataclass(frozen=True)
class Manifest:
    dataset: str
    schema: tuple[tuple[str, str, str], ...]  # column, type, role
    key: tuple[str, ...]
    digest: Digest
    files: tuple[DataFile, ...]
    base: str | None  # manifest this one was built upon
    provenance: Provenance
    format_version: int = FORMAT_VERSION

    @property
    def rows(self) -> int:
        return self.digest.rows

    @property
    def size(self) -> int:
        return sum(f.bytes for f in self.files)

    @property
    def last_seq(self) -> int:
        return max((f.seq for f in self.files), default=-1)

    @property
    def version(self) -> str:
        """`dataset@prefix`: named by content, never by file bytes."""
        return f"{self.dataset}@{self.digest.prefix}"

    def with_provenance(self, **changes: Any) -> Manifest:
        return replace(self, provenance=replace(self.provenance, **changes))

    def to_json(self) -> bytes:
        value = asdict(self) | {"digest": str(self.digest), "rows": self.rows, "bytes": self.size}
        return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes, where: str) -> Manifest:
        try:
            value = json.loads(data)
            if value["format_version"] > FORMAT_VERSION:
                raise UsageError(f"{where}: written by a newer release (format {value['format_version']}); upgrade")
            return cls(
                dataset=value["dataset"],
                schema=tuple((str(n), str(t), str(r)) for n, t, r in value["schema"]),
                key=tuple(value["key"]),
                digest=Digest.parse(value["digest"]),
                files=tuple(DataFile(**f) for f in value["files"]),
                base=value["base"],
                provenance=Provenance(**value["provenance"]),
                format_version=value["format_version"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Terminal(f"{where}: not a manifest ({error}); restore the file or roll back") from error


def save(storage: Storage, manifest: Manifest) -> str:
    """Store the manifest under its content's name; returns the path."""
    data = manifest.to_json()
    path = f"manifests/{manifest.dataset}/{hashlib.sha256(data).hexdigest()[:32]}.json"
    storage.put_if_absent(path, data)
    return path


def load(storage: Storage, path: str) -> Manifest:
    try:
        return Manifest.from_json(storage.read(path), path)
    except FileNotFoundError:
        raise Terminal(f"{path} is missing from {storage.uri}; its version was purged or the lake is damaged") from None
