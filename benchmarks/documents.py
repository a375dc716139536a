"""Reading PDF: pages per CPU second and quality against what was printed, beside pdfminer.six and pypdf.

    python -m benchmarks.documents [--documents N] [--pages N] [--data DIR] [--rounds N] [--json]

With --data the PDF files of DIR are read, and quality is not known. Otherwise reportlab makes documents from a seed:
English in one and two columns and Chinese, with headings, hyphens at ends of lines, headers and page numbers.
Quality is F1 of 4-grams (words; characters for Chinese) of the text against the paragraphs before they were set, means
over the documents. The peers print whatever stands on a page; so a header that we leave out counts for us, as it would
for whoever uses the text.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.extract import f1, grams, precision_recall
from pipelines.extract.formats.pdf import read
from pipelines.extract.pdf.process import close_reader, read_pdf
from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams

PEERS = ("pdfminer", "pypdf")
KINDS = ("en", "en_columns", "zh")
WIDTH, HEIGHT, MARGIN = 595, 842, 60
_SYLLABLES = [
    "ba",
    "con",
    "der",
    "es",
    "for",
    "gra",
    "hin",
    "is",
    "jo",
    "ken",
    "lo",
    "men",
    "nor",
    "ost",
    "per",
    "qui",
    "ra",
    "sen",
    "tion",
    "ul",
    "ver",
    "with",
    "xen",
    "yo",
    "zon",
]
_HAN = (
    "数据处理活动定期开展风险评估并向有关主管部门报送告应当包括的种类量情况面临安全及其对措施关键信息基础设施运营者境内"
)


def words(draw: random.Random, count: int) -> list[str]:
    return ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 4))) for _ in range(count)]


def paragraph(draw: random.Random, chinese: bool) -> str:
    if chinese:
        return "，".join("".join(draw.choices(_HAN, k=draw.randint(8, 24))) for _ in range(draw.randint(3, 8))) + "。"
    return " ".join(words(draw, draw.randint(40, 120))).capitalize() + "."


def lines(text: str, columns: int, chinese: bool) -> list[str]:
    """A text in lines; English words are divided where a line ends in them."""
    if chinese:
        return [text[at : at + columns] for at in range(0, len(text), columns)]
    out = [""]
    for word in text.split():
        room = columns - len(out[-1]) - 1
        if len(word) <= room:
            out[-1] += (" " if out[-1] else "") + word
        elif room > 5 and len(word) > 8 and word.isalpha():
            out[-1] += f" {word[: room - 2]}-"
            out.append(word[room - 2 :])
        else:
            out.append(word)
    return out


def document(kind: str, pages: int, seed: int) -> tuple[bytes, str]:
    """A PDF and the text that it was made of."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    draw = random.Random(seed)
    chinese, double = kind == "zh", kind == "en_columns"
    font, columns = ("STSong-Light", 38) if chinese else ("Courier", 40 if double else 78)
    size = 12 if chinese else 8 if not double else 9
    lefts = (MARGIN, 312) if double else (MARGIN,)
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1)
    gold: list[str] = []
    waiting: list[tuple[str, bool]] = []  # lines to set, and whether each is a heading
    font = font if chinese else "Times-Roman"
    for number in range(1, pages + 1):
        canvas.setFont(font, 8)
        canvas.drawString(MARGIN, HEIGHT - 30, "年度报告" if chinese else "Annual report of the committee")
        canvas.drawCentredString(WIDTH / 2, 25, f"第 {number} 页" if chinese else f"Page {number} of {pages}")
        for left in lefts:
            y = HEIGHT - 70
            while y > 60:
                if not waiting:
                    waiting, text = _next(draw, len(gold), columns, chinese)
                    gold.append(text)
                line, heading = waiting.pop(0)
                canvas.setFont(("Times-Bold" if not chinese else font) if heading else font, size + 4 * heading)
                canvas.drawString(left, y, line)
                y -= 1.35 * size + (8 if not waiting or heading else 0)
        canvas.showPage()
    canvas.save()
    if waiting:  # what did not fit on the last page was never printed
        left_over = "".join(line for line, _ in waiting)
        gold[-1] = gold[-1][: max(len(gold[-1]) - len(left_over) - len(waiting), 0)]
    return out.getvalue(), "\n".join(gold)


def _next(draw: random.Random, number: int, columns: int, chinese: bool) -> tuple[list[tuple[str, bool]], str]:
    if number % 6 == 0:
        chapter = number // 6 + 1
        title = (
            f"第{chapter}章 {''.join(draw.choices(_HAN, k=6))}"
            if chinese
            else f"{chapter} {' '.join(words(draw, 2)).title()}"
        )
        return [(title, True)], title
    text = paragraph(draw, chinese)
    return [(line, False) for line in lines(text, columns, chinese)], text


def ours(files: list[Path]) -> list[str]:
    try:
        found = [read(path.read_bytes(), "application/pdf", ExtractParams()) for path in files]
    finally:
        close_reader()  # and count its CPU time
    return [each.text if isinstance(each, Extracted) else "" for each in found]


def main() -> int:
    parser = harness.parser("documents", __doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=4, help="documents of each kind (default: 4)")
    parser.add_argument("--pages", type=int, default=25, help="pages of each document (default: 25)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files, golds = _input(options, Path(folder))
        listed = Path(folder) / "files.json"
        listed.write_text(json.dumps([str(path) for path in files]), "utf-8")
        contestants: dict[str, harness.Contestant] = {"nightmill": lambda: ours(files)}
        for name in PEERS:
            contestants[name] = harness.peer("documents", "benchmarks/documents_peers.py", name, listed)
        pages = sum(len(read_pdf(path.read_bytes()).pages) for path in files)
        size = sum(path.stat().st_size for path in files)
        result = harness.run("documents", contestants, size, options.rounds, packages=("pypdfium2", "reportlab"))
    result["pages"] = pages
    result["pages_per_cpu_s"] = {
        name: round(pages / figures["cpu_s"]["median"], 1)
        for name, figures in result["contestants"].items()
        if "reason" not in figures
    }
    if golds:
        result["quality"] = {kind: _quality(kind, golds, result["outputs"]) for kind in KINDS}
    harness.report(result, options.json)
    return 0


def _input(options: argparse.Namespace, folder: Path) -> tuple[list[Path], list[tuple[str, str]]]:
    """The files to read, and of generated ones kind and text."""
    if options.data is not None:
        return sorted(options.data.glob("*.pdf")), []
    files, golds = [], []
    for kind in KINDS:
        for number in range(options.documents):
            body, gold = document(kind, options.pages, options.seed * 1_000 + number)
            files.append(folder / f"{kind}-{number}.pdf")
            files[-1].write_bytes(body)
            golds.append((kind, gold))
    return files, golds


def _quality(kind: str, golds: list[tuple[str, str]], outputs: dict[str, list[str]]) -> dict[str, Any]:
    out = {}
    for name, texts in outputs.items():
        pairs = [(text, gold) for text, (of, gold) in zip(texts, golds, strict=True) if of == kind]
        scores = [precision_recall(grams(text, kind == "zh"), grams(gold, kind == "zh")) for text, gold in pairs]
        out[name] = round(f1(scores), 4)
    return out


if __name__ == "__main__":
    sys.exit(main())
