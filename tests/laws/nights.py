"""Small lakes for the laws: captures are given, not fetched, and the nights are run by the product's own jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from jobs.config import load
from jobs.context import store_outputs
from jobs.engines.base import Engine
from jobs.engines.local_engine import LocalEngine
from jobs.manifest import Provenance
from jobs.runner import Options, default_run, pin, run_job
from jobs.runs import Record, Run
from jobs.snapshots import Entry, Published, Snapshot
from jobs.storage import MemoryStorage, Storage
from jobs.writer import VersionWriter
from pipelines.crawl.requests import url_id
from pipelines.schemas import PAGES, URL_ALIASES, capture_id, document_id, hash128, rejects_of

STAGES = ("extract", "clean", "scrub", "dedup")
FIRST = date(2026, 1, 1)
_SENTENCES_EN = (
    "The ferry leaves the harbour at seven in the morning and returns with the evening tide.",
    "Bread made with rye flour keeps for a week when it is wrapped in a linen cloth.",
    "A canal lock raises boats by letting water in from the upper level through small gates.",
    "Old maps show the coast further east than it is today because the sand has moved.",
    "Bees store honey in wax cells that they build from the middle of the comb outwards.",
    "The lighthouse keeper wrote the weather of every day into a book with a blue cover.",
)
_SENTENCES_ZH = (
    "清晨七点渡船离开港口,傍晚随着潮水返回码头,船上的人们都带着新鲜的蔬菜。",
    "用黑麦面粉做的面包包在亚麻布里可以保存一个星期,味道也会慢慢变得更香。",
    "运河的船闸通过小门从上游放水,把船只慢慢抬高到与上游相同的水位。",
    "旧地图上的海岸线比今天更靠东,因为多年以来沙子一直在向西移动。",
    "蜜蜂把蜂蜜储存在蜡做的巢房里,它们从蜂巢的中间开始向外建造。",
    "灯塔看守人把每天的天气写进一本蓝色封面的本子里,一直写了三十年。",
)


def text_of(number: int) -> str:
    """Texts with known relations: 2n and 2n + 1 are near-duplicates; even n is English, odd n Chinese."""
    topic, variant = divmod(number, 2)
    sentences = _SENTENCES_ZH if topic % 2 else _SENTENCES_EN
    turn = (topic // 2) % len(sentences)
    body = [sentences[(turn + i) % len(sentences)] for i in range(5)]
    ends = ("这是结尾。", "这是另一个结尾。") if topic % 2 else ("This ends here.", "This ends there.")
    return "\n".join([*body, ends[variant]])


def page_of(number: int, wrapping: int = 0) -> bytes:
    """An HTML page around text `number`; another `wrapping` gives other bytes with the same main text."""
    paragraphs = "".join(f"<p>{line}</p>" for line in text_of(number).split("\n"))
    article = f"<!-- {wrapping} --><article>{paragraphs}</article>"
    return f"<html><head><title>T</title></head><body>{article}</body></html>".encode()


@dataclass(frozen=True)
class Capture:
    """What a visit found: a body, or a status without one."""

    url: int
    status: int = 200
    text: int | None = None
    wrapping: int = 0
    junk: bool = False

    def body(self) -> bytes | None:
        if self.status != 200:
            return None
        return b"<p>x</p>" if self.junk else page_of(self.text or 0, self.wrapping)


def day(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


def page_row(capture: Capture, on: str) -> dict[str, Any]:
    url = f"https://example.org/{capture.url}"
    body = capture.body()
    hashed = hash128(body) if body is not None else None
    return {
        "doc_id": document_id("t", "s", url),
        "tenant_id": "t",
        "source": "s",
        "source_class": "web",
        "licence": "CC0",
        "authorised": True,
        "subject_ids": [],
        "capture": capture_id(on, hashed),
        "capture_day": date.fromisoformat(on),
        "body_hash": hashed,
        "requested_url": url,
        "url": url,
        "final_url": url,
        "hops": [],
        "status": capture.status,
        "content_type": "text/html; charset=utf-8",
        "body_bytes": len(body or b""),
        "body": body,
    }


def alias_row(number: int) -> dict[str, Any]:
    url = f"https://example.org/{number}"
    doc = document_id("t", "s", url)
    return {"url_id": url_id(url), "doc_id": doc, "kind": "requested", "url": url, "tenant_id": "t", "since": FIRST}


class Lake:
    """A lake whose nights are handed their captures."""

    def __init__(self, storage: Storage | None = None, overrides: Sequence[str] = ()) -> None:
        self.storage = storage or MemoryStorage()
        self.config = load("params.yaml", overrides=["models=/nonexistent", "tenant=t", *overrides], environ={})

    def captured(self, on: str, captures: Mapping[str, Sequence[Capture]], options: Options) -> None:
        """Stand in for the crawl: write these captures (day → visits) on top of the parent's pages."""
        published = Published(self.storage)
        run = Run(self.storage, default_run(on))
        pins = pin(run, on, self.config, published, options)
        parent = published.snapshot(pins.parent) if pins.parent else None
        base = published.open(parent, "pages") if parent else None
        pages = VersionWriter(self.storage, PAGES, base, run=run.name)
        for visited, visits in captures.items():
            pages.upsert(pa.Table.from_pylist([page_row(c, visited) for c in visits], schema=PAGES.schema))
        aliases = VersionWriter(self.storage, URL_ALIASES, run=run.name)
        aliases.upsert(pa.Table.from_pylist([alias_row(number) for number in range(8)], schema=URL_ALIASES.schema))
        rejects = VersionWriter(self.storage, rejects_of("crawl"))
        outputs = {
            name: writer.finish(Provenance(job="crawl"))
            for name, writer in (("pages", pages), ("url_aliases", aliases), ("rejects_crawl", rejects))
        }
        run.finish(Record("crawl", {}, "captured", store_outputs(self.storage, outputs)))

    def night(
        self,
        on: str,
        captures: Mapping[str, Sequence[Capture]],
        *,
        engine: Engine | None = None,
        stages: Sequence[str] = STAGES,
        options: Options = Options(allow_gap=True),  # noqa: B008 - frozen
    ) -> Snapshot:
        """Run the stages over the captures and publish the result as `on`."""
        self.captured(on, captures, options)
        for stage in stages:
            run_job(stage, on, config=self.config, storage=self.storage, engine=engine or LocalEngine(1))
        return self.publish(on)

    def publish(self, on: str) -> Snapshot:
        run = Run(self.storage, default_run(on))
        pins = run.pins()
        assert pins is not None
        outputs = run.outputs()
        gate = {"passed": True, "content": {n: e.digest for n, e in outputs.items()}}
        return Published(self.storage).publish(
            Snapshot(on, pins.parent, run.name, outputs, gate=gate), written=frozenset(outputs)
        )

    def rows(self, snapshot: Snapshot, dataset: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = Published(self.storage).open(snapshot, dataset).table().to_pylist()
        return rows


def digests(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Digest of every dataset that is derived from the captures."""
    return {name: entry.digest for name, entry in sorted(entries.items())}
