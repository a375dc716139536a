import pyarrow as pa
import pytest
from candidates import Document, Night

from jobs import profile
from jobs.counting import disk_counts
from jobs.engines.shuffle_engine import ShuffleEngine
from jobs.errors import Terminal
from jobs.settings import GateParams
from pipelines.evaluate.shares import DUPLICATE_RULES
from pipelines.params import CleanParams, ProfileParams, ScrubParams
from pipelines.schemas import hash128

LONG = "The ferry leaves at seven. " * 4  # 108 characters
DOCUMENTS = (
    Document("a", LONG),
    Document("b", "清晨七点渡船离开港口。", "zh"),  # 11 characters, 33 bytes
    Document("c", LONG.upper(), columns={"url": "https://user@EXAMPLE.net:8080/c?q=1"}),
    Document("d", LONG + "!", fate="dedup:near_duplicate"),
    Document("e", "x", fate="clean:too_short"),
    Document("f", "gone", fate="gone"),
    Document("g", "", fate="extract:empty"),
)


@pytest.mark.req("OBS-01", "DED-08")
def test_figures_of_a_small_candidate():
    figures = Night(DOCUMENTS).profile()
    known = {
        "rows": 3, "readback_rows": 3, "manifest_rows": 3, "digest_ok": 1, "schema_ok": 1,
        "characters": 227, "text_bytes": 249, "tokens": 21,
        "language_rows.en": 2, "language_rows.zh": 1, "language_share.en": 0.666667, "language_share.zh": 0.333333,
        "language_tokens.en": 14, "language_tokens.zh": 7, "foreign_rows": 0, "distinct.language": 2,
        "licence_rows.MIT": 3, "source_rows.handbook": 3, "host_rows.example.org": 2, "host_rows.example.net": 1,
        "distinct.host": 2, "null_share.text": 0, "null_share.capture": 0, "empty_texts": 0,
        "length.min": 11, "length.median": 108, "length.p95": 108, "length.max": 108, "length.mean": 75.666667,
        "length_count.0:64": 1, "length_count.64:128": 2, "length_count.128:256": 0, "length_count.524288:": 0,
        "duplicate_rate": 0.25, "duplicate_rate.near_duplicate": 0.25, "duplicate_rate.exact_duplicate": 0,
        "duplicate_residue": 0, "pii_found": 0, "pii_residue": 0, "pii_residue.EMAIL": 0,
        "sensitive_share": "no list configured", "unauthorised_rows": 0,
        "change_rows": "first publication", "added_rows": "first publication", "deletions_only": "first publication",
        "stage_input.crawl": profile.NO_INPUT, "disposition_gap.crawl": profile.NO_INPUT, "stage_rows.crawl": 8,
        "stage_input.extract": 7, "stage_rows.extract": 5, "stage_retracted.extract": 1,
        "stage_rejected.extract:empty": 1, "stage_input.clean": 5, "stage_rows.clean": 4,
        "stage_rejected.clean:too_short": 1, "stage_input.scrub": 4, "stage_rows.scrub": 4,
        "stage_input.dedup": 4, "stage_rows.dedup": 3, "stage_rejected.dedup:near_duplicate": 1,
        **{f"disposition_gap.{stage}": 0 for stage in ("extract", "clean", "scrub", "dedup")},
    }  # fmt: skip
    assert {name: figures.get(name) for name in known} == known


def test_an_empty_candidate_has_no_shares():
    figures = Night(()).profile()
    assert figures["rows"] == figures["readback_rows"] == figures["duplicate_residue"] == 0
    assert figures["null_share.text"] == figures["length.median"] == "the corpus is empty"
    assert figures["language_share.zh"] == "the corpus is empty" and figures["language_rows.zh"] == 0
    assert figures["duplicate_rate"] == "no document reached the stage"


def test_metrics_do_not_hang_on_engine_or_order():
    documents = [Document(str(n), f"Text number {n} " * (n % 7), "en" if n % 3 else "zh") for n in range(400)]
    one, other = Night(documents), Night(reversed(documents))
    one.profile()
    other.profile(ShuffleEngine(seed=5))
    for name in ("metrics", "violations"):
        assert one.run.outputs()[name].digest == other.run.outputs()[name].digest


@pytest.mark.req("GAT-07")
def test_personal_data_left_over_is_found_on_its_row():
    left = Document("p", "Please write to jane.doe@example.com or call 13812345678 now.")
    night = Night([*DOCUMENTS, left])
    figures = night.profile()
    assert (figures["pii_residue"], figures["pii_residue.EMAIL"], figures["pii_residue.CN_MOBILE"]) == (2, 1, 1)
    assert night.violations()["pii_residue"] == [
        (left.id, 1, "CN_MOBILE"),
        (left.id, 1, "EMAIL"),
    ] or night.violations()["pii_residue"] == [(left.id, 1, "EMAIL"), (left.id, 1, "CN_MOBILE")]
    kept = Night([*DOCUMENTS, left], scrub=ScrubParams(policies={"EMAIL": "keep"})).profile()
    assert (kept["pii_residue"], kept["pii_kept.EMAIL"]) == (1, 1)


