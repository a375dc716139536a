"""A few documents of the corpus, chosen by a hash: nobody picks them, and the same content gives the same ones."""

from __future__ import annotations

import re
from heapq import nsmallest
from itertools import zip_longest

from jobs.datasets import Version
from pipelines.pii.recognisers import ENTITIES
from pipelines.pii.scrub import scrub
from pipelines.report.facts import Sample
from pipelines.schemas import hash128

MOST, LENGTH = 6, 1_200  # documents; characters of each
_MASK_ALL = dict.fromkeys(ENTITIES, "mask")
_CUT_ATOM = re.compile(r"(?:⟦[^⟧]{0,300}|<[A-Z0-9_:a-f]{0,80})\Z")


def samples(corpus: Version, most: int = MOST) -> tuple[Sample, ...]:
    """Some of each language, as even as can be, those with the smallest hash of content and doc_id."""
    content = str(corpus.manifest.digest)
    best: dict[str, list[tuple[str, str]]] = {}
    for piece in corpus.scan(["doc_id", "lang"]):
        new: dict[str, list[tuple[str, str]]] = {}
        for doc, lang in zip(piece["doc_id"].to_pylist(), piece["lang"].to_pylist(), strict=True):
            new.setdefault(lang or "", []).append((hash128(content, doc), doc))
        for lang, found in new.items():
            best[lang] = nsmallest(most, [*best.get(lang, ()), *found])
    rounds = zip_longest(*(best[lang] for lang in sorted(best, key=lambda lang: (-len(best[lang]), lang))))
    chosen = [pair[1] for one_of_each in rounds for pair in one_of_each if pair][:most]
    rows = {row["doc_id"]: row for row in corpus.get(chosen, ["doc_id", "lang", "url", "text"]).to_pylist()}
    return tuple(_sample(rows[doc]) for doc in chosen)


def _sample(row: dict[str, str | None]) -> Sample:
    text = row["text"] or ""
    return Sample(
        doc_id=str(row["doc_id"]),
        text=masked(beginning(text)),
        layer="corpus",
        lang=row["lang"] or "",
        url=masked(row["url"] or ""),
        characters=len(text),
    )


def beginning(text: str, length: int = LENGTH) -> str:
    """The first characters, without an atom that the cut would leave open."""
    return text if len(text) <= length else _CUT_ATOM.sub("", text[:length]).rstrip()


def masked(text: str) -> str:
    """What a policy keeps in the corpus is masked on a card; so is personal data in an address."""
    return scrub(text, _MASK_ALL, b"").text
