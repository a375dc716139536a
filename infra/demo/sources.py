"""The packages that the demo's pages come from.

Files of the Python package index are pinned by name and SHA-256. Debian packages are whatever version the machine's
own distribution has: apt checks their signatures, the manifest records version and SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """One package file: a Debian package, or a pinned source distribution of the Python package index."""

    package: str
    licence: str  # SPDX expression
    filename: str = ""  # of the package index; empty: a Debian package
    version: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Source:
    """Pages of one archive in one language."""

    folder: str  # of these pages on the site
    archive: Archive
    language: str  # a page is taken only where its text agrees
    root: str  # regular expression: what is cut off a member's path; members that do not match are left alone
    most: int  # pages at most
    exclude: str = r"(?!)"  # regular expression on what is left of the path


_REFERENCE = Archive("debian-reference-zh-cn", "GPL-2.0-or-later")
_FAQ = Archive("debian-faq-zh-cn", "GPL-2.0-or-later")
_GUIDE = Archive("maint-guide-zh-cn", "GPL-2.0-or-later")
_HANDBOOK = Archive("debian-handbook", "GPL-2.0-or-later OR CC-BY-SA-3.0")
_NONEBOT = Archive(
    package="nonebot-plugin-docs",
    licence="MIT",
    filename="nonebot_plugin_docs-2.5.0.tar.gz",
    version="2.5.0",
    sha256="ff9eca606c1879284cea8dc08e00698c79d7dd6f3533a027b29c32f362aa23a8",
)
_SQLALCHEMY = Archive(
    package="sqlalchemy",
    licence="MIT",
    filename="sqlalchemy-2.1.9.tar.gz",
    version="2.1.9",
    sha256="d700a8b2edfb26282a470333d6bc4a454c4acda4d201a3bea7b72fa76c217d28",
)
_LXML = Archive(
    package="lxml",
    licence="BSD-3-Clause",
    filename="lxml-6.0.2.tar.gz",
    version="6.0.2",
    sha256="cd79f3367bd74b317dda655dc8fcfa304d9eb6e4fb06b7168c5cf27f96e0cd62",
)
_MAKO = Archive(
    package="mako",
    licence="MIT",
    filename="mako-1.4.3.tar.gz",
    version="1.4.3",
    sha256="cd6537fe88d5fec315c55c2f8529bc4ce7a9a352ad7db3eeaa6a66e2dd4ec37a",
)
_ALEMBIC = Archive(
    package="alembic",
    licence="MIT",
    filename="alembic-1.9.4.tar.gz",
    version="1.9.4",
    sha256="4d3bd32ecdbb7bbfb48a9fe9e6d6fd6a831a1b59d03e26e292210237373e7db5",
)
_DOGPILE = Archive(
    package="dogpile-cache",
    licence="MIT",
    filename="dogpile_cache-1.5.0.tar.gz",
    version="1.5.0",
    sha256="849c5573c9a38f155cd4173103c702b637ede0361c12e864876877d0cd125eec",
)

_LISTS = r"(^|/)(genindex|search|contents|notfound|py-modindex|modules|copyright|changelog|changes-)|(^|/)_|^apidoc/"

SOURCES: tuple[Source, ...] = (
    Source("debian-reference", _REFERENCE, "zh", r"usr/share/debian-reference/", 20, r"^index"),
    Source("debian-faq", _FAQ, "zh", r"usr/share/doc/debian/FAQ/zh-cn/", 20, r"^index"),
    Source("maint-guide", _GUIDE, "zh", r"usr/share/doc/maint-guide-zh-cn/html/", 20, r"^index"),
    Source("handbook-zh", _HANDBOOK, "zh", r"usr/share/doc/debian-handbook/html/zh-CN/", 60, r"^(index|ix01)"),
    Source("handbook-en", _HANDBOOK, "en", r"usr/share/doc/debian-handbook/html/en-US/", 60, r"^(index|ix01)"),
    Source("nonebot", _NONEBOT, "zh", r"[^/]+/nonebot_plugin_docs/dist/docs/(?!next/|2\.)", 120),
    # yesterday's edition of the same pages: near-duplicates as they occur in nature
    Source("nonebot-2.4.4", _NONEBOT, "zh", r"[^/]+/nonebot_plugin_docs/dist/docs/2\.4\.4/(?!api/)", 30),
    Source("sqlalchemy", _SQLALCHEMY, "en", r"[^/]+/doc/", 120, _LISTS),
    Source("lxml", _LXML, "en", r"[^/]+/doc/html/", 40, _LISTS),
    Source("mako", _MAKO, "en", r"[^/]+/doc/", 20, _LISTS),
    Source("alembic", _ALEMBIC, "en", r"[^/]+/docs/", 20, _LISTS + r"|^build/"),
    Source("dogpile", _DOGPILE, "en", r"[^/]+/docs/", 20, _LISTS + r"|^build/"),
)
