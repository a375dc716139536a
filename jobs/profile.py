"""The `profile` job: every figure about the full candidate into `metrics`, failing rows into `violations`.

Figures (name.dimension; counts are rows of the corpus unless said otherwise, shares are fractions of 1):

rows · characters · tokens · text_bytes           size; text_bytes is UTF-8, since file sizes hang on their layout
readback|manifest_rows · digest_ok · schema_ok    what the files really hold, against the manifest and the contract
language_rows|share|tokens.<lang> · foreign_rows  by language; foreign: none of `clean.languages`
licence|source|host_rows.<value> · distinct.<…>   the largest, and how many different values there are
null_share.<column> · empty_texts                 of the columns every row needs; texts of white space alone
length.<min|median|p95|max|mean>                  in code points; length_count.<low:high> is the histogram
duplicate_rate[.<rule>] · duplicate_residue       turned away ÷ reached the stage; left over, in documents
pii_found[.<entity>] · pii_documents.<entity>     findings of the scrubber in what stayed
pii_residue[.<entity>] · pii_kept.<entity>        findings of the second scan; kept: by policy, no residue
sensitive_share · unauthorised_rows               documents with a listed word; rows not authorised for use
change_rows · added|changed|removed_rows · deletions_only   against the parent snapshot
stage_input|rows|rejected|retracted.<stage>, disposition_gap.<stage>   the funnel of the whole version, in keys
low_density_share                                 of `documents`: text density under profile.density_floor
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.context import JobContext, Result
from jobs.context import fingerprint as fingerprint_of
from jobs.counting import DiskCounts, disk_counts
from jobs.datasets import HASH, Version, changes
from jobs.declared import JOBS
from jobs.digest import Digest, row_hashes, type_name
from jobs.engines.base import Task
from jobs.mapping import small
from jobs.settings import GateParams
from pipelines.evaluate import shares
from pipelines.evaluate.aligned import Captures, Dispositions, aligned, dispositions, keys, live_documents
from pipelines.evaluate.corpus import Columns, Texts
from pipelines.evaluate.figures import Failing, Figure, metrics_table
from pipelines.evaluate.measure import STAGE
from pipelines.params import CleanParams, ProfileParams, ScrubParams
from pipelines.pii.residue import ENTITIES
from pipelines.schemas import CORPUS, METRICS, STAGES_WITH_REJECTS, VIOLATIONS, rejects_of
from pipelines.stage import Context

VERSION = "2"
NO_INPUT = "the input of a crawl is its journal, not a dataset"
_VALUES = {"language_rows": "lang", "licence_rows": "licence", "source_rows": "source"}


def fingerprint(ctx: JobContext) -> str:
    """Beside parameters and code: other sections that it reads, and the parent's corpus, which change is against."""
    parent = ctx.parent
    before = parent.datasets["corpus"].digest if parent and "corpus" in parent.datasets else ""
    others = "/".join((",".join(sorted(_kept(ctx))), ",".join(_languages(ctx)), str(_limit(ctx))))
    return fingerprint_of(f"profile/{VERSION}/{STAGE.version}/{others}/{before}", ctx.parameters(), {})


def _kept(ctx: JobContext) -> set[str]:
    """Entities that the scrubber's policy leaves in."""
    scrub: ScrubParams = ctx.config.section("scrub")
    return {entity for entity in ENTITIES if scrub.policies.get(entity, scrub.default_policy) == "keep"}


