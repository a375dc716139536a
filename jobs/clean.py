"""The `clean` job: documents → clean."""

from __future__ import annotations

from jobs.context import JobContext, Result
from jobs.mapping import Mapping, run_mapping, stage_fingerprint
from pipelines.clean.stage import STAGE

MAPPING = Mapping("pipelines.clean.stage:STAGE", source="documents", output="clean")


def fingerprint(ctx: JobContext) -> str:
    return stage_fingerprint(ctx, STAGE)


def run(ctx: JobContext) -> Result:
    return run_mapping(ctx, MAPPING)
