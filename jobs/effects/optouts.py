"""The opt-outs of every origin a run meets: /.well-known/tdmrep.json and /ai.txt, fetched like robots.txt.

A file that is missing or cannot be had reserves nothing; what was found is kept with each page as evidence.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from jobs.effects.files import Files, Parsed
from pipelines.crawl.optout import AiTxt, TdmRep
from pipelines.crawl.requests import FetchOutcome, FetchRequest, Refusal, file_request
from pipelines.crawl.robots import RobotsVerdict
from pipelines.crawl.urls import origin_of


class _Files(NamedTuple):
    tdmrep: TdmRep | None
    ai_txt: AiTxt | None
    evidence: str


class OptOutsOfRun:
    """Verdicts for one run; `heed` names what is asked for at all (pipelines.params.RESERVATIONS)."""

    def __init__(self, files: Files, user_agent: str, heed: Collection[str]) -> None:
        self._files, self._agent, self._heed = files, user_agent, frozenset(heed)
        self._parsed: Parsed[_Files] = Parsed()

    async def verdict(self, url: str, allowed: RobotsVerdict, allow_private: bool) -> RobotsVerdict | Refusal:
        """`allowed` with evidence added, or rule `opt_out`. Raises only what the journal raises."""
        if not self._heed & {"tdmrep", "ai_txt"}:
            return allowed
        origin = origin_of(url)
        files = await self._parsed.get(f"{origin} {allow_private}", partial(self._read, origin, allow_private))
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if files.tdmrep and files.tdmrep.reserved(path):
            return Refusal("opt_out", "tdmrep.json")
        if files.ai_txt and not files.ai_txt.allowed(path):
            return Refusal("opt_out", "ai.txt")
        return replace(allowed, also=files.evidence)

    async def _read(self, origin: str, allow_private: bool) -> _Files:
        tdmrep, ai_txt, evidence = None, None, []
        if "tdmrep" in self._heed:
            request = file_request("tdmrep", origin + "/.well-known/tdmrep.json", allow_private)
            outcome = await self._files.outcome(request)
            body = self._body(request, outcome)
            tdmrep = TdmRep.parse(body) if body is not None else None
            evidence.append(f"tdmrep.json {_said(outcome)}")
        if "ai_txt" in self._heed:
            request = file_request("ai_txt", origin + "/ai.txt", allow_private)
            outcome = await self._files.outcome(request)
            body = self._body(request, outcome)
            # A site that answers everything with a page has no ai.txt
            ai_txt = AiTxt.parse(body, self._agent) if body is not None and not _is_markup(body) else None
            evidence.append(f"ai.txt {_said(outcome)}")
        return _Files(tdmrep, ai_txt, " ".join(evidence))

    def _body(self, request: FetchRequest, outcome: FetchOutcome) -> bytes | None:
        return self._files.body(request) if outcome.rule is None else None


def _said(outcome: FetchOutcome) -> str:
    """A word for the evidence: the digest of the file, or why there is none."""
    if outcome.rule is None:
        return outcome.body_hash or "-"
    return f"({outcome.detail or outcome.status or outcome.rule})"


def _is_markup(body: bytes) -> bool:
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