def run(ctx: JobContext) -> Result:
    params: ProfileParams = ctx.parameters()
    versions = {name: ctx.input(name) for name in ctx.job.reads}
    corpus = versions["corpus"]
    failing = Failing(_limit(ctx))
    with disk_counts(ctx.storage.scratch()) as counts:
        figures = _rows(ctx, corpus, params, failing, counts)
        figures += _values(params, _languages(ctx), corpus.rows, counts)
        figures.append(_duplicate_residue(corpus, versions["dedup_index"], failing, counts))
        figures += _funnel(versions, params, failing, counts)
    figures.append(_low_density(versions["documents"], params.density_floor))
    figures += _change(ctx, corpus)
    tables = {METRICS.name: metrics_table(figures, corpus.manifest.version)}
    tables[VIOLATIONS.name] = failing.table(corpus.manifest.version)
    provenance = ctx.provenance(fingerprint(ctx), versions)
    outputs = {}
    for name, table in tables.items():
        writer = ctx.writer(name)
        writer.upsert(table)
        outputs[name] = writer.finish(provenance)
    missing = sorted(f.column for f in figures if f.value is None)
    return Result(outputs, {"figures": len(figures), "not_measured": missing, "corpus_bytes": corpus.manifest.size})


def _low_density(documents: Version, floor: float) -> Figure:
    low = sum(pc.sum(pc.less(piece["density"], floor)).as_py() or 0 for piece in documents.scan(["density"]))
    if not documents.rows:
        return Figure("low_density_share", None, reason="there are no documents")
    return Figure("low_density_share", low / documents.rows)


def _limit(ctx: JobContext) -> int:
    gate: GateParams = ctx.config.section("gate")
    return gate.max_violations


def _languages(ctx: JobContext) -> tuple[str, ...]:
    clean: CleanParams = ctx.config.section("clean")
    return clean.languages


def _rows(
    ctx: JobContext, corpus: Version, params: ProfileParams, failing: Failing, counts: DiskCounts
) -> list[Figure]:
    """One pass over the corpus as it was written: read back, hashed again, and measured on the engine."""
    columns = Columns(failing, _languages(ctx))
    texts = Texts(failing, params.sensitive_words, _kept(ctx))
    digest = Digest()

    def batches() -> Iterator[pa.Table]:
        nonlocal digest
        for piece in corpus.scan():
            piece = CORPUS.conform(piece)
            digest = digest.plus(row_hashes(piece, CORPUS))
            columns.add(piece)
            for figure, column in _VALUES.items():
                counts.add(figure, shares.names_of(piece[column]))
            counts.add("language_tokens", shares.names_of(piece["lang"]), piece["tokens"])
            counts.add("host_rows", shares.names_of(shares.hosts_of(piece["url"])))
            yield from small([piece.select(list(STAGE.needs))])

    task = Task("pipelines.evaluate.measure:STAGE", Context(params))
    for emitted in ctx.engine.map(task, batches()):
        texts.add(emitted.rows)
        ctx.report(emitted.rows.num_rows)
    checks = [
        Figure("manifest_rows", corpus.manifest.rows),
        Figure("readback_rows", columns.rows),
        Figure("digest_ok", float(digest == corpus.manifest.digest)),
        Figure("schema_ok", float(_schema_ok(corpus))),
    ]
    return [*columns.figures(), *texts.figures(), *checks]


def _schema_ok(version: Version) -> bool:
    """The manifest and every data file have the columns, types and roles of the contract."""
    contract = version.dataset
    declared = tuple((f.name, type_name(f.type), contract.role(f.name)) for f in contract.schema)
    files = (version.parquet(f).schema_arrow for f in version.data_files)
    return version.manifest.schema == declared and all(
        schema.names == [*contract.schema.names, HASH]
        and all(schema.field(f.name).type == f.type for f in contract.schema)
        for schema in files
    )


def _values(params: ProfileParams, wanted: Sequence[str], rows: int, counts: DiskCounts) -> list[Figure]:
    languages, tokens = (dict(counts.top(name, params.top_values)) for name in ("language_rows", "language_tokens"))
    for name in (*languages, *wanted):
        languages.setdefault(name, counts.count("language_rows", name))
        tokens.setdefault(name, counts.count("language_tokens", name))
    figures = shares.language_figures(languages, tokens, rows, wanted)
    for figure, limit in {
        "licence_rows": params.top_values,
        "source_rows": params.top_values,
        "host_rows": params.top_hosts,
    }.items():
        figures += [Figure(figure, n, value) for value, n in counts.top(figure, limit)]
    return figures + [
        Figure("distinct", counts.distinct(figure), figure.removesuffix("_rows")) for figure in (*_VALUES, "host_rows")
    ]


