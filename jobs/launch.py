"""Starting a job of a night somewhere else, and telling from what it left how it ended.

A launcher turns a `Launch` into an argument list: a process here, or the submitter of a cluster that starts the same
command there. Submitters lose exit codes, so the job's outcome.json decides; it carries the attempt that wrote it, and
that of an earlier attempt counts as missing. Standard library only: the scheduler's code imports this module.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from pathlib import Path
from typing import IO, Any

from jobs.errors import USAGE

LONGEST_LINE = 4_000  # bytes of one log line; the rest of it is forwarded as further lines
GRACE_SECONDS = 10.0  # between SIGTERM and SIGKILL
OUTCOME_SECONDS = 120.0  # for reading an outcome

_libc = ctypes.CDLL(None, use_errno=True)  # loaded here: nothing may be loaded between fork and exec
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Launch:
    """One attempt at a job. `environment` configures the launcher: the NIGHTMILL_ variables in docs/airflow.md."""

    job: str
    date: str  # the night, YYYY-MM-DD
    run: str
    home: Path  # deployment folder: params.yaml lies here
    options: tuple[str, ...] = ()  # further options of `nightmill run`
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    attempt: str = field(default_factory=lambda: uuid.uuid4().hex)

    def get(self, name: str, default: str = "") -> str:
        return self.environment.get(f"NIGHTMILL_{name}") or default

    def words(self, name: str) -> list[str]:
        return shlex.split(self.get(name))

    @property
    def python(self) -> str:
        return self.get("PYTHON", sys.executable)

    @property
    def name(self) -> str:
        """Unique, and valid wherever a cluster wants a name: lower case, digits and -."""
        return f"nightmill-{self.job}-{self.date}-{self.attempt[:12]}".replace("_", "-").lower()


def nightmill(launch: Launch, home: str | Path, *words: str) -> list[str]:
    """Arguments of the command line, whatever starts it."""
    profile = launch.get("PROFILE")
    return ["--params", f"{home}/params.yaml", *(["--profile", profile] if profile else []), *words]


def run_words(launch: Launch, home: str | Path) -> list[str]:
    named = ("--date", launch.date, "--run", launch.run, "--attempt", launch.attempt)
    return nightmill(launch, home, "run", launch.job, *named, *launch.options)


def process(launch: Launch) -> list[str]:
    return [launch.python, "-P", "-m", "jobs.cli", *run_words(launch, launch.home)]


def spark_submit(launch: Launch) -> list[str]:
    """NIGHTMILL_SPARK_ARGS: master, deploy mode, resources. spark-submit takes a file, which must not lie in jobs/."""
    script = launch.get("SPARK_SCRIPT", str(launch.home / "infra/spark/run_job.py"))
    submit = [launch.get("SPARK_SUBMIT", "spark-submit"), "--name", launch.name, *launch.words("SPARK_ARGS")]
    return [*submit, script, *run_words(launch, _remote_home(launch))]


def ray_job(launch: Launch) -> list[str]:
    """NIGHTMILL_RAY_ADDRESS and NIGHTMILL_RAY_ARGS: the cluster and what the job gets there."""
    address = launch.get("RAY_ADDRESS")
    submit = [launch.get("RAY", "ray"), "job", "submit", "--submission-id", launch.name]
    submit += [*(["--address", address] if address else []), *launch.words("RAY_ARGS"), "--"]
    return [*submit, *_remote_python(launch), *run_words(launch, _remote_home(launch))]


def kubernetes_pod(launch: Launch) -> list[str]:
    """NIGHTMILL_IMAGE runs as a pod; NIGHTMILL_POD_SECRET names a Secret whose keys become its environment."""
    image = launch.get("IMAGE")
    if not image:
        raise ValueError("NIGHTMILL_IMAGE must name the image in which a pod runs the job")
    secret = launch.get("POD_SECRET")
    sources = {"envFrom": [{"secretRef": {"name": secret}}]} if secret else {}
    container = {"name": launch.name, "image": image, "workingDir": _remote_home(launch), **sources}
    spec = json.dumps({"spec": {"containers": [container]}}, sort_keys=True)
    submit = [*_kubectl(launch), "run", launch.name, "--image", image, "--restart=Never", "--attach", "--rm", "--quiet"]
    submit += ["--env", f"NIGHTMILL_IMAGE={image}", "--override-type=strategic", "--overrides", spec]
    submit += [*launch.words("POD_ARGS"), "--command", "--"]
    return [*submit, *_remote_python(launch), *run_words(launch, _remote_home(launch))]


def _kubectl(launch: Launch) -> list[str]:
    namespace = launch.get("NAMESPACE")
    return [launch.get("KUBECTL", "kubectl"), *(["--namespace", namespace] if namespace else [])]


def _remote_home(launch: Launch) -> str:
    return launch.get("REMOTE_HOME", str(launch.home))


def _remote_python(launch: Launch) -> list[str]:
    return [launch.get("REMOTE_PYTHON", "python"), "-P", "-m", "jobs.cli"]


def _stop_ray(launch: Launch) -> list[str]:
    address = launch.get("RAY_ADDRESS")
    return [launch.get("RAY", "ray"), "job", "stop", *(["--address", address] if address else []), launch.name]


def _stop_pod(launch: Launch) -> list[str]:
    return [*_kubectl(launch), "delete", "pod", launch.name, "--ignore-not-found", "--wait=false"]


# name -> how to start, and what stops it where ending the submitter does not
LAUNCHERS: dict[str, tuple[Callable[[Launch], list[str]], Callable[[Launch], list[str]] | None]] = {
    "process": (process, None),
    "spark-submit": (spark_submit, None),
    "ray-job": (ray_job, _stop_ray),
    "kubernetes-pod": (kubernetes_pod, _stop_pod),
}


def _launcher(launch: Launch) -> tuple[Callable[[Launch], list[str]], Callable[[Launch], list[str]] | None]:
    name = launch.get("LAUNCHER", "process")
    if name not in LAUNCHERS:
        raise ValueError(f"NIGHTMILL_LAUNCHER={name}: choose one of {', '.join(LAUNCHERS)}")
    return LAUNCHERS[name]


def command(launch: Launch) -> list[str]:
    """The argument list of the configured launcher. Raises ValueError for a bad configuration."""
    return _launcher(launch)[0](launch)


def stop_command(launch: Launch) -> list[str] | None:
    stop = _launcher(launch)[1]
    return stop(launch) if stop else None


class Child:
    """A running command in a process group of its own, which ends with it and with this process."""

    def __init__(
        self, arguments: list[str], home: Path, environment: Mapping[str, str], output: IO[Any] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            arguments,
            cwd=home,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if output is None else output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )

    def lines(self) -> Iterator[str]:
        """Its output, line by line as it comes, until it ends; where that was not sent to a file."""
        # A worker that outlives a killed job would hold the pipe open for ever, and the workspace.
        sweeper = threading.Thread(target=self._sweep, daemon=True)
        sweeper.start()
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            while line := stream.readline(LONGEST_LINE):
                yield line.decode("utf-8", "backslashreplace").rstrip("\r\n")
        sweeper.join()

    def _sweep(self) -> None:
        # without reaping: as long as the process is a zombie, nobody else can get its number
        with contextlib.suppress(ChildProcessError):  # stop() was quicker
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self._signal(signal.SIGKILL)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def exit_code(self) -> int:
        """Waits for the end; negative: the signal that ended it."""
        return self._process.wait()

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """End the whole group, unless it has ended: politely, then not."""
        if self.ended():
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def read_outcome(launch: Launch) -> dict[str, Any] | None:
    """What the job recorded in its run, read by the deployment's own interpreter; None: nothing there."""
    words = nightmill(launch, launch.home, "outcome", launch.job, "--run", launch.run, "--json")
    try:
        done = subprocess.run(
            [launch.python, "-P", "-m", "jobs.cli", *words],
            cwd=launch.home,
            env=dict(launch.environment),
            capture_output=True,
            timeout=OUTCOME_SECONDS,
        )
        found = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    return found if isinstance(found, dict) else None


