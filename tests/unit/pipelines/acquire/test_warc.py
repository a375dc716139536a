"""WARC and ARC: what is whole is read, what is not is reported with its place, whatever was done to the file."""

import base64
import gzip
import hashlib
import io
import random
import zlib
from datetime import UTC, datetime
from itertools import pairwise

import pyarrow as pa
import pytest
from archives import HTML, chunked, record, reply
from fastwarc.warc import ArchiveIterator
from hypothesis import given
from hypothesis import strategies as st

from pipelines.acquire.items import Item, Refused
from pipelines.acquire.warc import Bad, Record, read, records
from pipelines.params import SourceParams

SOURCE = SourceParams("s", kind="files", path="x", max_item_bytes=100_000)


def items(data, source=SOURCE):
    return list(read(io.BytesIO(data), "a.warc", source))


def only(data):
    (found,) = items(data)
    return found


@pytest.mark.req("CRL-01")
def test_a_response_becomes_a_page_at_its_url_and_date():
    found = only(record(reply(Last_Modified="x"), url="<http://Example.org/a#b>"))
    assert found == Item(
        "a.warc#0", HTML, "text/html", "http://Example.org/a#b", "http://Example.org/a#b",
        fetched_at=datetime(2024, 5, 1, 12, tzinfo=UTC),
        headers=((b"Content-Type", b"text/html"), (b"Last-Modified", b"x")),
    )  # fmt: skip


def test_resources_and_the_texts_of_wet_files_are_items_and_metadata_is_none():
    wet = record("渡船".encode(), "conversion", content_type="text/plain")
    whole = record(b"", "warcinfo", url=None) + record(HTML, "resource", content_type="text/html; charset=utf-8") + wet
    found = items(whole + record(b"a: b", "metadata") + record(b"GET /", "request"))
    assert [(i.content_type, i.body) for i in found] == [
        ("text/html; charset=utf-8", HTML),
        ("text/plain", "渡船".encode()),
    ]
    wat = record(b"{}", "metadata", content_type="application/json")
    assert only(wat + wat) == Refused("a.warc", "no_documents", 2, detail="2 metadata")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(HTML)),
        ("deflate", zlib.compress(HTML)),
        ("br", pa.compress(HTML, "brotli", asbytes=True)),
        ("zstd", pa.compress(HTML, "zstd", asbytes=True)),
        ("identity", HTML),
        ("gzip", HTML),  # undone by the archive, which kept the header
        ("br", HTML),
    ],
)
@pytest.mark.parametrize("chunks", [False, True])
def test_transfer_and_content_encodings_are_undone(coding, body, chunks):
    more = {"Transfer_Encoding": "chunked"} if chunks else {}
    found = only(record(reply(chunked(body) if chunks else body, Content_Encoding=coding, **more)))
    assert found.body == HTML
    dechunked = only(record(reply(body, Content_Encoding=coding, Transfer_Encoding="chunked")))
    assert dechunked.body == HTML  # undone by the archive, which kept the header


