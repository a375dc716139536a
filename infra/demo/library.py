"""The ordinary pages of the site and what becomes of them on the second day."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from infra.demo.articles import load, names, render
from infra.demo.resources import Resource

CHANGED_SHARE = NEW_SHARE = 20  # one page in so many is changed on the second day, or new
GONE_SHARE = 30

_PARAGRAPH_END = re.compile(rb"</p\s*>", re.IGNORECASE)
_ADDED = {
    "zh": "补充说明：这一段是第二天加上去的，正文的其余部分没有变化，读者可以据此核对更新之后的版本。",
    "en": "A later note: this paragraph was added on the second day, and the rest of the text has not been changed.",
}


@dataclass(frozen=True)
class Entry:
    """One page of the library, with where it comes from."""

    path: str  # on the site, with the leading slash
    body: bytes
    language: str
    package: str
    version: str
    licence: str

    @property
    def folder(self) -> str:
        return self.path.split("/")[1]


class LibraryError(ValueError):
    """The folder of pages cannot be served: what is wrong, and which command makes a good one."""


def read_library(pages_dir: Path | None) -> list[Entry]:
    """The pages that ``infra.demo.pages`` wrote, or the handmade ones; in order of path."""
    if pages_dir is None:
        return [_handmade(name) for name in names()]
    site = pages_dir / "site"
    try:
        manifest = json.loads((site / "manifest.json").read_text(encoding="utf-8"))
        return sorted((_from_row(site, row) for row in manifest["pages"]), key=lambda entry: entry.path)
    except (OSError, KeyError, TypeError, ValueError) as problem:
        hint = f"make it with: python -m infra.demo.pages --out {pages_dir}"
        raise LibraryError(f"{site} holds no complete set of pages ({problem}); {hint}") from problem


def _handmade(name: str) -> Entry:
    language, _, rest = name.partition("-")
    body = render(load(name, language)).encode()
    return Entry(f"/handmade-{language}/{rest}.html", body, language, "handmade", "1", "Apache-2.0")


def _from_row(site: Path, row: dict[str, str]) -> Entry:
    body = (site / row["path"]).read_bytes()
    if hashlib.sha256(body).hexdigest() != row["sha256"]:
        raise ValueError(f"{row['path']} is not the page that the manifest names")
    return Entry("/" + row["path"], body, row["language"], row["package"], row["version"], row["licence"])


def fates(entries: list[Entry]) -> dict[str, str]:
    """Path → what happens on the second day: ``new``, ``changed``, ``gone`` or ``page`` (nothing).

    The order of a hash of the path decides, so that the four kinds are spread over the library.
    """
    order = sorted((entry.path for entry in entries), key=lambda path: hashlib.sha256(b"fate" + path.encode()).digest())
    new, changed = max(1, len(order) // NEW_SHARE), max(1, len(order) // CHANGED_SHARE)
    gone = max(2, len(order) // GONE_SHARE)
    fate = dict.fromkeys(order, "page")
    fate.update(dict.fromkeys(order[:new], "new"))
    fate.update(dict.fromkeys(order[new : new + changed], "changed"))
    fate.update(dict.fromkeys(order[new + changed : new + changed + gone], "gone"))
    return fate


def add_paragraph(body: bytes, language: str) -> bytes:
    """The page with one more paragraph after the middle one of its own; at its end where it has none."""
    paragraph = f"\n<p>{_ADDED[language]}</p>\n".encode()
    ends = [match.end() for match in _PARAGRAPH_END.finditer(body)]
    at = ends[len(ends) // 2] if ends else len(body)
    return body[:at] + paragraph + body[at:]


def title_of(entry: Entry) -> str:
    """The page's own title, for the link that leads to it."""
    match = re.search(rb"<title[^>]*>([^<]{1,300})<", entry.body[:20_000])
    return " ".join(match[1].decode("utf-8", "replace").split()) if match else entry.path


def library_resources(entries: list[Entry], day: int) -> list[Resource]:
    """The URLs of the library on this day. Pages that have gone stay linked, as on most sites."""
    fate = fates(entries)
    resources = []
    gone = sorted(path for path, kind in fate.items() if kind == "gone")
    for entry in entries:
        kind = fate[entry.path]
        page = Resource(entry.path, "page", entry.body, title=title_of(entry), language=entry.language)
        if day == 1 and kind == "new":
            continue
        if day == 2 and kind == "gone":
            status = (410, 404)[gone.index(entry.path) % 2]
            page = replace(page, kind="gone", status=status, body=f"<h1>{status}</h1>\n".encode())
        elif day == 2 and kind == "changed":
            page = replace(page, kind="changed", body=add_paragraph(entry.body, entry.language), changed_day=2)
        elif day == 2 and kind == "new":
            page = replace(page, kind="new", changed_day=2)
        resources.append(page)
    return resources


def steady(entries: list[Entry]) -> list[Entry]:
    """The pages that are the same on both days."""
    fate = fates(entries)
    return [entry for entry in entries if fate[entry.path] == "page"]


def mirrors(entries: list[Entry], count: int = 2) -> list[Resource]:
    """Exact copies of ordinary pages under a second URL, of each language where there are any."""
    resources = []
    for language in sorted({entry.language for entry in entries}):
        for number, entry in enumerate([e for e in steady(entries) if e.language == language][:count], 1):
            path = f"/mirror/{language}-{number}.html"
            resources.append(Resource(path, "duplicate", entry.body, title=title_of(entry), language=language))
    return resources


def licence_page(entries: list[Entry]) -> bytes:
    """Where the pages come from and on which terms they may be used."""
    rows = sorted({(entry.folder, entry.package, entry.version, entry.licence) for entry in entries})
    cells = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Terms and licences</title></head>
<body>
<h1>Terms and licences</h1>
<p>The pages of this site are documentation of free software, taken unchanged from the packages below, and a few pages
made by hand (Apache-2.0). Robots are welcome within the limits of <a href="/robots.txt">robots.txt</a>: the pages may
be fetched and used to build a text corpus, under the licence of each package.</p>
<table>
<tr><th>Folder</th><th>Package</th><th>Version</th><th>Licence (SPDX)</th></tr>
{cells}
</table>
</body>
</html>
""".encode()
