"""The watermark of a message stream on disk, and the messages that a dump adds to it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import orjson

from jobs.errors import UsageError
from pipelines.acquire.textfile import Text
from pipelines.acquire.watermark import Watermark, new_messages
from pipelines.extract.decode import Undecodable

MAX_LINE = 1_000_000


def take(dump: Path, mark: Path, output: Path) -> tuple[int, bool]:
    """Append the new messages of `dump` to `output` and set `mark`: their number, and whether a gap lies before them.

    A kill between the two steps repeats messages, it never loses one. Raises UsageError for a dump that is no text and
    for a mark that is none.
    """
    with dump.open("rb") as stream:
        try:
            lines = [line for _, line in Text(stream).lines(MAX_LINE) if line is not None]
        except Undecodable:
            raise UsageError(f"{dump}: this is no text file") from None
    found = new_messages(_load(mark), lines)
    if found.new:
        with output.open("a", encoding="utf-8", errors="replace") as file:
            file.writelines(f"{message}\n" for message in found.new)
            file.flush()
            os.fsync(file.fileno())
    at = found.watermark.marker
    data = orjson.dumps({"marker": at.isoformat() if at else None, "after": found.watermark.after})
    fresh = mark.with_name(mark.name + ".new")
    fresh.write_bytes(data)
    os.replace(fresh, mark)
    return len(found.new), found.gap


def _load(mark: Path) -> Watermark:
    if not mark.exists():
        return Watermark()
    try:
        value = orjson.loads(mark.read_bytes())
        return Watermark(
            datetime.fromisoformat(value["marker"]) if value["marker"] else None, tuple(map(str, value["after"]))
        )
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{mark}: this is no mark of nightmill new-messages") from None
