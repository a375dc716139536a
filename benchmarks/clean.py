"""The clean stage: MB per CPU second, with and without the language model, beside datatrove's nearest filters.

    python -m benchmarks.clean [--data DIR] [--megabytes N] [--models DIR] [--json]

DIR holds `*.jsonl`, `*.jsonl.gz` or `*.parquet` with a field `text`; without it seeded synthetic pages are made, half
of them Chinese. `benchmarks/clean_mapping.json` says which of their rules stand for which of ours; theirs tokenise
words, ours do not.
"""

from __future__ import annotations

import collections
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import harness, texts
from jobs import models
from pipelines.clean.stage import MODEL, STAGE
from pipelines.params import CleanParams
from pipelines.stage import Context

BATCH = 1_000  # rows


def clean(state: Any, batches: list[pa.Table]) -> dict[str, int]:
    """Rows kept, and rejected per rule."""
    counts: collections.Counter[str] = collections.Counter()
    for batch in batches:
        emitted = STAGE.apply(state, batch)
        counts["kept"] += emitted.rows.num_rows
        counts.update(emitted.rejects["rule"].to_pylist())
    return dict(sorted(counts.items()))


def main() -> int:
    parser = harness.parser("clean", __doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=40, help="size of the input (default: 40)")
    parser.add_argument("--models", type=Path, default=Path("~/.cache/nightmill/models"), help="home of the models")
    options = parser.parse_args()
    column = (
        texts.read(options.data, options.megabytes) if options.data else texts.made(options.megabytes, options.seed)
    )
    size = sum(len(text.encode()) for text in column)
    table = pa.table({"doc_id": [f"{row:032x}" for row in range(len(column))], "text": column})
    batches = [table.slice(at, BATCH) for at in range(0, len(column), BATCH)]
    rules = STAGE.setup(Context(CleanParams()))
    contestants: dict[str, harness.Contestant] = {"nightmill": lambda: clean(rules, batches)}
    model = models.path_of(MODEL, options.models.expanduser())
    if model:
        both = STAGE.setup(Context(CleanParams(), {MODEL: model}))
        contestants["nightmill with lid176"] = lambda: clean(both, batches)
    else:
        contestants["nightmill with lid176"] = harness.Unavailable("run `nightmill models fetch lid176`")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.jsonl"
        texts.write(column, path)
        contestants["datatrove"] = harness.peer("clean", "benchmarks/clean_peers.py", path)
        result = harness.run("clean", contestants, size, options.rounds, warmup=1,
                             packages=("numba", "numpy", "pyarrow", "fasttext-community"))  # fmt: skip
    result["verdicts"] = result["outputs"]
    result["mapping"] = "benchmarks/clean_mapping.json"
    harness.report(result, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
