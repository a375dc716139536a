import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.evaluate.aligned import Captures, aligned, dispositions, live_documents

KEYS = st.sets(st.integers(0, 40))


def stream(numbers, size):
    names = sorted(f"{n:03}" for n in numbers)
    for at in range(0, len(names), size):
        yield pa.table({"doc_id": pa.array(names[at : at + size], pa.string())})


@given(KEYS, KEYS, KEYS, st.integers(1, 5), st.integers(1, 9))
def test_equal_keys_meet_in_one_round_and_none_is_lost(a, b, c, one, other):
    rounds = list(aligned([stream(a, one), stream(b, other), stream(c, 3)]))
    for at, numbers in enumerate((a, b, c)):
        seen = [key for r in rounds for key in r[at].column(0).to_pylist()]
        assert seen == sorted(f"{n:03}" for n in numbers)
    keys = [{k for table in r for k in table.column(0).to_pylist()} for r in rounds]
    assert all(x.isdisjoint(y) for at, x in enumerate(keys) for y in keys[at + 1 :])


@given(KEYS, KEYS, KEYS, st.integers(1, 5))
def test_dispositions_against_sets(inputs, rows, rejects, size):
    wrong = {"lost": set(), "invented": set(), "twice": set()}
    counts = None
    for counts, found in dispositions(stream(inputs, size), stream(rows, 2), stream(rejects, 3)):  # noqa: B007
        for kind, ids in found.items():
            wrong[kind] |= {int(i) for i in ids}
    assert wrong == {
        "lost": inputs - rows - rejects, "invented": (rows | rejects) - inputs, "twice": rows & rejects
    }  # fmt: skip
    if counts is not None:
        assert (counts.inputs, counts.rows, counts.rejects) == (len(inputs), len(rows), len(rejects))
        assert counts.gap == sum(map(len, wrong.values()))


@pytest.mark.parametrize("size", [1, 2, 100])
def test_live_documents(size):
    captures = [
        ("a", 200), ("a", 304),  # still there
        ("b", 200), ("b", 404),  # gone
        ("c", 200), ("c", 410), ("c", 304),  # gone; "nothing new" does not bring it back
        ("d", 404), ("d", 200),  # came back
        ("e", 304),  # never seen
        ("f", None),  # no status is a page from elsewhere
    ]  # fmt: skip
    pieces = [
        pa.table({"doc_id": [d for d, _ in part], "status": pa.array([s for _, s in part], pa.int64())})
        for part in (captures[at : at + size] for at in range(0, len(captures), size))
    ]
    counts = Captures()
    live = [doc for piece in live_documents(pieces, counts) for doc in piece["doc_id"].to_pylist()]
    assert live == ["a", "d", "f"]
    assert (counts.documents, counts.live) == (6, 3)