def test_scrubbed_placeholders_are_no_residue_and_findings_are_counted():
    found = [{"entity": "EMAIL", "start": 0, "end": 7}, {"entity": "EMAIL", "start": 8, "end": 15}]
    scrubbed = Document("p", "<EMAIL> <EMAIL> are the addresses.", columns={"findings": found})
    figures = Night([*DOCUMENTS, scrubbed]).profile()
    assert (figures["pii_found"], figures["pii_found.EMAIL"], figures["pii_documents.EMAIL"]) == (2, 2, 1)
    assert figures["pii_residue"] == 0


def test_violations_hold_ids_and_numbers_and_are_limited():
    documents = [Document(str(n), f"secret {n} bad Bad", columns={"licence": None}) for n in range(30)]
    night = Night(documents, profile=ProfileParams(sensitive_words=("bad", "脏话")), gate=GateParams(max_violations=10))
    figures = night.profile()
    assert (figures["null_share.licence"], figures["sensitive_share"]) == (1, 1)
    first = sorted(d.id for d in documents)[:10]
    assert night.violations()["null_share.licence"] == [(doc, None, None) for doc in first]
    assert night.violations()["sensitive_share"] == [(doc, 2, None) for doc in first]
    assert "secret" not in str(night.table("violations").to_pylist()) + str(night.table("metrics").to_pylist())


def test_rows_without_rights_language_or_text():
    documents = [
        Document("u", "one", columns={"authorised": None}),
        Document("v", "two", columns={"authorised": False}),
        Document("w", " \n\t　", "fr"),
        Document("x", "four", columns={"lang": None, "tokens": None, "url": None}),
        Document("y", "five", columns={"text": None, "licence": ""}),
    ]
    figures = Night(documents).profile()
    assert (figures["unauthorised_rows"], figures["foreign_rows"], figures["empty_texts"]) == (2, 2, 1)
    assert (figures["null_share.text"], figures["null_share.lang"], figures["null_share.doc_id"]) == (0.2, 0.2, 0)
    assert figures["tokens"] == "1 rows have no token count"
    assert figures["licence_rows.(empty)"] == 1 and figures["host_rows.example.org"] == 4
    assert Night(documents, clean=CleanParams(languages=("en", "fr"))).profile()["foreign_rows"] == 1


def test_duplicates_left_over_are_counted_per_tenant():
    same = [Document("a", "same"), Document("b", "same"), Document("c", "same", columns={"tenant_id": "other"})]
    night = Night([*same, Document("d", "same", fate="dedup:exact_duplicate")])
    assert night.profile()["duplicate_residue"] == 2
    assert [doc for doc, _, _ in night.violations()["duplicate_residue"]] == sorted(d.id for d in same[:2])
    lost = Night(same, change={"dedup_index": lambda rows: rows[1:]})
    assert lost.profile()["duplicate_residue"] == "1 documents of the corpus are not in dedup_index"
    unknown = Night(same, change={"dedup_index": lambda rows: []})
    assert unknown.profile()["duplicate_residue"] == "3 documents of the corpus are not in dedup_index"


def test_keys_that_are_lost_invented_or_disposed_of_twice():
    a, b, c = (Document(name, f"text {name}") for name in "abc")
    ghost = Document("ghost", "boo").row()
    change = {
        "clean": lambda rows: [r for r in rows if r["doc_id"] != a.id] + [ghost],
        "rejects_clean": lambda rows: [b.row() | {"stage": "clean", "rule": "r"}],
    }
    night = Night([a, b, c], change=change)
    figures = night.profile()
    assert (figures["disposition_gap.clean"], figures["disposition_gap.extract"]) == (3, 0)
    assert figures["disposition_gap.scrub"] == 2  # the ghost is lost there, and what was lost before comes back
    found = {(doc, detail) for doc, _, detail in night.violations()["disposition_gap.clean"]}
    assert found == {(a.id, "lost"), (ghost["doc_id"], "invented"), (b.id, "twice")}


def test_change_against_the_snapshot_before():
    first = Night(DOCUMENTS)
    first.profile()
    first.publish()
    new = [DOCUMENTS[0], Document("b", "另一段文字。", "zh"), Document("n", "new"), Document("o", "old")]
    figures = Night(new, storage=first.storage, day="2026-01-02").profile()
    names = ("change_rows", "added_rows", "changed_rows", "removed_rows", "deletions_only")
    assert [figures[n] for n in names] == [0.333333, 2, 1, 1, 0]
    fewer = Night(DOCUMENTS[1:], storage=first.storage, day="2026-01-02").profile()
    assert [fewer[n] for n in names] == [-0.333333, 0, 0, 1, 1]
    same = Night(DOCUMENTS, storage=first.storage, day="2026-01-02").profile()
    assert [same[n] for n in names] == [0, 0, 0, 0, 0]


