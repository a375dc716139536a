"""A small day from end to end: a web site on loopback, two nights by the command line, and what readers see of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import nightmill
from infra.demo.site import Site, served_urls
from infra.demo.specials import PLANTED_PII
from jobs.snapshots import Published
from jobs.storage import LocalStorage

REPOSITORY = Path(__file__).parents[2]
JOBS = ("crawl", "extract", "clean", "scrub", "dedup", "profile", "gate", "card", "publish")
SOURCE = "licence: CC0, allow_private_addresses: true, max_depth: 3"
FIRST, SECOND = "2026-03-01", "2026-03-02"


class Deployment:
    """A lake, a site, and the command line with the settings that bind them."""

    def __init__(self, folder: Path, base: str) -> None:
        self.lake = folder / "lake"
        self.sets = [
            f"lake={self.lake}",
            f"models={folder / 'models'}",
            f'crawl.sources=[{{name: demo, seeds: ["{base}/"], {SOURCE}}}]',
            "crawl.per_host_delay_seconds=0",
            "gate.engine=built-in",
        ]

    def run(self, *words: str, code: int = 0, sets: tuple[str, ...] = ()) -> str:
        options = [part for value in (*self.sets, *sets) for part in ("--set", value)]
        done = subprocess.run(
            [sys.executable, "-m", "jobs.cli", "--quiet", *options, *words],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == code, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout if code == 0 else done.stderr

    @property
    def published(self) -> Published:
        return Published(LocalStorage(self.lake))

    def urls(self, *datasets: str) -> dict[str, list[str]]:
        """Path → the datasets of the head that hold its document."""
        head, found = self.published.head(), {}
        assert head is not None
        for name in datasets:
            for row in self.published.open(head, name).table(["url", "doc_id"]).to_pylist():
                found.setdefault(urlsplit(row["url"]).path, set()).add(name)
        return {path: sorted(names) for path, names in found.items()}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    """Both days, published; the site goes on answering for the second."""
    site = Site(None)
    with site.start() as base:
        deployed = Deployment(tmp_path_factory.mktemp("day"), base)
        deployed.site = site
        deployed.run("run", *JOBS, "--date", FIRST)
        deployed.first = deployed.published.head()
        deployed.first_urls = deployed.urls("pages", "rejects_crawl")
        site.day = 2
        deployed.run("run", *JOBS, "--date", SECOND)
        yield deployed


@pytest.mark.req("CRL-03")
def test_every_linked_url_has_exactly_one_disposition(deployment):
    linked = {served.path for served in served_urls(None, 1) if served.linked}
    assert len(linked) > 40
    assert not linked - deployment.first_urls.keys()
    assert {p: d for p, d in deployment.first_urls.items() if len(d) != 1} == {}


def test_the_robots_rules_are_kept_with_evidence(deployment):
    asked = [path for _, path, _ in deployment.site.requests]
    assert not [path for path in asked if path.startswith("/private/")]
    head = deployment.published.head()
    rows = deployment.published.open(head, "pages").table(["authorisation", "licence"]).to_pylist()
    assert all(row["authorisation"] and row["licence"] == "CC0" for row in rows)


@pytest.mark.req("PII-02", "PII-03")
def test_planted_personal_data_reach_neither_corpus_nor_card(deployment):
    corpus = "\n".join(row["text"] for row in nightmill.load("corpus", lake=deployment.lake))
    card = deployment.run("card", "-o", "-")
    for kind, value in PLANTED_PII.items():
        assert value not in corpus, kind
        assert value not in card, kind
    assert "<CN_ID_CARD>" in corpus and "<EMAIL>" in corpus


def test_the_second_day_costs_what_is_new_and_changes_what_changed(deployment):
    plan = json.loads(deployment.run("show", "documents", "--json"))
    assert plan["funnel"]["rebuilt"] is False
    diff = json.loads(deployment.run("diff", FIRST, SECOND, "--json"))
    assert diff["corpus"]["added"] > 0 and diff["corpus"]["removed"] > 0


@pytest.mark.req("LIN-02")
def test_a_url_is_traced_to_the_corpus_also_through_a_redirect(deployment):
    row = next(iter(nightmill.load("corpus", lake=deployment.lake)))
    journeys = json.loads(deployment.run("trace", row["url"], "--json"))["documents"]
    mine = next(journey for journey in journeys if journey["doc_id"] == row["doc_id"])
    assert mine["layers"]["corpus"][0]["url"] == row["url"] and mine["spans"]
    pages = deployment.published.open(deployment.published.head(), "pages").table(["url", "final_url", "hops"])
    moved = next(page for page in pages.to_pylist() if page["final_url"] != page["url"])
    through = json.loads(deployment.run("trace", moved["final_url"], "--json"))["documents"]
    assert moved["url"] in {page["url"] for journey in through for page in journey["layers"]["pages"]} | {
        page["final_url"] for journey in through for page in journey["layers"]["pages"]
    }
    assert len(through) >= 2  # the page itself, and the one that leads to it


@pytest.mark.req("GAT-01")
def test_a_violation_blocks_publishing_and_keeps_the_candidate(deployment, tmp_path):
    suite = json.loads((REPOSITORY / "expectations/corpus.json").read_text())
    suite["expectations"].append(
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "pii_found", "max_value": 0},
            "severity": "critical",
            "meta": {"says": "Nothing had to be masked."},
        }
    )
    strict = tmp_path / "strict.json"
    strict.write_text(json.dumps(suite))
    before = deployment.published.pointer()
    message = deployment.run(
        "run", *JOBS, "--date", "2026-03-03", "--run", "planted", code=3, sets=(f"gate.suite={strict}",)
    )
    assert "pii_found" in message
    assert deployment.published.pointer() == before
    assert json.loads(deployment.run("show", "corpus", "--run", "planted", "--json"))["rows"] > 0
    outcome = json.loads((deployment.lake / "runs/planted/outcome/gate.json").read_text())
    assert (outcome["class"], outcome["exit_code"]) == ("refused", 3)


@pytest.mark.req("VER-07")
def test_an_old_day_again_does_not_move_the_head_and_a_rollback_publishes_the_old_content(deployment):
    head = deployment.published.head()
    deployment.run("run", *JOBS, "--date", FIRST)
    assert deployment.published.head() == head
    deployment.run("rollback", FIRST, "--yes")
    back = deployment.published.head()
    assert back.id != head.id and back.parent == head.id
    assert back.datasets["corpus"].digest == deployment.first.datasets["corpus"].digest
