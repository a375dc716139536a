"""dvc.yaml from the declared jobs: the same night on a laptop, for one date, without publishing.

Every stage calls the command line, in a run of its own (`dvc-DATE`). `crawl` comes first each time, since it pins the
run to today's parameters, code and previous snapshot; where that night was captured before, its pages are taken. The
other stages run where a record before them, their section of params.yaml, the previous snapshot or the code changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from jobs.declared import JOBS, Job, upstream

NIGHT = "night.yaml"  # holds the date
_RUN = "dvc-${date}"
_FOLDER = f"${{lake}}/runs/{_RUN}"
_FILES = {"gate": ("${gate.suite}",)}  # what a job reads beside datasets
_HEADER = f"""\
# The night of {NIGHT} on a laptop:   source .venv/bin/activate && dvc repro
#
# Made by `nightmill jobs --dvc > dvc.yaml`; change jobs/declared.py, not this page.
# Nothing is published. The run has a workspace of its own in the lake, so a night that Airflow runs is not touched; of
# published snapshots it only reads. A night that was captured is not fetched again. Candidates are looked at with
# `nightmill show corpus --run dvc-DATE`. The sections named here must stand in params.yaml; profiles and --set are not
# seen. After fetching a model: dvc repro --force.
"""


def pipeline() -> str:
    """The text of dvc.yaml."""
    lines = ["vars:", f"  - {NIGHT}", "", "stages:"]
    for job in JOBS.values():
        if job.name != "publish":
            lines += _stage(job)
    return _HEADER + "\n".join(lines) + "\n"


def _stage(job: Job) -> Iterator[str]:
    first = job.name == next(iter(JOBS))
    options = " --current --allow-gap" if first else ""
    yield f"  {job.name}:"
    yield f"    desc: {json.dumps(job.summary)}"
    yield f"    cmd: python -P -m jobs.cli --quiet run {job.name} --date ${{date}} --run {_RUN}{options}"
    if first:
        yield "    always_changed: true"
    else:
        yield "    deps:"
        yield from (f"      - {_record(name)}" for name in upstream(job))
        yield from (f"      - {name}" for name in _FILES.get(job.name, ()))
        yield "    params:"
        if job.section:
            yield f"      - {job.section}"
        yield f"      - {_FOLDER}/run.json:"
        yield "          - code_version"
        yield "          - parent"
    yield "    outs:"
    for out in ([f"{_FOLDER}/run.json"] if first else []) + [_record(job.name)]:
        yield f"      - {out}:"
        yield "          cache: false"
        yield "          persist: true"


def _record(job: str) -> str:
    return f"{_FOLDER}/jobs/{job}.json"