def _duplicate_residue(corpus: Version, index: Version, failing: Failing, counts: DiskCounts) -> Figure:
    """Documents of the corpus whose exact hash another document of the same tenant has."""
    unknown = 0
    for kept, known in aligned([corpus.scan(["doc_id", "tenant_id"]), index.scan(["doc_id", "exact"])]):
        if not kept.num_rows:
            continue
        if not known.num_rows:
            unknown += kept.num_rows
            continue
        exact = known["exact"].combine_chunks().take(pc.index_in(keys(kept), value_set=keys(known)))
        unknown += exact.null_count
        counts.add_hashes(*(column.filter(exact.is_valid()) for column in (kept["tenant_id"], exact, kept["doc_id"])))
    if unknown:
        return Figure("duplicate_residue", None, reason=f"{unknown} documents of the corpus are not in dedup_index")
    rows, first = counts.shared(failing.limit)
    failing.add("duplicate_residue", first)
    return Figure("duplicate_residue", rows)


def _funnel(versions: dict[str, Version], params: ProfileParams, failing: Failing, counts: DiskCounts) -> list[Figure]:
    """Per stage what became of its input keys, in the whole version."""
    figures = [
        Figure("stage_input", None, "crawl", NO_INPUT),
        Figure("disposition_gap", None, "crawl", NO_INPUT),
        Figure("stage_rows", versions["pages"].rows, "crawl"),
    ]
    for stage in STAGES_WITH_REJECTS:
        refused = _rules(stage, versions[rejects_of(stage).name], counts)
        if stage == "crawl":
            for _ in refused:  # counted on the way; a crawl's rejects have no input to compare with
                pass
        else:
            figures += _stage(stage, versions, refused, failing)
        rules = counts.top(f"stage_rejected.{stage}", params.top_values)
        figures += [Figure("stage_rejected", n, f"{stage}:{rule}") for rule, n in rules]
    rules = counts.top("stage_rejected.dedup", params.top_values)
    return figures + shares.duplicate_figures(versions["corpus"].rows, versions["rejects_dedup"].rows, dict(rules))


def _rules(stage: str, rejects: Version, counts: DiskCounts) -> Iterator[pa.Table]:
    """The rejected keys of a stage, counted by rule as they go by."""
    for piece in rejects.scan(["doc_id", "rule"]):
        counts.add(f"stage_rejected.{stage}", shares.names_of(piece["rule"]))
        yield piece


def _stage(stage: str, versions: dict[str, Version], refused: Iterator[pa.Table], failing: Failing) -> list[Figure]:
    source, output = JOBS[stage].reads[0], JOBS[stage].writes[0]
    captures, counts = Captures(), Dispositions()
    given = (
        live_documents(versions[source].scan(["doc_id", "status"]), captures)
        if source == "pages"
        else versions[source].scan(["doc_id"])
    )
    for running, wrong in dispositions(given, versions[output].scan(["doc_id"]), refused):
        counts = running
        for kind, ids in wrong.items():
            failing.add(f"disposition_gap.{stage}", ids, detail=kind)
    figures = [
        Figure("stage_rows", counts.rows, stage),
        Figure("disposition_gap", counts.gap, stage),
    ]
    if source == "pages":
        return [
            *figures,
            Figure("stage_input", captures.documents, stage),
            Figure("stage_retracted", captures.documents - captures.live, stage),
        ]
    return [*figures, Figure("stage_input", counts.inputs, stage)]


def _change(ctx: JobContext, corpus: Version) -> list[Figure]:
    before = ctx.previous("corpus")
    if before is None:
        return shares.change_figures(corpus.rows, None, None)
    found = changes(before, corpus)
    return shares.change_figures(corpus.rows, before.rows, (len(found.added), len(found.changed), len(found.removed)))
