import contextlib
import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from pipelines.crawl.decoding import ACCEPTED, BadEncoding, Decoder, TooMuch

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
CODINGS = list(PACK)
SKIPPABLE = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"  # RFC 8878 section 3.1.2


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def decode(encoding: str, data: bytes, limit: int = 1_000, step: int = 7, cut: bool = False) -> bytes:
    decoder = Decoder(encoding, limit, cut)
    out = b"".join(decoder.feed(data[at : at + step]) for at in range(0, len(data), step))
    decoder.finish()
    return out


def test_every_coding_that_is_asked_for_is_known() -> None:
    assert [decode(name, PACK[name](b"x")) for name in ACCEPTED.split(", ")] == [b"x"] * 4


@given(st.binary(max_size=500), st.integers(1, 100), st.lists(st.sampled_from(CODINGS), max_size=4))
def test_whatever_the_chunks_and_however_stacked_the_body_comes_back(body: bytes, step: int, names: list[str]) -> None:
    packed = body
    for name in names:
        packed = PACK[name](packed)
    assert decode(" , ".join(names).upper(), packed, step=step) == body


@pytest.mark.parametrize("encoding", CODINGS)
@pytest.mark.parametrize("step", [1_000, 65_536, 10**9])
def test_large_bodies_that_shrink_and_that_do_not(encoding: str, step: int) -> None:
    body = random.Random(1).randbytes(300_000) + b"abc" * 100_000
    assert decode(encoding, PACK[encoding](body), 600_000, step) == body


def test_deflate_without_its_header() -> None:
    assert decode("deflate", raw_deflate(b"x" * 900)) == b"x" * 900


@pytest.mark.parametrize("name", ["", "identity", "none", "UTF-8", "gzip, identity", "binary"])
def test_words_that_are_no_coding_change_nothing(name: str) -> None:
    packed = gzip.compress(b"body") if "gzip" in name else b"body"
    assert decode(name, packed) == b"body"


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.integers(1, 60), st.sampled_from(["gzip", "zstd"]))
def test_members_follow_one_another(parts: list[bytes], step: int, encoding: str) -> None:
    packed = b"".join(map(PACK[encoding], parts))
    for padding in (b"", b"\0" * 10, b"<!-- served from a cache -->"):
        assert decode(encoding, packed + padding, step=step) == b"".join(parts)


def test_skippable_frames_are_skipped() -> None:
    frame = zstd.compress(b"a")
    for packed in (frame + SKIPPABLE, SKIPPABLE + frame, SKIPPABLE + frame + SKIPPABLE):
        assert decode("zstd", packed) == b"a"


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_members_are_bounded(encoding: str) -> None:
    assert decode(encoding, PACK[encoding](b"") * 1_000, step=4_096) == b""
    with pytest.raises(BadEncoding, match=r"members|frames"):
        decode(encoding, PACK[encoding](b"") * 1_001, step=4_096)


@pytest.mark.parametrize("encoding", ["", *CODINGS, "gzip, br"])
def test_the_limit_is_exact(encoding: str) -> None:
    def packed(size: int) -> bytes:
        data = b"x" * size
        for name in filter(None, encoding.split(", ")):
            data = PACK[name](data)
        return data

    assert decode(encoding, packed(1_000)) == b"x" * 1_000
    with pytest.raises(TooMuch):
        decode(encoding, packed(1_001))
    assert decode(encoding, packed(1_001), cut=True) == b"x" * 1_000


@pytest.mark.parametrize("encoding", CODINGS)
def test_a_bomb_is_never_unpacked_beyond_the_limit(encoding: str) -> None:
    bomb = PACK[encoding](b"\0" * 50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooMuch):
            Decoder(encoding, 1_000).feed(bomb)
        decoder = Decoder(encoding, 1_000, cut=True)
        assert len(decoder.feed(bomb)) == 1_000 and decoder.full
        decoder.finish()
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_bomb_in_a_bomb_is_stopped_in_the_middle() -> None:
    """The inner coding puts out nothing, however much the outer one unpacks."""
    nothing = zlib.compress(b"") + b"\0" * 50_000_000  # bytes after the end are dropped
    with pytest.raises(TooMuch):
        decode("deflate, gzip", gzip.compress(nothing), step=65_536)


def test_a_window_larger_than_a_client_need_have_is_refused() -> None:
    packer = zstd.ZstdCompressor(
        options={
            zstd.CompressionParameter.window_log: 27,
            zstd.CompressionParameter.enable_long_distance_matching: 1,
        }
    )
    packed = packer.compress(random.Random(1).randbytes(1_000)) + packer.flush()
    with pytest.raises(BadEncoding):
        decode("zstd", packed, 10_000)


@pytest.mark.parametrize("encoding", CODINGS)
def test_a_body_that_is_cut_short_or_was_never_coded(encoding: str) -> None:
    packed = PACK[encoding](b"x" * 100)
    for size in range(1, len(packed)):
        with pytest.raises(BadEncoding):
            decode(encoding, packed[:size])
    with pytest.raises(BadEncoding):
        decode(encoding, b"<!doctype html><html><body>plain</body></html>")
    assert decode(encoding, b"") == b""


def test_codings_that_were_not_asked_for() -> None:
    for name in ("compress", "lzma", "gzip, sdch", "gzip;q=1", ", ".join(["gzip"] * 5)):
        with pytest.raises(BadEncoding):
            Decoder(name, 1_000)


@pytest.mark.parametrize("step", [1, 3, 10_000])
def test_bytes_after_a_brotli_stream_are_an_error_however_they_come(step: int) -> None:
    with pytest.raises(BadEncoding):
        decode("br", brotli.compress(b"x" * 100) + b"\0", step=step)


@given(st.binary(max_size=300), st.sampled_from([*CODINGS, "br, gzip", "zstd, deflate"]))
def test_any_bytes_end_in_a_body_or_a_named_error(data: bytes, encoding: str) -> None:
    with contextlib.suppress(BadEncoding, TooMuch):
        assert len(decode(encoding, data)) <= 1_000
