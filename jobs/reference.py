"""The reference page, written from the declarations: jobs, datasets, parameters, reject rules, personal data.

python -m jobs.reference > docs/reference.md
"""

from __future__ import annotations

import ast
import inspect
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from jobs import settings
from jobs.context import as_plain
from jobs.declared import JOBS, upstream
from jobs.digest import type_name
from pipelines import params, schemas
from pipelines.clean.published import RULES
from pipelines.pii.recognisers import RECOGNISERS
from pipelines.pii.scrub import POLICIES
from pipelines.report.rules import asked

HEAD = """# Reference

Written by `python -m jobs.reference > docs/reference.md` from the declarations in the code; a test holds it current.
Thresholds are the defaults. What things mean together: [architecture.md](architecture.md).
"""


def page() -> str:
    """The whole page, Markdown."""
    return "\n".join([HEAD, *_jobs(), *_datasets(), *_parameters(), *_rejects(), *_personal_data()])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table and an empty one; `|` within a cell is escaped."""
    for row in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


def _code(*words: str) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _jobs() -> Iterator[str]:
    yield "## Jobs\n"
    head = ("job", "what it does", "kind", "waits for", "writes", "section of params.yaml")
    for_all = ((j, _code(*upstream(j)), _code(*j.writes), _code(*filter(None, [j.section]))) for j in JOBS.values())
    yield from table(head, [(_code(j.name), j.summary, j.kind, *cells) for j, *cells in for_all])


def _datasets() -> Iterator[str]:
    yield "## Datasets\n\nRole `identity`: part of the digest; `observed` and `inexact`: left out of it.\n"
    writers = {dataset: job.name for job in JOBS.values() for dataset in job.writes}
    layouts: dict[tuple[Any, ...], list[schemas.Dataset]] = defaultdict(list)
    for dataset in schemas.DATASETS.values():
        columns = tuple((f.name, type_name(f.type), dataset.role(f.name)) for f in dataset.schema)
        layouts[dataset.key, columns].append(dataset)
    for (key, columns), alike in layouts.items():
        yield f"### {', '.join(dataset.name for dataset in alike)}\n"
        written = _code(*(writers[d.name] for d in alike if d.name in writers))
        yield f"Key: {_code(*key)}. Written by {written or 'no job yet'}.\n"
        yield from table(("column", "type", "role"), [(_code(name), kind, role) for name, kind, role in columns])


def _parameters() -> Iterator[str]:
    yield "## Parameters\n\nKeys of `params.yaml` with their defaults.\n"
    for title, kind in _sections():
        yield f"### {title}\n"
        plain = as_plain(kind(name="") if kind is params.SourceParams else kind())
        names = [f.name for f in fields(kind) if not is_dataclass(f.default_factory)]
        notes = _comments(kind)
        rows = [(_code(name), _code(json.dumps(plain[name])), notes[name]) for name in names]
        yield from table(("key", "default", "meaning"), rows)


def _sections() -> Iterator[tuple[str, Any]]:
    yield "at the top", settings.Settings
    for name, value in vars(settings.Settings()).items():
        if is_dataclass(value):
            yield name, type(value)
            if name == "crawl":
                yield "crawl.sources, each", params.SourceParams


def _comments(kind: Any) -> dict[str, str]:
    """Field → the comment behind it."""
    source = inspect.getsource(kind)
    lines = [line.encode() for line in source.splitlines()]
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.AnnAssign))
    ends = {ast.unparse(n.target): (n.end_lineno or 1, n.end_col_offset or 0) for n in nodes}
    return {name: lines[line - 1][column:].decode().strip(" #") for name, (line, column) in ends.items()}


def _rejects() -> Iterator[str]:
    yield "## Reject rules\n\nA row stays where the sentence holds; else it is in `rejects_STAGE` under the rule.\n"
    sources = {"clean": {rule.name: rule.source for rule in RULES}}
    for stage in schemas.STAGES_WITH_REJECTS:
        yield f"### {stage}\n"
        rules = asked(stage, as_plain(getattr(settings.Settings(), stage)))
        rows = [[_code(name), a.says, a.threshold, sources.get(stage, {}).get(name, "")] for name, a in rules.items()]
        width = 4 if stage in sources else 3
        yield from table(("rule", "asks", "threshold", "source")[:width], [row[:width] for row in rows])


def _personal_data() -> Iterator[str]:
    found: dict[str, list[str]] = defaultdict(list)
    for recogniser in RECOGNISERS:
        found[recogniser.entity] += [recogniser.source] if recogniser.source not in found[recogniser.entity] else []
    yield f"## Personal data\n\nPolicies per entity (`scrub.policies`): {_code(*sorted(POLICIES))}.\n"
    yield from table(("entity", "recognised after"), [(_code(e), "; ".join(s)) for e, s in found.items()])


if __name__ == "__main__":
    print(page().rstrip("\n"))
