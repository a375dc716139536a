"""What the head of a Markdown file says of it: YAML between `---` lines, or TOML between `+++` lines."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from typing import Any, NamedTuple

import yaml

from pipelines.acquire.licences import spdx
from pipelines.extract.dates import stated

MAX_CHARACTERS = 20_000
_FENCE = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*(?:\r\n|\r|\n)")
_END = re.compile(r"^(?:---|\.\.\.|\+\+\+)[ \t]*(?:\r\n|\r|\n|\Z)", re.M)
_LONGEST = 300  # characters of a title or an author


class FrontMatter(NamedTuple):
    end: int = 0  # where the text begins
    title: str | None = None
    author: str | None = None
    published: str | None = None
    licence: str | None = None
    language: str | None = None


def front_matter(source: str) -> FrontMatter:
    """The front matter of a text; without any, or where it cannot be read, the text begins at 0."""
    fence = _FENCE.match(source)
    if not fence:
        return FrontMatter()
    end = _END.search(source, fence.end(), fence.end() + MAX_CHARACTERS)
    if not end:
        return FrontMatter()
    values = _values(source[fence.end() : end.start()], fence[1])
    if values is None:
        return FrontMatter()
    said = {str(k).lower(): v for k, v in values.items()}
    author = _first(said, "author", "authors", "by", "作者")
    licence = _first(said, "license", "licence", "rights", "许可", "授权")
    language = _first(said, "lang", "language", "locale")
    return FrontMatter(
        end.end(),
        _text(_first(said, "title", "标题")),
        _names(author),
        _day(_first(said, "date", "published", "publishdate", "pubdate", "created", "日期")),
        _licence(_text(licence)),
        language[:2].lower() if isinstance(language, str) and language[:2].isalpha() and len(language) >= 2 else None,
    )


def _values(text: str, fence: str) -> dict[Any, Any] | None:
    try:
        values = tomllib.loads(text.replace("\r\n", "\n")) if fence == "+++" else yaml.safe_load(text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, RecursionError, ValueError, TypeError, AttributeError):
        return None
    return values if isinstance(values, dict) else None


def _first(said: dict[str, Any], *names: str) -> Any:
    return next((said[name] for name in names if said.get(name)), None)


def _text(value: Any) -> str | None:
    """A scalar on one line."""
    if not isinstance(value, str | int | float):
        return None
    return " ".join(str(value).split())[:_LONGEST] or None


def _names(value: Any) -> str | None:
    """One author or several, plain or as tables with a `name`."""
    several = value if isinstance(value, list) else [value]
    names = [_text(v.get("name") if isinstance(v, dict) else v) for v in several[:20]]
    return ", ".join(n for n in names if n)[:_LONGEST] or None


def _day(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat() if value.tzinfo else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return stated(value) if isinstance(value, str) else None


def _licence(value: str | None) -> str | None:
    if not value:
        return None
    return value if value.startswith(("https://", "http://")) else spdx(value)