@pytest.mark.parametrize(
    ("block", "more", "rule"),
    [
        (reply(status=302), {}, "http_status"),
        (reply(status=500), {}, "http_status"),
        (reply(b"\x89PNG", Content_Type="image/png"), {}, "content_type"),
        (reply(b"\x89PNG", Content_Type="application/octet-stream"), {}, "content_type"),
        (reply(gzip.compress(HTML)[:-9], Content_Encoding="gzip"), {}, "content_encoding"),
        (reply(gzip.compress(b" " * 200_000), Content_Encoding="gzip"), {}, "decompression_limit"),
        (reply(pa.compress(b" " * 200_000, "zstd", asbytes=True), Content_Encoding="zstd"), {}, "decompression_limit"),
        (reply(pa.compress(b" " * 200_000, "brotli", asbytes=True), Content_Encoding="br"), {}, "decompression_limit"),
        (reply(pa.compress(HTML, "zstd", asbytes=True)[:-5], Content_Encoding="zstd"), {}, "content_encoding"),
        (reply(gzip.compress(HTML), Content_Encoding="gzip, gzip"), {}, "content_encoding"),
        (reply(chunked(HTML)[:-20], Transfer_Encoding="chunked"), {}, "bad_chunks"),
        (reply(Content_Length="99999"), {}, "clipped"),
        (b"HTTP/1.1 what\r\n\r\n", {}, "bad_http"),
        (reply(), {"WARC-Truncated": "length"}, "warc_truncated"),
        (reply(), {"WARC-Segment-Number": "1"}, "segmented"),
        (reply(), {"WARC-Block-Digest": "sha1:" + "A" * 32}, "bad_digest"),
        (reply(), {"WARC-Payload-Digest": "sha256:" + "0" * 64}, "bad_digest"),
        (reply(), {"WARC-Target-URI": "dns:example.org"}, "bad_url"),
        (reply(b" " * 300_000), {}, "too_large"),
    ],
)
def test_what_is_no_page_is_refused_by_a_rule_and_the_next_record_is_read(block, more, rule):
    first, second = items(record(block, **more) + record(reply(), url="http://example.org/next"))
    assert (type(first), first.rule, first.lost) == (Refused, rule, False)
    assert second.url == "http://example.org/next" and second.body == HTML


def test_pages_that_were_gone_or_unchanged_say_so():
    assert [only(record(reply(status=status))).status for status in (404, 410)] == [404, 410]
    assert only(record(b"HTTP/1.1 200 OK\r\n\r\n", "revisit")).status == 304
    assert only(record(b"", "revisit")).status == 304


def test_digests_that_fit_are_accepted_whatever_their_spelling():
    block = reply(chunked(HTML), Transfer_Encoding="chunked")
    base32 = base64.b32encode(hashlib.sha1(block).digest()).decode()
    for stated in (f"sha1:{base32}", f"SHA1:{base32.lower()}", f"sha256:{hashlib.sha256(block).hexdigest()}", "crc9:1"):
        assert only(record(block, WARC_Block_Digest=stated)).body == HTML
    for payload in (HTML, chunked(HTML)):  # of the body before or after its chunks were undone
        stated = f"md5:{hashlib.md5(payload).hexdigest()}"
        assert only(record(block, WARC_Payload_Digest=stated)).body == HTML


def arc(version="1"):
    block = reply()
    line = "http://example.org/ 127.0.0.1 20140216050221 text/html"
    extra = " 200 - - 0 x.arc" if version == "2" else ""
    about = f"{version} 0 Test\nURL IP-address Archive-date Content-type Archive-length\n".encode()
    head = f"filedesc://x.arc 127.0.0.1 20140216050221 text/plain{extra} {len(about)}\n".encode() + about + b"\n"
    return [head, f"{line}{extra} {len(block)}\n".encode() + block + b"\n"]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("zipped", [False, True])
def test_arc_files_are_read(version, zipped):
    parts = arc(version)
    found = only(b"".join(map(gzip.compress, parts)) if zipped else b"".join(parts))
    assert (found.url, found.body) == ("http://example.org/", HTML)
    assert found.fetched_at == datetime(2014, 2, 16, 5, 2, 21, tzinfo=UTC)


FILES = [record(reply(HTML * (n + 1)), url=f"http://example.org/{n}") for n in range(4)]
MEMBERS = [gzip.compress(part, mtime=0) for part in FILES]
STARTS = [sum(map(len, MEMBERS[:n])) for n in range(5)]


def counts(data):
    """Places of sound records and what is reported."""
    found = list(records(io.BytesIO(data), 100_000))
    return [r.place for r in found if isinstance(r, Record)], [b for b in found if isinstance(b, Bad)]


def test_every_cut_of_a_gzipped_file_but_one_between_members_is_reported():
    whole = b"".join(MEMBERS)
    for cut in range(1, len(whole)):
        places, bad = counts(whole[:cut])
        assert places == [str(s) for s, end in pairwise(STARTS) if end <= cut]
        assert bool(bad) == (cut not in STARTS), cut


