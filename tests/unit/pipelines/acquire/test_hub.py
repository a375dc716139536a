import pytest

from pipelines.acquire.hub import Data, card_of, chosen, forbidden, splits

CARD = """---
license: cc-by-sa-4.0
language:
- zh
- en
pretty_name: 中文问答
task_categories: [question-answering]
configs:
- config_name: squad
  data_files:
  - split: train
    path: "data/train-*.parquet"
  - {split: validation, path: [data/dev.jsonl, "./data/more/**/*.jsonl"]}
- config_name: plain
  data_dir: extra
  default: true
dataset_info:
- config_name: squad
  features:
  - {name: question, dtype: string}
  - {name: context, dtype: string}
---
# A set
"""


def readme(front):
    return f"---\n{front}\n---\ntext\n"


@pytest.mark.req("CRL-09")
def test_a_card_tells_licence_languages_files_and_whether_questions_have_a_context():
    card = card_of(CARD)
    assert (card.title, card.licence, card.languages) == ("中文问答", "cc-by-sa-4.0", ("zh", "en"))
    assert card.data == (
        Data("squad", "train", "data/train-*.parquet"),
        Data("squad", "validation", "data/dev.jsonl"),
        Data("squad", "validation", "data/more/**/*.jsonl"),
        Data("plain", "train", "extra/**"),
    )
    assert card.has_context and card.priority == 85


@pytest.mark.req("CRL-09")
def test_chinese_questions_with_a_context_come_before_all_others():
    zh, context = "language: zh\nlicense: mit", "task_ids: [extractive-qa]"
    figures = [
        card_of(readme(front)).priority
        for front in (f"{zh}\n{context}", context + "\nlicense: mit", zh, "license: mit")
    ]
    assert figures == [85, 75, 70, 60]


def test_files_are_chosen_by_the_card_and_what_is_missing_is_told():
    names = [
        ".git/x.jsonl", "README.md", "data/dev.jsonl", "data/load.py", "data/more/a.jsonl", "data/more/b/c.jsonl",
        "data/train-0.parquet", "extra/x.pkl", "extra/y/z.csv", "other.csv",
    ]  # fmt: skip
    data, unmet = chosen(names, card_of(CARD))
    assert list(data) == [
        "data/dev.jsonl", "data/more/a.jsonl", "data/more/b/c.jsonl", "data/train-0.parquet", "extra/y/z.csv",
    ]  # fmt: skip
    assert data["data/train-0.parquet"].split == "train" and not unmet
    assert splits(data.values()) == "plain/train, squad/train, squad/validation"
    assert chosen(["a.csv"], card_of(CARD))[1] == [d.pattern for d in card_of(CARD).data]


def test_without_configs_every_file_of_records_is_data():
    names = [
        "README.md",
        "LICENSE",
        "a.jsonl.gz",
        "dataset_infos.json",
        "b/c.parquet",
        ".x/d.csv",
        "run.py",
        "w.bin",
        "e.txt",
    ]
    assert list(chosen(names, card_of(readme("license: mit")))[0]) == ["a.jsonl.gz", "b/c.parquet", "e.txt"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [("load.py", "script"), ("a/B.IPYNB", "script"), ("x.pkl.gz", "pickle"), ("m.pt", "pickle"), ("a.csv", None)],
)
def test_scripts_and_pickles_are_told_by_name(name, rule):
    assert forbidden(name) == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only text",
        "---\nunclosed: 1\n",
        "---\ntitle: a page of a site\n---\n",
        "---\nlicense: [a\n---\n",
        "---\n- license\n---\n",
        "---\nlicense: !!python/object/apply:os.system [ls]\n---\n",
        "---\na: &a [x, x]\nlicense: *a\n---\n",
        "---\nlicense: " + "[" * 5000 + "\n---\n",
        "---\nlicense: " + "{a: " * 5000 + "\n---\n",
        "---\nlicense: 2024-99-99 25:61\n? [a]\n: b\n---\n",
    ],
)
def test_what_is_no_card_is_none_or_harmless(text):
    card = card_of(text)
    assert card is None or card.licence


@pytest.mark.parametrize(
    ("front", "licence", "languages"),
    [
        ("license: other\nlicense_name: our own", "our own", ()),
        ("license: [mit, apache-2.0]\nlanguage: no", "mit; apache-2.0", ("no",)),
        ("license: unknown\nlanguage: [zh-CN, Chinese, xx-unknown-long-tag-that-is-none]", "", ("zh",)),
        ("license: 5\nlanguage: 5\nconfigs: 5\ndataset_info: 5\ntask_ids: 5", "5", ()),
        ("license: mit\nconfigs: [5, {data_files: {a: b}}, {data_files: [5, null, {path: [x.csv]}]}]", "mit", ()),
    ],
)
def test_odd_cards_are_read_as_far_as_they_go(front, licence, languages):
    card = card_of(readme(front))
    assert (card.licence, card.languages) == (licence, languages)
