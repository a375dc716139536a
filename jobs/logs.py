"""Structured logs on stderr: JSON lines, or one readable line each on a terminal.

    configure("info")
    with bind(run="nightly-2026-01-01", job="clean"):
        log.info("batch done", rows=8_192, seconds=1.4)

Nothing that could be a document or a secret is printed: values under keys such as `text` or `token` become `***`, so
do revealed secrets wherever they stand, and every value has a length limit. Of an error that is not ours only the type
and the places are logged, since its message may quote the data it failed on.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from typing import Any, TextIO

import structlog

from jobs.errors import NightmillError
from jobs.secrets import MASK, mask

LONGEST = 500  # characters of one value
MOST_ITEMS = 20  # of one list or mapping
DEEPEST = 4

# Last word of a key (`page_text`, `access_token`; not `text_length`), and words that hide a value wherever they stand.
_HIDDEN_LAST = {"text", "body", "html", "secret", "password", "token", "content", "authorization", "cookie"}
_HIDDEN_ANYWHERE = {"secret", "password"}
_HIDDEN_KEYS = {"api_key"}
_COLOURS = {"warning": "\033[33m", "error": "\033[31m", "critical": "\033[31m", "debug": "\033[2m"}

log: Any = structlog.get_logger()


def configure(level: str = "info", *, stream: TextIO | None = None, as_json: bool | None = None) -> None:
    """Set up logging for this process; libraries' own logs from `warning` on go the same way.

    `stream` defaults to stderr, `as_json` to whether that is no terminal.
    """
    _configure(level, stream, as_json)
    root = logging.getLogger()
    root.handlers = [_Forward(logging.WARNING)]  # libraries give their own loggers a lower level
    root.setLevel(logging.WARNING)


def _configure(level: str, stream: TextIO | None, as_json: bool | None) -> None:
    readable = not as_json if as_json is not None else (stream or sys.stderr).isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _describe_error,
            hide,
            _as_line if readable else _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Writer(stream),
        cache_logger_on_first_use=False,
    )


def bind(**ids: str) -> AbstractContextManager[None]:
    """Have every line inside the block carry these ids (run, job, …)."""
    return structlog.contextvars.bound_contextvars(**ids)


def hide(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """The processor that masks and shortens all values of an event."""
    return {_short(str(key)): _safe(str(key), value) for key, value in event.items()}


def _safe(key: str, value: Any, depth: int = 0) -> Any:
    if _is_hidden(key):
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"({len(value)} bytes)"
    if isinstance(value, Mapping | list | tuple | set | frozenset) and depth >= DEEPEST:
        return f"({len(value)} items)"
    if isinstance(value, Mapping):
        kept = list(value.items())[:MOST_ITEMS]
        return {_short(str(name)): _safe(str(name), each, depth + 1) for name, each in kept} | _left_out(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [_safe("", each, depth + 1) for each in items[:MOST_ITEMS]] + list(_left_out(value))
    return _short(str(value))


def _left_out(value: Any) -> dict[str, str]:
    more = len(value) - MOST_ITEMS
    return {f"({more} more)": "…"} if more > 0 else {}


def _short(text: str) -> str:
    """Masked first: a cut must not leave half a secret."""
    text = mask(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


def _is_hidden(key: str) -> bool:
    key = key.lower().replace("-", "_")
    words = key.split("_")
    return words[-1] in _HIDDEN_LAST or key in _HIDDEN_KEYS or not _HIDDEN_ANYWHERE.isdisjoint(words)


def _describe_error(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """`exc_info` as type, message where it is ours or the system's, and places."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        if isinstance(error, NightmillError):
            event["message"] = str(error)
        elif isinstance(error, OSError):
            event["message"] = f"{error.strerror or ''}: {error.filename or ''}".strip(": ")
        if error.__cause__ is not None:
            event["cause"] = type(error.__cause__).__name__
        frames = traceback.extract_tb(error.__traceback__)
        event["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-MOST_ITEMS:]]
    return event


def _as_json(_logger: Any, _method: str, event: Mapping[str, Any]) -> str:
    first = {key: event[key] for key in ("timestamp", "level", "event", "run", "job") if key in event}
    text = json.dumps(first | dict(event), ensure_ascii=False, allow_nan=True, default=str)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _as_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    level, time, what = event.pop("level", "info"), event.pop("timestamp", ""), event.pop("event", "")
    rest = " ".join(f"{_shown(key)}={_shown(value)}" for key, value in event.items())
    return f"{time[11:19]} {_COLOURS.get(level, '')}{level:<7}\033[0m {_shown(what)}  \033[2m{rest}\033[0m"


def _shown(value: Any) -> str:
    """One line without control characters, whatever the value holds."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class _Writer:
    """Writes one line at a time to the stream, or to what stderr is at that moment: a progress bar replaces it."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        stream = self._stream or sys.stderr
        stream.write(line + "\n")
        stream.flush()

    debug = info = warning = error = critical = msg


class _Forward(logging.Handler):
    """Hands records of the standard library's logging over, so that they are masked too."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower() if record.levelno <= logging.CRITICAL else "critical"
        method = getattr(log, level, log.warning)
        method(record.getMessage(), logger=record.name, exc_info=record.exc_info)


_configure("info", None, None)  # a line before the program has configured anything must be masked too
