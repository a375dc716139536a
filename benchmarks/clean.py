"""The clean stage: MB per CPU second, with and without the language model, beside datatrove's four filters.

    python -m benchmarks.clean [--data DIR] [--megabytes N] [--models DIR] [--json]

DIR holds `*.jsonl`, `*.jsonl.gz` or `*.parquet` with a field `text`; without it seeded synthetic pages are made, half
of them Chinese. All contestants see normalised texts. `benchmarks/clean_mapping.json` says which of their rules stand
for which of ours. `agreement`: the share of English texts on which a family's verdict is that of their filter.
"""

from __future__ import annotations

import collections
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import harness, texts
from jobs import models
from pipelines.clean.published import RULES
from pipelines.clean.rules import Rule
from pipelines.clean.stage import MODEL, STAGE
from pipelines.params import CleanParams
from pipelines.stage import Context

BATCH = 1_000  # rows
_TABLE_A1 = ("gopher_repeated_", "gopher_top_")
FAMILIES = {
    "GopherQualityFilter": [r for r in RULES if r.name.startswith("gopher_") and not r.name.startswith(_TABLE_A1)],
    "GopherRepetitionFilter": [r for r in RULES if r.name.startswith(_TABLE_A1)],
    "C4QualityFilter": [r for r in RULES if r.name.startswith("c4_")],
    "FineWebQualityFilter": [r for r in RULES if r.name.startswith("fineweb_")],
}  # in the order of the peer's verdicts
#: Rules that read, from the other side, a signal that another rule stores.
TWO_SIDED = {"gopher_min_words": "gopher_words@1", "gopher_max_word_length": "gopher_word_length@1"}


def clean(state: Any, batches: list[pa.Table]) -> dict[str, int]:
    """Rows kept, and rejected per rule."""
    counts: collections.Counter[str] = collections.Counter()
    for batch in batches:
        emitted = STAGE.apply(state, batch)
        counts["kept"] += emitted.rows.num_rows
        counts.update(emitted.rejects["rule"].to_pylist())
    return dict(sorted(counts.items()))


def normalised(column: list[str]) -> list[str]:
    """The texts as the stage leaves them, rejecting none."""
    table = pa.table({"doc_id": [f"{row:032x}" for row in range(len(column))], "text": column})
    found: list[str] = STAGE.apply(STAGE.setup(Context(CleanParams(off=("*",)))), table).rows["text"].to_pylist()
    return found


def agreement(column: list[str], verdicts: list[str]) -> dict[str, dict[str, float]]:
    """Per family the English texts, and the share of them with the peer's verdict (`verdicts`: 0 or 1 per filter)."""
    table = pa.table({"doc_id": [f"{row:032x}" for row in range(len(column))], "text": column})
    rows = STAGE.apply(STAGE.setup(Context(CleanParams(off=("*",)))), table).rows
    english = [at for at, lang in enumerate(rows["lang"].to_pylist()) if lang == "en"]
    signals = rows.take(english)["signals"].to_pylist()
    out = {}
    for place, (family, rules) in enumerate(FAMILIES.items()):
        same = [
            keeps(rules, {s["name"]: s["value"] for s in found}) == (verdicts[at][place] == "1")
            for at, found in zip(english, signals, strict=True)
        ]
        out[family] = {"texts": len(same), "share": round(sum(same) / len(same), 4) if same else float("nan")}
    return out


def keeps(rules: list[Rule], values: dict[str, float | None]) -> bool:
    """Whether a text with these signals passes."""
    for rule in rules:
        value = values.get(TWO_SIDED.get(rule.name) or rule.signal or "")
        if value is not None and rule.fails(np.array([value]), rule.threshold(CleanParams()))[0]:
            return False
    return True


def main() -> int:
    parser = harness.parser("clean", __doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=40, help="size of the input (default: 40)")
    parser.add_argument("--models", type=Path, default=Path("~/.cache/nightmill/models"), help="home of the models")
    options = parser.parse_args()
    column = (
        texts.read(options.data, options.megabytes) if options.data else texts.made(options.megabytes, options.seed)
    )
    column = normalised(column)
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
    theirs = result["outputs"].get("datatrove") or {}
    result["verdicts"] = {**result["outputs"], "datatrove": theirs.get("rejected")}
    result["agreement"] = agreement(column, theirs["verdicts"]) if "verdicts" in theirs else None
    result["mapping"] = "benchmarks/clean_mapping.json"
    harness.report(result, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
