import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dedup import minhash
from pipelines.dedup.shingles import shingle_sets
from pipelines.params import DedupParams
from pipelines.schemas import hash128

PARAMS = DedupParams()
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "Zebra", "ü", "中"]), max_size=40).map(" ".join)


def features(texts, params=PARAMS, lang="en"):
    return minhash.features(pa.array(texts, pa.string()), pa.array([lang] * len(texts), pa.string()), params)


@given(st.lists(WORDS, max_size=4))
def test_signature_is_the_least_permuted_hash(texts):
    found = features(texts)
    factors, addends = minhash.permutations(128, 1)
    for i, hashes in enumerate(shingle_sets(pa.array(texts, pa.string()), pa.array(["en"] * len(texts)), PARAMS)):
        upper = [int(h) >> 32 for h in hashes]
        expected = [
            min(((int(a) * x + int(b)) % 2**32 for x in upper), default=2**32 - 1)
            for a, b in zip(factors, addends, strict=True)
        ]
        assert found.signatures[i].tolist() == expected
        assert found.shingles[i] == len(hashes)


def test_permutations_are_bijections_and_follow_the_seed():
    factors, addends = minhash.permutations(128, 1)
    assert (factors % 2 == 1).all() and len(set(factors.tolist())) == 128
    # pinned: another stream would make every stored signature worthless
    assert factors[:3].tolist() == [2032329983, 2198257139, 3243419751]
    assert addends[:3].tolist() == [1773912972, 3588742458, 4287418908]
    assert minhash.permutations(128, 2)[0].tolist() != factors.tolist()


def test_batches_do_not_matter():
    texts = [f"w{i} w{i + 1} w{i + 2} w{i + 3} w{i + 4} w{i * 7 % 5}" for i in range(50)]
    whole = features(texts).signatures
    parts = np.concatenate([features(texts[i : i + 7]).signatures for i in range(0, 50, 7)])
    assert (whole == parts).all()


def test_agreement_estimates_the_jaccard_similarity():
    rng = np.random.default_rng(3)
    for share in (0.3, 0.5, 0.8):
        estimates = []
        for _ in range(30):
            n = 400
            common = int(2 * n * share / (1 + share))
            names = rng.integers(0, 1 << 60, 2 * n - common)
            a, b = names[:n], names[n - common :]
            pair = features([" ".join(map(str, a)), " ".join(map(str, b))], DedupParams(shingle_words=1))
            estimates.append((pair.signatures[0] == pair.signatures[1]).mean())
        assert abs(np.mean(estimates) - share) < 4 * np.sqrt(share * (1 - share) / 128 / 30) + 0.002


def test_least_agreement():
    assert minhash.least_agreement(0.8, 128) == 79
    below = sum(math.comb(128, k) * 4**k for k in range(79)) / 5**128  # exact: 0.8 = 4/5
    assert below <= 1e-6 < below + math.comb(128, 79) * 4**79 / 5**128
    assert minhash.least_agreement(1.0, 128) == 128
    # two positions at one half: 0, 1, 2 agree with 1/4, 1/2, 1/4; the first already exceeds the loss
    assert minhash.least_agreement(0.5, 2) == 0


def test_cost_model_of_the_docstring():
    def shared(s, rows, bands):
        return 1 - (1 - s**rows) ** bands

    for row in minhash.__doc__.splitlines():
        cells = row.split()
        if len(cells) >= 7 and cells[1] == "x" and cells[0].isdigit():
            bands, rows = int(cells[0]), int(cells[2])
            values = row.replace("1 - ", "1-").split()[3:7]
            for s, value in zip((0.80, 0.85, 0.5, 0.3), values, strict=True):
                stated = 1 - float(value[2:]) if value.startswith("1-") else float(value)
                if value.startswith("1-"):
                    assert 1 - shared(s, rows, bands) == pytest.approx(1 - stated, rel=0.2)
                else:
                    assert shared(s, rows, bands) == pytest.approx(stated, abs=0.0006)


def test_band_keys_depend_on_their_band_alone():
    signatures = np.arange(2 * 12, dtype=np.uint32).reshape(2, 12)
    signatures[1, :3] = signatures[0, :3]
    keys = minhash.band_keys(signatures, 4, 3)
    assert keys.shape == (2, 4) and keys.dtype == np.uint64
    assert (keys[0] == keys[1]).tolist() == [True, False, False, False]
    same = minhash.band_keys(np.ones((1, 12), np.uint32), 4, 3)
    assert len(set(same[0].tolist())) == 4  # the band number is mixed in


def test_column_round_trip_is_little_endian():
    signatures = np.array([[1, 2], [3, 0xFFFFFFFF]], np.uint32)
    column = minhash.as_column(signatures)
    assert column.to_pylist()[0] == b"\x01\0\0\0\x02\0\0\0"
    for form in (column, pa.chunked_array([column, column]).slice(1, 2), column.cast(pa.large_binary())):
        back = minhash.from_column(form, 2)
        assert back.tolist() in (signatures.tolist(), signatures[::-1].tolist())
    assert minhash.from_column(pa.chunked_array([], pa.binary()), 2).shape == (0, 2)


@pytest.mark.parametrize("values", [[b"1234"], [None], [b"12345678", b""]])
def test_a_signature_of_other_length_is_refused(values):
    with pytest.raises(ValueError, match="8 bytes"):
        minhash.from_column(pa.array(values, pa.binary()), 2)


@given(
    st.lists(st.text(st.sampled_from("aB \t\n\x00é\u00a0\u0085\u2003\u3000\u1680中😀\ufffd"), max_size=20), max_size=4)
)
def test_exact_hash_collapses_white_space(texts):
    expected = [hash128(" ".join(text.split())) for text in texts]
    assert minhash.exact_hashes(pa.array(texts, pa.string())).to_pylist() == expected


@pytest.mark.req("DED-01")
def test_exact_hash_keeps_case_and_punctuation():
    hashes = minhash.exact_hashes(pa.array(["A b", " A\n\nb ", "a b", "A b.", None, "  "])).to_pylist()
    assert hashes[0] == hashes[1] and len(set(hashes[:4])) == 3
    assert hashes[4] == hashes[5] == hash128("")


@given(st.binary(max_size=30))
def test_exact_hash_of_malformed_bytes_reads_within_the_text(raw):
    alone = pa.Array.from_buffers(pa.string(), 1, pa.array([raw]).buffers())
    among = pa.Array.from_buffers(pa.string(), 3, pa.array([b"x", raw, b"\x80y"]).buffers())
    assert minhash.exact_hashes(among)[1] == minhash.exact_hashes(alone)[0]
