"""Excel workbooks (xlsx, xlsm): every visible sheet is a table, its first row that is not empty the header.

Formulas count as the value that was stored with them, merged cells all have the value of the first, dates are dates.
Sheets are read as streams; only the table of shared strings is held.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from lxml import etree
from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries

from pipelines.acquire.items import Damaged, Item, Refused
from pipelines.acquire.records import BadRow, Row, items
from pipelines.acquire.rows_csv import column_names
from pipelines.params import SourceParams

MAX_HELD_BYTES = 200_000_000  # of a part that is held in memory, unpacked
MAX_RATIO, RATIO_FROM = 400, 50_000_000  # a part that unpacks to more than this is no spreadsheet but a bomb
MAX_MERGED, MAX_ACTIVE = 20_000, 200  # ranges of a sheet, and of one row; the others keep their first cell only
MAX_ROWS, MAX_COLUMNS = 1_048_576, 4_096  # of a sheet; Excel itself goes to 16,384 columns
MAX_SHEETS = 250
_ERRORS = frozenset(("#N/A", "#REF!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#VALUE!", "#GETTING_DATA"))
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_TELLING = re.compile(rb"<(?:\w+:)?(?:mergeCell|f)\b")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def read(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """The rows of all visible sheets as items; item names hold the sheet, `a.xlsx/Sheet1#…`."""
    head = stream.read(8)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        old = _ENCRYPTED not in stream.read(10_000_000)
        yield Refused(name, "unsupported_format" if old else "encrypted", detail="xls" if old else "xlsx", lost=True)
        return
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            refused = _bomb(archive, name)
            if refused:
                yield refused
                return
            yield from _book(stream, archive, name, source)
    except Damaged:
        raise
    except Exception as error:  # openpyxl raises whatever a broken part makes it stumble over
        yield Refused(name, "unreadable_file", detail=type(error).__name__, lost=True)


def _bomb(archive: zipfile.ZipFile, name: str) -> Refused | None:
    for part in archive.infolist():
        ratio = part.file_size / max(part.compress_size, 1)
        if part.flag_bits & 1:
            return Refused(name, "encrypted", detail="zip", lost=True)
        if part.file_size > RATIO_FROM and ratio > MAX_RATIO:
            return Refused(name, "decompression_limit", round(ratio, 1), MAX_RATIO, lost=True)
        if "/worksheets/" not in part.filename and "/media/" not in part.filename and part.file_size > MAX_HELD_BYTES:
            return Refused(name, "too_large", part.file_size, MAX_HELD_BYTES, lost=True)
    return None


def _book(stream: IO[bytes], archive: zipfile.ZipFile, name: str, source: SourceParams) -> Iterator[Item | Refused]:
    parts = _parts(archive)
    book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    try:
        if len(book.worksheets) > MAX_SHEETS:
            yield Refused(name, "too_many_sheets", len(book.worksheets), MAX_SHEETS, lost=True)
            return
        for sheet in book.worksheets:
            place = f"{name}/{sheet.title}"
            if sheet.sheet_state != "visible":
                yield Refused(place, "hidden_sheet")
            else:
                sheet.reset_dimensions()  # what the file says of its size may be anything
                merged, empty = _extras(archive, parts.get(sheet.title))
                yield from items(_rows(sheet.iter_rows(values_only=True), merged, empty), place, source)
    finally:
        book.close()


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet title -> its part in the archive."""
    relations = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    strict = etree.XMLParser(resolve_entities=False, no_network=True)
    targets = {
        each.get("Id"): each.get("Target", "")
        for each in etree.fromstring(archive.read("xl/_rels/workbook.xml.rels"), strict)
    }
    book = etree.fromstring(archive.read("xl/workbook.xml"), strict)
    return {
        str(sheet.get("name")): target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        for sheet in book.iter(f"{_MAIN}sheet")
        if (target := targets.get(sheet.get(relations)))
    }


def _extras(archive: zipfile.ZipFile, part: str | None) -> tuple[list[tuple[int, int, int, int]], set[int]]:
    """Merged ranges (min column, min row, max column, max row), and rows with a formula that was never computed."""
    merged: list[tuple[int, int, int, int]] = []
    empty: set[int] = set()
    if part is None or part not in archive.namelist() or not _mentions(archive, part):
        return merged, empty
    with archive.open(part) as file:
        tags = (f"{_MAIN}c", f"{_MAIN}mergeCell", f"{_MAIN}row")
        for _, element in etree.iterparse(file, tag=tags, resolve_entities=False, no_network=True, huge_tree=True):
            if element.tag == tags[0]:
                if element.find(f"{_MAIN}f") is not None and not element.findtext(f"{_MAIN}v"):
                    digits = re.sub(r"\D", "", element.get("r", ""))
                    empty.update((int(digits[:9]),) if digits else ())
                continue
            if element.tag == tags[1] and len(merged) < MAX_MERGED:
                low, top, high, bottom = range_boundaries(element.get("ref", ""))
                if None not in (low, top, high, bottom):
                    merged.append((low, top, high, bottom))
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    return sorted(merged, key=lambda each: each[1]), empty


def _mentions(archive: zipfile.ZipFile, part: str) -> bool:
    """Whether a sheet has merged cells or formulas; most have none and need no second look."""
    tail = b""
    with archive.open(part) as file:
        while chunk := file.read(1 << 20):
            if _TELLING.search(tail + chunk):
                return True
            tail = chunk[-32:]
    return False


def _rows(
    cells: Iterator[tuple[Any, ...]], merged: list[tuple[int, int, int, int]], empty: set[int]
) -> Iterator[Row | BadRow]:
    header: list[str] | None = None
    waiting = merged[::-1]  # by their first row, the next one last
    active: list[tuple[int, int, int, Any]] = []  # first and last column, last row, value
    for number, row in enumerate(cells, 1):
        if number > MAX_ROWS:
            yield BadRow(number, "too_many_rows", number, MAX_ROWS, lost=True)
            return
        if len(row) > MAX_COLUMNS:
            yield BadRow(number, "too_many_columns", len(row), MAX_COLUMNS, lost=True)
            return
        values = [None if isinstance(each, str) and each in _ERRORS else each for each in row]
        if all(value is None or value == "" for value in values):
            continue
        values += [None] * (len(header or ()) - len(values))
        while waiting and waiting[-1][1] <= number:
            low, top, high, bottom = waiting.pop()
            if top == number and low <= len(values) and len(active) < MAX_ACTIVE:
                active.append((low, min(high, MAX_COLUMNS), bottom, values[low - 1]))
        active = [each for each in active if each[2] >= number]
        for low, high, _, value in active:
            for at in range(low - 1, min(high, len(values))):
                values[at] = value if values[at] is None else values[at]
        if header is None:
            while values and values[-1] is None:
                values.pop()
            header = column_names(values)
        elif number in empty:
            yield BadRow(number, "formula_without_value")
        elif any(value not in (None, "") for value in values[len(header) :]):
            yield BadRow(number, "row_width", len(values), len(header))
        else:
            yield Row(number, dict(zip(header, values, strict=False)))
    if header is None:
        yield BadRow(0, "empty_sheet")
