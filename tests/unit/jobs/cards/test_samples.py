"""Samples: chosen by a hash, of every language, masked whatever the policy."""

import pytest

from jobs.cards.samples import LENGTH, beginning, masked, samples
from jobs.datasets import Version
from jobs.storage import MemoryStorage
from jobs.writer import write_version
from pipelines.schemas import CORPUS, hash128


def corpus(rows):
    import pyarrow as pa

    storage = MemoryStorage("samples")
    table = pa.Table.from_pylist(rows, schema=CORPUS.schema)
    return Version(storage, write_version(storage, CORPUS, [table] if rows else []))


def row(number, lang, text="text"):
    return {"doc_id": hash128(str(number)), "lang": lang, "text": text, "url": f"https://example.org/{number}"}


def test_each_language_has_its_share_whatever_the_order():
    rows = [row(n, "en") for n in range(40)] + [row(n, "zh") for n in range(40, 42)]
    found = samples(corpus(rows))
    assert sorted(s.lang for s in found) == ["en", "en", "en", "en", "zh", "zh"]
    assert found == samples(corpus(rows[::-1]))


def test_other_content_gives_other_samples_and_no_content_none():
    one = samples(corpus([row(n, "en") for n in range(40)]))
    other = samples(corpus([row(n, "en", "other") for n in range(40)]))
    assert {s.doc_id for s in one} != {s.doc_id for s in other}
    assert samples(corpus([])) == ()


@pytest.mark.req("CMP-05")
def test_what_a_policy_keeps_is_masked_and_long_texts_are_cut():
    (found,) = samples(
        corpus(
            [row(1, "en", "Write to someone@example.com. " + "x" * 5_000) | {"url": "https://e.org/?m=a@example.com"}]
        )
    )
    assert found.text.startswith("Write to <EMAIL>.")
    assert len(found.text) <= LENGTH
    assert found.characters == 5_030
    assert "a@example.com" not in found.url


@pytest.mark.parametrize("atom", ["<CN_MOBILE>", "<EMAIL:0f3a0f3a0f3a0f3a>", "⟦img:figure-3⟧"])
def test_a_cut_leaves_no_open_atom(atom):
    for shift in range(1, len(atom)):
        assert beginning("x" * (LENGTH - shift) + atom + "tail") == "x" * (LENGTH - shift)


def test_masking_leaves_placeholders_alone():
    assert masked("<EMAIL> and ⟦img:a⟧") == "<EMAIL> and ⟦img:a⟧"