def test_fingerprint_follows_what_is_read():
    night = Night(DOCUMENTS)

    def mark(**sections):
        return profile.fingerprint(Night(DOCUMENTS, **sections).context("profile"))

    others = [
        mark(scrub=ScrubParams(default_policy="keep")),
        mark(clean=CleanParams(languages=("en",))),
        mark(gate=GateParams(max_violations=3)),
        mark(profile=ProfileParams(top_hosts=3)),
    ]
    assert mark() == mark() and len({mark(), *others}) == 5
    night.profile()
    night.publish()
    later = Night(DOCUMENTS, storage=night.storage, day="2026-01-02")
    assert profile.fingerprint(later.context("profile")) != mark()


@pytest.mark.req("GAT-10")
def test_what_cannot_be_read_back_is_an_error_or_a_figure():
    night = Night(DOCUMENTS)
    entry = night.run.outputs()["corpus"]
    path = next(p for p in night.storage.list("data/corpus"))
    raw = night.storage.read(path)
    night.storage.put(path, raw[: len(raw) // 2])
    with pytest.raises(Terminal, match=r"data/corpus/.* cannot be read"):
        night.profile()
    other = Night([DOCUMENTS[0]])  # intact, but not what the manifest promises
    replaced = other.storage.read(other.storage.list("data/corpus")[0])
    night.storage.put(path, replaced)
    figures = night.profile()
    assert (figures["readback_rows"], figures["manifest_rows"], figures["digest_ok"]) == (1, 3, 0)
    assert entry.digest.endswith(".3")


def test_many_values_are_ranked_and_only_the_largest_named():
    documents = [
        Document(str(n), f"text {n}", columns={"url": f"https://h{n // 2:02}.org/{n}", "licence": f"L{n:03}"})
        for n in range(80)
    ]
    figures = Night(documents, profile=ProfileParams(top_hosts=3, top_values=2)).profile()
    assert [n for n in figures if n.startswith("host_rows")] != []
    assert {n: v for n, v in figures.items() if n.startswith("host_rows")} == {
        f"host_rows.h0{i}.org": 2 for i in range(3)
    }
    assert {n for n in figures if n.startswith("licence_rows")} == {"licence_rows.L000", "licence_rows.L001"}
    assert (figures["distinct.host"], figures["distinct.licence"]) == (40, 80)


def test_rule_names_are_those_of_the_stage():
    from pipelines.dedup.leader import EXACT, NEAR

    assert DUPLICATE_RULES == (EXACT, NEAR)


def test_counts_on_disk_against_plain_counting(tmp_path, monkeypatch):
    monkeypatch.setattr("jobs.counting._AT_ONCE", 7)
    values = [f"v{n % 13}" for n in range(500)] + [None, "it's; --"]
    with disk_counts(tmp_path) as counts:
        for at in range(0, len(values), 31):
            counts.add("f", pa.array(values[at : at + 31], pa.string()))
            counts.add("g", pa.array(["x"]), pa.array([at]))
        top = counts.top("f", 3)
        assert top == [("v0", 39), ("v1", 39), ("v2", 39)]
        assert (counts.distinct("f"), counts.count("f", "it's; --"), counts.count("f", "none")) == (14, 1, 0)
        assert counts.top("g", 1) == [("x", sum(range(0, len(values), 31)))]
        columns = ([None, None, "t"], ["h", "h", "h"], ["2", "1", "3"])
        counts.add_hashes(*(pa.chunked_array([pa.array(c, pa.string())]) for c in columns))
        assert counts.shared(1) == (2, ["1"])
    assert list(tmp_path.iterdir()) == []


def test_ids_of_metrics_are_stable():
    night = Night(DOCUMENTS)
    night.profile()
    rows = {r["metric_id"]: r for r in night.table("metrics").to_pylist()}
    assert rows[hash128("corpus", "rows", "")]["value"] == 3
    assert {r["version"] for r in rows.values()} == {night.run.outputs()["corpus"].version}
    assert all((r["value"] is None) == bool(r["reason"]) for r in rows.values())


@pytest.mark.req("EXT-03")
def test_the_share_of_thin_pages_is_known_before_a_floor_is_set():
    documents = [
        Document(name, f"text {name}", columns={"density": d})
        for name, d in zip("abcd", (0.2, 0.69, 0.7, 0.9), strict=True)
    ]
    assert Night(documents).profile()["low_density_share"] == 0.5
    assert Night(documents, profile=ProfileParams(density_floor=0.3)).profile()["low_density_share"] == 0.25
    assert Night([]).profile()["low_density_share"] == "there are no documents"
