import contextlib
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.crawl.urls import UrlError, host_of, join, normalise, origin_of, remove_dot_segments, site_of, url_id

#: Cases of RFC 3986 section 6.2.2 and 6.2.3, of the WHATWG URL standard's test page, and our own policy.
SAME = {
    "HTTP://www.Example.com/": "http://www.example.com/",
    "http://example.com": "http://example.com/",
    "http://example.com:80/": "http://example.com/",
    "http://example.com:/": "http://example.com/",
    "https://example.com:443/x": "https://example.com/x",
    "https://example.com:80/x": "https://example.com:80/x",
    "http://example.com/a/./b/../b/%63/%7bfoo%7d": "http://example.com/a/b/c/%7Bfoo%7D",
    "http://example.com/%7Esmith/home.html": "http://example.com/~smith/home.html",
    "http://example.com/a/%2e%2E/b": "http://example.com/b",
    "http://example.com/../../a": "http://example.com/a",
    "http://example.com/a/..": "http://example.com/",
    "http://example.com//a//b": "http://example.com//a//b",
    "http://example.com/a%2Fb": "http://example.com/a%2Fb",
    "http://example.com/100%": "http://example.com/100%25",
    "http://example.com/a#fragment?x": "http://example.com/a",
    "http://example.com/?": "http://example.com/",
    "http://example.com/?b=2&a=1": "http://example.com/?b=2&a=1",
    "http://example.com/?utm_source=x&id=7&UTM=1&utm_medium=y": "http://example.com/?id=7&UTM=1",
    "http://example.com/?gclid=x": "http://example.com/",
    "http://example.com/?utm=1": "http://example.com/?utm=1",
    "http://example.com/中文?q=茶": "http://example.com/%E4%B8%AD%E6%96%87?q=%E8%8C%B6",
    "http://example.com/a b\x00": "http://example.com/a%20b",
    "http://example.com/a\x00b": "http://example.com/a%00b",
    " \thttp://exa\nmple.com/ ": "http://example.com/",
    "http:\\\\example.com\\a\\b": "http://example.com/a/b",
    "http://Bücher.example/": "http://xn--bcher-kva.example/",
    "http://例子.测试/": "http://xn--fsqu00a.xn--0zwm56d/",
    "http://faß.de/": "http://xn--fa-hia.de/",
    "http://ｅｘａｍｐｌｅ．com/": "http://example.com/",
    "http://ex%61mple.com./": "http://example.com/",
    "http://my_host.example/": "http://my_host.example/",
    "http://0x7f.1/": "http://127.0.0.1/",
    "http://2130706433/": "http://127.0.0.1/",
    "http://0177.0.0.1/": "http://127.0.0.1/",
    "http://[::FFFF:127.0.0.1]:8080/": "http://[::ffff:7f00:1]:8080/",
    "http://[2001:DB8:0:0::1]/": "http://[2001:db8::1]/",
}
REFUSED = {
    "file:///etc/passwd": "scheme",
    "FILE:/etc/passwd": "scheme",
    "ftp://example.com/": "scheme",
    "javascript:alert(1)": "scheme",
    "//example.com/": "scheme",
    "example.com": "scheme",
    "": "scheme",
    "http://user:secret@example.com/": "credentials",
    "http://@example.com/": "credentials",
    "http://example.com\\@evil.example:80/": None,
    "http://example.com:0/": "port",
    "http://example.com:65536/": "port",
    "http://example.com:22/": "port",
    "http://example.com:8x/": "port",
    "http://example.com:٨٠/": "port",
    "http:///": "host",
    "http://a..b/": "host",
    "http://exa mple.com/": "host",
    "http://exa%2Fmple.com/": "host",
    "http://%ff.example/": "host",
    "http://\ud800.example/": "host",
    "http://256.1.1.1/": "host",
    "http://1.2.3.4.5/": "host",
    "http://1_0.0.0.1/": "host",
    "http://[::1/": "port",
    "http://[fe80::1%25eth0]/": "host",
    "http://" + "a" * 64 + ".example/": "host",
    "http://example.com/" + "a" * 8_000: "length",
    "http://example.com/" + "中" * 2_000: "length",
    "http://example.com/\udfff": "encoding",
}


@pytest.mark.parametrize("url", SAME)
def test_normal_form(url: str) -> None:
    assert normalise(url) == SAME[url]


@pytest.mark.parametrize("url", [u for u, rule in REFUSED.items() if rule])
def test_refused(url: str) -> None:
    with pytest.raises(UrlError) as error:
        normalise(url)
    assert error.value.rule == REFUSED[url]


def test_a_backslash_ends_the_authority_as_in_browsers() -> None:
    assert normalise("http://example.com\\@evil.example/") == "http://example.com/@evil.example/"


def test_an_error_never_shows_the_secret() -> None:
    with pytest.raises(UrlError) as error:
        normalise("http://user:secret@example.com/")
    assert "secret" not in str(error.value)


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=40).map("http://example.com/".__add__),
        st.text(alphabet="%41fF/.?&#\\:@[]\x00中\ud800 ", max_size=40).map("http://a.example".__add__),
        st.text(alphabet="%4e.-xn0123456789ßéｅ中\u200d\u0301", max_size=30).map("http://".__add__),
    )
)
@example("http://a.example/%%34%31")
@example("http://a.example/%2525")
def test_normalising_is_idempotent_and_raises_nothing_else(url: str) -> None:
    try:
        once = normalise(url)
    except UrlError:
        return
    assert normalise(once) == once
    assert once.isascii()


@given(st.lists(st.sampled_from(["a", ".", "..", "", "b"]), max_size=8))
def test_dot_segments_agree_with_the_loop_of_the_rfc(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    assert remove_dot_segments(path) == _rfc_loop(path)


def _rfc_loop(given_path: str) -> str:
    """RFC 3986 section 5.2.4, word for word."""
    source, out = given_path, ""
    while source:
        if source.startswith("/./") or source == "/.":
            source = "/" + source[3:]
        elif source.startswith("/../") or source == "/..":
            source, out = "/" + source[4:], out[: max(out.rfind("/"), 0)]
        else:
            end = source.find("/", 1)
            end = len(source) if end < 0 else end
            source, out = source[end:], out + source[:end]
    return out


def test_join_and_parts() -> None:
    url = join("http://www.example.com:8080/a/b?x", "../c?y#z")
    assert url == "http://www.example.com:8080/c?y"
    assert (origin_of(url), host_of(url)) == ("http://www.example.com:8080", "www.example.com:8080")
    assert site_of(url) == "example.com:8080"
    assert len(url_id(url)) == 32
    for bad in ("mailto:a@b.example", "http://[", "//user@example.com/"):
        with pytest.raises(UrlError):
            join(url, bad)


def test_time_grows_with_the_length_only() -> None:
    def seconds(n: int) -> float:
        path = "/".join(["..", "%", "%41", "é", "."] * n)[:7_900]
        start = time.perf_counter()
        for _ in range(20):
            with contextlib.suppress(UrlError):
                normalise("http://example.com/" + path)
        return time.perf_counter() - start

    seconds(10)
    assert min(seconds(400) for _ in range(3)) < 12 * min(seconds(100) for _ in range(3))
