"""The `crawl` job: the declared sources, fetched politely, as pages, aliases and rejects.

Fetching is an effect: every outcome is in the run's journal before it is used, and a night that was fetched is never
fetched again. A capture whose body equals the one before keeps its hash and leaves the bytes where they are.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from jobs.acquire.candidates import Candidates
from jobs.acquire.imports import Imports
from jobs.acquire.known import NOT_VISITED, add_failed, known_pages
from jobs.acquire.readings import check_declared
from jobs.acquire.rights import LicenceCandidates, sorted_out
from jobs.acquire.sources import replace_all, sources_table
from jobs.context import JobContext, Result
from jobs.datasets import KEY, Version, key_of
from jobs.effects.frontier import Batch, Crawled, Page, crawl
from jobs.effects.journal import Journal
from jobs.errors import Terminal, Transient, UsageError
from jobs.funnel import Tally, funnel
from jobs.manifest import load as load_manifest
from jobs.runner import default_run
from jobs.runs import Run
from jobs.writer import VersionWriter
from pipelines.crawl.requests import FetchOutcome, url_id
from pipelines.crawl.urls import UrlError, join
from pipelines.extract.decode import Undecodable
from pipelines.extract.links import canonical, links
from pipelines.extract.live import GONE, UNCHANGED
from pipelines.extract.route import kind_of, source_text
from pipelines.params import CrawlParams
from pipelines.schemas import URL_ALIASES
from pipelines.stage import Emitted, replace_columns

OUTPUTS = ("pages", "url_aliases", "rejects_crawl", "tombstone_candidates", "sources")


def fingerprint(ctx: JobContext) -> str:
    """Constant: what was captured stays captured, whatever the parameters say later."""
    return "captured"


def run(ctx: JobContext) -> Result:
    captured = _captured(ctx)
    if captured is not None:
        return captured
    params = ctx.parameters()
    if not params.sources:
        raise UsageError("crawl.sources in params.yaml is empty; declare at least one source")
    check_declared(params)
    began = time.perf_counter()
    previous = {name: ctx.previous(name) for name in OUTPUTS}
    admitted, refused = sorted_out(params)
    web = [source for source in admitted if source.kind == "web"]
    others = [source for source in admitted if source.kind != "web"]
    with (
        Journal(ctx.workspace / "journal" / "crawl") as journal,
        Imports(ctx, others, refused, previous["pages"], previous["rejects_crawl"]) as imports,
    ):
        crawled, hashes = _visit(ctx, replace(params, sources=tuple(web)), journal, previous)
        imports.read()
        _refuse_nothing(crawled, imports, journal)
        outputs, counts = _write(ctx, crawled, imports, previous, hashes)
        repeated = journal.stats.repeated
    LicenceCandidates(previous["tombstone_candidates"], ctx.pins.date).update(
        refused, previous["pages"], outputs["tombstone_candidates"]
    )
    replace_all(outputs["sources"], sources_table(ctx), previous["sources"])
    asked = len(crawled.visits) + imports.inputs
    night = funnel(asked, None, asked, counts.emitted, counts.rules, counts.others) | {"rebuilt": False}
    timings = {"seconds": round(time.perf_counter() - began, 3)}
    provenance = ctx.provenance(fingerprint(ctx), {}, timings=timings, funnel=night)
    result = night | {"repeated_calls": repeated, "unavailable": imports.unavailable}
    return Result({name: writer.finish(provenance) for name, writer in outputs.items()}, result)


def _captured(ctx: JobContext) -> Result | None:
    """What was captured for this day already. Raises Terminal for a day that is over."""
    pointer = ctx.published.pointer()
    day = ctx.pins.date
    if day in pointer.days:
        taken = ctx.published.snapshot(pointer.days[day]).datasets
        return Result(
            {n: load_manifest(ctx.storage, taken[n].manifest) for n in OUTPUTS}, {"captured": pointer.days[day]}
        )
    nightly = Run(ctx.storage, default_run(day))
    record = nightly.record(ctx.job.name) if nightly.name != ctx.run.name else None
    if record is not None:
        elsewhere = {n: load_manifest(ctx.storage, record.outputs[n].manifest) for n in OUTPUTS}
        return Result(elsewhere, {"captured": nightly.name})
    if pointer.head_date is not None and day < pointer.head_date:
        raise Terminal(
            f"{day} lies before the published {pointer.head_date} and was never captured; the past cannot be fetched"
        )
    return None


def _visit(
    ctx: JobContext, params: CrawlParams, journal: Journal, previous: dict[str, Version | None]
) -> tuple[Crawled, dict[str, str]]:
    """Fetch the web sources of `params`; also the body hash of each document that is known."""
    known, hashes = known_pages(previous["pages"]) if params.sources else ({}, {})
    add_failed(previous["rejects_crawl"], known, {source.name: source.max_depth for source in params.sources})
    crawled = crawl(
        ctx.pins.date,
        ctx.config.settings.tenant,
        params,
        journal,
        _links(params.max_body_bytes),
        known,
        lambda done, seen: ctx.report(1),
    )
    return crawled, hashes


def _refuse_nothing(crawled: Crawled, imports: Imports, journal: Journal) -> None:
    """A night on which nothing could be read is no capture: forget its failures, so that it can be had later."""
    asked = [o for o in map(crawled.outcome, crawled.visits) if o.rule not in NOT_VISITED]
    if imports.items or not all(map(unanswered, asked)):
        return
    if not asked and imports.unavailable:
        raise Terminal("; ".join(imports.unavailable) + "; no other source could be read, so nothing was captured")
    if not asked:
        return
    journal.close()
    shutil.rmtree(journal.path)
    raise Transient(
        f"no page of any source could be fetched ({len(asked):,} URLs asked for); look at network and sites, "
        "then run it again"
    )


def unanswered(outcome: FetchOutcome) -> bool:
    """Whether nobody was there, or only a broken server: a robots.txt that forbids is an answer."""
    if outcome.rule == "robots":
        return (outcome.detail or "").startswith("unreachable")
    if outcome.rule == "http_status":
        return (outcome.value or 0) >= 500
    return outcome.rule in ("fetch_error", "host_unavailable")


def _links(limit: int) -> Callable[[Page], list[str]]:
    def read(page: Page) -> list[str]:
        text = _decoded(page.body, page.content_type, limit)
        return links(text, page.final_url) if text is not None else []

    return read


def _decoded(body: bytes, content_type: str | None, limit: int) -> str | None:
    """The page's markup, or None where it is none; `extract` will say why."""
    try:
        return source_text(body, content_type, limit) if kind_of(body, content_type) == "html" else None
    except Undecodable:
        return None


