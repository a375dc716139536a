"""Which format a file has, and which reader takes it: content first, the name where content leaves it open."""

from __future__ import annotations

import bz2
import importlib
import lzma
import re
import zlib
from pathlib import PurePosixPath
from typing import cast

from pipelines.acquire.items import Reader

HEAD_BYTES = 8_192  # how much of a file's beginning `format_of` wants to see

_DOCUMENT = "pipelines.acquire.documents:read"

#: Format -> reader. A format is named once, here; its module is imported with its first file.
READERS: dict[str, str] = {
    "html": _DOCUMENT,
    "pdf": _DOCUMENT,
    "docx": _DOCUMENT,
    "md": _DOCUMENT,
    "txt": "pipelines.acquire.rows_lines:read_text",  # a document, unless its source says that it is a log
    "srt": _DOCUMENT,
    "vtt": _DOCUMENT,
    "warc": "pipelines.acquire.warc:read",  # WAT and WET too
    "arc": "pipelines.acquire.warc:read",
    "csv": "pipelines.acquire.rows_csv:read",
    "tsv": "pipelines.acquire.rows_csv:read",
    "xlsx": "pipelines.acquire.rows_excel:read",
    "xls": "pipelines.acquire.rows_excel:read",
    "json": "pipelines.acquire.rows_json:read",
    "jsonl": "pipelines.acquire.rows_json:read",
    "parquet": "pipelines.acquire.rows_parquet:read",
    "arrow": "pipelines.acquire.rows_parquet:read",
}
#: Formats whose reader jumps about in the file: it gets a seekable one, however the bytes came.
SEEKING = frozenset(("xlsx", "xls", "parquet", "arrow", "json"))
COMPRESSED = frozenset(("gz", "bz2", "xz", "zst"))  # one file each
ARCHIVES = frozenset(("zip", "tar"))

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"WARC/", "warc"),
    (b"filedesc://", "arc"),
    (b"PAR1", "parquet"),
    (b"PARE", "parquet"),  # with an encrypted footer
    (b"ARROW1\0\0", "arrow"),
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    # What is known and not read is named, so that a reject says what the file was
    (b"\x89PNG\r\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"RIFF", "riff"),
    (b"ID3", "mp3"),
    (b"OggS", "ogg"),
    (b"\x7fELF", "elf"),
    (b"MZ", "exe"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"SQLite format 3\0", "sqlite"),
    (b"{\\rtf", "rtf"),
    (b"\x04\x22\x4d\x18", "lz4"),
)
_SUFFIXES = {
    "htm": "html",
    "html": "html",
    "xhtml": "html",
    "shtml": "html",
    "md": "md",
    "markdown": "md",
    "txt": "txt",
    "text": "txt",
    "srt": "srt",
    "vtt": "vtt",
    "csv": "csv",
    "tsv": "tsv",
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "jsonlines": "jsonl",
    "docx": "docx",
    "xlsx": "xlsx",
    "xlsm": "xlsx",
    "xls": "xls",
    "arrow": "arrow",
    "feather": "arrow",
    "log": "txt",
    # Text, but no documents
    "css": "css",
    "svg": "svg",
    "xml": "xml",
}
_PACKED = frozenset((".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd"))
_BOMS = (b"\xff\xfe", b"\xfe\xff")
_HTML = re.compile(  # a comment can end in one place only, lest many of them be tried in all ways
    rb"(?:<!--(?:(?!-->).){0,1000}-->\s*|<\?xml[^>]{0,200}\?>\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_XML = re.compile(rb"<\?xml\b", re.I)
_SRT = re.compile(rb"\d{1,6}\s*\r?\n\d{1,3}:\d\d:\d\d[,.]\d{1,3}\s*-->")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def format_of(name: str, head: bytes) -> str:
    """The format of the file `name` that begins with `head` (up to HEAD_BYTES bytes).

    A key of READERS, a member of COMPRESSED or ARCHIVES, or another word: `unknown`, or what kind of file it is that
    nobody reads here. A compressed WARC is `warc`, since its reader wants the compressed records.
    """
    suffix = _suffix(name)
    found = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if found in COMPRESSED:
        inner = _inner(found, head, 64)
        return "warc" if inner.startswith(b"WARC/") else "arc" if inner.startswith(b"filedesc://") else found
    if found and not (suffix and found in ("exe", "riff", "mp3") and _is_text(head)):
        return found
    if head[257:262] == b"ustar":
        return "tar"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_based(suffix, head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "xls" if suffix in ("xls", "xlsx") else "ole"  # an encrypted xlsx is no ZIP archive
    if suffix == "arrow" and head.startswith(b"\xff\xff\xff\xff"):
        return "arrow"  # a stream; it has no magic bytes of its own
    if b"%PDF-" in head[:1024]:
        return "pdf"
    return _textual(suffix, head)


def _suffix(name: str) -> str:
    """The format that the name claims, behind those of compression; empty for none."""
    parts = PurePosixPath(name.lower()).suffixes
    while parts and parts[-1] in _PACKED:
        parts.pop()
    return _SUFFIXES.get(parts[-1][1:], "") if parts else ""


def reader_of(kind: str) -> Reader | None:
    """The reader of a format; null for a format that nobody reads."""
    if kind not in READERS:
        return None
    module, _, function = READERS[kind].partition(":")
    return cast(Reader, getattr(importlib.import_module(module), function))


def peeled(name: str, head: bytes) -> tuple[str, bytes]:
    """Format and first bytes of what a gz, bz2 or xz file holds; of any other file, its own."""
    kind = format_of(name, head)
    inner = _inner(kind, head, HEAD_BYTES) if kind in COMPRESSED else b""
    return (format_of(name, inner), inner) if inner else (kind, head)


def _inner(kind: str, head: bytes, count: int) -> bytes:
    """The first bytes behind a compression, as far as `head` tells; empty for zstd, which gives whole blocks alone."""
    try:
        if kind == "gz":
            return zlib.decompressobj(31).decompress(head, count)
        if kind == "bz2":
            return bz2.BZ2Decompressor().decompress(head, count)
        if kind == "xz":
            return lzma.LZMADecompressor(memlimit=1 << 27).decompress(head, count)
    except (zlib.error, OSError, lzma.LZMAError, EOFError):
        pass
    return b""


def _zip_based(suffix: str, head: bytes) -> str:
    if b"word/" in head:
        return "docx"
    if b"xl/" in head:
        return "xlsx"
    if head[30:38] == b"mimetype":
        return "epub" if b"epub" in head[38:80] else "opendocument"
    if b"[Content_Types].xml" in head:
        return suffix if suffix in ("docx", "xlsx") else "office"
    return "zip"


def _textual(suffix: str, head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\f")
    if not suffix and not _is_text(head):
        return "unknown"
    if b"\0" in head and not _is_wide(head):
        return "unknown"
    if suffix in ("csv", "tsv", "jsonl", "css", "svg"):
        return suffix
    if suffix == "md":
        return "html" if re.match(rb"<!doctype\s+html", text, re.I) else "md"
    if _HTML.match(text):
        return "html"
    if text.startswith(b"WEBVTT"):
        return "vtt"
    if _SRT.match(text):
        return "srt"
    if suffix in ("", "json", "txt") and _is_jsonl(text):
        return "jsonl"
    if _XML.match(text):
        return "xml"
    return suffix or "txt"


def _is_jsonl(text: bytes) -> bool:
    """Whether each of several lines is an object of its own."""
    first, newline, rest = text.partition(b"\n")
    first, rest = first.rstrip(), rest.lstrip()
    return bool(newline) and first[:1] == b"{" and first[-1:] == b"}" and rest[:1] == b"{" and first != b"{"


def _is_wide(head: bytes) -> bool:
    """Whether zero bytes may be those of UTF-16 or UTF-32."""
    if head.startswith(_BOMS) or head.startswith(b"\0\0\xfe\xff"):
        return True
    even, odd = head[0:1024:2].count(0), head[1:1024:2].count(0)
    return min(even, odd) * 20 < max(even, odd) and max(even, odd) * 5 > len(head[:1024])


def _is_text(head: bytes) -> bool:
    """Whether a file without a telling name is text: UTF-8 (UTF-16 with a mark) and no control characters."""
    if head.startswith(_BOMS):
        return True
    if _CONTROLS.search(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return len(head) >= HEAD_BYTES and error.start >= len(head) - 3  # a character cut in two
    return bool(head)