class Ending(Enum):
    DONE = "done"
    RETRY = "retry may help"
    STOP = "do not retry"


FINAL = frozenset({"terminal", "usage", "refused", "not_enough_data"})  # classes of jobs/errors.py


def ending(outcome: Mapping[str, Any] | None, exit_code: int, attempt: str) -> tuple[Ending, str]:
    """How an attempt ended, and why in words. The outcome decides; the exit code can only make it worse."""
    if outcome is None or outcome.get("attempt") != attempt:
        if exit_code == USAGE:
            return Ending.STOP, "the command or params.yaml was refused before the job began; the log says why"
        return Ending.RETRY, f"the job left no outcome of this attempt ({_exit(exit_code)})"
    kind, message = outcome.get("class"), str(outcome.get("message") or "")
    if kind in FINAL:
        return Ending.STOP, f"{kind}: {message}"
    if kind != "done":
        return Ending.RETRY, f"{kind}: {message or 'it did not come to an end'} ({_exit(exit_code)})"
    if exit_code != 0:
        return Ending.RETRY, f"recorded as done, but {_exit(exit_code)}; another try will find it up to date"
    return Ending.DONE, message


def _exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def night(logical: datetime | None, interval_start: datetime | None, zone: tzinfo) -> str:
    """The date that a DAG run is for.

    A logical date at midnight names its own night: scheduled and backfilled runs have one, and so has
    `airflow dags test DAG 2026-01-05`. Triggered at any other moment, a run is for the last whole night, which is the
    run's data interval.
    """
    local = logical.astimezone(zone) if logical else None
    if local is not None and local == local.replace(hour=0, minute=0, second=0, microsecond=0):
        return local.date().isoformat()
    if interval_start is not None:
        return interval_start.astimezone(zone).date().isoformat()
    return (datetime.now(zone).date() - timedelta(days=1)).isoformat()
