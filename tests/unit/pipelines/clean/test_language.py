from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.clean import language
from pipelines.clean.counts import count
from pipelines.clean.normalise import mark
from pipelines.texts import from_arrow


def by_script(text: str) -> tuple[str, float]:
    texts, _ = from_arrow(pa.array([text]))
    languages, scores = language.by_script(count(texts, mark(texts)))
    return languages[0], float(scores[0])


@pytest.mark.req("CLN-09")
@pytest.mark.parametrize(("text", "expected"), [
    ("今天天气很好，我们一起去公园散步吧。", "zh"),
    ("使用 pip install numpy 安装软件包，然后导入模块并运行测试程序。", "zh"),
    ("这家の店很好吃，大家都很喜欢去那里吃饭聚会聊天看风景。", "zh"),
    ("今日は天気がいいので、公園を散歩しましょう。", "ja"),
    ("오늘은 날씨가 좋아서 공원에 산책하러 갑시다.", "ko"),
    ("The weather is fine today, so we should go for a walk in the park.", "en"),
    ("Heute ist das Wetter schön, also gehen wir im Park spazieren.", "und"),
    ("Il fait beau aujourd'hui, allons nous promener dans le parc.", "und"),
    ("Hoy hace buen tiempo, vamos a dar un paseo por el parque.", "und"),
    ("Сегодня хорошая погода, пойдёмте гулять в парк.", "und"),
    ("Σήμερα ο καιρός είναι καλός, πάμε μια βόλτα στο πάρκο.", "el"),
    ("วันนี้อากาศดี ไปเดินเล่นในสวนสาธารณะกันเถอะ", "th"),
    ("12345 67890 !!!", "und"),
    ("", "und"),
])  # fmt: skip
def test_the_script_rule(text: str, expected: str) -> None:
    found, score = by_script(text)
    assert found == expected
    assert 0.0 <= score <= 1.0
    assert (score >= 0.5) == (expected != "und")


def test_the_model_decides_where_the_script_leaves_a_choice() -> None:
    assert language.combine(("und", 0.0), ("de", 0.9)) == ("de", 0.9)
    assert language.combine(("en", 0.7), ("fr", 0.8)) == ("fr", 0.8)
    assert language.combine(("und", 0.0), ("fr", 0.2)) == ("fr", 0.2)


def test_the_rule_stands_by_a_model_that_is_unsure() -> None:
    assert language.combine(("en", 0.9), ("en", 0.3)) == ("en", 0.9)
    assert language.combine(("en", 0.7), ("la", 0.3)) == ("en", 0.7)


def test_the_model_cannot_name_a_language_whose_script_is_not_there() -> None:
    assert language.combine(("en", 0.7), ("zh", 0.8)) == ("en", 0.7)


def test_a_hint_settles_only_what_looks_a_little_like_english() -> None:
    english = "Install numpy pandas scipy matplotlib jupyter seaborn requests for data analysis projects quickly numba"
    texts, _ = from_arrow(pa.array([english, "Hoy vamos todos juntos"]))
    counts = count(texts, mark(texts))
    assert [language.hint_fits("en-us", counts, row) for row in (0, 1)] == [True, False]
    assert not language.hint_fits("fr", counts, 0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> language.Model:
    """A tiny fastText model with the labels of lid.176, trained here."""
    import fasttext

    folder = tmp_path_factory.mktemp("model")
    lines = [f"__label__en the weather is fine and we walk in the park {i}" for i in range(50)]
    lines += [f"__label__de das wetter ist gut und wir gehen in den park {i}" for i in range(50)]
    (folder / "train.txt").write_text("\n".join(lines))
    trained = fasttext.train_supervised(str(folder / "train.txt"), dim=4, epoch=50, lr=0.5, thread=1, verbose=0)
    path = folder / "tiny.bin"
    trained.save_model(str(path))
    return language.Model(Path(path))


def test_a_model_reads_the_beginning_of_a_text_as_one_line(model: language.Model) -> None:
    assert model("das wetter\nist gut\x00 und wir\u2028gehen")[0] == "de"
    assert model("the weather is fine and we walk " * 20_000)[0] == "en"
    assert 0.5 < model("the weather is fine")[1] <= 1.0


def test_a_model_has_no_answer_for_an_empty_text(model: language.Model) -> None:
    assert model(" \n\u200b") == ("und", 0.0)


def test_a_file_that_is_no_model_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.ftz").write_bytes(b"no model")
    with pytest.raises(ValueError, match="wrong file format"):
        language.Model(tmp_path / "x.ftz")


def test_scores_are_numbers() -> None:
    texts, _ = from_arrow(pa.array(["", "a", "中"]))
    assert np.isfinite(language.by_script(count(texts, mark(texts)))[1]).all()
