"""The night: crawl → extract → clean → scrub → dedup → profile → gate → card → publish, as declared in jobs."""

import os
from datetime import datetime, timedelta

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, Param, conf

from job_operator import JobOperator
from jobs.declared import JOBS, NIGHTLY, OWNER, edges

RETRY = timedelta(seconds=float(os.environ.get("NIGHTMILL_RETRY_SECONDS", "120")))
CORPUS = Asset(name="corpus", uri="nightmill://published/corpus", group="nightmill")

DOC = f"""
# {NIGHTLY}: one night's corpus, gated and published. Owner: {OWNER}

The run of day D reads what day D offered and builds upon the snapshot of D−1. Its workspace is the run
`{NIGHTLY}-D` of the lake; `nightmill run JOB --date D` works in the same one. A task that is up to date does nothing.

| a task fails with | exit code | Airflow | what to do |
|---|---|---|---|
| transient, or no outcome (killed) | 1 | retries twice, each wait longer | nothing; it goes on where it stopped |
| usage | 2 | no retry | correct params.yaml or the run's parameters, then clear the task |
| refused: the gate | 3 | no retry | the log names expectation and rows; `nightmill show violations --run {NIGHTLY}-D` |
| terminal | 4 | no retry | read the message; a retry gives the same |
| not_enough_data | 5 | no retry | no verdict is possible: look at the sources |

Readers keep the last published snapshot whatever happens here. "D−1 is not published": run D−1 first, or trigger with
`allow_gap`. "pinned to configuration …": trigger with `existing_run` = `as-recorded` or `current`. Publishing an older
day again never moves the head back; it marks the later days stale, and `nightmill plan` lists them. Nights one by one:
`airflow backfill create --dag-id {NIGHTLY} --from-date D --to-date E --max-active-runs 1`.
"""

with DAG(
    NIGHTLY,
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone=conf.get("core", "default_timezone")),
    start_date=datetime(2025, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["nightmill", "corpus", "nightly"],
    doc_md=DOC,
    default_args={
        "owner": OWNER, "retries": 2, "retry_delay": RETRY, "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(hours=1),
    },
    params={
        "existing_run": Param("keep", enum=["keep", "as-recorded", "current"], title="A run that exists already",
                              description="keep its pins; go on as recorded; or pin it to today's configuration"),
        "allow_gap": Param(False, type="boolean", description="build though the night before is not published"),
    },
):  # fmt: skip
    tasks = {
        name: JobOperator(
            task_id=name,
            job=name,
            first=name == next(iter(JOBS)),
            doc_md=f"{job.summary}\n\nReads: {', '.join(job.reads) or '–'}. Writes: {', '.join(job.writes) or '–'}.",
            outlets=[CORPUS] if name == "publish" else [],
        )
        for name, job in JOBS.items()
    }
    for before, after in edges():
        tasks[before] >> tasks[after]
