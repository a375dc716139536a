"""The `scrub` job: clean → scrubbed."""

from __future__ import annotations

from jobs.context import JobContext, Result
from jobs.mapping import Mapping, run_mapping, stage_fingerprint
from pipelines.pii.stage import STAGE

MAPPING = Mapping("pipelines.pii.stage:STAGE", source="clean", output="scrubbed")


def fingerprint(ctx: JobContext) -> str:
    return stage_fingerprint(ctx, STAGE)


def run(ctx: JobContext) -> Result:
    return run_mapping(ctx, MAPPING)
