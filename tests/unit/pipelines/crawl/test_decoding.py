import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.crawl.decoding import BadEncoding, Decoder, TooMuch


def decode(encoding: str, data: bytes, limit: int = 1_000, step: int = 7, cut: bool = False) -> bytes:
    decoder = Decoder(encoding, limit, cut)
    out = b"".join(decoder.feed(data[at : at + step]) for at in range(0, len(data), step))
    decoder.finish()
    return out


@given(st.binary(max_size=500), st.integers(1, 100), st.sampled_from(["gzip", "X-GZIP", "deflate", "identity", ""]))
def test_whatever_the_chunks_the_body_comes_back(body: bytes, step: int, encoding: str) -> None:
    packed = {"g": gzip.compress, "d": zlib.compress}.get(encoding.lower().removeprefix("x-")[:1], bytes)(body)
    assert decode(encoding, packed, step=step) == body


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.integers(1, 60))
def test_members_follow_one_another(parts: list[bytes], step: int) -> None:
    packed = b"".join(map(gzip.compress, parts)) + b"\0" * 10
    assert decode("gzip", packed, step=step) == b"".join(parts)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", ""])
def test_the_limit_is_exact(encoding: str) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "": bytes}[encoding]
    assert decode(encoding, pack(b"x" * 1_000)) == b"x" * 1_000
    with pytest.raises(TooMuch):
        decode(encoding, pack(b"x" * 1_001))
    assert decode(encoding, pack(b"x" * 1_001), cut=True) == b"x" * 1_000


def test_a_bomb_is_never_unpacked_beyond_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    decoder = Decoder("gzip", 1_000, cut=True)
    assert len(decoder.feed(bomb)) == 1_000
    assert decoder.full


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("br", b""),
        ("gzip, gzip", b""),
        ("gzip", b"plain text"),
        ("gzip", gzip.compress(b"x" * 100)[:-1]),
        ("deflate", zlib.compress(b"x" * 100)[:-1]),
        ("deflate", b"\xff\xff\xff"),
    ],
)
def test_what_cannot_be_decoded(encoding: str, data: bytes) -> None:
    with pytest.raises(BadEncoding):
        decode(encoding, data)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_end_in_a_body_or_a_named_error(data: bytes, encoding: str) -> None:
    with contextlib.suppress(BadEncoding, TooMuch):
        assert len(decode(encoding, data)) <= 1_000
