"""Starting jobs elsewhere: the commands, the child process, and the verdict on what it left."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jobs.launch import LAUNCHERS, Child, Ending, Launch, command, ending, night, read_outcome, stop_command

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
HOME = Path("/deployed")
ATTEMPT = "0123456789abcdef0123456789abcdef"
CANARY = "hunter2-canary"


def launch(**settings):
    environment = {f"NIGHTMILL_{name}": value for name, value in settings.items()}
    environment |= {"PII_KEY": CANARY, "AIRFLOW_CONN_HUB": CANARY}
    return Launch("dedup", "2026-01-05", "nightly_corpus-2026-01-05", HOME, (), environment, ATTEMPT)


RUN = [
    "--params", "/deployed/params.yaml", "run", "dedup", "--date", "2026-01-05",
    "--run", "nightly_corpus-2026-01-05", "--attempt", ATTEMPT,
]  # fmt: skip
NAME = "nightmill-dedup-2026-01-05-0123456789ab"


def test_a_process_runs_the_command_line_without_the_current_folder_on_the_path():
    assert command(launch(PYTHON="/venv/bin/python")) == ["/venv/bin/python", "-P", "-m", "jobs.cli", *RUN]
    assert command(launch())[0] == sys.executable


def test_profile_and_options_reach_the_command():
    given = Launch("crawl", "2026-01-05", "r", HOME, ("--allow-gap",), {"NIGHTMILL_PROFILE": "strict"}, "a")
    assert command(given)[4:] == [
        "--params", "/deployed/params.yaml", "--profile", "strict", "run", "crawl", "--date", "2026-01-05",
        "--run", "r", "--attempt", "a", "--allow-gap",
    ]  # fmt: skip


def test_spark_submit_gets_a_script_outside_jobs():
    args = "--master yarn --deploy-mode cluster --conf 'spark.app.note=two words'"
    assert command(launch(LAUNCHER="spark-submit", SPARK_ARGS=args, SPARK_SUBMIT="/spark/bin/spark-submit")) == [
        "/spark/bin/spark-submit", "--name", NAME, "--master", "yarn", "--deploy-mode", "cluster",
        "--conf", "spark.app.note=two words", "/deployed/infra/spark/run_job.py", *RUN,
    ]  # fmt: skip
    assert (ROOT / "infra/spark/run_job.py").exists()


def test_the_script_for_spark_runs_the_command_line():
    script = [sys.executable, ROOT / "infra/spark/run_job.py", "jobs", "--help"]
    done = subprocess.run(script, env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nightmill jobs" in done.stdout


def test_a_ray_job_is_submitted_and_stopped_by_its_id():
    given = launch(LAUNCHER="ray-job", RAY_ADDRESS="http://ray:8265", RAY_ARGS="--entrypoint-num-cpus 2",
                   REMOTE_HOME="/app")  # fmt: skip
    assert command(given) == [
        "ray", "job", "submit", "--submission-id", NAME, "--address", "http://ray:8265", "--entrypoint-num-cpus", "2",
        "--", "python", "-P", "-m", "jobs.cli", "--params", "/app/params.yaml", *RUN[2:],
    ]  # fmt: skip
    assert stop_command(given) == ["ray", "job", "stop", "--address", "http://ray:8265", NAME]


def test_a_pod_runs_the_image_with_the_named_secret_and_is_deleted_on_kill():
    given = launch(LAUNCHER="kubernetes-pod", IMAGE="registry/nightmill:7", NAMESPACE="data", POD_SECRET="keys",
                   REMOTE_HOME="/app", REMOTE_PYTHON="/venv/bin/python")  # fmt: skip
    words = command(given)
    overrides = json.loads(words.pop(words.index("--overrides") + 1))
    assert words == [
        "kubectl", "--namespace", "data", "run", NAME, "--image", "registry/nightmill:7", "--restart=Never",
        "--attach", "--rm", "--quiet", "--env", "NIGHTMILL_IMAGE=registry/nightmill:7", "--override-type=strategic",
        "--overrides", "--command", "--", "/venv/bin/python", "-P", "-m", "jobs.cli", "--params", "/app/params.yaml",
        *RUN[2:],
    ]  # fmt: skip
    container = {"name": NAME, "image": "registry/nightmill:7", "workingDir": "/app",
                 "envFrom": [{"secretRef": {"name": "keys"}}]}  # fmt: skip
    assert overrides == {"spec": {"containers": [container]}}
    assert stop_command(given)[:5] == ["kubectl", "--namespace", "data", "delete", "pod"]


def test_names_are_valid_in_every_cluster():
    given = Launch("publish", "2026-01-05", "r", HOME, (), {})
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", given.name)


def test_no_attempt_is_like_another():
    assert Launch("crawl", "2026-01-05", "r", HOME).attempt != Launch("crawl", "2026-01-05", "r", HOME).attempt


@pytest.mark.parametrize("name", LAUNCHERS)
def test_no_command_line_holds_a_secret(name):
    given = launch(LAUNCHER=name, IMAGE="i", POD_SECRET="keys")
    assert CANARY not in " ".join([*command(given), *(stop_command(given) or []), repr(given)])


def test_a_bad_configuration_says_what_is_wrong():
    with pytest.raises(ValueError, match="NIGHTMILL_LAUNCHER=slurm: choose one of process, spark-submit, ray-job"):
        command(launch(LAUNCHER="slurm"))
    with pytest.raises(ValueError, match="NIGHTMILL_IMAGE"):
        command(launch(LAUNCHER="kubernetes-pod"))


# -- the verdict -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("done", 0, Ending.DONE),
        ("done", 1, Ending.RETRY),  # they disagree: the next try finds it up to date
        ("done", -9, Ending.RETRY),
        ("transient", 1, Ending.RETRY),
        ("transient", 0, Ending.RETRY),  # a submitter lost the exit code
        ("cancelled", 1, Ending.RETRY),
        ("running", -9, Ending.RETRY),
        ("running", 0, Ending.RETRY),
        ("terminal", 4, Ending.STOP),
        ("terminal", 0, Ending.STOP),
        ("usage", 2, Ending.STOP),
        ("refused", 3, Ending.STOP),
        ("refused", 1, Ending.STOP),
        ("not_enough_data", 5, Ending.STOP),
        ("unheard-of", 0, Ending.RETRY),
    ],
)
def test_the_outcome_decides(kind, code, expected):
    how, message = ending({"class": kind, "attempt": ATTEMPT, "message": "the reason"}, code, ATTEMPT)
    assert how is expected
    assert ("the reason" in message) is not (kind == "done" and code != 0)


@pytest.mark.parametrize("outcome", [None, {"class": "done", "attempt": "earlier"}, {"class": "refused"}])
def test_a_missing_outcome_and_that_of_another_attempt_count_as_transient(outcome):
    assert ending(outcome, 0, ATTEMPT) == (
        Ending.RETRY, "the job left no outcome of this attempt (exit code 0)"
    )  # fmt: skip
    assert "killed by SIGKILL" in ending(outcome, -9, ATTEMPT)[1]
    assert "killed by signal 77" in ending(outcome, -77, ATTEMPT)[1]
    assert ending(outcome, 2, ATTEMPT)[0] is Ending.STOP  # params.yaml is read before an outcome can be written


def test_every_class_of_error_is_mapped():
    from jobs import errors

    classes = {e.outcome: e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)}
    for name, error in classes.items():
        expected = Ending.STOP if issubclass(error, errors.Terminal) else Ending.RETRY
        assert ending({"class": name, "attempt": ATTEMPT}, error.exit_code, ATTEMPT)[0] is expected


# -- which night -------------------------------------------------------------------------------------------------------

SHANGHAI = ZoneInfo("Asia/Shanghai")
BEFORE = datetime(2026, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("logical", "start", "zone", "expected"),
    [
        (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC), UTC, "2026-01-05"),  # scheduled, backfill
        (datetime(2026, 1, 5, tzinfo=UTC), BEFORE, UTC, "2026-01-05"),  # dags test: Airflow infers the day before
        (datetime(2026, 1, 5, 9, 30, tzinfo=UTC), BEFORE, UTC, "2026-01-04"),  # triggered in the morning
        (None, BEFORE, UTC, "2026-01-04"),
        (datetime(2026, 1, 4, 16, tzinfo=UTC), BEFORE, SHANGHAI, "2026-01-05"),  # midnight there
        (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 3, 16, tzinfo=UTC), SHANGHAI, "2026-01-04"),
    ],
)
def test_the_night_of_a_run(logical, start, zone, expected):
    assert night(logical, start, zone) == expected


def test_without_any_date_it_is_the_night_before_today():
    assert night(None, None, UTC) < datetime.now(UTC).date().isoformat()


# -- the child process -------------------------------------------------------------------------------------------------


def child(code, *arguments):
    return Child([sys.executable, "-c", code, *map(str, arguments)], Path.cwd(), ENVIRONMENT)


def gone(pid, seconds=10.0):
    """Whether the process ends in time; a zombie has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_lines_arrive_while_the_child_runs(tmp_path):
    wait = "import pathlib, sys, time\nprint('first')\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(.01)"
    running = child(wait + "\nprint('last', file=sys.stderr)\nsys.exit(4)", tmp_path / "go")
    lines = running.lines()
    assert next(lines) == "first"
    (tmp_path / "go").touch()
    assert list(lines) == ["last"]
    assert running.exit_code() == 4


