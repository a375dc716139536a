"""Compressed files and archives: every cut, bomb and bad name ends in a refusal."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.acquire import streams
from jobs.acquire.files import translated
from jobs.acquire.unpack import unpacked
from pipelines.acquire.items import Item, Refused
from pipelines.params import SourceParams

SOURCE = SourceParams("s", kind="files", path="x", max_item_bytes=1_000_000)
TEXT = "\n".join(f"{random.Random(n).getrandbits(64):x} 渡船" for n in range(4_000)).encode()


def zstd(data):
    return pa.compress(data, "zstd", asbytes=True)


PACKS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}


def of(data, name):
    return list(unpacked(io.BytesIO(data), name, SOURCE))


@pytest.mark.parametrize("kind", PACKS)
def test_compressed_files_are_read_whole_or_reported(kind):
    pack, name = PACKS[kind], f"a.txt.{kind}"
    whole = pack(TEXT)
    assert of(whole, name) == [Item(name, TEXT, "text/plain")]
    assert of(pack(TEXT[:50_000]) + pack(TEXT[50_000:]), name) == [Item(name, TEXT, "text/plain")]  # two in a row
    for cut in (1, 5, 20, len(whole) // 2):
        (refused,) = of(whole[:-cut], name)
        assert isinstance(refused, Refused) and refused.rule == "truncated" and refused.lost
    (refused,) = of(whole[: len(whole) // 2] + b"\0garbage\0" * 9 + whole[len(whole) // 2 :], name)
    assert isinstance(refused, Refused) and refused.rule in ("damaged", "truncated")


@pytest.mark.parametrize("kind", PACKS)
def test_a_bomb_stops_where_no_text_would_go_on(kind, monkeypatch):
    monkeypatch.setattr(streams, "FREE_BYTES", 100_000)
    rows = PACKS[kind](b'{"instruction": "%s"}\n' % (b"a" * 20_000) * 400)
    found = of(rows, f"a.jsonl.{kind}")
    assert found[-1].rule == "decompression_limit" and found[-1].lost


def test_a_bomb_of_an_archive_counts_over_its_members(monkeypatch):
    monkeypatch.setattr(streams, "FREE_BYTES", 500_000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.txt", "a" * 100_000)
    found = of(out.getvalue(), "a.zip")
    assert {f.rule for f in found if isinstance(f, Refused)} == {"decompression_limit"}
    assert 5 <= sum(isinstance(f, Item) for f in found) < 15 and len(found) == 20


def test_xz_that_wants_too_much_memory_is_refused():
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 256 << 20}]
    (refused,) = of(lzma.compress(b"text", filters=filters), "a.txt.xz")
    assert refused.rule == "damaged"


def tarred(mode="w", names=("a.txt", "b.txt")):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 700
            archive.addfile(info, io.BytesIO(b"ferry" * 140))
    return out.getvalue()


def test_every_cut_of_a_tar_archive_is_reported():
    whole = tarred()
    end = whole.rstrip(b"\0")
    for cut in range(257 + 6, len(end), 37):
        found = of(whole[:cut], "a.tar")
        assert isinstance(found[-1], Refused) and found[-1].lost, cut


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_tar_archives(mode):
    assert [item.name for item in of(tarred(mode), "a.tgz")] == ["a.tgz/a.txt", "a.tgz/b.txt"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.txt", "a/../../x.txt", "C:/x.txt"])
def test_names_that_lead_elsewhere_are_refused(name):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    for data, archive_name in ((out.getvalue(), "a.zip"), (tarred(names=[name]), "a.tar")):
        (found,) = of(data, archive_name)
        assert found == Refused(f"{archive_name}/{name}", "unsafe_name")


def test_names_in_gbk_are_read_as_what_they_are():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("XXXX.txt", "text")
    (found,) = of(out.getvalue().replace(b"XXXX", "渡船".encode("gbk")), "a.zip")
    assert found.name == "a.zip/渡船.txt"


def test_a_damaged_member_costs_that_member():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "first text")
        archive.writestr("b.txt", "second text")
    found = of(out.getvalue().replace(b"first text", b"frist text"), "a.zip")
    assert [(type(f).__name__, f.name) for f in found] == [("Refused", "a.zip/a.txt"), ("Item", "a.zip/b.txt")]


@given(st.sampled_from(["a.zip", "a.tar", "a.gz", "a.xz", "a.bz2", "a.zst", "a.html", "a"]), st.binary(max_size=400))
def test_any_bytes_end_in_items_or_refusals(name, noise):
    heads = {"a.zip": b"PK\x03\x04", "a.gz": b"\x1f\x8b\x08", "a.xz": b"\xfd7zXZ\0", "a.bz2": b"BZh9"}
    for data in (noise, heads.get(name, b"\x28\xb5\x2f\xfd") + noise, tarred() + noise):
        assert of(data, name)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.txt", ["a.txt", "渡.txt"], ["a/b.txt", "a.md"]),
        ("**/*.txt", ["a.txt", "a/b/c.txt"], ["a.md"]),
        ("**", ["a", "a/b.c"], []),
        ("a?/[!x]*.gz", ["ab/y.gz"], ["ab/x.gz", "a/y.gz", "ab/c/y.gz"]),
        ("[[]x].md", ["[x].md"], ["x.md"]),
        ("a+b(1).txt", ["a+b(1).txt"], ["aab1.txt"]),
    ],
)
def test_patterns(pattern, yes, no):
    found = translated(tuple(pattern.split("/")))
    assert all(found.fullmatch(name) for name in yes) and not any(found.fullmatch(name) for name in no)
