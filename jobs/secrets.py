"""Secrets by reference: configuration says where a secret lies, never what it is.

A reference is `env:NAME`, `file:/path` or `airflow:CONNECTION` (the password of that Airflow connection). A literal is
refused. A `Secret` holds the reference only, so that copying, pickling or printing one cannot give the value away; it
shows itself as `***`. Every value that was revealed is remembered in this process, for the logs to mask.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from jobs.errors import ConfigError

MASK = "***"
SHORTEST_MASKED = 4  # characters; masking shorter values would eat ordinary words

_REFERENCE = re.compile(r"(env):([A-Za-z_][A-Za-z0-9_]*)|(file):(\S.*)|(airflow):([A-Za-z0-9_.-]+)")
_revealed: set[str] = set()


class Secret:
    """Where a secret lies. Raises ConfigError, which does not repeat the text, for anything but a reference."""

    __slots__ = ("_reference",)

    def __init__(self, reference: str) -> None:
        if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
            raise ConfigError(
                "a secret must be a reference: env:NAME, file:/path or airflow:CONNECTION (never the secret itself)"
            )
        self._reference = reference

    def reveal(self) -> str:
        """The value, read anew each time and without line ends; from here on logs mask it.

        Raises ConfigError, which names the reference, when there is no such secret or it is empty.
        """
        kind, _, name = self._reference.partition(":")
        value = {"env": _from_environment, "file": _from_file, "airflow": _from_airflow}[kind](name).rstrip("\r\n")
        if not value:
            raise ConfigError(f"the secret {self._reference} is empty")
        remember(value)
        return value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._reference == other._reference

    def __hash__(self) -> int:
        return hash((Secret, self._reference))


def remember(value: str) -> None:
    """Have `mask` hide this value too."""
    if len(value) >= SHORTEST_MASKED:
        _revealed.add(value)


def mask(text: str) -> str:
    """`text` with every revealed secret replaced, longest first (one may be part of another)."""
    for value in sorted(_revealed, key=lambda each: (-len(each), each)):
        text = text.replace(value, MASK)
    return text


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise ConfigError(f"the secret env:{name} is missing: set the environment variable {name}")
    return os.environ[name]


def _from_file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"the secret file:{name} cannot be read: {reason}") from None


def _from_airflow(name: str) -> str:
    try:
        from airflow.sdk import Connection
        from airflow.sdk.exceptions import AirflowNotFoundException
    except ImportError:
        raise ConfigError(f"the secret airflow:{name} needs Airflow: pip install nightmill[airflow]") from None
    try:
        return Connection.get(name).password or ""
    except AirflowNotFoundException:
        raise ConfigError(f"the secret airflow:{name} is missing: Airflow knows no connection {name}") from None
