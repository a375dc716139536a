import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.evaluate.spread import EDGES, Spread, bucket, length_figures


def spread_of(*parts):
    spread = Spread()
    for part in parts:
        spread.add(np.array(part, np.int64))
    return spread


def test_nearest_rank():
    """The textbook case: 15 20 35 40 50 has 20, 20, 35, 50 at 30, 40, 50 and 100 per cent."""
    spread = spread_of([15, 20], [35, 40, 50])
    assert [spread.quantile(q) for q in (0, 0.05, 0.3, 0.4, 0.5, 1)] == [15, 15, 20, 20, 35, 50]
    with pytest.raises(ValueError, match="no rows"):
        spread_of().quantile(0.5)


@given(st.lists(st.integers(0, 10**6), min_size=1), st.integers(1, 20))
def test_quantiles_against_numpy_however_it_is_cut(values, size):
    spread = spread_of(*(values[at : at + size] for at in range(0, len(values), size)))
    for share in (0.0, 0.25, 0.5, 1.0):
        assert spread.quantile(share) == np.quantile(values, share, method="inverted_cdf")
    assert (spread.rows, spread.total) == (len(values), sum(values))
    assert spread.histogram() == np.histogram(values, [*EDGES, np.inf])[0].tolist()


def test_buckets_and_figures():
    assert (bucket(0), bucket(1), bucket(len(EDGES) - 1)) == ("0:64", "64:128", "524288:")
    found = {f.column: f.value for f in length_figures(spread_of([0, 63, 64, 10**9]), "empty")}
    assert (found["length_count.0:64"], found["length_count.64:128"], found["length_count.524288:"]) == (2, 1, 1)
    assert (found["length.min"], found["length.median"], found["length.max"]) == (0, 63, 10**9)
    empty = {f.column: f.reason or f.value for f in length_figures(spread_of(), "empty")}
    assert empty["length.p95"] == "empty" and empty["length_count.0:64"] == 0
