"""Request logs, minimised before anything is stored: a few business fields survive, everything else is dropped here.

There is no field for addresses, user names, agents, referrers, cookies or headers, so none can be kept by mistake. Of
a path the query goes and what may be somebody's number becomes `{id}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipelines.acquire.values import Malformed, View, plain

Fields = dict[str, Any]
#: What a business log holds, in this order. All are optional but one of the last five must be there.
FIELDS = ("time", "service", "model", "method", "path", "status", "duration_ms", "bytes", "question", "answer")
_TELLING = ("path", "status", "method", "question", "answer")

# host ident user [time] "request" status bytes, then referrer and agent in the combined format
_COMBINED = re.compile(
    r'\S+ \S+ [^\[\n]{1,200}\[([^\]\n]{1,40})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d{1,18}|-)(?: .*)?\Z', re.DOTALL
)
_REQUEST = re.compile(r"([A-Z]{3,10}) (\S+)(?: HTTP/\d(?:\.\d)?)?\Z")
_PERSONAL = re.compile(r"[0-9]{5}|[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{9}|@|%40", re.IGNORECASE)


def path_of(target: str) -> str:
    """A request target without scheme, host, query and fragment; segments with long numbers, hashes or @ are `{id}`."""
    path = target.partition("?")[0].partition("#")[0].partition(";")[0]
    if "://" in path[:10]:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    return "/".join("{id}" if _PERSONAL.search(segment) else segment for segment in path.split("/"))


def request_log(view: View) -> Iterator[Fields]:
    """The business fields of one request: those that the source maps, or without a mapping those of the usual names."""
    wanted = [name for name in FIELDS if not view.chosen or name in view.chosen]
    fields = dict.fromkeys(FIELDS, "") | {name: plain(view.get(name), name) for name in wanted}
    if not any(fields[name] for name in _TELLING):
        raise Malformed("missing_field", "path")
    if fields["path"]:
        request = _REQUEST.match(fields["path"])
        if request:
            fields["method"], fields["path"] = fields["method"] or request[1], request[2]
        fields["path"] = path_of(fields["path"])
    yield fields


def parse_line(line: str) -> Fields:
    """One line of a log: JSON, or Apache's and nginx's common and combined format. Raises Malformed.

    Of the latter only time, method, path, status and size are read at all.
    """
    if line.lstrip()[:1] == "{":
        try:
            value = json.loads(line, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            raise Malformed("bad_json") from None
        return value if isinstance(value, dict) else {}
    match = _COMBINED.match(line)
    if not match:
        raise Malformed("bad_line")
    request = _REQUEST.match(match[2])
    fields: Fields = {"time": _time(match[1]), "status": match[3], "bytes": "" if match[4] == "-" else match[4]}
    if request:
        fields |= {"method": request[1], "path": request[2]}
    return fields


def _time(stamp: str) -> str:
    """Apache's `10/Oct/2000:13:55:36 -0700` as ISO 8601; empty where it is none."""
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    match = re.match(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\Z", stamp)
    if not match or match[2] not in months:
        return ""
    text = f"{match[3]}-{months.index(match[2]) + 1:02}-{match[1]}T{match[4]}{match[5]}:{match[6]}"
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return ""
