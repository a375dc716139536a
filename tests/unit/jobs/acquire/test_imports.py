"""Files become pages: over nights with additions, edits and deletions, and whatever else a folder may hold."""

import gzip
import io
import os
import tarfile
import zipfile

import pytest

from jobs.errors import ConfigError, Terminal
from jobs.tracing import documents_of
from pipelines.schemas import document_id

PAGE = "<html><body><article><p>{} is a page about ferries and harbours.</p></article></body></html>"


@pytest.mark.req("CRL-06", "CRL-07")
def test_files_of_a_folder_become_pages_in_the_order_of_names(nights, balanced):
    nights.write("b.md", "# Title\n\ntext")
    nights.write("a/x.html", PAGE.format("One"))
    nights.write("a/说明.txt", "渡船清晨七点离开港口。")
    result = nights.run(0)
    pages = {row["url"]: row for row in nights.rows("pages")}
    assert sorted(pages) == ["item:a/x.html", "item:a/说明.txt", "item:b.md"]
    page = pages["item:a/x.html"]
    assert (page["content_type"], page["status"], page["authorisation"]) == ("text/html", 200, "ours")
    assert page["requested_url"] == "a/x.html" and page["final_url"] is None and page["licence"] == "CC0-1.0"
    assert page["body"] == PAGE.format("One").encode() and page["body_bytes"] == len(page["body"])
    assert pages["item:b.md"]["content_type"] == "text/markdown"
    assert (result["inputs"], result["emitted"]) == (3, 3) and balanced(result)
    assert [row["kind"] for row in nights.rows("url_aliases")] == ["requested"] * 3


def test_a_second_night_writes_what_changed_and_says_what_is_gone(nights, balanced):
    for name in ("same", "edited", "deleted"):
        nights.write(f"{name}.txt", f"the first text of {name}")
    nights.run(0)
    nights.write("edited.txt", "another text")
    nights.write("new.txt", "a new text")
    (nights.files / "deleted.txt").unlink()
    result = nights.run(1)
    assert {k: result[k] for k in ("inputs", "emitted", "unchanged", "retracted")} == {
        "inputs": 4, "emitted": 2, "unchanged": 1, "retracted": 1,
    }  # fmt: skip
    assert balanced(result)
    assert nights.live() == {
        "item:same.txt": b"the first text of same",
        "item:edited.txt": b"another text",
        "item:deleted.txt": 410,
        "item:new.txt": b"a new text",
    }
    assert sum(row["url"] == "item:same.txt" for row in nights.rows("pages")) == 1  # no second capture
    assert [(c["url"], c["reason"]) for c in nights.rows("tombstone_candidates")] == [("item:deleted.txt", "gone")]
    nights.write("deleted.txt", "the first text of deleted")  # and back again, as it was
    result = nights.run(2)
    assert (result["emitted"], result["unchanged"], result["retracted"]) == (1, 3, 0)
    assert nights.live()["item:deleted.txt"] == b"the first text of deleted"
    assert nights.rows("tombstone_candidates") == []
    (nights.files / "deleted.txt").unlink()
    nights.run(3)
    assert nights.run(4)["retracted"] == 0  # gone is said once


def test_a_source_that_adds_up_loses_nothing(nights):
    nights.sources = ["{name: s, kind: files, path: files, complete: false}"]
    nights.write("a.txt", "yesterday's delivery")
    nights.run(0)
    (nights.files / "a.txt").unlink()
    nights.write("b.txt", "today's delivery")
    assert nights.run(1)["retracted"] == 0
    assert set(nights.live()) == {"item:a.txt", "item:b.txt"}


