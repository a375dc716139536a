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


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("北京的天气很好", "gb18030"),
        ("臺北的天氣很好", "big5"),
        ("東京の天気は良い", "shift_jis"),
        ("東京の天気は良い", "euc_jp"),
        ("서울의 날씨는 좋다", "euc_kr"),
    ],
)
@pytest.mark.parametrize("lie", [None, "utf-8", "iso-8859-1"])
def test_a_few_characters_are_enough(text, codec, lie):
    source = page(text, lie)
    assert decode(source.encode(codec)).text == source


@pytest.mark.parametrize(
    ("text", "codec"),
    [(SIMPLIFIED, "gb18030"), (TRADITIONAL, "big5"), (JAPANESE, "euc_jp"), (KOREAN, "euc_kr"), (SIMPLIFIED, "utf-8")],
)
@pytest.mark.parametrize("damage", ["cut", "first half", "second half"])
def test_one_damaged_character_costs_one_character(text, codec, damage):
    whole = text.encode(codec)
    at = len(text[:20].encode(codec))
    size = len(text[20].encode(codec))
    if damage == "cut":
        body, expected = whole[:at] + whole[at : at + 1], text[:20]
    else:
        bad = at if damage == "first half" else at + size - 1
        body, expected = whole[:bad] + b"\xff" + whole[bad + 1 :], text[:20] + text[21:]
    decoded = decode(b"<p>" + body).text[3:]
    assert decoded.replace("\ufffd", "").startswith(expected[:20])
    if damage != "cut":
        assert decoded.endswith(expected[21:])


def test_greek_of_windows_and_of_iso_are_told_apart_by_the_accented_capital():
    source = page("Άννα, πότε ήρθε η Άνοιξη στην Αθήνα; Είναι ωραία πόλη και ο καιρός είναι καλός. " * 5)
    for codec in ("iso8859-7", "cp1253"):
        assert decode(source.encode(codec)).text == source


def test_an_apostrophe_of_a_mac_is_no_capital_letter():
    source = page("This is Daniel’s book.")
    assert decode(source.encode("mac_roman")).text == source


@pytest.mark.parametrize("text", [SIMPLIFIED, "Déjà vu, naïve café, für Größe und Straße, señor, naïveté. ", KOREAN])
def test_text_that_was_encoded_twice_is_encoded_once(text):
    twice = "".join(chr(b) if chr(b) not in CP1252 else CP1252[chr(b)] for b in page(text).encode())
    assert decode(twice.encode()).text == page(text)


CP1252 = {chr(b): bytes([b]).decode("cp1252") for b in range(128, 160) if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


@pytest.mark.parametrize("text", ["Â", "«Ãou»", "GRÂCE À TOI, ÇA ÉTAIT BIEN FAIT", "ПРИВЕТ", "50 °C ± 2 µm, ½ × ¾"])
def test_rare_letters_are_not_taken_for_double_encoding(text):
    assert decode(page(text).encode()).text == page(text)


def test_a_mark_before_text_in_another_encoding_is_not_believed():
    source = page(SIMPLIFIED)
    assert decode(b"\xef\xbb\xbf" + source.encode("gbk")).text == source


def test_the_mark_comes_before_the_header_and_the_header_before_meta():
    assert decode(b"\xff\xfe" + page("ŠŽ").encode("utf-16-le"), "text/html; charset=gbk").charset == "utf-16le"
    assert (
        decode(page("ŠŽšž", "iso-8859-2").encode("cp1250"), "text/html; charset=windows-1250").charset == "windows-1250"
    )


def test_noise_with_a_mark_is_mojibake():
    noise = random.Random(1).randbytes(20_000)
    with pytest.raises(Undecodable) as caught:
        decode(b"\xff\xfe" + noise)
    assert caught.value.rule == "mojibake"


def test_a_rule_of_dots_is_no_east_asian_text():
    source = page("Prices ············ from Müller")
    assert decode(source.encode("cp1252")).text == source
