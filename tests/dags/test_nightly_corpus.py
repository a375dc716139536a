"""The DAG of the night says what is declared, imports nothing heavy, and judges a task by its outcome."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.declared import JOBS, OWNER, edges
from jobs.errors import NOT_ENOUGH_DATA, REFUSED, TERMINAL, USAGE

pytest.importorskip("airflow", reason="the extra [airflow] is not installed")
ROOT = Path(__file__).resolve().parents[2]

STAND_IN = f"""#!{sys.executable} -S
# In the interpreter's place: `run` notes the attempt, `outcome` tells of it.
import json, os, sys, time
from pathlib import Path
words, note = sys.argv[1:], Path("note")
if "run" in words:
    note.write_text(words[words.index("--attempt") + 1])
    print("begins", flush=True)
    time.sleep(float(os.environ.get("STAND_IN_SECONDS", 0)))
    sys.exit(int(os.environ["STAND_IN_CODE"]))
kind = os.environ["STAND_IN_CLASS"]
if not kind:
    sys.exit(2)
print(json.dumps({{"class": kind, "attempt": note.read_text(), "message": "the reason"}}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    stand_in = home / "stand-in"
    stand_in.write_text(STAND_IN, encoding="utf-8")
    stand_in.chmod(0o755)
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("NIGHTMILL_", "AIRFLOW"))}
    environment = ours | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Shanghai",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "NIGHTMILL_HOME": str(home),
        "STAND_IN": str(stand_in),
    }
    probe = [sys.executable, ROOT / "tests/dags/probe.py"]
    done = subprocess.run(probe, env=environment, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def dag(found):
    return found["declared"]


@pytest.fixture(scope="module")
def tasks(dag):
    return {task["id"]: task for task in dag["tasks"]}


def test_our_own_files_import_in_well_under_a_second(found):
    assert found["importing"]["seconds"] < 0.5


def test_nothing_heavy_is_imported_at_the_top(found):
    ours = {name for name in found["importing"]["modules"] if name.partition(".")[0] not in sys.stdlib_module_names}
    foreign = {name for name in ours if not name.startswith("airflow")}
    assert foreign == {"nightly_corpus", "job_operator", "jobs", "jobs.declared", "jobs.launch", "jobs.errors"}


def test_the_folder_holds_this_dag_and_no_error(dag):
    assert (dag["errors"], "nightly_corpus" in dag["dags"]) == ({}, True)


def test_tasks_and_edges_are_the_declared_ones(tasks):
    assert list(JOBS) == [name for name in JOBS if name in tasks] and len(tasks) == len(JOBS)
    assert {(before, name) for name, task in tasks.items() for before in task["upstream"]} == set(edges())
    assert {task["kind"] for task in tasks.values()} == {"JobOperator"}
    assert [name for name, task in tasks.items() if task["first"]] == ["crawl"]


def test_a_run_is_for_a_night_of_the_configured_zone_and_nights_go_one_by_one(dag):
    assert (dag["timetable"], dag["zone"]) == (
        ["CronDataIntervalTimetable", "0 0 * * *", "Asia/Shanghai"], "Asia/Shanghai"
    )  # fmt: skip
    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)


def test_owner_tags_and_retries(dag, tasks):
    assert dag["tags"] == ["corpus", "nightly", "nightmill"]
    for task in tasks.values():
        assert (task["owner"], task["retries"], task["delay"], task["backoff"]) == (OWNER, 2, 120.0, 2)


def test_the_run_book_tells_every_exit_code_and_who_owns_it(dag):
    assert f"Owner: {OWNER}" in dag["doc"]
    for code in (1, USAGE, REFUSED, TERMINAL, NOT_ENOUGH_DATA):
        assert f"| {code} |" in dag["doc"]


def test_a_task_says_what_its_job_does(tasks):
    for name, job in JOBS.items():
        assert tasks[name]["doc"].startswith(job.summary)
        assert all(dataset in tasks[name]["doc"] for dataset in (*job.reads, *job.writes))


def test_publishing_updates_the_asset(tasks):
    assert {name: t["outlets"] for name, t in tasks.items() if t["outlets"]} == {
        "publish": [["corpus", "nightmill://published/corpus"]]
    }


def test_a_run_can_be_told_how_to_treat_what_exists(dag):
    assert dag["params"] == {"existing_run": "keep", "allow_gap": False}


def test_airflow_and_the_command_line_share_the_workspace(found):
    assert (found["done"]["run"], found["done"]["date"]) == ("nightly_corpus-2026-01-05", "2026-01-05")


def test_what_is_done_is_done(found):
    assert found["done"]["result"]["class"] == "done"


def test_what_a_retry_cannot_help_fails_for_good(found):
    assert (found["refused"]["final"], found["refused"]["error"]) == (True, "crawl refused: the reason")
    assert found["misconfigured"]["final"] and "NIGHTMILL_LAUNCHER" in found["misconfigured"]["error"]


def test_what_a_retry_may_help_is_retried(found):
    assert (found["transient"]["final"], found["transient"]["error"]) == (
        False, "crawl transient: the reason (exit code 1)"
    )  # fmt: skip
    assert not found["silent"]["final"] and "no outcome of this attempt" in found["silent"]["error"]


def test_a_killed_task_ends_its_process(found):
    assert found["killed"]["seconds"] < 30
    assert not found["killed"]["final"] and "killed by SIGTERM" in found["killed"]["error"]


def test_only_the_first_job_pins_a_run_anew(found):
    assert found["repinned"]["options"] == ["--current", "--allow-gap"]
    assert found["later"]["options"] == []
    assert found["recorded"]["options"] == ["--as-recorded"]
