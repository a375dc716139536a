"""Looking at versions: facts, differences with their reasons, and text that stays hidden."""

import json

import pytest
from nights import Capture, Lake, day

from jobs.datasets import Version
from jobs.errors import UsageError
from jobs.inspection import describe, difference, find, reasons, reject_counts, rows, snapshot_of
from jobs.snapshots import Entry, Published, Snapshot
from jobs.storage import LocalStorage, MemoryStorage
from jobs.tracing import documents_of, trace


@pytest.fixture(scope="module")
def nights(made_lake):
    storage = LocalStorage(made_lake)
    published = Published(storage)
    return storage, published, [published.snapshot(published.pointer().days[day(i)]) for i in (0, 1)]


@pytest.mark.req("LIN-01")
def test_describe_says_how_a_version_came_to_be(nights):
    storage, published, (_, second) = nights
    facts = describe(published, storage, find(published, storage, "corpus"))
    assert facts["digest"] == second.datasets["corpus"].digest and facts["version"] == second.datasets["corpus"].version
    assert facts["job"] == "dedup" and facts["owner"] == "data-platform" and facts["run"] == second.run
    assert facts["inputs"] == {"scrubbed": f"scrubbed@{second.datasets['scrubbed'].digest}"}
    assert facts["rows"] == int(facts["digest"].partition(".")[2]) and facts["bytes"] > 0
    assert facts["tokens"]["tokenizer"] == "basic-1" and facts["parameters"]["threshold"] > 0
    assert sum(f["rows"] for f in facts["files"] if f["kind"] == "base") == 4
    json.dumps(facts)


def test_rejects_are_those_of_the_writing_job_and_of_the_same_night(nights):
    storage, published, (first, second) = nights
    now = find(published, storage, "corpus")
    before = find(published, storage, f"corpus@{first.id}")
    assert reject_counts(published, storage, before) == {"near_duplicate": 3}
    assert sum(reject_counts(published, storage, now).values()) == int(
        second.datasets["rejects_dedup"].digest.partition(".")[2]
    )
    assert reject_counts(published, storage, find(published, storage, "documents")) == {"too_short": 1}
    assert reject_counts(published, storage, find(published, storage, "rejects_extract")) == {"too_short": 1}
    assert reject_counts(published, storage, find(published, storage, "corpus", second.run), second.run)


def test_find(nights):
    storage, published, (first, second) = nights
    digest = first.datasets["corpus"].digest
    for reference in (
        f"corpus@{first.id}",
        f"corpus@{digest[:8]}",
        f"corpus@{digest}",
        first.datasets["corpus"].version,
    ):
        assert str(find(published, storage, reference).manifest.digest) == digest
    assert str(find(published, storage, "corpus").manifest.digest) == second.datasets["corpus"].digest
    assert str(find(published, storage, "corpus", first.run).manifest.digest) == digest


@pytest.mark.parametrize(
    ("reference", "run", "says"),
    [
        ("corpsu", None, "no dataset 'corpsu'; did you mean corpus?"),
        ("zzz", None, "datasets: pages, url_aliases"),
        ("", None, "no dataset ''"),
        ("corpus@ffffffff", None, "no published version corpus@ffffffff; there are corpus@"),
        ("metrics", None, "no published dataset 'metrics'"),
        ("corpus", "never", "run never has not written corpus; it has nothing yet"),
        ("corpus", "a/b", "run name"),
    ],
)
def test_what_is_not_there_is_a_usage_error(nights, reference, run, says):
    storage, published, _ = nights
    with pytest.raises(UsageError) as failed:
        find(published, storage, reference, run)
    assert says in str(failed.value)


def test_an_ambiguous_prefix_lists_what_it_may_be():
    entries = [Entry(f"corpus@{i}", f"ab{i}" + "0" * 29 + ".1", "m") for i in (1, 2)]
    snapshots = [Snapshot(day(i), None, "r", {"corpus": entry}) for i, entry in enumerate(entries)]
    published = Published(MemoryStorage())
    published.snapshots = lambda: iter(snapshots)
    with pytest.raises(UsageError, match=r"corpus@ab may be any of corpus@1, corpus@2"):
        published.find("corpus@ab")


@pytest.mark.req("PII-07")
@pytest.mark.parametrize("name", ["pages", "documents", "clean"])
def test_text_that_was_not_scrubbed_is_hidden(nights, name):
    storage, published, _ = nights
    version = find(published, storage, name)
    shown = json.dumps(list(rows(version, 5, None, raw=False)), default=str, ensure_ascii=False)
    assert "harbour" not in shown and "港口" not in shown and '"text"' not in shown and '"title"' not in shown
    for column in {"text", "title"} & set(version.manifest_columns):
        with pytest.raises(UsageError, match="pass --raw"):
            list(rows(version, 1, f"{column}=T", raw=False))


def test_scrubbed_text_and_raw_text_are_shown(nights):
    storage, published, _ = nights
    assert all(r["text"] for r in rows(find(published, storage, "corpus"), 9, None, raw=False))
    assert all(r["text"] for r in rows(find(published, storage, "documents"), 9, None, raw=True))
    pages = list(rows(find(published, storage, "pages"), 9, None, raw=True))
    assert all("body" not in r for r in pages)
    titles = {r["title"] for r in rows(find(published, storage, "documents"), 9, None, raw=True)}
    (title,) = titles
    assert len(list(rows(find(published, storage, "documents"), 9, f"title={title}", raw=True))) > 1
    assert all("signature" not in r for r in rows(find(published, storage, "dedup_index"), 1, None, raw=True))


