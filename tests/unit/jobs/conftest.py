"""What the tests of the jobs share: a candidate built by hand, and a small lake of two published nights."""

import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "laws")]


@pytest.fixture(scope="session")
def made_lake(tmp_path_factory):
    """A folder with two nights: eight documents, then an edit, a deletion, a 304, a new page and junk. Do not write."""
    from nights import Capture, Lake, day

    from jobs.storage import LocalStorage

    root = tmp_path_factory.mktemp("made") / "lake"
    lake = Lake(LocalStorage(root))
    lake.night(day(0), {day(0): [Capture(i, text=i) for i in range(7)]})
    changed = [Capture(0, text=9), Capture(1, status=404), Capture(2, status=304), Capture(7, junk=True)]
    lake.night(day(1), {day(1): changed})
    return root


@pytest.fixture
def lake(made_lake, tmp_path):
    """A copy of the two nights, to change at will."""
    from nights import Lake

    from jobs.storage import LocalStorage

    shutil.copytree(made_lake, tmp_path / "lake")
    return Lake(LocalStorage(tmp_path / "lake"))
