"""JSON Pointer (RFC 6901): a place within a JSON value."""

from __future__ import annotations

import re
from typing import Any

_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")


class Absent(LookupError):
    """Nothing stands at a pointer."""


def resolve(value: Any, pointer: str) -> Any:
    """What stands at `pointer`; the whole value for an empty one. Raises Absent, and ValueError for no pointer."""
    if pointer and not pointer.startswith("/"):
        raise ValueError("a JSON pointer begins with /")
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and _INDEX.match(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            raise Absent(pointer)
    return value
