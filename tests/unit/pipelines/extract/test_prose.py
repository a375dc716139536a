import time

import pytest

from pipelines.extract.prose import (
    bullet,
    ends_sentence,
    glue,
    is_contents_line,
    is_unfinished,
    numbering,
    ordered,
    width,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("第一章 总则", ("chapter", 2)),
        ("第十二节　附则", ("chapter", 3)),
        ("第二编 物权", ("chapter", 1)),
        ("Chapter IV The sea", ("chapter", 2)),
        ("Appendix A Tables", ("chapter", 2)),
        ("Part 2", ("chapter", 1)),
        ("1 Introduction", ("decimal", 1)),
        ("3.2.1 Results", ("decimal", 3)),
        ("2．1 方法", ("decimal", 2)),
        ("三、结论", ("han", 1)),
        ("（二）范围", ("han", 2)),
        ("Chapters are long", None),
        ("1984", None),
        ("第三方支付", None),
        ("一个人", None),
    ],
)
def test_numbers_of_headings(text, number):
    assert numbering(text) == number


@pytest.mark.parametrize(
    ("text", "length"), [("• one", 2), ("- one", 2), ("-one", 0), ("\uf0b7 x", 2), ("●甲", 1), ("*", 0), ("—", 0)]
)
def test_bullets(text, length):
    assert bullet(text) == length


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1. one", 3),
        ("1.5 kg", 0),
        ("(a) one", 4),
        ("（3）甲", 3),
        ("①甲", 1),
        ("2、乙", 2),
        ("a. b", 3),
        ("e.g. this", 0),
    ],
)
def test_list_numbers(text, length):
    assert ordered(text) == length


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [("中文", "续行", ""), ("中文，", "续行", ""), ("word", "next", " "), ("使用", "Python", " "),
     ("他说：“", "好”", ""), ("a ", "b", ""), ("", "b", "")],
)  # fmt: skip
def test_lines_are_joined_without_a_space_between_ideographs(before, after, between):
    assert glue(before, after) == between


def test_ends():
    assert (
        ends_sentence("Done.") and ends_sentence("好。”") and ends_sentence("(So it is.)") and ends_sentence("然后……")
    )
    assert not ends_sentence("and then") and not ends_sentence("例如：") and not ends_sentence("")
    assert is_unfinished("例如：") and is_unfinished("one,") and not is_unfinished("one.")


def test_lines_of_contents_and_widths():
    assert is_contents_line("1.2 Methods ........ 17") and is_contents_line("第一章 总则……………… 3")
    assert not is_contents_line("It costs 17") and not is_contents_line("1.2")
    assert width("ab") == 2 and width("中a") == 3


def test_hostile_lines_are_read_in_linear_time():
    def seconds(n):
        start = time.process_time()
        for text in ("." * n, "1." * n, "(" * n, "第" + "一" * n, " " * n + "9", "i" * n, "•" * n):
            numbering(text), bullet(text), ordered(text), is_contents_line(text), ends_sentence(text)
        return time.process_time() - start

    seconds(1000)
    assert seconds(400_000) < 20 * max(seconds(50_000), 0.002)
