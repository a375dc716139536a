"""Law 5: kill any process at any point; readers see the old snapshot or the new one, and the same command finishes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nights import Capture, Lake, day, digests

from jobs.runner import Options, run_job
from jobs.snapshots import Published
from jobs.storage import LocalStorage

GATE = ("gate.engine=built-in",)  # what is killed here is not the import of Great Expectations
JOBS = ("extract", "clean", "scrub", "dedup", "profile", "gate", "card", "publish")
FIRST = [Capture(i, text=2 * i) for i in range(4)]
SECOND = [Capture(0, text=9), Capture(1, status=404), Capture(5, text=3)]
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def one_night(tmp_path_factory):
    """A lake with one published night and the captures of the next."""
    root = tmp_path_factory.mktemp("crash") / "lake"
    lake = Lake(LocalStorage(root), overrides=GATE)
    lake.captured(day(0), {day(0): FIRST}, Options())
    for job in JOBS:
        run_job(job, day(0), config=lake.config, storage=lake.storage)
    lake.captured(day(1), {day(1): SECOND}, Options())
    return root


def test_a_publish_may_be_killed_at_every_file_system_call(one_night, tmp_path):
    template = tmp_path / "template"
    shutil.copytree(one_night, template)
    lake = Lake(LocalStorage(template), overrides=GATE)
    for job in JOBS[:-1]:
        run_job(job, day(1), config=lake.config, storage=lake.storage)
    done = subprocess.run(
        [sys.executable, "tests/laws/crashing.py", str(template), str(tmp_path / "space")],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "tests/laws:."},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert seen["calls"] > 20 and seen["old"] > 5 and seen["new"] > 5, seen


@pytest.mark.req("OBS-09")
@pytest.mark.timeout(600)
def test_fifty_random_kills_of_job_processes(one_night, tmp_path, record_property):
    seed = int(os.environ.get("NIGHTMILL_KILL_SEED", random.SystemRandom().randrange(2**32)))
    record_property("seed", seed)
    print(f"NIGHTMILL_KILL_SEED={seed}")
    rng = random.Random(seed)
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(one_night, undisturbed)
    expected = finished(undisturbed)
    old = Published(LocalStorage(one_night)).pointer().head
    kills = 0
    while kills < 50:
        root = tmp_path / "lake"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(one_night, root)
        for _ in range(6):
            kills += killed(root, rng)
            head = Published(LocalStorage(root)).head()
            assert head is not None and head.id in (old, expected.id), f"seed {seed}: readers see {head}"
        done = finished(root)
        assert digests(done.datasets) == digests(expected.datasets), f"seed {seed}, after {kills} kills"


def command(root: Path, *jobs: str) -> list[str]:
    sets = ["--set", "models=/nonexistent", "--set", "tenant=t", "--lake", str(root), "--set", "engine.workers=2"]
    sets += ["--set", "gate.engine=built-in"]
    return [sys.executable, "-P", "-m", "jobs.cli", "--quiet", *sets, "run", *jobs, "--date", day(1)]


def killed(root: Path, rng: random.Random) -> int:
    """Start the night's jobs and kill their process group at a random moment; 1 if that came before the end."""
    process = subprocess.Popen(
        command(root, *JOBS),
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "."},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    time.sleep(rng.uniform(0.3, 3.0))
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    _, errors = process.communicate()
    assert alive or process.returncode == 0, errors.decode()[-2000:]
    return int(alive)


def finished(root: Path):
    done = subprocess.run(
        command(root, *JOBS),
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    head = Published(LocalStorage(root)).head()
    assert head is not None
    return head