def test_what_cannot_be_read_is_refused_and_loses_nothing(nights, balanced, tmp_path):
    nights.write("good.txt", "this stays")
    nights.write("later.txt.gz", gzip.compress(b"a text that will be cut"))
    nights.run(0)
    nights.write("later.txt.gz", gzip.compress(b"a text that will be cut")[:-3])
    nights.write("picture.xyz", b"\x00\x01\x02\x03")
    nights.write(".hidden/x.txt", "not for us")
    nights.write("empty.txt", b"")
    (nights.files / "good.txt").unlink()
    (tmp_path / "outside.txt").write_text("somebody else's")
    (nights.files / "link.txt").symlink_to(tmp_path / "outside.txt")
    (nights.files / "loop").symlink_to(nights.files)
    os.mkfifo(nights.files / "pipe")
    result = nights.run(1)
    assert nights.rules() == {
        ".hidden": "hidden",
        "empty.txt": "empty_file",
        "later.txt.gz": "truncated",
        "link.txt": "outside_folder",
        "loop": "linked_folder",
        "picture.xyz": "unknown_format",
        "pipe": "not_a_file",
    }
    assert balanced(result) and result["retracted"] == 0  # a source that was not read whole does not judge
    assert nights.live()["item:good.txt"] == b"this stays"
    nights.write("later.txt.gz", gzip.compress(b"a text that will be cut"))
    (nights.files / "empty.txt").unlink()
    result = nights.run(2)
    assert set(nights.rules()) == {".hidden", "link.txt", "loop", "picture.xyz", "pipe"}  # old rejects went
    assert result["retracted"] == 1 and nights.live()["item:good.txt"] == 410


def test_an_emptied_folder_is_taken_for_one_that_is_not_mounted(nights):
    nights.write("a.txt", "text")
    nights.run(0)
    (nights.files / "a.txt").unlink()
    with pytest.raises(Terminal, match="source s: files holds no items"):
        nights.crawl(1)


def test_a_missing_path_stops_a_night_only_where_nothing_else_is_read(nights):
    nights.sources.append("{name: other, kind: files, path: nowhere}")
    nights.write("a.txt", "text")
    result = nights.run(0)
    assert nights.rules() == {"nowhere": "source_missing"} and len(result["unavailable"]) == 1
    nights.sources.pop(0)
    with pytest.raises(Terminal, match=r"source other: .*nowhere does not exist"):
        nights.crawl(1)


