"""What the demo site can answer, as data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

BASE_MARK = b"@BASE@"  # in robots.txt and sitemap.xml; the server puts its own address there
LAST_MODIFIED = {1: "Wed, 01 Jan 2025 00:00:00 GMT", 2: "Thu, 02 Jan 2025 00:00:00 GMT"}  # by the day of the change


@dataclass(frozen=True)
class Resource:
    """One URL of one day."""

    path: str
    kind: str  # what is special about it; "page" for an ordinary page
    body: bytes = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    title: str = ""  # of the link that leads here; no title, no link
    language: str = ""
    location: str = ""  # of a redirect
    content_encoding: str = ""
    retry_after: int = 0  # seconds
    delay_seconds: float = 0.0
    changed_day: int = 1  # the day since which the body has been as it is

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'


def redirect(path: str, kind: str, status: int, location: str, title: str = "") -> Resource:
    """A redirect within the site; ``location`` is a path."""
    return Resource(path, kind, status=status, location=location, title=title)
