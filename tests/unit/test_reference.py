"""The reference page in docs/ is what the code declares."""

from pathlib import Path

from jobs.declared import JOBS
from jobs.reference import page, table
from pipelines.pii.recognisers import ENTITIES
from pipelines.schemas import DATASETS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_current():
    written = (DOCS / "reference.md").read_text(encoding="utf-8")
    assert written == page().rstrip("\n") + "\n", "run: python -m jobs.reference > docs/reference.md"


def test_the_page_names_every_job_dataset_and_entity():
    text = page()
    headings = {name for line in text.splitlines() if line.startswith("### ") for name in line[4:].split(", ")}
    assert set(DATASETS) <= headings
    assert all(f"| `{name}` |" in text for name in (*JOBS, *ENTITIES))


def test_a_comment_behind_a_field_is_its_meaning_and_bars_do_not_break_the_table():
    lines = page().splitlines()
    assert "| `threshold` | `0.8` | exact Jaccard of shingle sets |" in lines
    assert list(table(["a"], [["x|y"]])) == ["| a |", "| --- |", "| x\\|y |", ""]