def test_archives_and_compressed_files_are_read_member_by_member(nights, balanced):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.md", "# one")
        archive.writestr("../../etc/evil.txt", "escape")
        archive.writestr("nested.zip", packed.getvalue() + b"PK\x03\x04")
        archive.writestr("two.txt.gz", gzip.compress(b"two"))
        info = zipfile.ZipInfo("三.txt")
        archive.writestr(info, "三")
    nights.write("p.zip", packed.getvalue())
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w:xz") as archive:
        for name, data in (("./d/x.html", PAGE.format("X").encode()), ("d/y.txt", b"y")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("d/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    nights.write("t.tar.xz", tarred.getvalue())
    result = nights.run(0)
    assert set(nights.live()) == {
        "item:p.zip/a/one.md", "item:p.zip/two.txt.gz", "item:p.zip/三.txt", "item:t.tar.xz/d/x.html",
        "item:t.tar.xz/d/y.txt",
    }  # fmt: skip
    assert nights.rules() == {
        "p.zip/../../etc/evil.txt": "unsafe_name",
        "p.zip/nested.zip": "nested_archive",
        "t.tar.xz/d/link": "not_a_file",
    }
    assert balanced(result)


@pytest.mark.parametrize("cut", [300, 512, 700, 1024, 1500])
def test_a_tar_archive_that_was_cut_is_reported(nights, cut):
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("a.txt", "b.txt"):
            info = tarfile.TarInfo(name)
            info.size = 4
            archive.addfile(info, io.BytesIO(b"text"))
    nights.write("t.tar", tarred.getvalue()[:cut])
    nights.write("x.txt", "something else")
    nights.run(0)
    assert nights.rules().get("t.tar", "truncated" if "t.tar/b.txt" in nights.rules() else None) in (
        "truncated", "damaged", "unknown_format",
    )  # fmt: skip


def test_bombs_end_in_a_reject(nights):
    nights.write("zeros.html.gz", gzip.compress(b"<html>" + b" " * 60_000_000))
    with zipfile.ZipFile(nights.files / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "a" * 51_000_000)
    nights.write("ok.txt", "small")
    nights.run(0)
    assert nights.rules() == {"zeros.html.gz": "too_large", "z.zip/a.txt": "too_large"}


def test_patterns_choose_files_and_keep_their_names(nights):
    nights.sources = ["{name: s, kind: files, path: 'files/**/[a-c]*.txt'}"]
    for name in ("a.txt", "x/b.txt", "x/y/c1.txt", "x/d.txt", "a.md"):
        nights.write(name, name)
    nights.run(0)
    assert set(nights.live()) == {"item:a.txt", "item:x/b.txt", "item:x/y/c1.txt"}


def test_a_file_is_a_source_too(nights):
    nights.sources = ["{name: s, kind: files, path: files/a.txt}"]
    nights.write("a.txt", "text")
    nights.run(0)
    assert nights.live() == {"item:a.txt": b"text"}


def test_a_captured_date_is_not_read_again(nights):
    nights.write("a.txt", "text")
    nights.run(0)
    nights.write("a.txt", "another text")
    assert "captured" in nights.crawl(0).result or nights.live() == {"item:a.txt": b"text"}


def test_a_killed_import_starts_again_from_nothing(nights, monkeypatch):
    from jobs.acquire.imports import Imports

    for number in range(3):
        nights.write(f"{number}.txt", f"text {number}")
    settled = Imports.batches

    def killed(self):
        yield next(settled(self))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Imports, "batches", killed)
        nights.crawl(0)
    leftover = nights.root / "lake" / "runs" / "nightly_corpus-2026-01-01" / "import"
    leftover.mkdir(exist_ok=True)
    (leftover / "items.arrow").write_bytes(b"half a file")
    nights.run(0)
    assert len(nights.live()) == 3 and not leftover.exists()


def test_sources_are_checked_before_anything_is_read(nights):
    nights.sources = ["{name: s, kind: files}"]
    with pytest.raises(ConfigError, match="s is of kind files and needs `path`"):
        nights.crawl(0)
    nights.sources = ["{name: s, kind: files, path: files}"] * 2
    with pytest.raises(ConfigError, match="two sources are called s"):
        nights.crawl(1)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("kind: files, path: files, shape: alpacca", "s: no shape is called alpacca; valid: auto, .*alpaca"),
        (
            "kind: files, path: files, shape: qa, fields: {quesion: q}",
            "s: fields: shape qa has no `quesion`; .*question",
        ),
        ("kind: api, seeds: ['https://e.org/'], items_at: data.items", "s: items_at must be a JSON pointer"),
        ("kind: sql, connection: shop, query: SELECT 1", "s: params.yaml names no secret `shop`"),
    ],
)
def test_a_source_that_names_what_does_not_exist_stops_the_night_before_anything_is_fetched(nights, source, says):
    nights.sources.append("{name: first, kind: web, seeds: ['https://unasked.example/']}")
    nights.sources[0] = f"{{name: s, {source}}}"
    with pytest.raises(ConfigError, match=says):
        nights.crawl(0)
    assert not (nights.root / "lake" / "runs" / "nightly_corpus-2026-01-01" / "journal").exists()


def test_fields_may_have_any_name_where_the_record_has_any_columns(nights):
    nights.sources[0] = "{name: s, kind: files, path: files, shape: record, fields: {颜色: colour}}"
    nights.write("a.csv", "colour,size\nred and green,12\n")
    nights.run(0)
    (body,) = nights.live().values()
    assert "颜色" in body.decode() and "12" not in body.decode()


def test_an_item_is_found_by_its_name(nights):
    nights.write("a b.txt", "text")
    nights.write("bad.bin", b"\x00\x01")
    nights.run(0)
    for name in ("item:a b.txt", "item:bad.bin"):
        (doc,) = documents_of(nights.storage, name, nights.snapshot.datasets)
        assert doc == document_id("t", "s", name)


def test_the_whole_night_is_the_same_whatever_the_batches(nights, tmp_path, monkeypatch):
    """Law 2: how items are chunked on their way shows nowhere."""
    import jobs.acquire.spool as spool
    from jobs.storage import LocalStorage

    for number in range(7):
        nights.write(f"{number}.txt", f"text {number}")
    nights.write("bad.bin", b"\x00\x01")
    first = {name: entry.digest for name, entry in nights.crawl(0).outputs.items()}
    monkeypatch.setattr(spool, "ROWS", 2)
    nights.storage = LocalStorage(tmp_path / "again")
    assert {name: entry.digest for name, entry in nights.crawl(0).outputs.items()} == first
