"""The `crawl` job: the declared sources, fetched politely, as pages, aliases and rejects.

Fetching is an effect: every outcome is in the run's journal before it is used, and a night that was fetched is never
fetched again. A capture whose body equals the one before keeps its hash and leaves the bytes where they are.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from jobs.acquire.candidates import Candidates
from jobs.acquire.canonical import Canonicals, markup
from jobs.acquire.hub import described
from jobs.acquire.imports import Imports
from jobs.acquire.known import NOT_VISITED, Bodies, add_failed, known_pages
from jobs.acquire.readings import check_declared, check_secrets
from jobs.acquire.rights import LicenceCandidates, sorted_out
from jobs.acquire.sources import replace_all, sources_table
from jobs.config import Config
from jobs.context import JobContext, Result
from jobs.datasets import KEY, Version, key_of
from jobs.effects.frontier import Batch, Crawled, Page, crawl
from jobs.effects.journal import Journal
from jobs.errors import Terminal, Transient, UsageError
from jobs.funnel import Tally, funnel
from jobs.logs import log
from jobs.manifest import load as load_manifest
from jobs.runner import default_run
from jobs.runs import Run
from jobs.writer import VersionWriter
from pipelines.crawl.filters import UrlFilter
from pipelines.crawl.requests import FetchOutcome
from pipelines.extract.links import links
from pipelines.extract.live import GONE, UNCHANGED
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
    params = described(ctx.parameters(), ctx.config)
    if not params.sources:
        raise UsageError("crawl.sources in params.yaml is empty; declare at least one source")
    check_declared(params)
    began = time.perf_counter()
    previous = {name: ctx.previous(name) for name in OUTPUTS}
    admitted, refused = sorted_out(params)
    check_secrets(admitted, ctx.config)
    web = [source for source in admitted if source.kind == "web"]
    others = [source for source in admitted if source.kind != "web"]
    wanted = url_filter(ctx.config, params)
    with (
        Journal(ctx.workspace / "journal" / "crawl") as journal,
        Imports(ctx, others, refused, previous["pages"], previous["rejects_crawl"], wanted) as imports,
    ):
        crawled, bodies = _visit(ctx, replace(params, sources=tuple(web)), wanted, journal, previous)
        imports.read()
        _refuse_nothing(crawled, imports, journal)
        for why in imports.unavailable:
            log.warning("a source was not read; what is stored of it stays", why=why)
        outputs, counts = _write(ctx, crawled, imports, previous, bodies)
        repeated = journal.stats.repeated
    LicenceCandidates(previous["tombstone_candidates"], ctx.pins.date).update(
        refused, previous["pages"], outputs["tombstone_candidates"]
    )
    replace_all(outputs["sources"], sources_table(ctx, params.sources), previous["sources"])
    asked = len(crawled.visits) + imports.inputs
    night = funnel(asked, None, asked, counts.emitted, counts.rules, counts.others) | {
        "rebuilt": False,
        "input_rows": asked + crawled.not_due,
        "untouched": crawled.not_due,
    }
    timings = {"seconds": round(time.perf_counter() - began, 3)}
    provenance = ctx.provenance(fingerprint(ctx), {}, timings=timings, funnel=night)
    sitemaps = {name: told for name, report in crawled.sitemaps().items() if (told := report.as_dict())}
    result = night | {"repeated_calls": repeated, "unavailable": imports.unavailable, "sitemaps": sitemaps}
    return Result({name: writer.finish(provenance) for name, writer in outputs.items()}, result)


def _captured(ctx: JobContext) -> Result | None:
    """What was captured for this day already. Raises Terminal for a day that is over."""
    pointer = ctx.published.pointer()
    day = ctx.pins.date
    if day in pointer.days:
        taken = ctx.published.snapshot(pointer.days[day]).datasets
        return Result(
            {n: load_manifest(ctx.storage, taken[n].manifest) for n in OUTPUTS if n in taken},
            {"captured": pointer.days[day]},
        )
    nightly = Run(ctx.storage, default_run(day))
    record = nightly.record(ctx.job.name) if nightly.name != ctx.run.name else None
    if record is not None:
        elsewhere = {n: load_manifest(ctx.storage, e.manifest) for n, e in record.outputs.items()}
        return Result(elsewhere, {"captured": nightly.name})
    if pointer.head_date is not None and day < pointer.head_date:
        raise Terminal(
            f"{day} lies before the published {pointer.head_date} and was never captured; the past cannot be fetched"
        )
    return None


def _visit(
    ctx: JobContext, params: CrawlParams, wanted: UrlFilter, journal: Journal, previous: dict[str, Version | None]
) -> tuple[Crawled, Bodies]:
    """Fetch the web sources of `params`; also what is stored of them."""
    known, bodies = known_pages(previous["pages"], [source.name for source in params.sources])
    add_failed(previous["rejects_crawl"], known, {source.name: source.max_depth for source in params.sources})
    crawled = crawl(
        ctx.pins.date,
        ctx.config.settings.tenant,
        params,
        journal,
        _links(params.max_body_bytes),
        known,
        lambda done, seen: ctx.report(1),
        wanted,
    )
    return crawled, bodies


def url_filter(config: Config, params: CrawlParams) -> UrlFilter:
    """The filter that `params` declare, with the lists in files. Raises UsageError where one cannot be read."""

    def lines(names: tuple[str, ...]) -> list[str]:
        try:
            return [line for name in names for line in config.path(name).read_text("utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"a list of URLs named in params.yaml cannot be read: {error}") from None

    return UrlFilter.of(
        params.allow,
        (*params.block, *lines(params.block_files)),
        lines(params.adult_files),
        params.adult_threshold if params.adult_filter else None,
    )


def _refuse_nothing(crawled: Crawled, imports: Imports, journal: Journal) -> None:
    """A night on which nothing could be read is no capture: forget its failures, so that it can be had later."""
    asked = 0
    for outcome in () if imports.items else map(crawled.outcome, crawled.visits):
        if outcome.rule not in NOT_VISITED and not unanswered(outcome):
            return
        asked += outcome.rule not in NOT_VISITED
    if imports.items:
        return
    if not asked and imports.unavailable:
        raise Terminal("; ".join(imports.unavailable) + "; no other source could be read, so nothing was captured")
    if not asked:
        return
    journal.close()
    shutil.rmtree(journal.path)
    raise Transient(
        f"no page of any source could be fetched ({asked:,} URLs asked for); look at network and sites, "
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
        text = markup(page.body, page.content_type, limit)
        return links(text, page.final_url) if text is not None else []

    return read


def _write(
    ctx: JobContext, crawled: Crawled, imports: Imports, previous: dict[str, Version | None], bodies: Bodies
) -> tuple[dict[str, VersionWriter], Tally]:
    writers = {name: ctx.writer(name, previous[name]) for name in OUTPUTS}
    counts = Tally()
    params, day = ctx.parameters(), ctx.pins.date
    candidates = Candidates(previous["tombstone_candidates"], day, bodies, previous["pages"])
    canonicals = Canonicals(crawled.journal, bodies, params.max_body_bytes, day)
    for batch in chain(crawled.batches(), imports.batches()):
        named = canonicals.named(batch)
        if params.skip_canonical:
            batch = canonicals.without_duplicates(batch, named)
        candidates.update(batch, writers["tombstone_candidates"])
        if params.on_ban == "retract":
            batch = candidates.withdrawn(batch)
        known = _known_bodies(batch.pages, bodies)
        counts.add(_disposed(batch, known))
        writers["pages"].upsert(_without_bodies(batch.pages, known))
        writers["rejects_crawl"].upsert(batch.rejects)
        writers["rejects_crawl"].remove(batch.pages["doc_id"], "accepted")
        aliases = pa.concat_tables([batch.aliases, canonicals.aliases(batch, named)])
        writers["url_aliases"].upsert(_new_aliases(aliases, previous["url_aliases"]))
    for documents in imports.outdated():
        writers["rejects_crawl"].remove(documents, "no longer refused")
    counts.others.update(imports.others)
    return writers, counts


def _known_bodies(pages: pa.Table, bodies: Bodies) -> pa.Array:
    """Which captures have the body that the document had before."""
    rows = zip(*(pages[name].to_pylist() for name in ("source", "doc_id", "body_hash")), strict=True)
    return pa.array([body is not None and bodies.get(name, doc) == body for name, doc, body in rows], pa.bool_())


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


def _new_aliases(aliases: pa.Table, before: Version | None) -> pa.Table:
    """Aliases keep the day on which they were first seen: those known already are left out."""
    if before is None or not aliases.num_rows:
        return aliases
    known = before.get(aliases["url_id"].to_pylist(), [], extras=True)[KEY].combine_chunks()
    return aliases.filter(pc.invert(pc.is_in(key_of(aliases, URL_ALIASES.key), value_set=known)))
