"""Pinned components (model files) that stages may use, found where `nightmill models fetch` put them."""

from __future__ import annotations

from pathlib import Path

from jobs import models
from jobs.config import Config


def home(config: Config) -> Path:
    return config.path(config.settings.models)


def available(config: Config) -> dict[str, Path]:
    """Name → local path of every known component that is present."""
    found = {name: models.path_of(name, home(config)) for name in sorted(models.KNOWN)}
    return {name: path for name, path in found.items() if path is not None}
