"""De-duplication: text to signatures, and text to kept set, beside rensa, gaoya and datasketch.

    python -m benchmarks.dedup [--data DIR] [--docs N] [--rounds N] [--json]

DIR holds, or has a folder `bench` that holds, NAME.parquet (id, text, lang) with NAME.truth.parquet (a, b, j: all pairs
with an exact Jaccard similarity of at least 0.3 by the shingles of pipelines/dedup/shingles.py). Without it, two sets
of N documents are made from the seed, a fifth of them edited copies whose similarity is computed in plain Python.

End to end: every contestant is a process that reads the sets as JSON lines, one after the other, and says which rows
go; CPU seconds include its start. Ours verifies by exact similarity, rensa by estimate, gaoya and datasketch as their
documentation shows. Signatures: CPU seconds inside the process, 128 positions; ours from text, the peers from ready
shingles, which they do not make themselves. The limit: a multiplication, an addition and a minimum of 32
bits for each of 128 positions are 384 operations per distinct shingle, 24 instructions of 512 bits or 48 of 256 bits.

Quality: precision is the share of rejected documents that have a document of the set within the threshold; recall the
share of pairs within the threshold of which not both stay.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import harness
from pipelines.dedup.minhash import features
from pipelines.dedup.stage import deduplicate
from pipelines.params import DedupParams

PARAMS = DedupParams()
PEERS = ("rensa", "gaoya", "datasketch")
SIGNERS = ("rensa", "datasketch")
SIGNED_DOCUMENTS = 2_000
SIGNED_TWICE = 5


@dataclass(frozen=True)
class Sample:
    """One labelled set: `pairs` are (id, id, similarity)."""

    name: str
    table: pa.Table
    pairs: Sequence[tuple[str, str, float]]


def load(folder: Path) -> list[Sample]:
    """The labelled sets of a folder."""
    folder = folder / "bench" if (folder / "bench").is_dir() else folder
    samples = []
    for truth in sorted(folder.glob("*.truth.parquet")):
        name = truth.name.removesuffix(".truth.parquet")
        table = pq.read_table(folder / f"{name}.parquet", columns=["id", "text", "lang"])
        pairs = [(r["a"], r["b"], r["j"]) for r in pq.read_table(truth).to_pylist()]
        samples.append(Sample(name, table, pairs))
    return samples


def shingles(text: str, lang: str) -> set[str]:
    """The definition in plain Python, good for what `generate` writes."""
    tokens: Any = "".join(text.split()) if lang == "zh" else re.findall(r"\w+", text.lower())
    joint = "" if lang == "zh" else " "
    return {joint.join(tokens[i : i + 5]) for i in range(max(1, len(tokens) - 4))} if tokens else set()


def generate(documents: int, lang: str, seed: int) -> Sample:
    """Documents of Zipf-distributed words; every fifth is an edited copy of the one before it."""
    draw = random.Random(f"{seed} {lang}")
    if lang == "zh":
        words = [chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(3_000)]
    else:
        words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 11))) for _ in range(30_000)]
    weights = [1 / (rank + 2) for rank in range(len(words))]
    joint = "" if lang == "zh" else " "
    rows: list[list[str]] = []
    pairs = []
    for i in range(documents):
        if i % 5 == 4:
            tokens = list(rows[-1])
            for _ in range(draw.randint(0, max(1, len(tokens) // 20))):
                tokens[draw.randrange(len(tokens))] = draw.choice(words)
            a, b = (shingles(joint.join(t), lang) for t in (rows[-1], tokens))
            pairs.append((f"{lang}{i - 1}", f"{lang}{i}", len(a & b) / len(a | b)))
        else:
            tokens = draw.choices(words, weights, k=draw.randint(30, 1_500))
        rows.append(tokens)
    ids, texts = [f"{lang}{i}" for i in range(documents)], [joint.join(tokens) for tokens in rows]
    return Sample(f"made-{lang}", pa.table({"id": ids, "text": texts, "lang": [lang] * documents}), pairs)


def worker(paths: Sequence[str]) -> None:
    """Our contestant: print the rows that go, per set."""
    gone = []
    for path in paths:
        rows = [orjson.loads(line) for line in Path(path).read_bytes().splitlines()]
        table = pa.table({name: [row[name] for row in rows] for name in ("id", "text", "lang")})
        del rows
        gone.append([i for i, kept in enumerate(deduplicate(table, PARAMS).kept) if not kept])
    print(json.dumps(gone))


def quality(sample: Sample, gone: Sequence[int], threshold: float, seed: int) -> dict[str, Any]:
    ids = sample.table["id"].to_pylist()
    rejected = {ids[i] for i in gone}
    close = [(a, b) for a, b, similarity in sample.pairs if similarity >= threshold]
    having = {name for pair in close for name in pair}
    right = [float(name in having) for name in sorted(rejected)]
    found = [float(a in rejected or b in rejected) for a, b in close]
    return {
        "documents": len(ids),
        "rejected": len(rejected),
        "pairs": len(close),
        "precision": harness.bootstrap(right, seed=seed),
        "recall": harness.bootstrap(found, seed=seed),
    }


def _rate(work: Callable[[], Any], size: int) -> float:
    start = time.process_time()
    work()
    return size / harness.MB / (time.process_time() - start)


def signatures(path: Path, rounds: int) -> dict[str, Any]:
    """MB of text per CPU second, from text to signatures (ours) and from ready shingles (the peers)."""
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()[:SIGNED_DOCUMENTS]]
    texts, langs = pa.array([row["text"] for row in rows]), pa.array([row["lang"] for row in rows])
    size = sum(len(row["text"].encode()) for row in rows)
    signers = {name: harness.peer("dedup", "benchmarks/dedup_peers.py", "sign", name, path) for name in SIGNERS}
    rates: dict[str, list[float]] = {"nightmill": []}
    reasons: dict[str, str] = {}

    def ours() -> None:
        for _ in range(SIGNED_TWICE):
            features(texts, langs, PARAMS)

    ours()
    for _ in range(rounds):
        rates["nightmill"].append(_rate(ours, SIGNED_TWICE * size))
        for name, signer in signers.items():
            if isinstance(signer, harness.Unavailable):
                reasons[name] = signer.reason
                continue
            try:
                rates.setdefault(name, []).append(size / harness.MB / signer())
            except RuntimeError as error:
                reasons[name] = str(error)
    out: dict[str, Any] = {name: {"reason": reason} for name, reason in reasons.items()}
    for name, values in rates.items():
        if name not in reasons:
            middle, least, most = statistics.median(values), min(values), max(values)
            out[name] = {"median": round(middle, 2), "least": round(least, 2), "most": round(most, 2)}
    return out


def main() -> int:
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2:])
        return 0
    parser = harness.parser("dedup", __doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--docs", type=int, default=10_000, help="documents per generated set (default: 10,000)")
    options = parser.parse_args()
    if options.data is None:
        samples = [generate(options.docs, lang, options.seed) for lang in ("en", "zh")]
    else:
        samples = load(options.data)
        if not samples:
            parser.error(f"no *.truth.parquet in {options.data}")
    with tempfile.TemporaryDirectory() as folder:
        paths, size = [], 0
        for sample in samples:
            paths.append(Path(folder) / f"{sample.name}.jsonl")
            with paths[-1].open("wb") as file:
                for row in sample.table.to_pylist():
                    size += len(row["text"].encode())
                    file.write(orjson.dumps(row) + b"\n")
        ours = harness.command(sys.executable, "-m", "benchmarks.dedup", "worker", *paths)
        contestants: dict[str, harness.Contestant] = {"nightmill": ours}
        for name in PEERS:
            contestants[name] = harness.peer("dedup", "benchmarks/dedup_peers.py", "dedup", name, *paths)
        ours()  # compiles the kernels where that was not done yet
        packages = ("numba", "numpy", "pyarrow", "orjson")
        result = harness.run("dedup", contestants, size, options.rounds, packages=packages)
        result["signatures_mb_per_s"] = {
            sample.name: signatures(path, options.rounds) for sample, path in zip(samples, paths, strict=True)
        }
    result["quality"] = {
        sample.name: {
            name: quality(sample, gone[at], PARAMS.threshold, options.seed) for name, gone in result["outputs"].items()
        }
        for at, sample in enumerate(samples)
    }
    harness.report(result, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
