"""Law 5 for fetching: kill a crawl anywhere; no URL is lost, only calls in flight repeat, the result is the same."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_a_crawl_may_be_killed_at_any_moment(tmp_path, record_property):
    seed = int(os.environ.get("NIGHTMILL_KILL_SEED", random.SystemRandom().randrange(2**32)))
    record_property("seed", seed)
    print(f"NIGHTMILL_KILL_SEED={seed}")
    done = subprocess.run(
        [sys.executable, "tests/laws/crawling.py", str(tmp_path), str(seed)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-3000:]}"
    seen = json.loads(done.stdout)
    assert seen["kills"] >= 10 and seen["sitemap"]["urls"] == 8, seen
    assert set(seen["rules"]) == {"robots", "opt_out", "trap", "max_pages"}, seen
