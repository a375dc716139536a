"""What a page says about the use of it: directives for robots."""

from __future__ import annotations

import re

from pipelines.crawl.robots import product_token

#: Directives that forbid training on a text. `noindex`, `noimageai` and others speak of search or pictures.
NO_TRAINING = ("noai", "noml")

_AGENT = re.compile(r"\s*([A-Za-z*][A-Za-z0-9._*-]*(?:/[\w.]+)?)\s*:")
# Directives with a value after a colon, not names of crawlers.
_VALUED = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview", "crawl-delay"))


def directives(value: str, agent: str) -> frozenset[str]:
    """Directives of one X-Robots-Tag header, or one robots <meta>, that concern the crawler `agent`; lower case.

    `agent` is a product token or a whole User-Agent. A name before a colon governs what follows it
    ("googlebot: noindex" says nothing to others). `none` also gives noindex and nofollow; values after a colon
    ("max-snippet: 20") are left out.
    """
    mine = product_token(agent).lower()
    concerned = True
    out: set[str] = set()
    for part in value.split(","):
        while named := _AGENT.match(part):
            name = named[1].lower()
            if name in _VALUED:
                part = name
                break
            concerned = name == "*" or product_token(name) == mine
            part = part[named.end() :]
        word = part.strip().lower()
        if concerned and word:
            out.add(word)
    if "none" in out:
        out |= {"noindex", "nofollow"}
    return frozenset(out)
