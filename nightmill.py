"""Nightmill's Python API: read published datasets, and ask whether one may be trained on.

import nightmill

corpus = nightmill.load("corpus", lake="lake")      # or "corpus@3f2a91", a digest prefix or snapshot id
for batch in corpus.batches(columns=["text", "lang"]):   # pyarrow.RecordBatch, in key order
    ...
for row in corpus:                                   # dicts
    ...
state = corpus.state_dict()                          # where the iteration stands
corpus.load_state_dict(state)                        # go on behind it, also in another process
corpus.to_huggingface()                              # datasets.IterableDataset, with the [huggingface] package
"""

from __future__ import annotations

from jobs.loading import Loaded, gate, load

__all__ = ["Loaded", "gate", "load"]
