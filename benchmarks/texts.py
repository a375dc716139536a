"""Input of the text benchmarks: seeded synthetic pages in English and Chinese, or the texts of a folder."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

_ENGLISH = """the of and to in is that for it with as on be are this by from have not or you which data model system
    method result language training process network value number example question answer information service user page
    text different possible several important general following however between because during without another"""
_CHINESE = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天"
    "而能好都然没日于起还发成事只作当想看文无开手用主行方如前所本见经头面公同三已老从动两长知样现分将外但身些与高"
    "意进把法此实回二理美点月明其种声全工间"
)
_VALUES = ("13812345678", "138-1234-5678", "11010519491231002X", "a.person@mail.example.com", "58.33.12.7",
           "6222021234567890128", "QQ：1234567890", "+44 20 7946 0958")  # fmt: skip


def made(megabytes: int, seed: int, personal: float = 0.1) -> list[str]:
    """Texts of 1 to 6 kB, half of them Chinese; a share of `personal` has one value of a kind that scrubbing takes."""
    random_ = random.Random(seed)
    texts, size = [], 0
    while size < megabytes * 1_000_000:
        lines = list(_lines(random_, len(texts) % 2 == 0, random_.randint(1_000, 6_000)))
        if random_.random() < personal:
            lines.insert(random_.randrange(len(lines)), f"Contact: {random_.choice(_VALUES)}.")
        texts.append("\n".join(lines))
        size += len(texts[-1].encode())
    return texts


def _lines(random_: random.Random, english: bool, size: int) -> Iterator[str]:
    while size > 0:
        if english:
            words = random_.choices(_ENGLISH.split(), k=random_.randint(8, 60))
            line = " ".join(words).capitalize() + random_.choice((".", ".", "?", f" ({random_.randint(1, 2_000)})."))
        else:
            pieces = (
                "".join(random_.choices(_CHINESE, k=random_.randint(4, 15))) for _ in range(random_.randint(2, 9))
            )
            line = "，".join(pieces) + random_.choice(("。", "。", f"（{random_.randint(1, 31)}日）。"))
        size -= len(line.encode())
        yield line


def read(folder: Path, megabytes: int) -> list[str]:
    """Texts of the `*.jsonl`, `*.jsonl.gz` (field `text`) and `*.parquet` (column `text`) of a folder, up to a size."""
    texts, size = [], 0
    for path in sorted(folder.iterdir()):
        for text in _of_file(path):
            texts.append(text)
            size += len(text.encode())
            if size >= megabytes * 1_000_000:
                return texts
    if not texts:
        raise SystemExit(f"{folder}: no *.jsonl, *.jsonl.gz or *.parquet with texts")
    return texts


def _of_file(path: Path) -> Iterator[str]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        file = pq.ParquetFile(path)
        if "text" in file.schema_arrow.names:
            for batch in file.iter_batches(columns=["text"]):
                yield from (text for text in batch["text"].to_pylist() if text)
    elif path.name.endswith((".jsonl", ".jsonl.gz")):
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
            yield from (row["text"] for row in map(json.loads, lines) if row.get("text"))


def write(texts: list[str], path: Path) -> None:
    """JSON lines for a peer in another environment."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
