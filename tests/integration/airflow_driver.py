"""Runs the DAG on request inside one Python process, so that Airflow starts once for all nights of a test.

Reads JSON lines {"date", "environment", "params"}; answers each with "@@" and {"state", "tasks": {id: [state, tries]}}.
"""

import json
import os
import sys
from datetime import UTC, datetime

from airflow.dag_processing.dagbag import DagBag

DAGS = os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
sys.path.append(DAGS)  # as Airflow itself does for a bundle of DAG files


def run(request: dict) -> dict:
    os.environ.update(request["environment"])
    dag = DagBag(DAGS).dags["nightly_corpus"]
    date = datetime.fromisoformat(request["date"]).replace(tzinfo=UTC)
    done = dag.test(logical_date=date, run_conf=request.get("params"))
    tasks = {ti.task_id: [str(ti.state), ti.try_number] for ti in done.get_task_instances()}
    return {"state": str(done.state), "tasks": tasks}


if __name__ == "__main__":
    for line in sys.stdin:
        print("@@" + json.dumps(run(json.loads(line))), flush=True)
