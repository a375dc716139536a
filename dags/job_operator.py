"""The one way in which DAGs run jobs: start it by the configured launcher, follow its log, judge its outcome."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from jobs.launch import Child, Ending, Launch, command, ending, night, read_outcome, stop_command

HOME = Path(__file__).resolve().parents[1]  # unless NIGHTMILL_HOME names the deployment folder


class JobOperator(BaseOperator):
    """Runs a declared job for the run's night, in the workspace that the command line uses too.

    A failure that a retry may help fails the try; any other fails the task for good (AirflowFailException). Returns
    the job's outcome.
    """

    ui_color = "#e8eef7"

    def __init__(self, *, job: str, first: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.first = first  # of its DAG: the job that pins the run
        self._running: tuple[Launch, Child] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        launch = self.launch(context)
        try:
            arguments = command(launch)
        except ValueError as error:
            raise AirflowFailException(str(error)) from error
        self.log.info("night %s, run %s: %s", launch.date, launch.run, shlex.join(arguments))
        child = Child(arguments, launch.home, launch.environment)
        self._running = launch, child
        for line in child.lines():
            self.log.info("%s", line)
        self._running = None
        outcome = read_outcome(launch)
        how, message = ending(outcome, child.exit_code(), launch.attempt)
        if how is Ending.STOP:
            raise AirflowFailException(f"{self.job} {message}")
        if how is Ending.RETRY:
            raise AirflowException(f"{self.job} {message}")
        return dict(outcome or {})

    def launch(self, context: Context) -> Launch:
        run = context["dag_run"]
        zone = context["dag"].timezone
        date = night(run.logical_date, run.data_interval_start, zone)
        return Launch(
            job=self.job,
            date=date,
            run=f"{self.dag_id}-{date}",
            home=Path(os.environ.get("NIGHTMILL_HOME") or HOME).absolute(),
            options=self.options(context["params"]),
        )

    def options(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """Options of `nightmill run` for the DAG's params; only the first job may pin the run anew."""
        existing = params.get("existing_run")
        return (
            *(["--current"] if existing == "current" and self.first else []),
            *(["--as-recorded"] if existing == "as-recorded" else []),
            *(["--allow-gap"] if params.get("allow_gap") else []),
        )

    def on_kill(self) -> None:
        if self._running is None:
            return
        launch, child = self._running
        self.log.warning("stopping %s", launch.name)
        remote = stop_command(launch)
        if remote:
            subprocess.run(remote, env=dict(launch.environment), check=False, timeout=60)
        child.stop()
