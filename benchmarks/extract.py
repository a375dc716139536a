"""Main-content extraction: quality against gold texts and CPU time, beside trafilatura, resiliparse and readability.

    python -m benchmarks.extract --data DIR [--repeat N] [--json]

DIR holds `html_scrapinghub/dev.jsonl.gz` (html, article_body) and `html_zh_handmade/dev.jsonl.gz` (html_latin1: raw
bytes as Latin-1, content). All contestants start from the same decoded pages; ours decodes the raw Chinese ones, too,
within its time. Quality is that of scrapinghub's article-extraction-benchmark: 4-grams of words, precision and recall
averaged over the pages, F1 of the two means with its bootstrap interval; for Chinese every character is a word. Pages
per CPU second and the peers' ratios are of whole calls, structure and metadata included.
"""

from __future__ import annotations

import gzip
import json
import re
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import harness
from pipelines.atoms import ATOM
from pipelines.extract.decode import decode
from pipelines.extract.result import Extracted
from pipelines.extract.stage import extract
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

NGRAM = 4
_RATE = {"median": "median", "least": "most", "most": "least"}  # figures of a rate by those of the time
SETS = {"en": ("html_scrapinghub", "article_body"), "zh": ("html_zh_handmade", "content")}
PEERS = ("trafilatura", "trafilatura_fast", "resiliparse", "readability")
_NUMBER = re.compile(r"\A(?:> )*[0-9A-Za-z]{1,9}\. ")
_FENCE = re.compile(r"\A(?:> )*`{3,}.*")
_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
Scores = tuple[float, float]  # precision and recall of one page


def load(path: Path, gold: str) -> list[tuple[bytes | str, str]]:
    """Pages (raw bytes where the set has them) with their gold texts."""
    pages: list[tuple[bytes | str, str]] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            raw = row.get("html_latin1")
            pages.append((row["html"] if raw is None else raw.encode("latin-1"), row[gold]))
    return pages


def ours(pages: Sequence[bytes | str], repeat: int) -> list[Extracted | Verdict]:
    found: list[Extracted | Verdict] = []
    for _ in range(repeat):
        found = []
        for page in pages:
            body, html = (page, None) if isinstance(page, bytes) else (None, page)
            found.append(extract(body, html, None, ExtractParams()))
    return found


def unmarked(found: Extracted | Verdict) -> str:
    """The text without media keys, the numbers of lists and the languages of code: the markup says them, and no gold
    text has them. Other marks are no words."""
    if isinstance(found, Verdict):
        return ""
    pieces = []
    for block in found.blocks:
        piece = found.text[block.start : block.end]
        if block.kind == "list_item":
            piece = _NUMBER.sub("", piece)
        elif block.kind == "code":
            piece = _FENCE.sub("", piece)
        pieces.append(_ESCAPE.sub("", ATOM.sub(" ", piece)))
    return "\n".join(pieces)


def grams(text: str, letters: bool) -> Counter[tuple[str, ...]]:
    """4-grams of words, or of letters; a shorter text is one gram."""
    tokens = re.findall(r"\w" if letters else r"\w+", text)
    return (
        Counter(tuple(tokens[i : i + NGRAM]) for i in range(max(1, len(tokens) - NGRAM + 1))) if tokens else Counter()
    )


def precision_recall(found: Counter[tuple[str, ...]], gold: Counter[tuple[str, ...]]) -> Scores:
    hit = (found & gold).total()
    return hit / found.total() if found else float(not gold), hit / gold.total() if gold else 1.0


def f1(scores: Sequence[Scores]) -> float:
    precision, recall = (statistics.fmean(column) for column in zip(*scores, strict=True))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def quality(texts: Sequence[str], golds: Sequence[str], letters: bool, seed: int) -> dict[str, Any]:
    scores = [precision_recall(grams(t, letters), grams(g, letters)) for t, g in zip(texts, golds, strict=True)]
    interval = harness.bootstrap(scores, f1, seed=seed)  # type: ignore[arg-type]
    return {
        "f1": {key: round(value, 4) for key, value in interval.items() if value is not None},
        "precision": round(statistics.fmean(p for p, _ in scores), 4),
        "recall": round(statistics.fmean(r for _, r in scores), 4),
        "empty": sum(not text.strip() for text in texts),
    }


def main() -> int:
    parser = harness.parser("extract", __doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--repeat", type=int, default=10, help="times that each page is read in a round (default: 10)")
    options = parser.parse_args()
    if options.data is None:
        parser.error("quality needs gold texts: give their folder with --data DIR")
    sets = {name: load(options.data / folder / "dev.jsonl.gz", gold) for name, (folder, gold) in SETS.items()}
    pages = [page for rows in sets.values() for page, _ in rows]
    decoded = [decode(page).text if isinstance(page, bytes) else page for page in pages]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pages.json"
        path.write_text(json.dumps(decoded), "utf-8")
        contestants: dict[str, harness.Contestant] = {"nightmill": lambda: ours(pages, options.repeat)}
        for name in PEERS:
            contestants[name] = harness.peer("extract", "benchmarks/extract_peers.py", name, path, str(options.repeat))
        size = options.repeat * sum(len(page.encode("utf-8", "replace")) for page in decoded)
        packages = ("numba", "pyarrow", "resiliparse")
        result = harness.run("extract", contestants, size, options.rounds, warmup=1, packages=packages)
    read = options.repeat * len(pages)
    result["pages_per_cpu_s"] = {
        name: {key: round(read / figures["cpu_s"][of], 1) for key, of in _RATE.items()}
        for name, figures in result["contestants"].items()
        if "reason" not in figures
    }
    result["quality"] = {}
    for contestant, found in result["outputs"].items():
        texts = [text if isinstance(text, str) else unmarked(text) for text in found]
        at = 0
        for name, rows in sets.items():
            golds = [gold for _, gold in rows]
            part = quality(texts[at : at + len(rows)], golds, name == "zh", options.seed)
            result["quality"].setdefault(name, {})[contestant] = part
            at += len(rows)
    harness.report(result, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
