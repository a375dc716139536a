"""An Office Open XML file as a package of parts, read with limits (ECMA-376 part 2, Open Packaging Conventions).

Nothing outside the file is ever looked at: external relationships are left out, entities and DTDs refused.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from typing import Any, NamedTuple

from lxml import etree

from pipelines.extract.unreadable import Unreadable

MAX_PARTS = 20_000  # entries of the archive
MAX_XML_BYTES = 64_000_000  # of one part, unpacked
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    KeyError,
    ValueError,
    NotImplementedError,
    OverflowError,
    etree.LxmlError,
)


class Relation(NamedTuple):
    kind: str  # the last part of its type, e.g. `image`
    target: str  # name of a part


class Package:
    """The parts of a file. Raises Unreadable where it is no package, encrypted or too large."""

    def __init__(self, body: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
        except _BROKEN:
            raise Unreadable("broken_document", "zip") from None
        entries = self._zip.infolist()
        if len(entries) > MAX_PARTS:
            raise Unreadable("document_limit", "parts", len(entries), MAX_PARTS)
        if any(entry.flag_bits & 1 for entry in entries):
            raise Unreadable("encrypted_document", "zip")
        # Part names are case-insensitive.
        self._names = {entry.filename.replace("\\", "/").lstrip("/").lower(): entry for entry in reversed(entries)}

    def has(self, name: str) -> bool:
        return name.lower() in self._names

    def xml(self, name: str) -> Any | None:
        """The root element of a part, None where there is no such part."""
        entry = self._names.get(name.lower())
        if entry is None:
            return None
        try:
            with self._zip.open(entry) as stream:
                data = stream.read(MAX_XML_BYTES + 1)
        except (*_BROKEN, RuntimeError):
            raise Unreadable("broken_document", "zip") from None
        if len(data) > MAX_XML_BYTES:
            raise Unreadable("document_limit", "xml", len(data), MAX_XML_BYTES)
        return parse(data)

    def relations(self, name: str) -> dict[str, Relation]:
        """The relations of a part (`""`: of the package) within the file, by id."""
        folder, base = posixpath.split(name)
        root = self.xml(posixpath.join(folder, "_rels", f"{base}.rels"))
        out: dict[str, Relation] = {}
        for each in () if root is None else root.iter(_RELATIONSHIP):
            if each.get("TargetMode") == "External" or not each.get("Target"):
                continue
            target = each.get("Target")
            joined = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            out[each.get("Id", "")] = Relation(each.get("Type", "").rpartition("/")[2], posixpath.normpath(joined))
        return out

    def main(self) -> str:
        """The name of the part with the document."""
        named = [r.target for r in self.relations("").values() if r.kind == "officeDocument"]
        return named[0] if named else "word/document.xml"

    def content_type(self, name: str) -> str:
        root = self.xml("[Content_Types].xml")
        for each in () if root is None else root:
            if each.get("PartName", "").lower() == f"/{name}".lower():
                return str(each.get("ContentType", ""))
        return ""


def parse(data: bytes) -> Any:
    """The root element of XML that nobody vouches for. Raises Unreadable; libxml2 bounds depth and text."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (*_BROKEN, SyntaxError):
        raise Unreadable("broken_document", "xml") from None
    if root is None or root.getroottree().docinfo.doctype:
        raise Unreadable("broken_document", "doctype" if root is not None else "xml")
    return root
