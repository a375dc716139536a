"""Stage `scrub`: take personal data out of the text, by a policy per entity.

In: doc_id, text, and title where there is one. Out: text, findings (spans in the scrubbed text), edits over the text
before, title under the same policies. A row with an entity
whose policy is `drop_row` is a reject `pii_<ENTITY>` with the number found; one that cannot be read or on which a
step raises is a reject `scrub_error` with the class of the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.edits import as_dicts
from pipelines.params import ScrubParams
from pipelines.pii.prefilter import flags
from pipelines.pii.recognisers import ENTITIES
from pipelines.pii.scrub import POLICIES, Scrubbed, scrub
from pipelines.schemas import EDITS, FINDINGS
from pipelines.stage import Context, Emitted, MapStage, Verdict, rejects, replace_columns
from pipelines.texts import Texts, from_arrow, to_arrow

NAME = "scrub"
_MAX_KEY_BYTES = 64  # of BLAKE2b


@dataclass(frozen=True)
class State:
    policies: Mapping[str, str]
    key: bytes = field(repr=False)


def setup(ctx: Context) -> State:
    """Raises ValueError for an unknown entity or policy, and where policy `hash` has no key."""
    params: ScrubParams = ctx.params
    unknown = sorted(set(params.policies) - set(ENTITIES))
    if unknown:
        raise ValueError(f"scrub.policies: no entity is called {unknown[0]!r}; entities: {', '.join(ENTITIES)}")
    policies = {entity: params.policies.get(entity, params.default_policy) for entity in ENTITIES}
    for entity, policy in policies.items():
        if policy not in POLICIES:
            raise ValueError(f"scrub: no policy is called {policy!r} ({entity}); policies: {', '.join(POLICIES)}")
    key = b""
    if "hash" in policies.values():
        key = ctx.secrets.get(params.hash_key, "").encode()
        if not key:
            raise ValueError("scrub: policy `hash` needs a key: set scrub.hash_key to the name of a secret that exists")
        if len(key) > _MAX_KEY_BYTES:
            raise ValueError(f"scrub: the secret {params.hash_key!r} is longer than {_MAX_KEY_BYTES} bytes")
    return State(policies, key)


def apply(state: State, batch: pa.Table) -> Emitted:
    texts, bad = from_arrow(batch["text"])
    verdicts = {row: Verdict("scrub_error", detail=reason) for row, reason in bad}
    changed, more = _scrubbed(state, texts)
    verdicts |= more
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "text": _texts(texts, changed),
        "findings": pa.array(
            [[f._asdict() for f in changed[row].findings] if row in changed else [] for row in range(len(texts))],
            FINDINGS,
        ),
        "edits": pa.array([as_dicts(changed[row].edits) if row in changed else [] for row in range(len(texts))], EDITS),
    }
    if "title" in batch.column_names:
        columns["title"], more = _titles(state, batch["title"])
        verdicts |= more
    gone = sorted(verdicts)
    stays = np.ones(len(texts), np.bool_)
    stays[gone] = False
    rows = replace_columns(batch, columns).filter(pa.array(stays))
    return Emitted(rows, rejects(NAME, batch, gone, [verdicts[row] for row in gone]))


def _scrubbed(state: State, texts: Texts) -> tuple[dict[int, Scrubbed], dict[int, Verdict]]:
    """By row: what scrubbing changed, and why a row goes."""
    changed: dict[int, Scrubbed] = {}
    verdicts: dict[int, Verdict] = {}
    flagged = flags(texts)
    for row in np.flatnonzero(flagged).tolist():
        try:
            done = scrub(texts.text(row), state.policies, state.key, int(flagged[row]))
        except Exception as error:  # one bad row never takes its batch along
            verdicts[row] = Verdict("scrub_error", detail=type(error).__name__)
            continue
        if done.dropped:
            entity, number = done.dropped
            verdicts[row] = Verdict(f"pii_{entity}", number, 0)
        elif done.findings:
            changed[row] = done
    return changed, verdicts


def _titles(state: State, column: pa.ChunkedArray) -> tuple[pa.Array | pa.ChunkedArray, dict[int, Verdict]]:
    """Titles under the same policies; they have no spans, since nothing is traced into a title."""
    titles, _ = from_arrow(column.cast(pa.string()).fill_null(""))
    changed, verdicts = _scrubbed(state, titles)
    return pc.if_else(column.is_valid(), _texts(titles, changed), pa.scalar(None, pa.string())), verdicts


def _texts(texts: Texts, changed: Mapping[int, Scrubbed]) -> pa.Array:
    column = to_arrow(texts)
    if not changed:
        return column
    mask = np.zeros(len(texts), np.bool_)
    mask[list(changed)] = True
    new = pa.array([changed[row].text for row in sorted(changed)], pa.string())
    return pc.replace_with_mask(column, pa.array(mask), new)


STAGE = MapStage(
    name=NAME,
    version="1.1.0",
    scope="row",
    needs=("doc_id", "text"),
    adds=("text", "findings", "edits"),
    setup=setup,
    apply=apply,
)
