"""WARC files through the crawl job: one capture per URL and night, the latest one."""

import gzip

from archives import HTML, record, reply


def packed(*captures):
    return b"".join(gzip.compress(record(*args, **more)) for args, more in captures)


def capture(url, body=HTML, at="2024-05-01T12:00:00Z", status=200, **more):
    return (reply(body, status),), {"url": url, "WARC_Date": at, **more}


def test_the_latest_capture_of_a_url_counts_wherever_it_stands(nights, balanced):
    nights.write("b.warc.gz", packed(capture("http://A.example/x", b"<p>old</p>", "2024-01-01T00:00:00Z")))
    nights.write(
        "a.warc.gz",
        packed(
            capture("http://a.example/x?utm_source=y", b"<p>new</p>", "2024-03-01T00:00:00Z"),
            capture("http://a.example/x", b"<p>older</p>", "2023-01-01T00:00:00Z"),
            capture("http://a.example/x", b"", "2024-04-01T00:00:00Z", status=503),
            capture("http://a.example/gone", b"<p>was here</p>", "2023-01-01T00:00:00Z"),
            capture("http://a.example/gone", b"", "2024-01-01T00:00:00Z", status=404),
            ((b"", "revisit"), {"url": "http://a.example/x", "WARC_Date": "2024-05-01T00:00:00Z"}),
            ((b"", "revisit"), {"url": "http://a.example/unknown"}),
        ),
    )
    result = nights.run(0)
    assert nights.live() == {"http://a.example/x": b"<p>new</p>", "http://a.example/gone": 404}
    assert nights.rules() == {"http://a.example/unknown": "revisit_without_original"}
    assert (result["inputs"], result["superseded"], result["retracted"]) == (8, 5, 1) and balanced(result)
    page = next(row for row in nights.rows("pages") if row["status"] == 200)
    assert page["fetched_at"].isoformat() == "2024-03-01T00:00:00+00:00" and page["capture"].startswith("2026-01-01:")
    assert {(row["kind"], row["url"]) for row in nights.rows("url_aliases")} == {
        ("requested", "http://a.example/x"),
        ("final", "http://a.example/x"),
    }


def test_a_revisit_of_a_page_that_is_stored_leaves_it_as_it_is(nights, balanced):
    nights.sources = ["{name: s, kind: files, path: files, complete: false}"]
    nights.write("1.warc.gz", packed(capture("http://a.example/")))
    nights.run(0)
    (nights.files / "1.warc.gz").unlink()
    nights.write("2.warc.gz", packed(((b"", "revisit"), {"url": "http://a.example/"})))
    result = nights.run(1)
    assert (result["unchanged"], result["inputs"]) == (1, 1) and balanced(result)


def test_an_archive_that_was_cut_takes_no_page_away(nights):
    captures = [capture(f"http://a.example/{n}", HTML * (n + 1)) for n in range(3)]
    whole = packed(*captures)
    nights.write("a.warc.gz", whole)
    nights.run(0)
    nights.write("a.warc.gz", whole[:-10])
    result = nights.run(1)
    assert result["retracted"] == 0 and len(nights.live()) == 3
    assert list(nights.rules().values()) == ["truncated"]
    nights.write("a.warc.gz", packed(*captures[:2]))
    assert nights.run(2)["retracted"] == 1


def test_a_cut_capture_is_reported_though_another_file_has_the_page(nights, balanced):
    nights.write("a.warc.gz", packed(capture("http://a.example/")))
    nights.write("b.warc.gz", packed(capture("http://a.example/"))[:-10])
    result = nights.run(0)
    assert nights.live() == {"http://a.example/": HTML} and nights.rules() == {"b.warc.gz#0": "truncated"}
    assert (result["inputs"], result["superseded"]) == (2, 0) and balanced(result)
    result = nights.run(1)
    assert nights.rules() == {"b.warc.gz#0": "truncated"} and result["unchanged"] == 1 and balanced(result)
    nights.write("b.warc.gz", packed(capture("http://a.example/")))
    result = nights.run(2)
    assert nights.rules() == {} and result["superseded"] == 1 and balanced(result)


def test_only_what_was_stored_becomes_a_candidate(nights):
    here, gone = capture("http://a.example/"), capture("http://a.example/", b"", "2024-06-01T00:00:00Z", status=404)
    nights.write("a.warc.gz", packed(here, capture("http://a.example/never", b"", status=404)))
    nights.run(0)
    assert nights.rows("tombstone_candidates") == []
    nights.write("a.warc.gz", packed(here, gone, capture("http://a.example/never", b"", status=404)))
    for night in (1, 2):
        nights.run(night)
        assert [row["url"] for row in nights.rows("tombstone_candidates")] == ["http://a.example/"]
    nights.write("a.warc.gz", packed(here))
    nights.run(3)
    assert nights.rows("tombstone_candidates") == []


def test_pages_from_an_archive_reach_the_documents(nights):
    text = "".join(f"<p>The ferry number {n} leaves the harbour at seven in the morning.</p>" for n in range(9))
    nights.write("a.warc.gz", packed(capture("http://a.example/", f"<article>{text}</article>".encode())))
    nights.write("b.html", f"<article>{text}</article>")
    nights.run(0, stages=["extract"])
    assert sorted(row["url"] for row in nights.rows("documents")) == ["http://a.example/", "item:b.html"]
