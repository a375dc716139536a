"""The handmade articles and the plain page around them."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from pathlib import Path

_FOLDER = Path(__file__).with_name("handmade")


@dataclass(frozen=True)
class Article:
    """A title and paragraphs of plain text."""

    title: str
    paragraphs: tuple[str, ...]
    language: str  # BCP 47

    def with_text(self, old: str, new: str) -> Article:
        """The article with one passage changed; KeyError where it does not occur."""
        if not any(old in paragraph for paragraph in self.paragraphs):
            raise KeyError(old)
        return replace(self, paragraphs=tuple(paragraph.replace(old, new) for paragraph in self.paragraphs))


def names() -> list[str]:
    """The articles of the small built-in site, in order."""
    return sorted(path.stem for path in _FOLDER.glob("*.txt") if not path.stem.startswith("special-"))


def load(name: str, language: str) -> Article:
    """Read an article: the title, then paragraphs, with empty lines between them."""
    title, *paragraphs = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").strip().split("\n\n")
    return Article(title, tuple(" ".join(paragraph.split()) for paragraph in paragraphs), language)


def render(article: Article, charset: str = "utf-8") -> str:
    """A page with the navigation and the footer that surround an article on most sites."""
    body = "\n".join(f"<p>{html.escape(paragraph, quote=False)}</p>" for paragraph in article.paragraphs)
    title = html.escape(article.title, quote=False)
    return f"""<!DOCTYPE html>
<html lang="{article.language}">
<head><meta charset="{charset}"><title>{title}</title><style>body {{ max-width: 40em }}</style></head>
<body>
<nav><a href="/">Home</a> <a href="/licence.html">Licence</a> <a href="/special/">Special pages</a></nav>
<main><article>
<h1>{title}</h1>
{body}
</article></main>
<footer>Demo site · <a href="/licence.html">Terms</a></footer>
</body>
</html>
"""