def test_every_cut_of_a_plain_file_within_a_record_is_reported():
    whole = b"".join(FILES)
    ends = {len(b"".join(FILES[:n])) - blanks for n in range(1, 5) for blanks in range(5)}
    for cut in range(1, len(whole)):
        assert bool(counts(whole[:cut])[1]) == (cut not in ends), cut


def test_damage_within_a_member_costs_that_member_alone():
    rng = random.Random(1)
    for _ in range(300):
        data = bytearray(b"".join(MEMBERS))
        victim = rng.randrange(4)
        at = rng.randrange(STARTS[victim] + 10, STARTS[victim + 1])
        data[at] ^= 1 << rng.randrange(8)
        places, bad = counts(bytes(data))
        lost = {str(STARTS[victim])} if bad else set()
        assert set(places) == {str(s) for s in STARTS[:4]} - lost, at
        if not bad:  # a bit that nothing depends on
            assert zlib.decompress(data[STARTS[victim] :], 31) == FILES[victim]


@pytest.mark.parametrize("by", [-30, -1, 5, 400])
def test_a_lying_length_costs_its_record_and_not_the_next(by):
    lying = record(reply(), Content_Length=str(len(reply()) + by))
    found = items(lying + record(reply(), url="http://example.org/next") + record(reply(), url="http://example.org/3"))
    assert [i.url for i in found if isinstance(i, Item)] == ["http://example.org/next", "http://example.org/3"]
    assert [(i.rule, i.lost) for i in found if isinstance(i, Refused)] == [("length_mismatch", True)]


def test_a_file_that_is_one_gzip_member_is_read_and_reported_once():
    found = items(gzip.compress(b"".join(FILES)))
    assert [i.rule for i in found if isinstance(i, Refused)] == ["not_member_compressed"]
    assert [i.url[-1] for i in found if isinstance(i, Item)] == ["0", "1", "2", "3"]
    assert len({i.name for i in found}) == 5


def test_a_record_that_unpacks_to_gigabytes_is_left_packed():
    bomb = record(b"", Content_Length="8000000000")[:-4]
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    member = packed.compress(bomb) + packed.compress(b" " * 50_000_000) + packed.flush()
    found = items(member + MEMBERS[0])
    assert [getattr(i, "rule", i.url) if isinstance(i, Refused) else i.url for i in found] == [
        "too_large",
        "http://example.org/0",
    ]


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_any_bytes_end_in_items_and_refusals(noise, tail):
    for data in (
        noise,
        b"WARC/1.0\r\n" + noise,
        gzip.compress(noise),
        record(noise) + tail,
        MEMBERS[0] + noise,
        noise + FILES[0],
    ):
        assert items(data)


def test_sound_files_are_read_as_fastwarc_reads_them():
    """An independent implementation; what it does with broken files is another matter."""
    for data in (b"".join(FILES), b"".join(MEMBERS)):
        theirs = []
        for each in ArchiveIterator(io.BytesIO(data), parse_http=False):
            theirs.append((str(each.stream_pos), each.headers["WARC-Target-URI"], each.reader.read()))
        ours = [(r.place, r.url, r.block) for r in records(io.BytesIO(data), 100_000)]
        assert ours == theirs


def test_hostile_input_costs_linear_time():
    """Bytes drawn from the stream per byte of it stay the same when the input doubles."""

    class Counting(io.BytesIO):
        drawn = 0

        def read(self, *size):
            data = super().read(*size)
            self.drawn += len(data)
            return data

    def drawn(size):
        seen = 0
        for pattern in (b"WARC/1.0\r\n", b"\n\r", b"\x1f\x8b\x08", b"WARC/1.0\r\nContent-Length: 1\r\n\r\n"):
            stream = Counting(pattern * (size // len(pattern)))
            assert list(read(stream, "x", SOURCE))
            seen += stream.drawn
        return seen

    assert drawn(100_000) <= 2.1 * drawn(50_000)


def test_a_file_of_nothing_but_damage_is_given_up():
    found = items(b"WARC/1.0\r\n" * 5_000)
    assert len(found) == 1_001 and found[-1].rule == "given_up" and len({i.name for i in found}) == 1_001
