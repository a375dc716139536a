"""Looks at the DAG and its operator with Airflow imported, in a process of its own; prints what it found as JSON.

Airflow configures logging and reads its home when it is imported, so it stays out of the process of the tests.
"""

import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Asset, BaseOperator, CronDataIntervalTimetable, Param, conf  # noqa: F401 - warmed up
from airflow.sdk.exceptions import AirflowFailException

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "dags")]


def importing() -> dict:
    """Seconds and modules that our own files cost."""
    before, began = set(sys.modules), time.perf_counter()
    import nightly_corpus  # noqa: F401

    return {"seconds": time.perf_counter() - began, "modules": sorted(set(sys.modules) - before)}


def declared() -> dict:
    bag = DagBag(str(ROOT / "dags"))
    dag = bag.dags["nightly_corpus"]
    interval = dag.timetable
    return {
        "errors": {str(k): str(v) for k, v in bag.import_errors.items()},
        "dags": sorted(bag.dags),
        "tags": sorted(dag.tags),
        "doc": dag.doc_md,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "timetable": [type(interval).__name__, interval.expression, str(interval.timezone)],
        "zone": str(dag.timezone),
        "params": dag.params.dump(),
        "tasks": [
            {
                "id": task.task_id,
                "kind": type(task).__name__,
                "upstream": sorted(task.upstream_task_ids),
                "owner": task.owner,
                "retries": task.retries,
                "delay": task.retry_delay.total_seconds(),
                "backoff": task.retry_exponential_backoff,
                "doc": task.doc_md,
                "first": task.first,
                "outlets": [[asset.name, asset.uri] for asset in task.outlets],
            }
            for task in dag.tasks
        ],
    }


def attempt(job: str = "crawl", first: bool = True, kill: bool = False, params: dict | None = None, **environment):
    """Executes the operator outside a DAG run; the launcher's command is what NIGHTMILL_PYTHON makes of it."""
    from job_operator import JobOperator

    os.environ.update(environment)
    task = JobOperator(
        task_id=f"t{time.monotonic_ns()}", job=job, first=first, dag=DAG("nightly_corpus", schedule=None)
    )
    day = datetime(2026, 1, 5, tzinfo=UTC)
    context = {
        "dag_run": SimpleNamespace(logical_date=day, data_interval_start=day),
        "dag": SimpleNamespace(timezone=UTC),
        "params": params or {},
    }
    found: dict = {}

    def execute() -> None:
        try:
            found["result"] = JobOperator.execute.__wrapped__(task, context)
        except Exception as error:
            found["final"] = isinstance(error, AirflowFailException)
            found["error"] = str(error)

    thread = threading.Thread(target=execute)
    began = time.monotonic()
    thread.start()
    while kill and task._running is None:
        time.sleep(0.01)
    if kill:
        time.sleep(0.2)
        task.on_kill()
    thread.join()
    launch = task.launch(context)
    facts = {"run": launch.run, "date": launch.date, "options": launch.options, "seconds": time.monotonic() - began}
    return found | facts


if __name__ == "__main__":
    stand_in = os.environ["STAND_IN"]  # a program in the interpreter's place
    print(
        json.dumps(
            {
                "importing": importing(),
                "declared": declared(),
                "done": attempt(NIGHTMILL_PYTHON=stand_in, STAND_IN_CLASS="done", STAND_IN_CODE="0"),
                "refused": attempt(STAND_IN_CLASS="refused", STAND_IN_CODE="3"),
                "transient": attempt(STAND_IN_CLASS="transient", STAND_IN_CODE="1"),
                "silent": attempt(STAND_IN_CLASS="", STAND_IN_CODE="0"),
                "killed": attempt(STAND_IN_CLASS="", STAND_IN_CODE="0", STAND_IN_SECONDS="600", kill=True),
                "repinned": attempt(STAND_IN_SECONDS="0", params={"existing_run": "current", "allow_gap": True}),
                "later": attempt(job="clean", first=False, params={"existing_run": "current"}),
                "recorded": attempt(job="clean", first=False, params={"existing_run": "as-recorded"}),
                "misconfigured": attempt(NIGHTMILL_LAUNCHER="slurm"),
            }
        )
    )
