"""The card of real candidates: two nights of the handmade site, from the crawl to the published snapshot."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from infra.demo.site import Site
from infra.demo.specials import PLANTED_PII
from jobs.cards.candidate import Candidate
from jobs.cards.shelf import store
from jobs.cli import cli
from jobs.config import load
from jobs.errors import Transient
from jobs.runner import Options, default_run, run_job
from jobs.runs import Run
from jobs.snapshots import Published
from jobs.storage import storage_at
from pipelines.report.card import render
from pipelines.report.facts import Flow, Missing, from_json, to_json

STAGES = ("crawl", "extract", "clean", "scrub", "dedup")
JOBS = (*STAGES, "profile", "gate", "card", "publish")
NIGHTS = ("2026-01-01", "2026-01-02")


class Nights:
    """A lake, and the site that feeds it."""

    def __init__(self, folder, base, site):
        self.folder, self.base, self.site = folder, base, site
        self.storage = storage_at(folder.as_uri())

    def overrides(self):
        source = {"name": "demo", "seeds": [f"{self.base}/"], "licence": "CC0-1.0", "allow_private_addresses": True}
        patience = ("timeout_seconds=0.5", "attempts=1", "max_retry_wait_seconds=0.1", "per_host_delay_seconds=0")
        given = [f"crawl.sources={json.dumps([source])}", *(f"crawl.{each}" for each in patience), "engine.workers=1"]
        return [*given, f"lake={self.folder}"]

    def run(self, night, *jobs, **options):
        self.site.day = NIGHTS.index(night) + 1
        config = load("params.yaml", overrides=self.overrides())
        for job in jobs:
            done = run_job(job, night, config=config, storage=self.storage, options=Options(**options))
        return done

    def facts(self, night):
        card = Published(self.storage).snapshot(Published(self.storage).pointer().days[night]).card
        return from_json(self.storage.read(f"{card}.json").decode())

    def command(self, *words):
        return CliRunner().invoke(cli, ["--lake", str(self.folder), "card", *words])


@pytest.fixture(scope="module")
def site():
    found = Site(None)
    with found.start() as base:
        yield found, base


@pytest.fixture(scope="module")
def lake(site, tmp_path_factory):
    nights = Nights(tmp_path_factory.mktemp("lake"), site[1], site[0])
    for night in NIGHTS:
        nights.run(night, *JOBS)
    return nights


@pytest.mark.req("CMP-05")
def test_the_card_lies_under_the_id_of_the_snapshot_that_is_published(lake):
    published = Published(lake.storage)
    for snapshot in published.history():
        assert snapshot.card == f"cards/{snapshot.id}"
        assert lake.facts(snapshot.date).snapshot_id == snapshot.id
        assert snapshot.id in lake.storage.read(f"{snapshot.card}.html").decode()
    head, first = published.history()
    assert (lake.facts(head.date).parent_id, lake.facts(head.date).parent_date) == (first.id, first.date)


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize("which", ["night", "version"])
def test_every_input_of_every_stage_has_one_disposition(lake, night, which):
    funnel = lake.facts(night).funnel
    assert [stage.name for stage in funnel] == list(STAGES)
    for stage in funnel:
        flow = getattr(stage, which)
        assert isinstance(flow, Flow)
        assert (stage.name, flow.unaccounted) == (stage.name, 0)
        assert sum(rule.rows for rule in flow.rules) == flow.rejected


def test_what_goes_on_is_what_the_next_stage_has_to_judge(lake):
    for stage, following in zip(lake.facts(NIGHTS[1]).funnel[:3], lake.facts(NIGHTS[1]).funnel[1:4], strict=True):
        there = following.night
        assert stage.night.emitted == there.inputs - there.unchanged - there.retracted


def test_a_second_night_says_what_it_brought_and_why_rows_went(lake):
    facts = lake.facts(NIGHTS[1])
    corpus = facts.changes[0]
    assert corpus.dataset == "corpus"
    assert corpus.rows - lake.facts(NIGHTS[0]).total.rows == corpus.added - corpus.removed
    for change in facts.changes:
        by_kind = dict.fromkeys(("added", "removed", "changed"), 0)
        for reason in change.reasons:
            by_kind[reason.kind] += reason.rows
        assert (change.dataset, by_kind) == (change.dataset, {kind: getattr(change, kind) for kind in by_kind})
    crawl = facts.funnel[0].night
    assert crawl.unchanged > crawl.emitted > 0
    assert crawl.retracted > 0


def test_a_stage_that_was_built_anew_says_so_where_rows_went(lake):
    run = Run(lake.storage, "stricter")
    options = Options(as_recorded=True)
    strict = load("params.yaml", overrides=[*lake.overrides(), "clean.min_words=200"])
    first = Run(lake.storage, default_run(NIGHTS[1]))
    run.pin(replace(first.pins(), run=run.name, configuration=strict.digest(), parameters=strict.as_dict()))
    for job in ("crawl", "extract"):
        run.finish(first.record(job))
    for job in ("clean", "scrub", "dedup"):
        run_job(job, NIGHTS[1], config=strict, storage=lake.storage, run=run.name, options=options)
    facts = Candidate.of(lake.storage, run).facts()
    clean = next(change for change in facts.changes if change.dataset == "clean")
    assert clean.removed > 0
    assert {reason.reason for reason in clean.reasons if reason.kind == "removed"} == {"built anew, not by increment"}
    assert {stage.name: stage.night.unaccounted for stage in facts.funnel} == dict.fromkeys(STAGES, 0)


def test_a_first_publication_has_no_change_figure(lake):
    facts = lake.facts(NIGHTS[0])
    assert facts.parent_id is None
    assert all(change.added == Missing("first publication") for change in facts.changes)


def test_the_card_tells_sources_rules_languages_personal_data_and_composition(lake):
    facts = lake.facts(NIGHTS[0])
    (source,) = facts.provenance.sources
    assert (source.name, source.licence, source.authorised, source.rows) == ("demo", "CC0-1.0", True, facts.total.rows)
    assert "robots.txt" in source.evidence
    assert {lang.code: lang.rows > 0 for lang in facts.languages} == {"zh": True, "en": True}
    assert next(rule for rule in facts.funnel[2].version.rules if rule.rule == "min_words").threshold == "≥ 30"
    assert {e.entity for e in facts.pii.entities if e.found} >= {"CN_ID_CARD", "CN_MOBILE", "EMAIL"}
    assert facts.composition
    assert facts.total.tokens > 0
    assert facts.gate.verdict == "passed"
    assert "127.0.0.1 holds 100%" in " ".join(risk.title for risk in facts.risks)


def test_nothing_on_the_card_is_unscrubbed(lake):
    for path in lake.storage.list("cards"):
        text = lake.storage.read(path).decode()
        assert [planted for planted in PLANTED_PII.values() if planted in text] == []
    samples = lake.facts(NIGHTS[1]).samples
    assert {sample.lang for sample in samples} == {"zh", "en"}
    assert 0 < len(samples) <= 6


def test_equal_runs_give_equal_bytes(lake, site, tmp_path):
    """Another lake on another machine, a crawl at another time: one card."""
    other = Nights(tmp_path / "other", site[1], site[0])
    other.run(NIGHTS[0], *JOBS)
    card = Published(lake.storage).snapshot(Published(lake.storage).pointer().days[NIGHTS[0]]).card
    for suffix in ("json", "html"):
        assert other.storage.read(f"{card}.{suffix}") == lake.storage.read(f"{card}.{suffix}")


def test_the_job_is_up_to_date_until_what_it_tells_changes(lake):
    assert lake.run(NIGHTS[1], "card").skipped
    run = Run(lake.storage, default_run(NIGHTS[1]))
    verdict = run.read("gate.json")
    try:
        run.write("gate.json", verdict | {"suite": "another"})
        assert not lake.run(NIGHTS[1], "card").skipped
        assert lake.facts(NIGHTS[1]).gate.suite.startswith("another")
    finally:
        run.write("gate.json", verdict)
        lake.run(NIGHTS[1], "card")


def test_publishing_refuses_a_card_of_other_content(lake):
    run = Run(lake.storage, default_run(NIGHTS[1]))
    record = run.record("card")
    try:
        run.finish(replace(record, result={"card": "cards/0000000000000000"}))
        with pytest.raises(Transient, match="data card is about other content"):
            lake.run(NIGHTS[1], "publish")
    finally:
        run.finish(record)


def test_a_candidate_without_profile_and_gate_tells_what_is_missing(lake):
    run = Run(lake.storage, default_run(NIGHTS[0]))
    whole = Candidate.of(lake.storage, run)
    bare = {name: e for name, e in whole.outputs.items() if name not in ("metrics", "violations")}
    facts = replace(whole, outputs=bare, gate=None).facts()
    assert facts.gate.verdict == "not_run"
    assert isinstance(facts.lengths, Missing)
    assert isinstance(facts.funnel[1].version.inputs, Missing)
    assert facts.funnel[1].night.unaccounted == 0
    assert from_json(to_json(facts)) == facts
    assert render(facts)


def test_a_refused_candidate_has_a_card_too(lake):
    run = Run(lake.storage, default_run(NIGHTS[0]))
    whole = Candidate.of(lake.storage, run)
    failed = [r | {"status": "failed", "blocks": True} for r in whole.gate["results"]]
    facts = replace(whole, gate=whole.gate | {"passed": False, "results": failed}).facts()
    assert facts.gate.verdict == "refused"
    assert "Nothing was published" in render(facts)


def test_the_command_shows_snapshots_and_candidates(lake, tmp_path):
    head = Published(lake.storage).pointer().head
    page = lake.folder / "cards" / f"{head}.html"
    for words in ((), ("head",), (head,), (NIGHTS[1],), ("--run", default_run(NIGHTS[1]))):
        assert lake.command(*words).stdout.strip() == str(page.resolve())
    assert json.loads(lake.command("--json").stdout)["snapshot_id"] == head
    assert lake.command("-o", str(tmp_path / "card.html")).exit_code == 0
    assert (tmp_path / "card.html").read_bytes() == page.read_bytes()
    assert lake.command("-o", "-").stdout_bytes == page.read_bytes()


def test_the_command_writes_the_card_of_a_candidate_that_has_none(lake):
    run = Run(lake.storage, default_run(NIGHTS[1]))
    path = store(lake.storage, Candidate.of(lake.storage, run).facts())
    record = run.record("card")
    try:
        lake.storage.delete(f"{path}.html")
        found = lake.command("--run", run.name).stdout.strip()
        assert found.endswith(f"{path}.html")
        assert lake.storage.exists(f"{path}.html")
    finally:
        run.finish(record)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing",), "no published snapshot 'nothing'"),
        (("--run", "nobody"), "no run 'nobody'"),
        (("--run", "../x"), "run name"),
    ],
)
def test_the_command_says_what_is_wrong(lake, words, says):
    assert says in str(lake.command(*words).exception)
