"""Random histories of a few documents: arrivals, edits, other bytes around the same text, 304, 404, junk."""

from __future__ import annotations

from hypothesis import strategies as st
from nights import Capture

TEXTS = st.integers(0, 11)  # pairs of near-duplicates, English and Chinese
URLS = st.integers(0, 7)


def visits(days: int) -> st.SearchStrategy[list[list[Capture]]]:
    """For every day, at most one visit per URL."""
    visit = st.one_of(
        st.builds(Capture, url=URLS, text=TEXTS, wrapping=st.integers(0, 1)),
        st.builds(Capture, url=URLS, text=TEXTS),
        st.builds(Capture, url=URLS, status=st.sampled_from([304, 404, 410])),
        st.builds(Capture, url=URLS, junk=st.just(True)),
    )
    one_day = st.lists(visit, max_size=8, unique_by=lambda v: v.url)
    return st.lists(one_day, min_size=1, max_size=days)
