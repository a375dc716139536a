"""One file of a source: unpacked where it is compressed or an archive, and given to the reader of its format.

A compressed archive and compressed files in an archive are read; an archive in an archive is not.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any

from jobs.acquire.streams import BROKEN, Forward, Spent, buffered, decompressed
from jobs.errors import NightmillError
from pipelines.acquire.addresses import storable
from pipelines.acquire.items import Damaged, Item, Refused
from pipelines.acquire.router import ARCHIVES, COMPRESSED, HEAD_BYTES, READERS, SEEKING, format_of, reader_of
from pipelines.params import SourceParams


def unpacked(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """What the file `name` holds. Never raises for what is in it: damage is the last thing that it yields."""
    yield from _guarded(_any(stream, name, source, compressed=False, within=False), name)


def _guarded(found: Iterator[Item | Refused], name: str) -> Iterator[Item | Refused]:
    try:
        yield from found
    except Damaged as error:
        yield Refused(name, error.rule, error.value, detail=error.detail, lost=True)
    except (NightmillError, MemoryError):
        raise
    except Exception as error:  # a reader that a file takes by surprise costs that file, not the night
        yield Refused(name, "unreadable", detail=type(error).__name__, lost=True)


def _any(
    stream: IO[bytes], name: str, source: SourceParams, *, compressed: bool, within: bool
) -> Iterator[Item | Refused]:
    head = _head(stream)
    kind = format_of(name, head)
    if not head:
        yield Refused(name, "empty_file", 0)
    elif kind in COMPRESSED and not compressed:
        yield from _any(decompressed(kind, stream), name, source, compressed=True, within=within)
    elif kind in ARCHIVES and not within:
        yield from (_zipped if kind == "zip" else _tarred)(stream, name, source)
    elif kind in COMPRESSED or kind in ARCHIVES:
        yield Refused(name, "nested_archive", detail=kind)
    elif kind not in READERS:
        yield Refused(name, "unknown_format", detail=kind)
    else:
        reader = reader_of(kind)
        assert reader is not None
        with tempfile.TemporaryFile() as aside:
            if kind in SEEKING and not stream.seekable():
                shutil.copyfileobj(stream, aside)
                aside.seek(0)
                stream = aside
            yield from reader(stream, name, source)


def _head(stream: IO[bytes]) -> bytes:
    """The first bytes, which stay to be read."""
    if stream.seekable():
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        return head
    assert isinstance(stream, io.BufferedReader)
    return stream.peek(HEAD_BYTES)[:HEAD_BYTES]


def _member(stream: IO[bytes], name: str, archive: str, source: SourceParams) -> Iterator[Item | Refused]:
    whole = f"{archive}/{storable(name)}"
    yield from _guarded(_any(stream, whole, source, compressed=False, within=True), whole)


def _bad_name(name: str) -> str | None:
    """The rule that a member's name breaks. Nothing is ever written under these names; they are keys."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name or name[1:3] in (":/", ":"):
        return "unsafe_name"
    return "hidden" if any(part.startswith(".") for part in parts) else None


def _zipped(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    if not stream.seekable():
        yield Refused(name, "nested_archive", detail="zip")
        return
    try:
        archive = zipfile.ZipFile(stream)
    except BROKEN as error:
        raise Damaged("damaged", type(error).__name__) from error
    size = stream.seek(0, io.SEEK_END)
    spent = Spent(lambda: size)
    with archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            member = _zip_name(info).replace("\\", "/").removeprefix("./")
            if rule := _bad_name(member):
                yield Refused(f"{name}/{storable(member)}", rule)
            elif info.flag_bits & 0x1:
                yield Refused(f"{name}/{storable(member)}", "encrypted", lost=True)
            else:
                yield from _guarded(_zip_member(archive, info, member, name, source, spent), f"{name}/{member}")


def _zip_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: str, name: str, source: SourceParams, spent: Spent
) -> Iterator[Item | Refused]:
    try:
        opened = archive.open(info)
    except BROKEN as error:
        raise Damaged("damaged", type(error).__name__) from error
    with opened:
        yield from _member(buffered(Forward(opened, spent)), member, name, source)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """A member's name; Chinese archivers write GBK where the format says code page 437."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    for charset in ("utf-8", "gb18030"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return info.filename


def _tarred(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    ends: list[str] = []

    class Header(tarfile.TarInfo):
        """Notes how the archive ends: `tarfile` takes a cut or broken one for one that is over."""

        @classmethod
        def frombuf(cls, buf: Any, encoding: str, errors: str) -> tarfile.TarInfo:  # type: ignore[override]
            try:
                return super().frombuf(buf, encoding, errors)
            except tarfile.HeaderError as error:
                ends.append(type(error).__name__)
                raise

    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=Header) as archive:
            for info in archive:
                archive.members = []  # type: ignore[attr-defined]  # it would remember every member
                if not info.isdir():
                    yield from _tar_member(archive, info, name, source)
    except (tarfile.TarError, *BROKEN) as error:
        raise Damaged("truncated" if "unexpected end" in str(error) else "damaged", type(error).__name__) from error
    if not ends or ends[-1] != "EOFHeaderError":
        cut = not ends or ends[-1] in ("EmptyHeaderError", "TruncatedHeaderError")
        raise Damaged("truncated" if cut else "damaged", "the archive does not end as archives do")


def _tar_member(
    archive: tarfile.TarFile, info: tarfile.TarInfo, name: str, source: SourceParams
) -> Iterator[Item | Refused]:
    member = info.name.removeprefix("./")
    shown = f"{name}/{storable(member)}"
    if rule := _bad_name(member):
        yield Refused(shown, rule)
    elif not info.isfile():
        yield Refused(shown, "not_a_file")
    else:
        opened = archive.extractfile(info)
        assert opened is not None
        yield from _member(buffered(Forward(opened)), member, name, source)
