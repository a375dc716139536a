"""Law 10: a local stage's peak memory does not grow with its input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SMALL, LARGE = 1_200, 12_000  # pages: 12 MB and 120 MB of text, each text held in five layers
ALLOWED_MB = 70


def peaks(root, pages, script="memory"):
    done = subprocess.run(
        [sys.executable, f"tests/laws/{script}.py", str(root), str(pages)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "tests/laws:.", "MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("script", ["memory", "importing"])
def test_ten_times_the_pages_take_the_same_memory(tmp_path, script):
    small, large = peaks(tmp_path / "small", SMALL, script), peaks(tmp_path / "large", LARGE, script)
    assert small["rows"] == SMALL and large["rows"] == LARGE
    growth = {stage: large["peaks"][stage] - small["peaks"][stage] for stage in small["peaks"]}
    assert all(more < ALLOWED_MB for more in growth.values()), (growth, small, large)
