"""Every job, declared once: what it reads, writes and depends on.

Airflow's edges, dvc.yaml, `nightmill plan` and the reference come from here. Standard library only: DAG files import
this module and nothing else of the platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["map", "relate", "effect", "control"]


@dataclass(frozen=True)
class Job:
    """A job by name. `section` is the part of params.yaml it reads, `entry` is `module:function` that runs it."""

    name: str
    summary: str
    kind: Kind
    entry: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    section: str | None = None
    after: tuple[str, ...] = ()  # jobs whose outcome it needs though no dataset passes between them


NIGHTLY = "nightly_corpus"
OWNER = "data-platform"

JOBS: dict[str, Job] = {
    job.name: job
    for job in (
        Job(
            "crawl",
            "Fetch and import the declared sources; every URL and item ends in a page or a reject.",
            "effect",
            "jobs.crawl:run",
            writes=("pages", "url_aliases", "rejects_crawl", "tombstone_candidates", "sources"),
            section="crawl",
        ),
        Job(
            "extract",
            "Decode the latest capture of every document and find its main text.",
            "map",
            "jobs.extract:run",
            reads=("pages",),
            writes=("documents", "rejects_extract"),
            section="extract",
        ),
        Job(
            "clean",
            "Identify the language, normalise the text and apply the quality rules.",
            "map",
            "jobs.clean:run",
            reads=("documents",),
            writes=("clean", "rejects_clean"),
            section="clean",
        ),
        Job(
            "scrub",
            "Replace personal data by typed placeholders.",
            "map",
            "jobs.scrub:run",
            reads=("clean",),
            writes=("scrubbed", "rejects_scrub"),
            section="scrub",
        ),
        Job(
            "dedup",
            "Keep the first of every set of exact or near duplicates.",
            "relate",
            "jobs.dedup:run",
            reads=("scrubbed",),
            writes=("corpus", "dedup_index", "rejects_dedup"),
            section="dedup",
        ),
        Job(
            "profile",
            "Measure the full candidate: figures into metrics, failing rows into violations.",
            "relate",
            "jobs.profile:run",
            reads=(
                "pages",
                "documents",
                "clean",
                "scrubbed",
                "corpus",
                "dedup_index",
                "rejects_crawl",
                "rejects_extract",
                "rejects_clean",
                "rejects_scrub",
                "rejects_dedup",
            ),
            writes=("metrics", "violations"),
            section="profile",
        ),
        Job(
            "gate",
            "Hold the expectation suite against the figures; refuse what does not pass.",
            "control",
            "jobs.gate:run",
            reads=("corpus", "metrics", "violations"),
            section="gate",
        ),
        Job(
            "card",
            "Write the data card of the candidate, as a page and as JSON.",
            "control",
            "jobs.card:run",
            reads=("corpus", "scrubbed", "metrics", "violations"),
            after=("gate",),
        ),
        Job(
            "publish",
            "Make the gated candidate the published snapshot.",
            "control",
            "jobs.publish:run",
            reads=("corpus", "metrics", "violations"),
            after=("gate", "card"),
            section="store",
        ),
    )
}


def writer_of(dataset: str) -> str:
    """The one job that writes a dataset."""
    return next(job.name for job in JOBS.values() if dataset in job.writes)


def upstream(job: Job) -> tuple[str, ...]:
    """The jobs that must be done before `job`, in declared order."""
    needed = {writer_of(d) for d in job.reads} | set(job.after)
    return tuple(name for name in JOBS if name in needed)


def edges() -> tuple[tuple[str, str], ...]:
    """(before, after) for every direct dependency, without those that another path implies."""
    direct = {name: set(upstream(job)) for name, job in JOBS.items()}

    def reachable(name: str) -> set[str]:
        return direct[name].union(*(reachable(n) for n in direct[name])) if direct[name] else set()

    found = []
    for name, before in direct.items():
        implied = set().union(*(reachable(n) for n in before)) if before else set()
        found += [(n, name) for n in JOBS if n in before - implied]
    return tuple(found)
