"""What a page says about its own encoding: HTTP header, byte order mark, <meta> and XML declaration.

The prescan follows "prescan a byte stream to determine its encoding" of the HTML Standard, over the first 4,096 bytes
instead of 1,024: many pages put long comments first, and nothing is lost by looking further.
"""

from __future__ import annotations

import re

from pipelines.extract.charsets import name_of

PRESCAN_BYTES = 4096
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32le"),
    (b"\x00\x00\xfe\xff", "utf-32be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16le"),
    (b"\xfe\xff", "utf-16be"),
)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.S)
_META = re.compile(rb"<meta[\s/]([^>]*)", re.I)
_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([^\s"';>/]+)""", re.I)
_XML = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"']+)""", re.I)
_HTTP = re.compile(r"""charset\s*=\s*["']?\s*([^\s"';,]+)""", re.I)
_MAGIC = (
    (b"\x89PNG\r\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"RIFF", "riff"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole2"),
    (b"\x7fELF", "elf"),
    (b"wOFF", "woff"),
    (b"wOF2", "woff"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"\x00asm", "wasm"),
    (b"{\\rtf", "rtf"),
)
# Bytes that no text in an ASCII-compatible encoding has: controls except TAB LF FF CR ESC (ISO-2022-JP) and NUL.
_CONTROLS = bytes(i for i in range(32) if i not in b"\x00\t\n\x0b\x0c\r\x1a\x1b")


def bom(body: bytes) -> tuple[str, int] | None:
    """Encoding and length of the byte order mark, if there is one."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return name, len(mark)
    return None


def of_header(content_type: str | None) -> str | None:
    """Encoding named by a Content-Type header."""
    found = _HTTP.search(content_type or "")
    return name_of(found[1]) if found else None


def of_meta(body: bytes) -> str | None:
    """Encoding named by the page. UTF-16 in a byte-wise readable declaration means UTF-8, as the standard says."""
    head = body[:PRESCAN_BYTES]
    for meta in _META.finditer(_COMMENT.sub(b" ", head)):
        found = _CHARSET.search(meta[1])
        name = name_of(found[1].decode("latin-1")) if found else None
        if name:
            return "utf-8" if name.startswith(("utf-16", "utf-32")) else name
    xml = _XML.match(head.lstrip())
    name = name_of(xml[1].decode("latin-1")) if xml else None
    return "utf-8" if name and name.startswith(("utf-16", "utf-32")) else name


def wide(body: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark, told by where the NUL bytes stand; else None."""
    head = body[:PRESCAN_BYTES]
    head = head[: len(head) // 4 * 4]
    if len(head) < 8 or head.count(0) < len(head) // 20:
        return None
    quarter = len(head) // 4
    nuls = [head[i::4].count(0) for i in range(4)]
    if nuls[0] == quarter and nuls[1] >= quarter * 0.9 and nuls[3] < quarter * 0.1:
        return "utf-32be"
    if nuls[3] == quarter and nuls[2] >= quarter * 0.9 and nuls[0] < quarter * 0.1:
        return "utf-32le"
    even, odd = nuls[0] + nuls[2], nuls[1] + nuls[3]
    # Markup is ASCII, so one side holds nearly all NULs and the letters of tags stand opposite to them.
    if even > 20 * odd and head.count(b"\x00<") + head.count(b"\x00 ") + head.count(b"\x00\n") >= 3:
        return "utf-16be"
    if odd > 20 * even and head.count(b"<\x00") + head.count(b" \x00") + head.count(b"\n\x00") >= 3:
        return "utf-16le"
    return None


def binary_kind(body: bytes) -> str | None:
    """A short name where the bytes are no text at all, else None. UTF-16 and UTF-32 must be ruled out before."""
    for magic, kind in _MAGIC:
        if body.startswith(magic):
            return kind
    head = body[:PRESCAN_BYTES]
    if len(head.translate(None, _CONTROLS)) < len(head) * 0.97 or head.count(0) > len(head) * 0.3:
        return "binary"
    return None