def _write(
    ctx: JobContext, crawled: Crawled, imports: Imports, previous: dict[str, Version | None], hashes: dict[str, str]
) -> tuple[dict[str, VersionWriter], Tally]:
    writers = {name: ctx.writer(name, previous[name]) for name in OUTPUTS}
    counts = Tally()
    candidates = Candidates(previous["tombstone_candidates"], ctx.pins.date)
    for batch in chain(crawled.batches(), imports.batches()):
        known = _known_bodies(batch.pages, hashes)
        counts.add(_disposed(batch, known))
        writers["pages"].upsert(_without_bodies(batch.pages, known))
        writers["rejects_crawl"].upsert(batch.rejects)
        writers["rejects_crawl"].remove(batch.pages["doc_id"], "accepted")
        candidates.update(batch, writers["tombstone_candidates"])
        aliases = pa.concat_tables([batch.aliases, *_canonical(batch, ctx.parameters().max_body_bytes)])
        writers["url_aliases"].upsert(_new_aliases(aliases, previous["url_aliases"]))
    for documents in imports.outdated():
        writers["rejects_crawl"].remove(documents, "no longer refused")
    counts.others.update(imports.others)
    return writers, counts


def _known_bodies(pages: pa.Table, hashes: dict[str, str]) -> pa.Array:
    """Which captures have the body that the document had before."""
    pairs = zip(pages["doc_id"].to_pylist(), pages["body_hash"].to_pylist(), strict=True)
    return pa.array([body is not None and hashes.get(doc) == body for doc, body in pairs], pa.bool_())


def _disposed(batch: Batch, known: pa.Array) -> Emitted:
    """A page with a new body goes on; one that is gone or as before says so."""
    status = batch.pages["status"].combine_chunks()
    gone = pc.is_in(status, value_set=pa.array(GONE, pa.int64())).fill_null(False)
    same = pc.or_(known, pc.equal(status, UNCHANGED).fill_null(False))
    word = pc.if_else(gone, "retracted", pc.if_else(same, "unchanged", "emitted"))
    new = pc.equal(word, "emitted")
    return Emitted(batch.pages.filter(new), batch.rejects, pa.table({"disposition": word.filter(pc.invert(new))}))


def _without_bodies(pages: pa.Table, known: pa.Array) -> pa.Table:
    bodies = pc.if_else(known, pa.scalar(None, pa.binary()), pages["body"].combine_chunks())
    return replace_columns(pages, {"body": bodies})


def _canonical(batch: Batch, limit: int) -> Iterator[pa.Table]:
    """Alias rows for the canonical URLs that pages name."""
    rows = []
    columns = ["doc_id", "tenant_id", "capture_day", "final_url", "content_type", "body"]
    for page in batch.pages.select(columns).to_pylist():
        text = _decoded(page["body"], page["content_type"], limit) if page["body"] and page["final_url"] else None
        named = canonical(text, page["final_url"]) if text else None
        try:
            url = join(page["final_url"], named) if named else None
        except UrlError:
            url = None
        if url:
            rows.append(
                {
                    "url_id": url_id(url),
                    "doc_id": page["doc_id"],
                    "kind": "canonical",
                    "url": url,
                    "tenant_id": page["tenant_id"],
                    "since": page["capture_day"],
                }
            )
    if rows:
        yield pa.Table.from_pylist(rows, schema=batch.aliases.schema)


def _new_aliases(aliases: pa.Table, before: Version | None) -> pa.Table:
    """Aliases keep the day on which they were first seen: those known already are left out."""
    if before is None or not aliases.num_rows:
        return aliases
    known = before.get(aliases["url_id"].to_pylist(), [], extras=True)[KEY].combine_chunks()
    return aliases.filter(pc.invert(pc.is_in(key_of(aliases, URL_ALIASES.key), value_set=known)))
