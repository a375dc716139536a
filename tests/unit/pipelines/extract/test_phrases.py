import pytest

from pipelines.extract.phrases import is_head_line, is_label, is_tail_line


@pytest.mark.parametrize(
    "text",
    [
        "Advertisement",
        "READ MORE »",
        "Related articles:",
        "相关阅读",
        "点击此处",
        "加载中...",
        "Share",
        "打印 关闭",
        "已输入0字",
        "评论（12）",
        "Table of contents",
        "5 min read",
    ],
)
def test_labels(text):
    assert is_label(text)


@pytest.mark.parametrize(
    "text",
    [
        "Share prices fell.",
        "Images of the harbour",
        "广告业的春天",
        "关注民生",
        "5 min",
        "打印机的历史",
        "Comments on the theory",
        "",
    ],
)
def test_no_labels(text):
    assert not is_label(text)


@pytest.mark.parametrize(
    "text",
    [
        "2022-02-13 09:57 光明网",
        "来源：新华网 作者：王某",
        "By Jane Doe",
        "Published 3 May",
        "您现在的位置：读书 -> 连载",
        "来源于：东区办事处",
        "Friday, Dec. 19, 2025",
        "July 4th 1999",
    ],
)
def test_lines_above_a_text(text):
    assert is_head_line(text)


@pytest.mark.parametrize(
    "text",
    [
        "本报讯 今天上午",
        "By the end of the year all of them had left.",
        "The year 2020 was hot",
        "2005年7月3日，我在湖南开会",
    ],
)
def test_first_lines_of_a_text(text):
    assert not is_head_line(text)


@pytest.mark.parametrize(
    "text",
    [
        "责任编辑：李楠",
        "未经本报书面授权许可，不得转载。",
        "© 2020 Daily News. All rights reserved.",
        "Follow us on Twitter",
        "Tags: boats, harbour",
        "声明：本文仅供参考",
        "正文已结束，您可以按alt+4进行评论",
        "Like this story? Share it with a friend!",
    ],
)
def test_lines_below_a_text(text):
    assert is_tail_line(text)


@pytest.mark.parametrize("text", ["The boats lay still.", "船都停着不动。", "He wanted to follow his father."])
def test_last_lines_of_a_text(text):
    assert not is_tail_line(text)
