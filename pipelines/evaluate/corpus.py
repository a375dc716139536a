"""Figures about the rows of the corpus, accumulated piece by piece; the order of the pieces does not matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.evaluate.figures import Failing, Figure, ratio
from pipelines.evaluate.spread import Spread, length_figures
from pipelines.pii.residue import ENTITIES

EMPTY = "the corpus is empty"
NO_LIST = "no list configured"
NEEDED = ("doc_id", "text", "url", "lang", "licence", "source", "tenant_id", "capture")


class Columns:
    """Row counts, nulls, rights, tokens and what the scrubber found, from the columns themselves."""

    def __init__(self, failing: Failing, languages: Sequence[str]) -> None:
        """`languages`: those that are wanted; rows of others, and of none, are foreign."""
        self.failing = failing
        self.languages = pa.array(languages, pa.string())
        self.rows = self.tokens = self.uncounted = self.unauthorised = self.foreign = 0
        self.nulls = dict.fromkeys(NEEDED, 0)
        self.found: Counter[str] = Counter()
        self.found_in: Counter[str] = Counter()

    def add(self, piece: pa.Table) -> None:
        self.rows += piece.num_rows
        self.tokens += pc.sum(piece["tokens"]).as_py() or 0
        self.uncounted += piece["tokens"].null_count
        for name in NEEDED:
            missing = piece[name].is_null()
            self.nulls[name] += piece[name].null_count
            self._fail(f"null_share.{name}", piece, missing)
        forbidden = pc.invert(piece["authorised"].fill_null(False))
        self.unauthorised += pc.sum(forbidden).as_py() or 0
        self._fail("unauthorised_rows", piece, forbidden)
        foreign = pc.invert(pc.is_in(piece["lang"], value_set=self.languages))
        self.foreign += pc.sum(foreign).as_py() or 0
        self._fail("foreign_rows", piece, foreign)
        self._findings(piece["findings"].combine_chunks())

    def _fail(self, metric: str, piece: pa.Table, mask: pa.ChunkedArray) -> None:
        if pc.any(mask).as_py():
            self.failing.add(metric, piece["doc_id"].fill_null("").filter(mask).to_pylist())

    def _findings(self, findings: pa.ListArray) -> None:
        entity = pc.struct_field(pc.list_flatten(findings), "entity").fill_null("unknown")
        of_row = pc.list_parent_indices(findings)
        self.found.update(entity.to_pylist())
        pairs = pa.table({"row": of_row, "entity": entity}).group_by(["row", "entity"]).aggregate([])
        self.found_in.update(pairs["entity"].to_pylist())

    def figures(self) -> list[Figure]:
        figures = [
            Figure("rows", self.rows),
            Figure("unauthorised_rows", self.unauthorised),
            Figure("foreign_rows", self.foreign),
            Figure("tokens", None, reason=f"{self.uncounted} rows have no token count")
            if self.uncounted
            else Figure("tokens", self.tokens),
            Figure("pii_found", self.found.total()),
        ]
        figures += [Figure("pii_found", n, entity) for entity, n in sorted(self.found.items())]
        figures += [Figure("pii_documents", n, entity) for entity, n in sorted(self.found_in.items())]
        return figures + [ratio("null_share", n, self.rows, EMPTY, name) for name, n in self.nulls.items()]


class Texts:
    """Lengths, empty texts, listed words and personal data left over, from the rows of the map stage `measure`."""

    def __init__(self, failing: Failing, words: Sequence[str], kept: Collection[str] = ()) -> None:
        """`kept`: entities that the scrubber leaves in on purpose; they count as kept, not as residue."""
        self.failing = failing
        self.kept = frozenset(kept)
        self.listed = any(w.strip() for w in words)
        self.lengths = Spread()
        self.bytes = self.empty = self.sensitive = 0
        self.left: Counter[str] = Counter(dict.fromkeys(ENTITIES, 0))

    def add(self, measured: pa.Table) -> None:
        self.lengths.add(measured["characters"].to_numpy())
        self.bytes += pc.sum(measured["text_bytes"]).as_py() or 0
        self.empty += pc.sum(measured["blank"]).as_py() or 0
        self._fail("empty_texts", measured, measured["blank"])
        if self.listed:
            found = pc.greater(measured["sensitive"], 0)
            self.sensitive += pc.sum(found).as_py() or 0
            self._fail("sensitive_share", measured, found, measured["sensitive"])
        self._residue(measured)

    def _residue(self, measured: pa.Table) -> None:
        some = measured.filter(pc.greater(pc.list_value_length(measured["residue"]), 0)).select(["doc_id", "residue"])
        for row in some.to_pylist():
            for found in row["residue"]:
                self.left[found["entity"]] += found["count"]
                figure = "pii_kept" if found["entity"] in self.kept else "pii_residue"
                self.failing.add(figure, [row["doc_id"]], [found["count"]], found["entity"])

    def _fail(
        self, metric: str, measured: pa.Table, mask: pa.ChunkedArray, values: pa.ChunkedArray | None = None
    ) -> None:
        if pc.any(mask).as_py():
            numbers = None if values is None else values.filter(mask).to_pylist()
            self.failing.add(metric, measured["doc_id"].fill_null("").filter(mask).to_pylist(), numbers)

    def figures(self) -> list[Figure]:
        figures = [
            Figure("characters", self.lengths.total),
            Figure("text_bytes", self.bytes),
            Figure("empty_texts", self.empty),
            ratio("sensitive_share", self.sensitive, self.lengths.rows, EMPTY)
            if self.listed
            else Figure("sensitive_share", None, reason=NO_LIST),
            Figure("pii_residue", sum(n for entity, n in self.left.items() if entity not in self.kept)),
        ]
        for entity, n in sorted(self.left.items()):
            figures.append(Figure("pii_kept" if entity in self.kept else "pii_residue", n, entity))
        return figures + length_figures(self.lengths, EMPTY)
