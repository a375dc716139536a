"""Rights at intake: licences, authorisation and reservations decide what is read."""

import gzip

import pytest

from jobs.errors import Terminal

OPEN = "{name: s, kind: files, path: files, licence: CC-BY-4.0}"
PAGE = "<html><head>{}</head><body><p>A page about ferries.</p></body></html>"


@pytest.mark.req("CMP-02")
def test_a_source_of_a_restricted_licence_is_not_read_and_what_is_stored_of_it_is_named(nights):
    nights.write("a.txt", "a text under an open licence")
    other = nights.root / "other"
    other.mkdir()
    (other / "b.txt").write_text("a text that may not be sold")
    nights.sources = [OPEN, "{name: o, kind: files, path: other, licence: CC-BY-4.0}"]
    nights.run(0)
    assert len(nights.live()) == 2
    nights.sources = [OPEN, "{name: o, kind: files, path: other, licence: CC-BY-NC-4.0}"]
    result = nights.run(1)
    assert result["rejected"] == {"licence": 1} and nights.rules() == {"other": "licence"}
    assert result["unavailable"] == ["source o may not be read: licence (CC-BY-NC-4.0)"]
    candidates = [(row["url"], row["reason"], row["detail"]) for row in nights.rows("tombstone_candidates")]
    assert candidates == [("item:b.txt", "licence", "licence: CC-BY-NC-4.0")]
    nights.sources = nights.sources[::-1]
    nights.run(2)
    assert len(nights.rows("tombstone_candidates")) == 1  # once, since the day it was first seen
    nights.overrides = ["crawl.refuse_licences=[]"]
    nights.run(3)
    assert nights.rules() == {} and nights.rows("tombstone_candidates") == []


def test_a_web_source_of_a_restricted_licence_is_not_fetched(nights):
    nights.write("a.txt", "text")
    nights.sources = [OPEN, "{name: w, seeds: ['https://paid-news.invalid/'], licence: All rights reserved}"]
    result = nights.run(0)
    assert result["repeated_calls"] == 0 and result["rejected"] == {"licence": 1}
    assert nights.rules() == {"https://paid-news.invalid/": "licence"}


def test_a_policy_may_want_open_licences_alone(nights):
    nights.write("a.txt", "text")
    nights.sources = ["{name: s, kind: files, path: files}"]
    nights.overrides = ["crawl.refuse_licences=[restricted, unknown]"]
    with pytest.raises(Terminal, match=r"source s may not be read: licence \(unknown\)"):
        nights.crawl(0)


@pytest.mark.req("CRL-02")
@pytest.mark.parametrize("source_class", ["dialogue_service", "request_log"])
def test_service_logs_are_read_only_where_desensitised_and_authorised(nights, source_class):
    nights.write("a.txt", "another text")
    logs = nights.root / "logs"
    logs.mkdir()
    (logs / "l.txt").write_text("What a customer said.")
    for night, (desensitised, authorised) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        rights = f"desensitised: {bool(desensitised)}, authorised: {bool(authorised)}".lower()
        nights.sources = [OPEN, f"{{name: l, kind: files, path: logs, source_class: {source_class}, {rights}}}"]
        result = nights.run(night)
        admitted = bool(desensitised and authorised)
        assert ("item:l.txt" in nights.live()) == admitted
        assert result["rejected"] == ({} if admitted else {"not_authorised": 1})


@pytest.mark.req("CRL-02")
@pytest.mark.parametrize("source_class", ["dialogue_public", "dialogue_synthetic"])
def test_public_and_synthetic_dialogues_need_no_desensitising(nights, source_class):
    nights.write("a.txt", "text")
    nights.sources = [f"{{name: s, kind: files, path: files, source_class: {source_class}}}"]
    nights.run(0)
    (page,) = nights.rows("pages")
    assert page["source_class"] == source_class


def test_reservations_are_heeded_in_archives_as_on_the_web(nights):
    from archives import record, reply

    nights.write("noai.html", PAGE.format('<meta name="robots" content="noai">'))
    captures = [
        record(reply(), url="https://a.example/"),
        record(reply(X_Robots_Tag="noai"), url="https://b.example/"),
        record(reply(tdm_reservation="1"), url="https://c.example/"),
    ]
    nights.write("w.warc.gz", b"".join(map(gzip.compress, captures)))
    nights.run(0)
    assert set(nights.live()) == {"https://a.example/"}
    assert nights.rules() == {
        "noai.html": "opt_out", "https://b.example/": "opt_out", "https://c.example/": "opt_out",
    }  # fmt: skip
    nights.overrides = ["crawl.heed=[]"]
    nights.run(1)
    assert len(nights.live()) == 4 and nights.rules() == {}
    nights.overrides = []
    nights.run(2)
    found = {(row["url"], row["reason"]) for row in nights.rows("tombstone_candidates")}
    assert found == {
        ("item:noai.html", "opt_out"),
        ("https://b.example/", "opt_out"),
        ("https://c.example/", "opt_out"),
    }


def test_the_url_filter_judges_archives_too(nights):
    from archives import record, reply

    urls = ("https://clinic.example/breast-cancer", "https://freesexvideos.example/", "https://blocked.example/a")
    nights.write("w.warc.gz", b"".join(gzip.compress(record(reply(), url=url)) for url in urls))
    nights.overrides = ["crawl.block=[blocked.example]"]
    nights.run(0)
    assert set(nights.live()) == {urls[0]}
    assert nights.rules() == {urls[1]: "adult_url", urls[2]: "blocked"}


@pytest.mark.req("CRL-01", "CRL-12", "CMP-01")
def test_every_source_stands_in_the_provenance_list(nights):
    nights.write("a.txt", "text")
    nights.sources = [
        "{name: s, kind: files, path: files, licence: MIT, owner: docs team, evidence: contract 7, source_class: book}",
        "{name: o, kind: files, path: files, licence: CC-BY-NC-4.0, priority: 7, source_class: social}",
    ]
    nights.run(0)
    rows = {row["source"]: row for row in nights.rows("sources")}
    s, o = rows["s"], rows["o"]
    assert (s["kind"], s["source_class"], s["licence_verdict"], s["priority"]) == ("files", "book", "open", 90)
    assert (s["owner"], s["evidence"], s["origin"]) == ("docs team", "contract 7", ["files"])
    assert (o["licence_verdict"], o["priority"]) == ("restricted", 7)
