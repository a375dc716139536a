"""Pages to what they hold in reading order: lines and tables, without headers, footers and watermarks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipelines.extract.pdf.columns import regions
from pipelines.extract.pdf.furniture import furniture
from pipelines.extract.pdf.lines import Line, rows, text_of
from pipelines.extract.pdf.spans import Page, Span
from pipelines.extract.pdf.tables import Table, column, ruled, stand_in
from pipelines.extract.prose import ends_sentence, is_contents_line

MIN_CONTENTS = 3  # entries with leaders
_ENDS_IN_NUMBER = re.compile(r"\S\s+[0-9]{1,4}\Z")
_CONTENTS = re.compile(r"(?:table of )?contents|目\s{0,6}[录錄次]", re.I)


class Laid(NamedTuple):
    """A page laid out: its columns in reading order, and what it shows that is no part of the text."""

    number: int
    columns: list[list[Line | Table]]
    dropped: list[str]
    recognised: bool = False


def laid_out(pages: Sequence[Page]) -> list[Laid]:
    """All pages in order. Pages that OCR read are compared with each other only."""
    out: list[Laid] = []
    for recognised in (False, True):
        some = [page for page in pages if page.recognised == recognised]
        for page, dropped in zip(some, furniture(some), strict=True):
            out.append(_laid(page, dropped))
    return sorted(out, key=lambda laid: laid.number)


def _laid(page: Page, dropped: set[int]) -> Laid:
    gone = [text_of(row) for row in rows(page.spans[at] for at in sorted(dropped))] + page.aside
    page = page._replace(spans=[span for at, span in enumerate(page.spans) if at not in dropped])
    tables, used = ruled(page)
    spans = [span for at, span in enumerate(page.spans) if at not in used]
    spans += [stand_in(table, at) for at, table in enumerate(tables)]
    columns = []
    for region in regions(spans) if spans else ():
        kept, contents = without_contents(region)
        gone += contents
        columns.append(column(kept, tables, page.number, page.recognised))
    return Laid(page.number, [c for c in columns if c], gone, page.recognised)


def without_contents(spans: Sequence[Span]) -> tuple[list[Span], list[str]]:
    """A column without a table of contents, and the lines of that: it repeats headings and names no place of this text.

    It is told by three leaders to page numbers; lines among them that end in a number, and its heading, belong to it.
    """
    found = rows(spans)
    texts = [text_of(row) for row in found]
    entries = [at for at, text in enumerate(texts) if is_contents_line(text)]
    if len(entries) < MIN_CONTENTS:
        return list(spans), []
    gone = {
        at for at in range(entries[0], entries[-1] + 1)
        if is_contents_line(texts[at]) or (_ENDS_IN_NUMBER.search(texts[at][-20:]) and not ends_sentence(texts[at]))
    }  # fmt: skip
    at = entries[0] - 1
    while at >= 0 and (_ENDS_IN_NUMBER.search(texts[at][-20:]) or _CONTENTS.fullmatch(texts[at])):
        gone.add(at)
        at -= 1
    return [span for at, row in enumerate(found) if at not in gone for span in row], [texts[at] for at in sorted(gone)]