def test_rows_by_number_and_by_value(nights):
    storage, published, _ = nights
    corpus = find(published, storage, "corpus")
    ids = [r["doc_id"] for r in rows(corpus, 100, None, raw=False)]
    assert ids == sorted(ids) and len(ids) == corpus.rows
    assert [r["doc_id"] for r in rows(corpus, 2, None, raw=False)] == ids[:2]
    (one,) = rows(corpus, 9, f"doc_id={ids[1]}", raw=False)
    assert one["doc_id"] == ids[1]
    assert list(rows(corpus, 9, "url=nowhere", raw=False)) == []
    assert [r["status"] for r in rows(find(published, storage, "pages"), 9, "status=404", raw=False)] == [404]
    with pytest.raises(UsageError, match="no column 'nose'"):
        list(rows(corpus, 1, "nose=1", raw=False))
    with pytest.raises(UsageError, match="no text, number"):
        list(rows(corpus, 1, "signals=1", raw=False))


def test_snapshots_by_name(nights):
    _, published, (first, second) = nights
    assert (
        snapshot_of(published, "head") == second == snapshot_of(published, day(1)) == snapshot_of(published, second.id)
    )
    assert snapshot_of(published, day(0)) == first
    assert snapshot_of(published, "2020-01-01") is None


def test_the_difference_of_two_nights(nights):
    storage, published, (first, second) = nights
    found = difference(published, storage, day(0), "head")
    pages, documents = found["pages"], found["documents"]
    assert (pages["added"], pages["removed"], pages["changed"]) == (4, 0, 0) and pages["reasons"] == {}
    assert (documents["added"], documents["removed"], documents["changed"]) == (0, 1, 1)
    assert documents["reasons"] == {"superseded": 1, "retracted": 1}
    assert documents["from"] == first.datasets["documents"].version
    assert len(documents["sample"]["removed"]) == 1 and documents["parameters"] == documents["components"] == {}
    assert difference(published, storage, "head", "head")["corpus"] == {"same": second.datasets["corpus"].version}
    back = difference(published, storage, "head", day(0))["documents"]
    assert (back["added"], back["removed"], back["changed"]) == (1, 0, 1)
    names = [f"corpus@{s.datasets['corpus'].digest[:12]}" for s in (first, second)]
    assert difference(published, storage, *names)["corpus"] == found["corpus"]


def test_differences_of_what_does_not_go_together(nights):
    storage, published, _ = nights
    with pytest.raises(UsageError, match="give two snapshots"):
        difference(published, storage, "head", "corpus")
    with pytest.raises(UsageError, match="different datasets"):
        difference(published, storage, "corpus", "pages")


def test_changed_parameters_are_said():
    lake = Lake()
    lake.night(day(0), {day(0): [Capture(0, text=0)]})
    lake.config = Lake(overrides=["clean.min_characters=12"]).config
    lake.night(day(1), {day(1): [Capture(1, text=4)]})
    found = difference(Published(lake.storage), lake.storage, day(0), day(1))
    assert found["clean"]["parameters"]["min_characters"][1] == 12 and found["corpus"]["parameters"] == {}


def test_reasons_are_those_since_then(nights):
    storage, _, (first, second) = nights
    old, new = (Version.load(storage, s.datasets["documents"].manifest) for s in (first, second))
    assert reasons(old, new) == {"superseded": 1, "retracted": 1} and reasons(new, new) == reasons(new, old) == {}


def test_trace_hides_titles_and_pages_without_raw(nights):
    storage, _, (_, second) = nights
    url = "https://example.org/3"
    found = json.dumps(trace(storage, url, second), default=str)
    raw = json.dumps(trace(storage, url, second, raw=True), default=str, ensure_ascii=False)
    (journey,) = trace(storage, url, second)["documents"]
    assert all("title" not in row for name in ("pages", "documents", "clean") for row in journey["layers"][name])
    assert "<p>" not in found and "ferry" not in found and "蜜蜂" not in found
    assert '"page"' in raw


def test_trace_by_id_prefix_and_url(nights):
    storage, _, (_, second) = nights
    (doc,) = documents_of(storage, "https://EXAMPLE.org:443/3#part", second.datasets)
    for name in (doc, doc[:8], doc[:31]):
        assert documents_of(storage, name, second.datasets) == [doc]
    for nothing in ("0" * 32, "0" * 8, "https://example.org/none"):
        with pytest.raises(UsageError, match="nothing in snapshot"):
            trace(storage, nothing, second)
    with pytest.raises(UsageError, match="neither a document id nor a URL"):
        trace(storage, "not a url", second)


def test_trace_of_a_reject_and_of_a_duplicate(nights):
    storage, _, (_, second) = nights
    (gone,) = trace(storage, "https://example.org/7", second)["documents"]
    assert [(r["stage"], r["rule"]) for r in gone["rejects"]] == [("extract", "too_short")] and gone["spans"] == []
    journeys = [trace(storage, f"https://example.org/{i}", second)["documents"][0] for i in range(7)]
    twins = {j["doc_id"]: r["kept_id"] for j in journeys for r in j["rejects"] if r["stage"] == "dedup"}
    assert twins
    for twin, kept in twins.items():
        (keeper,) = [j for j in journeys if j["doc_id"] == kept]
        assert twin in keeper["stands_for"]
