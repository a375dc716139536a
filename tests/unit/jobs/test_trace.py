import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs import trace
from jobs.errors import GateRefused
from jobs.trace import Trace

ROOT = Path(__file__).resolve().parents[3]
FIELDS = [
    "run",
    "job",
    "name",
    "start",
    "seconds",
    "cpu_seconds",
    "rows_in",
    "rows_out",
    "peak_rss_mb",
    "outcome",
    "error",
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "trace.jsonl"


def test_a_span_says_what_was_done(path):
    with Trace(path, "night-1", "clean").span("apply", rows_in=10) as span:
        span.rows_out = 8
        sum(range(200_000))
    (line,) = trace.read(path)
    assert list(line) == FIELDS
    assert (line["run"], line["job"], line["name"]) == ("night-1", "clean", "apply")
    assert (line["rows_in"], line["rows_out"], line["outcome"], line["error"]) == (10, 8, "done", None)
    assert line["peak_rss_mb"] > 1 and line["start"].endswith("+00:00")


def test_seconds_and_cpu_seconds_differ_when_waiting(path):
    with Trace(path, "r", "j").span("wait"):
        time.sleep(0.2)
    (line,) = trace.read(path)
    assert line["seconds"] >= 0.2 > line["cpu_seconds"] + 0.05
    assert line["rows_in"] is None and line["rows_out"] is None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(GateRefused("no"), "refused"), (KeyError("x"), "transient"), (KeyboardInterrupt(), "transient")],
)
def test_an_error_is_recorded_and_goes_on(path, error, outcome):
    with pytest.raises(type(error)), Trace(path, "r", "j").span("work"):
        raise error
    (line,) = trace.read(path)
    assert (line["outcome"], line["error"]) == (outcome, type(error).__name__)


def test_inner_spans_end_first(path):
    run = Trace(path, "r", "j")
    with run.span("outer"), run.span("inner"):
        pass
    assert [line["name"] for line in trace.read(path)] == ["inner", "outer"]


def test_half_a_line_is_left_out_and_does_not_spoil_the_next(path):
    run = Trace(path, "r", "j")
    with run.span("first"):
        pass
    with path.open("ab") as file:
        file.write(b'{"run": "r", "na')
    with run.span("second"):
        pass
    assert [line["name"] for line in trace.read(path)] == ["first", "second"]


def test_writers_do_not_mix_their_lines(path):
    def write(number):
        run = Trace(path, "r", f"job-{number}")
        for _ in range(50):
            with run.span("x" * 500):
                pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(trace.read(path)) == 400


def test_a_kill_leaves_what_had_ended(path):
    code = (
        "import sys, pathlib\nfrom jobs.trace import Trace\nrun = Trace(pathlib.Path(sys.argv[1]), 'r', 'j')\n"
        "with run.span('ended'): pass\nprint('ready', flush=True)\nwith run.span('never'): input()"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], env={**os.environ, "PYTHONPATH": str(ROOT)},
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    with child:
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    assert [line["name"] for line in trace.read(path)] == ["ended"]


def test_no_file_no_spans_and_lone_surrogates_are_written(path):
    assert trace.read(path) == []
    with Trace(path, "r", "j").span("\udc80"):
        pass
    assert json.loads(path.read_bytes())
