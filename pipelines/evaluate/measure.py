"""What has to be read from the text of each document: its size, words of a list, and personal data left in it.

A map stage, so that it runs on every engine; it emits numbers and never the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.evaluate.words import compile_words, occurrences
from pipelines.params import ProfileParams
from pipelines.pii.residue import residue_by_text
from pipelines.stage import REJECT_SCHEMA, Context, Emitted, MapStage

RESIDUE = pa.list_(pa.struct([("entity", pa.string()), ("count", pa.int64())]))
MEASURED = pa.schema(
    [
        ("doc_id", pa.string()),
        ("characters", pa.int64()),  # code points; 0 for a null text
        ("text_bytes", pa.int64()),  # UTF-8
        ("blank", pa.bool_()),  # white space alone; a null text is not blank but null
        ("sensitive", pa.int64()),  # occurrences of listed words; null where no list is configured
        ("residue", RESIDUE),  # what the second scan found, by entity
    ]
)


@dataclass(frozen=True)
class _State:
    words: re.Pattern[str] | None


def _setup(context: Context) -> _State:
    params: ProfileParams = context.params
    return _State(compile_words(params.sensitive_words))


def _apply(state: _State, batch: pa.Table) -> Emitted:
    text = batch["text"].combine_chunks()
    texts = text.fill_null("").to_pylist()
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0).fill_null(False)
    sensitive = [occurrences(state.words, t) if state.words else None for t in texts]
    columns = [
        batch["doc_id"].combine_chunks(),
        pc.utf8_length(text).fill_null(0).cast(pa.int64()),
        pc.binary_length(text).fill_null(0).cast(pa.int64()),
        blank,
        pa.array(sensitive, pa.int64()),
        pa.array([_entries(found) for found in residue_by_text(text)], RESIDUE),
    ]
    return Emitted(pa.Table.from_arrays(columns, schema=MEASURED), REJECT_SCHEMA.empty_table())


def _entries(found: dict[str, int]) -> list[dict[str, object]]:
    return [{"entity": entity, "count": count} for entity, count in sorted(found.items())]


STAGE = MapStage(
    name="profile",
    version="1",
    scope="row",
    needs=("doc_id", "text"),
    adds=tuple(MEASURED.names[1:]),
    setup=_setup,
    apply=_apply,
)
