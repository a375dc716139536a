"""Laws 2 and 3: the same captures give the same digests, whatever the workers, hash seed, order, retries or engine."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nights import Capture, Lake, day, digests
from strategies import visits

from jobs.engines.shuffle_engine import ShuffleEngine

HISTORY = [
    [Capture(i, text=i) for i in range(8)],
    [Capture(0, text=9), Capture(1, status=404), Capture(2, status=304), Capture(3, junk=True)],
]
SCRIPT = """
import json, sys
sys.path[:0] = ["tests/laws", "."]
from nights import Capture, Lake, day, digests
from jobs.engines.local_engine import LocalEngine
import jobs.mapping, jobs.extract
if __name__ == "__main__":
    workers, rows = int(sys.argv[1]), int(sys.argv[2])
    jobs.mapping.BATCH_ROWS = jobs.extract.BATCH_ROWS = rows
    jobs.mapping.small.__defaults__ = (rows,)
    history = [[Capture(**c) for c in night] for night in json.loads(sys.argv[3])]
    lake = Lake()
    for i, found in enumerate(history):
        snapshot = lake.night(day(i), {day(i): found}, engine=LocalEngine(workers, inline_rows=0))
    print(json.dumps(digests(snapshot.datasets)))
"""


def in_a_process(tmp_path, workers, rows, seed, reverse):
    script = tmp_path / "night.py"
    script.write_text(SCRIPT)
    order = [list(reversed(n)) if reverse else n for n in HISTORY]
    given_ = json.dumps([[c.__dict__ for c in night] for night in order])
    done = subprocess.run(
        [sys.executable, str(script), str(workers), str(rows), given_],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "tests/laws:."},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.req("VER-08", "VER-05")
def test_workers_hash_seed_batch_size_and_order_do_not_matter(tmp_path):
    first = in_a_process(tmp_path, 1, 128, "1", False)
    second = in_a_process(tmp_path, 2, 2, "4242", True)
    assert first == second


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(visits(days=3), st.integers(0, 2**32))
def test_a_shuffling_retrying_engine_gives_the_same(history, seed):
    plain, shuffled = Lake(), Lake()
    for i, found in enumerate(history):
        a = plain.night(day(i), {day(i): found})
        b = shuffled.night(day(i), {day(i): found}, engine=ShuffleEngine(seed))
    assert digests(a.datasets) == digests(b.datasets)
