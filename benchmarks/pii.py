"""The scrub stage: MB per CPU second beside datatrove and Presidio, and recall and precision on labelled texts.

    python -m benchmarks.pii [--data DIR] [--gold FILE] [--megabytes N] [--json]

DIR holds `*.jsonl`, `*.jsonl.gz` or `*.parquet` with a field `text`; without it seeded synthetic pages are made, a
tenth of them with one value. FILE has JSON lines with text and spans [[start, end, type], …] in Presidio's names; a
finding is right where it overlaps a span of its type. `benchmarks/pii_mapping.json` says what each contestant does.
"""

from __future__ import annotations

import collections
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import harness, texts
from pipelines.params import ScrubParams
from pipelines.pii.find import find
from pipelines.pii.residue import residue
from pipelines.pii.stage import STAGE
from pipelines.stage import Context

BATCH = 1_000  # rows
TYPES = {"CREDIT_CARD": "BANK_CARD", "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL", "IBAN_CODE": "IBAN",
         "US_SSN": "US_SSN", "IP_ADDRESS": "IP_ADDRESS"}  # fmt: skip


def scrub(state: Any, batches: list[pa.Table]) -> dict[str, int]:
    """Findings per entity."""
    counts: collections.Counter[str] = collections.Counter()
    for batch in batches:
        findings = STAGE.apply(state, batch).rows["findings"].combine_chunks().flatten()
        counts.update(findings.field("entity").to_pylist())
    return dict(sorted(counts.items()))


def quality(path: Path) -> dict[str, Any]:
    """Spans found and missed, and findings without a span, per entity."""
    table: dict[str, dict[str, int]] = {each: {"found": 0, "missed": 0, "false": 0} for each in sorted(TYPES.values())}
    with path.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            findings, _ = find(row["text"])
            right = set()
            for start, end, kind in row["spans"]:
                entity = TYPES.get(kind)
                if entity:
                    hits = [f for f in findings if f.entity == entity and f.start < end and f.end > start]
                    table[entity]["found" if hits else "missed"] += 1
                    right.update(hits)
            for finding in findings:
                if finding not in right:
                    table.setdefault(finding.entity, {"found": 0, "missed": 0, "false": 0})["false"] += 1
    found, missed, false = (sum(row[key] for row in table.values()) for key in ("found", "missed", "false"))
    return {"recall": round(found / (found + missed), 4) if found + missed else None,
            "precision": round(found / (found + false), 4) if found + false else None, "entities": table}  # fmt: skip


def main() -> int:
    parser = harness.parser("pii", __doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=20, help="size of the input (default: 20)")
    parser.add_argument("--gold", type=Path, metavar="FILE", help="labelled texts for recall and precision")
    options = parser.parse_args()
    column = (
        texts.read(options.data, options.megabytes) if options.data else texts.made(options.megabytes, options.seed)
    )
    table = pa.table({"doc_id": [f"{row:032x}" for row in range(len(column))], "text": column})
    batches = [table.slice(at, BATCH) for at in range(0, len(column), BATCH)]
    state = STAGE.setup(Context(ScrubParams()))
    contestants: dict[str, harness.Contestant] = {"nightmill": lambda: scrub(state, batches)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.jsonl"
        texts.write(column, path)
        for environment, name in (("datatrove", "datatrove"), ("pii", "presidio")):
            contestants[name] = harness.peer(environment, "benchmarks/pii_peers.py", name, path)
        size = sum(len(text.encode()) for text in column)
        result = harness.run("pii", contestants, size, options.rounds, warmup=1, packages=("numba", "numpy", "pyarrow"))
    result["findings"] = result["outputs"]
    characters = sum(map(len, column))
    ours = result["outputs"]["nightmill"]
    result["findings_per_100k_characters"] = {key: round(100_000 * n / characters, 3) for key, n in ours.items()}
    scrubbed = [STAGE.apply(state, batch).rows["text"] for batch in batches]
    result["residue"] = sum(sum(residue(part).values()) for part in scrubbed)
    if options.gold:
        result["quality"] = quality(options.gold)
    result["mapping"] = "benchmarks/pii_mapping.json"
    harness.report(result, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
