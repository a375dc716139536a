"""Data-set folders in the layout of a hub, read by a night."""

import json

import pytest

CARD = """---
license: cc-by-sa-4.0
language: zh
pretty_name: 常识问答
configs:
- config_name: default
  data_files:
  - {split: train, path: data/train-*.jsonl}
  - {split: test, path: data/gone.jsonl}
---
"""
ROWS = [
    {
        "id": n,
        "context": f"第{n}号渡船清晨七点离开港口。",
        "question": f"第{n}号渡船几点离开？",
        "answers": {"text": ["七点"]},
    }
    for n in range(3)
]


@pytest.fixture
def folder(nights):
    nights.write("README.md", CARD)
    nights.write("data/train-0.jsonl", "\n".join(json.dumps(row) for row in ROWS))
    nights.write("data/load.py", "raise SystemExit('must never run')")
    nights.write("data/cache.pkl", b"\x80\x04.")
    nights.write("notes.csv", "text\nx\n")
    nights.sources = ["{name: s, kind: files, path: files}"]
    return nights


@pytest.mark.req("CRL-09")
def test_a_data_set_folder_is_read_by_its_card(folder, balanced):
    result = folder.run(0, ["extract"])
    assert balanced(result) and result["emitted"] == 3
    assert folder.rules() == {
        "README.md": "data_set_card",
        "data/load.py": "script",
        "data/cache.pkl": "pickle",
        "notes.csv": "not_listed",
        "data/gone.jsonl": "missing_data",
    }
    (source,) = folder.rows("sources")
    assert (source["licence"], source["licence_verdict"]) == ("cc-by-sa-4.0", "open")
    assert (source["source_class"], source["priority"]) == ("open_dataset", 85)
    assert source["evidence"] == "data-set card 常识问答: licence cc-by-sa-4.0; languages zh; splits default/train"
    assert {(page["licence"], page["source_class"]) for page in folder.rows("pages")} == {
        ("cc-by-sa-4.0", "open_dataset")
    }


def test_records_get_the_one_language_of_the_card(folder):
    folder.run(0)
    assert all(json.loads(body)["lang"] == "zh" for body in folder.live().values())


def test_what_the_configuration_says_comes_first(folder):
    folder.sources = [
        "{name: s, kind: files, path: files, licence: CC0-1.0, evidence: a contract, priority: 7, source_class: book}"
    ]
    folder.run(0)
    (source,) = folder.rows("sources")
    assert [source[name] for name in ("licence", "evidence", "priority", "source_class")] == [
        "CC0-1.0", "a contract", 7, "book",
    ]  # fmt: skip


def test_a_card_with_a_licence_that_forbids_bars_the_folder(folder):
    folder.write("README.md", CARD.replace("cc-by-sa-4.0", "cc-by-nc-4.0"))
    folder.sources.append("{name: t, kind: files, path: other, licence: CC0-1.0}")
    (folder.root / "other").mkdir()
    (folder.root / "other" / "a.txt").write_text("something else")
    folder.run(0)
    assert [page["source"] for page in folder.rows("pages")] == ["t"]
    assert "licence" in folder.rules().values()


def test_links_into_the_blobs_of_a_cache_are_followed_and_no_others(nights):
    root = nights.files
    snapshot = root / "snapshots" / "abc"
    (root / "blobs").mkdir()
    snapshot.mkdir(parents=True)
    (root / "blobs" / "1").write_text(json.dumps(ROWS[0]))
    (nights.root / "secret.jsonl").write_text(json.dumps(ROWS[1]))
    (snapshot / "README.md").write_text("---\nlicense: mit\n---\n")
    (snapshot / "a.jsonl").symlink_to("../../blobs/1")
    (snapshot / "b.jsonl").symlink_to("../../../secret.jsonl")
    nights.sources = ["{name: s, kind: files, path: files/snapshots/abc}"]
    nights.run(0)
    assert list(nights.live()) == ["item:a.jsonl#id:0"] and nights.rules()["b.jsonl"] == "outside_folder"
