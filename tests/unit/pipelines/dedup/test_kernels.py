import os
import shutil
import subprocess
import sys
from pathlib import Path

from pipelines.dedup import kernels

ROOT = Path(kernels.__file__).parents[2]
SCRIPT = "from pipelines.dedup.kernels import SOURCES, mix; print(SOURCES, int(mix(1)))"
#: mix(1) with Python integers
ONE = 0xB456BCFC34C2CB2C


def run(root: Path, script: str = SCRIPT, **env: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env={**os.environ, "PYTHONPATH": str(root), **env},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


def copy_to(folder: Path) -> Path:
    shutil.copytree(ROOT / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_mix_of_one():
    value = 1
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = ((value ^ value >> 33) * factor) & (1 << 64) - 1
    assert int(kernels.mix(1)) == value ^ value >> 33 == ONE


def test_an_installation_that_cannot_be_written_compiles_in_memory(tmp_path):
    root = copy_to(tmp_path)
    # numba looks beside the source, then in the user's folders: files stand where both would have to make a folder
    (root / "pipelines" / "dedup" / "__pycache__").write_text("")
    (home := tmp_path / "home").write_text("")
    found = run(root, HOME=str(home), XDG_CACHE_HOME=str(home), PYTHONDONTWRITEBYTECODE="1", NUMBA_CACHE_DIR="")
    assert found[1] == str(ONE)


def test_code_of_older_sources_is_not_used(tmp_path):
    root = copy_to(tmp_path)
    before = run(root, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    with (root / "pipelines" / "dedup" / "shingles.py").open("a") as file:
        file.write("\n# changed\n")
    after = run(root, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert before[0] != after[0]
    kept = {path.name for path in (tmp_path / "cache").rglob("*.nbi")}
    assert len(kept) == 2 and all(any(sources in name for name in kept) for sources in (before[0], after[0]))
