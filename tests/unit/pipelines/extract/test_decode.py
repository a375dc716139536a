import gzip
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract import sniff
from pipelines.extract.charsets import NAME_OF, codecs_of
from pipelines.extract.decode import Undecodable, decode

SIMPLIFIED = "北京的冬天很冷，但是大家都说这里的人很热情，我们在学校里学习了一年，现在可以自己看书了。" * 3
TRADITIONAL = "臺北的冬天不冷，但是大家都說這裡的人很熱情，我們在學校裡學習了一年，現在可以自己看書了。" * 3
JAPANESE = "東京の冬は寒いですが、人々はとても親切です。私たちは学校で一年間勉強しました。" * 3
KOREAN = "서울의 겨울은 춥지만 사람들은 매우 친절합니다. 우리는 학교에서 일 년 동안 공부했습니다. " * 3
RUSSIAN = "Зимой в Москве холодно, но люди очень приветливы. Мы целый год учились в школе и теперь читаем сами. " * 3


def page(text: str, declared: str | None = None) -> str:
    meta = f'<meta charset="{declared}">' if declared else ""
    return f"<!DOCTYPE html><html><head>{meta}<title>t</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize("label", sorted(NAME_OF))
def test_every_label_has_a_codec_that_python_knows(label):
    for codec in codecs_of(NAME_OF[label]):
        assert "a".encode(codec).decode(codec).lstrip("\ufeff") == "a"


@pytest.mark.parametrize(
    ("text", "codec", "charset"),
    [
        (SIMPLIFIED, "gb2312", "gbk"),
        (SIMPLIFIED, "gb18030", "gbk"),
        (TRADITIONAL, "big5", "big5"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (KOREAN, "euc_kr", "euc-kr"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        ("“Déjà vu” — naïve café, für Größe und Straße, señor.", "cp1252", "windows-1252"),
    ],
)
@pytest.mark.parametrize("lie", [None, "utf-8", "iso-8859-1", "gb2312", "big5", "shift_jis"])
def test_the_text_is_right_whatever_is_declared(text, codec, charset, lie):
    if lie in ("gb2312", "big5", "shift_jis") and charset in ("windows-1252", "koi8-r", "windows-1251"):
        lie = "euc-kr"  # the others happen to decode these few letters without an error
    source = page(text, lie)
    decoded = decode(source.encode(codec))
    assert decoded.text == source
    assert NAME_OF[decoded.charset] in (charset, "gb18030" if charset == "gbk" else charset)


def test_the_header_comes_before_meta():
    source = page("ŠŽšž", "windows-1250")
    assert decode(source.encode("cp1252"), "text/html; charset=windows-1252").text == source


def test_a_valid_utf8_page_is_utf8_whatever_is_declared():
    source = page(SIMPLIFIED, "gb2312")
    assert decode(source.encode(), 'text/html; charset="gbk"').text == source


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_with_and_without_mark(codec):
    source = page(SIMPLIFIED, "utf-8")
    assert decode(source.encode(codec)).text == source
    assert decode(("\ufeff" + source).encode(codec)).text == source


def test_marks_are_no_text():
    assert decode(b"\xef\xbb\xbf<p>x").text == "<p>x"


def test_some_broken_bytes_do_not_lose_a_page():
    body = page(SIMPLIFIED, "utf-8").encode().replace("热情".encode(), b"\xff\xfe\xe7\x83\xad", 1)
    decoded = decode(body)
    assert decoded.charset == "utf-8"
    assert "\ufffd" in decoded.text and "北京的冬天" in decoded.text


@pytest.mark.parametrize(
    ("body", "rule", "detail"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10, "not_html", "png"),
        (b"%PDF-1.7\n...", "not_html", "pdf"),
        (bytes(2000), "not_html", "binary"),
        (bytes(range(256)) * 40, "not_html", "binary"),
        (gzip.compress(page(SIMPLIFIED).encode() * 50)[:-40], "not_html", "gzip_truncated"),
        (b"\x1f\x8b\x08rubbish that is no gzip", "not_html", "gzip_broken"),
        (gzip.compress(bytes(2_000_000)), "page_too_large", "gzip"),
    ],
)
def test_what_is_no_page(body, rule, detail):
    with pytest.raises(Undecodable) as caught:
        decode(body, max_bytes=1_000_000)
    assert (caught.value.rule, caught.value.detail) == (rule, detail)


def test_a_whole_gzip_body_is_unpacked():
    source = page(SIMPLIFIED)
    assert decode(gzip.compress(source.encode())).text == source


def test_bytes_that_no_encoding_explains_are_mojibake():
    body = b"<html><p>" + random.Random(5).randbytes(4000).translate(bytes(128 + i % 128 for i in range(256)))
    with pytest.raises(Undecodable) as caught:
        decode(body)
    assert caught.value.rule == "mojibake"


@given(st.binary(max_size=300))
def test_any_bytes_give_text_or_a_reject(body):
    try:
        decoded = decode(body)
    except Undecodable as error:
        assert error.rule in ("not_html", "mojibake", "page_too_large")
    else:
        decoded.text.encode("utf-8")
        assert decoded.charset in NAME_OF.values()


def test_prescan_ignores_comments_and_reads_http_equiv_and_xml():
    assert sniff.of_meta(b"<!-- <meta charset=gbk> --><meta charset='big5'>") == "big5"
    assert sniff.of_meta(b'<META content="text/html; charset=GB2312" http-equiv=Content-Type>') == "gbk"
    assert sniff.of_meta(b'<?xml version="1.0" encoding="Shift_JIS"?><html>') == "shift_jis"
    assert sniff.of_meta(b"<meta charset=utf-16>") == "utf-8"
    assert sniff.of_meta(b"<meta charset=nonsense>") is None
