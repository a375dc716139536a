"""The root of the configuration: what params.yaml may say beside the parameters of the stages (pipelines/params.py).

A field made with `observed` decides where or how fast work is done, never what comes out: it is left out of the
configuration's digest. A `check` is called with the value and raises ValueError with what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from jobs.secrets import Secret
from pipelines.params import CleanParams, CrawlParams, DedupParams, ExtractParams, ProfileParams, ScrubParams


def observed(default: Any, check: Callable[[Any], None] | None = None) -> Any:
    return field(default=default, metadata={"observed": True, "check": check})


def checked(default: Any, check: Callable[[Any], None]) -> Any:
    return field(default=default, metadata={"check": check})


def _time_zone(name: str) -> None:
    if name == "UTC":
        return
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"no time zone is called {name!r} (examples: UTC, Asia/Shanghai)") from None


def _not_negative(number: float) -> None:
    if number < 0:
        raise ValueError(f"must not be negative, got {number}")


def _tenant(name: str) -> None:
    if not name or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError("must be letters, digits, - and _")


@dataclass(frozen=True)
class EngineSettings:
    name: Literal["local", "shuffle"] = observed("local")
    workers: int = observed(0, _not_negative)  # processes; 0: one per core


@dataclass(frozen=True)
class StoreSettings:
    kind: Literal["plain", "dvc"] = "plain"
    path: str = ""  # dvc: folder of the registry repository


@dataclass(frozen=True)
class GateParams:
    suite: str = "expectations/corpus.json"  # relative to params.yaml
    engine: Literal["auto", "great_expectations", "built-in"] = "auto"  # auto: Great Expectations where installed
    max_violations: int = checked(100, _not_negative)  # failing rows kept per figure


@dataclass(frozen=True)
class LogSettings:
    level: Literal["debug", "info", "warning", "error"] = observed("info")


@dataclass(frozen=True)
class Settings:
    lake: str = observed("lake")  # folder, relative to params.yaml, or file:// URI
    models: str = observed("models")  # folder of the model files that `nightmill models fetch` keeps
    tenant: str = checked("default", _tenant)
    timezone: str = checked("UTC", _time_zone)  # whose midnight ends a day
    crawl: CrawlParams = field(default_factory=CrawlParams)
    extract: ExtractParams = field(default_factory=ExtractParams)
    clean: CleanParams = field(default_factory=CleanParams)
    scrub: ScrubParams = field(default_factory=ScrubParams)
    dedup: DedupParams = field(default_factory=DedupParams)
    profile: ProfileParams = field(default_factory=ProfileParams)
    gate: GateParams = field(default_factory=GateParams)
    store: StoreSettings = field(default_factory=StoreSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    secrets: dict[str, Secret] = field(default_factory=dict)  # name -> reference


STAGES = ("crawl", "extract", "clean", "scrub", "dedup", "profile", "gate")  # sections that decide what comes out
