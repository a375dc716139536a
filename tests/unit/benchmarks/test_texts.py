import gzip
import json
from pathlib import Path

import pytest

from benchmarks import texts


def test_made_texts_depend_on_the_seed_alone() -> None:
    once = texts.made(1, seed=1)
    assert once == texts.made(1, seed=1) != texts.made(1, seed=2)
    assert 1_000_000 <= sum(len(text.encode()) for text in once) < 1_010_000


def test_texts_are_read_from_json_lines_up_to_a_size(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "x" * 600_000}) + "\n" + json.dumps({"id": 1}) + "\n")
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as out:
        out.write((json.dumps({"text": "y" * 600_000}) + "\n") * 3)
    assert [text[0] for text in texts.read(tmp_path, 1)] == ["x", "y"]


def test_a_folder_without_texts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"no \*\.jsonl"):
        texts.read(tmp_path, 1)