def test_any_bytes_are_forwarded_in_lines_of_bounded_length():
    running = child("import sys; sys.stdout.buffer.write(b'\\xff\\x00\\n' + b'x' * 10_000 + b'\\nend')")
    lines = list(running.lines())
    assert (lines[0], lines[-1]) == ("\\xff\x00", "end")
    assert [len(line) for line in lines[1:-1]] == [4000, 4000, 2000]


FAMILY = """
import signal, subprocess, sys, time
{before}
other = subprocess.Popen([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"])
print(other.pid, flush=True)
time.sleep(600)
"""


def test_stopping_ends_the_whole_group():
    running = child(FAMILY.format(before=""))
    lines = running.lines()
    grandchild = next(line for line in lines if line.isdigit())
    running.stop()
    list(lines)
    assert running.exit_code() == -signal.SIGTERM
    assert gone(grandchild)


def test_a_child_that_ignores_sigterm_is_killed():
    running = child(FAMILY.format(before="signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    lines = running.lines()
    next(lines)
    running.stop(grace=0.2)
    list(lines)
    assert running.exit_code() == -signal.SIGKILL


def test_workers_that_outlive_a_killed_job_are_ended_and_do_not_hold_the_log_open():
    running = child(FAMILY.format(before="import os; print('pid', os.getpid(), flush=True)"))
    lines = running.lines()
    pid = int(next(lines).split()[1])
    grandchild = next(line for line in lines if line.isdigit())
    os.kill(pid, signal.SIGKILL)
    list(lines)
    assert running.exit_code() == -signal.SIGKILL
    assert gone(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_child_ends_with_a_killed_launcher():
    code = """
import os, sys
from pathlib import Path
from jobs.launch import Child
running = Child([sys.executable, "-c", "import os, time; print(os.getpid()); time.sleep(600)"], Path.cwd(), os.environ)
for line in running.lines():
    print(line, flush=True)
"""
    launcher = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    pid = launcher.stdout.readline().strip()
    launcher.kill()
    launcher.communicate()
    assert gone(pid)


# -- with the command line ---------------------------------------------------------------------------------------------


def at(home, job="extract", **settings):
    (home / "params.yaml").write_text("lake: lake\n" + settings.pop("params", ""), encoding="utf-8")
    return Launch(job, "2026-01-05", "r", home, (), ENVIRONMENT | settings)


def attempt(given):
    running = Child(command(given), given.home, given.environment)
    lines = list(running.lines())
    outcome = read_outcome(given)
    return (*ending(outcome, running.exit_code(), given.attempt), lines, outcome)


def test_a_job_without_its_input_is_not_retried(tmp_path):
    given = at(tmp_path)
    assert read_outcome(given) is None
    how, message, _, outcome = attempt(given)
    assert how is Ending.STOP
    assert message.startswith("usage: extract reads pages") and "nightmill run crawl" in message
    assert (outcome["attempt"], outcome["exit_code"], outcome["run"]) == (given.attempt, 2, "r")


def test_an_outcome_of_an_earlier_attempt_is_not_read_as_this_ones(tmp_path):
    attempt(at(tmp_path))
    dead = at(tmp_path)
    assert ending(read_outcome(dead), -signal.SIGKILL, dead.attempt)[0] is Ending.RETRY


def test_a_wrong_params_file_is_not_retried(tmp_path):
    how, message, lines, outcome = attempt(at(tmp_path, params="clean: {min_wrods: 3}\n"))
    assert (how, outcome) == (Ending.STOP, None)
    assert "refused before the job began" in message
    assert any("min_words" in line for line in lines)


def test_without_an_interpreter_there_is_no_outcome(tmp_path):
    assert read_outcome(at(tmp_path, NIGHTMILL_PYTHON="/nowhere/python")) is None
