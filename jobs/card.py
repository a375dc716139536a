"""The `card` job: the data card of the candidate, as a page and as JSON, under the id that it will be published by."""

from __future__ import annotations

import hashlib
import json

from jobs.cards.candidate import Candidate
from jobs.cards.shelf import store
from jobs.context import JobContext, Result
from jobs.context import fingerprint as fingerprint_of
from pipelines.report.facts import FORMAT_VERSION

VERSION = "1"


def fingerprint(ctx: JobContext) -> str:
    """Everything the page tells: the candidate's manifests (they hold the funnels), its verdict and its pins."""
    candidate = Candidate.of(ctx.storage, ctx.run)
    manifests = sorted((name, entry.manifest) for name, entry in candidate.datasets.items())
    pins = [candidate.run, ctx.pins.parent, ctx.pins.date, ctx.pins.configuration, ctx.pins.code_version]
    content = json.dumps([candidate.id, manifests, candidate.gate, pins], sort_keys=True).encode()
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    return fingerprint_of(f"card/{VERSION}/{FORMAT_VERSION}/{digest}", None, {})


def run(ctx: JobContext) -> Result:
    candidate = Candidate.of(ctx.storage, ctx.run)
    return Result(result={"card": store(ctx.storage, candidate.facts())})
