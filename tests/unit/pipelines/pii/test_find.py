"""Recognisers, each with what it must find and what it must leave."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.pii.find import Finding, find, settle
from pipelines.pii.prefilter import Flag

EVERYTHING = sum(Flag)


def found(text: str) -> list[tuple[str, str]]:
    return [(f.entity, text[f.start : f.end]) for f in find(text)[0]]


FOUND = [
    ("CN_ID_CARD", "身份证号{}已登记", ["11010519491231002X", "11010519491231002x", "110105 19491231 002X",
                                 "110105-19491231-002X", "１１０１０５１９４９１２３１００２Ｘ",
                                 "1101 0519 4912 3100 2X"]),
    ("CN_ID_CARD", "身份证：{}。", ["110105491231002"]),
    ("CN_MOBILE", "请拨打{}联系我", ["13812345678", "138 1234 5678", "138-1234-5678", "+8613812345678",
                                     "+86 138 1234 5678",
                                "0086-13812345678", "１３８１２３４５６７８", "138\u200b1234\u200b5678",
                                "1381 234 5678",
                                "8613812345678", "(+86)13812345678", "138－1234－5678", "1 3 8 1 2 3 4 5 6 7 8",
                                "١٣٨١٢٣٤٥٦٧٨"]),
    ("EMAIL", "写信给{}谢谢", ["a@b.cn", "john.smith+tag@mail.example.co.uk", "12345678@qq.com", "x@126.com",
                               "ｊｏｅ＠ｑｑ．ｃｏｍ"]),
    ("IP_ADDRESS", "来自 {} 的请求", ["58.8.8.8", "2400:3200:85a3::8a2e:370:7334"]),
    ("IP_ADDRESS", "IP：{}。", ["8.8.8.8"]),
    ("QQ_NUMBER", "我的QQ：{}，请加", ["12345", "1234567890"]),
    ("QQ_NUMBER", "扣扣号{}", ["987654321"]),
    ("WECHAT_ID", "加微信号：{}聊", ["wxid_abc123", "zhang_san", "lisi2020"]),
    ("WECHAT_ID", "加vx {}", ["zhang_san88"]),
    ("BANK_CARD", "卡号{}开户", ["6222021234567890128", "6222 0212 3456 7890 128", "4111-1111-1111-1111",
                                 "378282246310005"]),
    ("CN_PASSPORT", "护照号码：{}，", ["E12345678", "EA1234567", "G12345678"]),
    ("CN_PLATE", "车牌{}停在", ["京A12345", "粤B·D1234", "沪AD12345", "浙F3V99挂", "粤Z1234港"]),
    ("PHONE", "电话{}转", ["010-62345678", "(021) 62345678", "+44 20 7946 0958", "400-820-8820", "6234 5678"]),
    ("PHONE", "my number is {} now", ["905-674-3793", "(905) 674-3793", "1-905-674-3793", "024 971 50 30",
                                    "01.84.17.61.18"]),
    ("URL_CREDENTIALS", "见 https://{}@host.example/x", ["user:pa55w0rd"]),
    ("IBAN", "to {} today", ["GB29 NWBK 6016 1331 9268 19", "DE89370400440532013000"]),
    ("US_SSN", "SSN {} on file", ["853-37-1694"]),
    ("SECRET", "用 {} 登录", ["AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 9, "sk-proj-abc123DEF456ghi789",
                          "AIza" + "Sy1-_" * 7, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4",
                          "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"]),
    ("SECRET", 'api_key = "{}"', ["0123456789abcdef0123"]),
]  # fmt: skip


@pytest.mark.req("PII-03")
@pytest.mark.parametrize(
    ("entity", "frame", "value"), [(entity, frame, value) for entity, frame, values in FOUND for value in values]
)
def test_a_value_is_found_whole(entity: str, frame: str, value: str) -> None:
    assert found(frame.format(value)) == [(entity, value)]


@pytest.mark.parametrize("text", [
    "", "第3章 1.2.3.4 节", "升级到版本 23.45.67.89 后", "version 58.0.3029.110 of Chrome", "lib-45.46.47.48.tar.gz",
    "2023-08-16 18:24:57", "2023 年 8 月 16 日 12345 元", "订单号 20230816182457123", "共 12,345,678,901 元",
    "0.13812345678",
    "a13812345678b", "110105194912310021", "3.14159265358979323846", "std::vector::a::b", "12:34:56:78", "@media @2x",
    "pkg@1.2.3-beta.xy", "QQ音乐 2023 年", "微信 Android 版本", "微信公众号：rmrb2020", "新A股 12 只",
    "token: undefined_value_here",
    "4111 1111 1111 1112", "<PHONE>", "<CN_MOBILE:0f3a> 号", "⟦img:13812345678⟧", "127.0.0.1",
    "password: correct horse",
    "WX_DEFAULT_1 wx:GetSize2", "approximately 0.785398163397448", "array([[14.012345678]])", "00 01 02 03 04 05 06 07",
    "10.1.2.3 and 192.168.1.77", "138.01234567", "geometry 1440 900 1440 900 32",
    "z = 1.25 +1.46869393991589j", "Use a phone. approximately 3.14159265",
    "https://host.example:8080/a@b", "电话会议于 2023-08-16 召开", "联系方式。编号 41184878",
    "risk-based task-oriented",
])  # fmt: skip
def test_what_only_looks_like_personal_data_is_left(text: str) -> None:
    assert found(text) == []


def test_the_entity_of_higher_priority_wins_then_the_longer() -> None:
    a, b, c = Finding("PHONE", 0, 20), Finding("CN_MOBILE", 5, 16), Finding("CN_MOBILE", 8, 18)
    assert settle([a, b, c]) == [b]
    assert settle([c, Finding("CN_MOBILE", 0, 8), a]) == [Finding("CN_MOBILE", 0, 8), c]


PIECES = st.sampled_from(
    [*"0123456789 .-+()@:/<>⟦⟧Xx京A_=，\n１－", "13812345678", "11010519491231002X", "a@b.cn", "QQ", "微信：", "://",
    "u:p@",
     "86", "4111111111111111", "8.8.8.8", "<PHONE>", "⟦img:a⟧", "AKIAIOSFODNN7EXAMPLE", "password=", "电话", "ab1_",
     "::",
     "2400:3200:", "\u200b", "护照", "E1234567", "粤B", "sk-", "GB29NWBK60161331926819", "+44 20 7946 0958", "ＱＱ",
     "Ｖ信"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join)


@given(TEXTS)
def test_the_prefilter_misses_nothing(text: str) -> None:
    assert find(text)[0] == find(text, EVERYTHING)[0]


@pytest.mark.parametrize("text", [frame.format(v) for _, frame, values in FOUND for v in values])
def test_the_prefilter_announces_every_known_value(text: str) -> None:
    assert find(text)[0] == find(text, EVERYTHING)[0]


@given(TEXTS)
def test_findings_are_sorted_and_apart_and_leave_atoms_alone(text: str) -> None:
    last = 0
    for finding in find(text)[0]:
        assert last <= finding.start < finding.end <= len(text)
        last = finding.end
        assert "⟦img:a⟧" not in text[finding.start : finding.end]
        assert "<PHONE>" not in text[finding.start : finding.end]


@pytest.mark.parametrize("piece", [
    "1", "12 ", "138 ", "a@", "@", "://", "://a:", "QQ ", "微信", "sk-", "eyJ", "-----BEGIN PRIVATE KEY-----", "京A",
    ":", "1:",
    "1.", "password=", "a.", "护照 ", "A1 ", "+1(", "GB29 ", "电话", "=A", "<A", "⟦a:", "１", "abc-",
])  # fmt: skip
def test_time_grows_with_the_length_of_hostile_text(piece: str) -> None:
    """Sixteen times the text may take forty times as long, not two hundred and fifty-six."""
    short, long = piece * (5_000 // len(piece)), piece * (310_000 // len(piece))
    find(short, EVERYTHING)
    ratios = []
    for _ in range(3):
        start = time.process_time()
        find(short, EVERYTHING)
        middle = time.process_time()
        find(long, EVERYTHING)
        ratios.append((time.process_time() - middle + 0.01) / (middle - start + 0.01))
    assert min(ratios) < 40
