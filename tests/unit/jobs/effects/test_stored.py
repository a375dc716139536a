import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from jobs.effects.stored import History, Known, KnownPages
from pipelines.schemas import hash128

words = st.one_of(st.none(), st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20))
entries = st.dictionaries(
    st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=30),
    st.tuples(st.integers(0, 99), words, words, words, st.booleans()),
    max_size=20,
)


@given(entries)
def test_what_was_put_in_comes_out(found):
    pages = KnownPages()
    bodies = {}
    for url, (depth, etag, modified, final, has_body) in found.items():
        doc = hash128(url)
        bodies[doc] = hash128("body", url) if has_body else None
        pages.add(url, Known(doc, depth, etag, modified, final), History(1, 2, 3, 1), bodies[doc])
    assert len(pages) == len(found) and list(pages) == list(found)
    for url, (depth, etag, modified, final, has_body) in found.items():
        known = pages[url]
        assert (known.doc_id, known.depth, known.etag, known.last_modified) == (hash128(url), depth, etag, modified)
        assert known.final_url == (final or (url if has_body or etag or modified else None))
        assert pages.body_of(hash128(url)) == bodies[hash128(url)]
        assert pages.url(pages.row(url)) == url
    assert pages.row("not there") == -1 and pages.get("not there") is None and pages.body_of("0" * 32) is None


def test_waiting_urls_come_nearest_first():
    pages = KnownPages()
    for at, depth in enumerate((3, 1, 2, 1)):
        pages.add(f"u{at}", Known(hash128(str(at)), depth), waiting=at != 1)
    assert pages.waiting().tolist() == [3, 2, 0]


def test_a_url_takes_little_room():
    """60 characters of URL, validators and a history: less than 250 bytes, index included."""
    count = 20_000
    tracemalloc.start()
    pages = KnownPages()
    for at in range(count):
        url = f"https://docs.example.org/handbook/chapter-{at % 97}/page-{at:06d}.html"
        known = Known(hash128(url), 3, f'"{at:012x}"', "Thu, 01 Jan 2026 00:00:00 GMT", url)
        pages.add(url, known, History(1, 2, 3, 1), hash128("body", url))
    pages.row("x")
    pages.body_of("0" * 32)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert size / count < 250
