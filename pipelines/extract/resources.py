"""What stands for a media key when a text goes out: Markdown with its address, or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pipelines.atoms import MEDIA, without_media
from pipelines.pii.find import find

Form = Literal["keys", "markdown", "drop"]
_PRIVATE = frozenset(
    {"EMAIL", "URL_CREDENTIALS", "SECRET"}
)  # what may not stand in an address; digits mean nothing there
_BREAKING = re.compile(r"[\[\]\\\r\n]")
_SPLITTING = str.maketrans({" ": "%20", "(": "%28", ")": "%29", "<": "%3C", ">": "%3E"})


def table_of(media: Iterable[Mapping[str, Any]] | None) -> dict[str, tuple[str, str]]:
    """Address and alternative text by key. An alternative text that holds personal data is left out, and so is a
    resource whose address does: the resource table lies in a layer that was not scrubbed."""
    table = {}
    for one in media or ():
        url, alt = one["url"], one["alt"] or ""
        if not any(finding.entity in _PRIVATE for finding in find(url)[0]):
            table[one["key"]] = (url, "" if find(alt)[0] else alt)
    return table


def put_out(text: str, media: Iterable[Mapping[str, Any]] | None, form: Form) -> str:
    """The text with its keys in this form; a key without a resource stays."""
    if form == "keys" or "⟦" not in text:
        return text
    if form == "drop":
        return without_media(text)
    table = table_of(media)
    return MEDIA.sub(lambda key: _markdown(*table[key[0]]) if key[0] in table else key[0], text)


def _markdown(url: str, alt: str) -> str:
    return f"![{_BREAKING.sub(' ', alt).strip()}]({url.translate(_SPLITTING)})"
