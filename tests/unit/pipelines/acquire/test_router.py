"""Formats are told from the content first; the name decides where content leaves it open."""

import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.acquire.documents import CONTENT_TYPES, read
from pipelines.acquire.items import Item, Refused
from pipelines.acquire.router import HEAD_BYTES, READERS, format_of, peeled, reader_of
from pipelines.params import SourceParams

SOURCE = SourceParams("s", kind="files", path="x", max_item_bytes=1_000)


def zipped(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


def parquet():
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), out)
    return out.getvalue()


@pytest.mark.req("EXT-01")
@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.html", b"<p>x</p>", "html"),
        ("a", b"\xef\xbb\xbf <!DOCTYPE html><p>", "html"),
        ("a.txt", b"<!-- x -->\n<html lang=zh>", "html"),
        ("a.xml", b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC', "html"),
        ("a.xml", b'<?xml version="1.0"?><feed>', "xml"),
        ("a.bin", b"%PDF-1.7\n", "pdf"),
        ("a.html", b"\n%PDF-1.7\n", "pdf"),
        ("a.md", b"<p align=center>logo</p>\n# Title", "md"),
        ("README", b"# Title", "txt"),
        ("a.txt", "渡船".encode("gb18030"), "txt"),
        ("a.txt", "渡船".encode("utf-16"), "txt"),
        ("a.txt", "a plain text in UTF-16".encode("utf-16-le"), "txt"),
        ("a.txt", b"text\x00\x01\x02", "unknown"),
        ("a.data", "渡船".encode("gb18030"), "unknown"),
        ("a.vtt", b"WEBVTT\n\n", "vtt"),
        ("subs", b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHi", "srt"),
        ("a.csv", b"<html>,b\n", "csv"),
        ("a.tsv", b"a\tb\n", "tsv"),
        ("a.jsonl", b'{"a": 1}', "jsonl"),
        ("a", b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.json", b'[{"a": 1}]', "json"),
        ("a.xyz", parquet(), "parquet"),
        ("a.zip", zipped("word/document.xml"), "docx"),
        ("a.zip", zipped("xl/workbook.xml"), "xlsx"),
        ("a.docx", zipped("[Content_Types].xml"), "docx"),
        ("a.pptx", zipped("[Content_Types].xml"), "office"),
        ("a.zip", zipped("a.txt"), "zip"),
        ("a.warc", b"WARC/1.0\r\n", "warc"),
        ("a.dat", gzip.compress(b"WARC/1.1\r\n"), "warc"),
        ("a.arc", b"filedesc://a.arc 0.0.0.0 2014 text/plain 7", "arc"),
        ("a.txt.gz", gzip.compress(b"text"), "gz"),
        ("a.bz2", bz2.compress(b"x"), "bz2"),
        ("a.xz", lzma.compress(b"x"), "xz"),
        ("a.zst", pa.compress(b"x", "zstd", asbytes=True), "zst"),
        ("a.tar", b"\0" * 257 + b"ustar\0" + b"\0" * 249, "tar"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "png"),
        ("a.md.gz", b"# peeled already", "md"),
        ("a", b"", "unknown"),
        ("notes.txt", b"MZ is how these notes begin", "txt"),
    ],
)
def test_formats(name, head, kind):
    assert format_of(name, head) == kind


def test_a_character_cut_by_the_head_is_no_binary():
    head = ("渡" * HEAD_BYTES).encode()[:HEAD_BYTES]
    assert len(head.decode("utf-8", "ignore").encode()) < HEAD_BYTES and format_of("a", head) == "txt"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_is_behind_a_compression(pack):
    data = pack(b'{"a": 1}\n{"a": 2}\n' * 9_000)
    kind, head = peeled("rows", data[:HEAD_BYTES])
    assert kind == "jsonl" and head.startswith(b'{"a": 1}')


@given(st.text(max_size=20), st.binary(max_size=700))
def test_any_name_and_bytes_have_a_format(name, head):
    assert format_of(name, head)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", [b"<!---->", b"<!-- -->\n", b"<?xml a?>", b"<!--", b"1\r\n", b'{"a":', b"\0a", b"<!-- -- >"]
)
def test_no_beginning_takes_long_to_tell(piece):
    """The beginnings of comments in all combinations would take longer than anybody can wait."""
    for name in ("a", "a.txt", "a.xml", "a.json"):
        assert format_of(name, piece * (HEAD_BYTES // len(piece)) + b"x")


def test_every_format_has_a_reader_that_exists():
    assert all(callable(reader_of(kind)) for kind in READERS)
    assert reader_of("png") is None


@pytest.mark.parametrize("name", sorted(CONTENT_TYPES))
def test_a_document_goes_on_as_it_is(name):
    body = {"html": b"<html>", "pdf": b"%PDF-1.7", "docx": zipped("word/document.xml"), "vtt": b"WEBVTT"}.get(
        name, b"text"
    )
    assert list(read(io.BytesIO(body), f"d/a.{name}", SOURCE)) == [Item(f"d/a.{name}", body, CONTENT_TYPES[name])]


def test_documents_too_large_or_empty_are_refused():
    assert list(read(io.BytesIO(b"x" * 1_001), "a.txt", SOURCE)) == [Refused("a.txt", "too_large", 1_001, 1_000)]
    assert list(read(io.BytesIO(b" \n"), "a.txt", SOURCE)) == [Refused("a.txt", "empty_file", 2)]
