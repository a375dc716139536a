"""A peer's main-text extraction in its own environment: `extract_peers.py PEER PAGES REPEAT`.

PAGES is a JSON file with decoded pages (a list of strings); the last line of output is the JSON list of their texts.
Each peer runs with the settings that its documentation gives for main text without comments.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path


def _trafilatura() -> Callable[[str], str]:
    import trafilatura

    return lambda page: trafilatura.extract(page, include_comments=False) or ""


def _trafilatura_fast() -> Callable[[str], str]:
    import trafilatura

    return lambda page: trafilatura.extract(page, include_comments=False, fast=True) or ""


def _resiliparse() -> Callable[[str], str]:
    from resiliparse.extract.html2text import extract_plain_text

    return lambda page: extract_plain_text(page, main_content=True)


def _readability() -> Callable[[str], str]:
    import lxml.html
    from readability import Document

    return lambda page: lxml.html.fromstring(Document(page).summary()).text_content()


PEERS = {
    "trafilatura": _trafilatura,
    "trafilatura_fast": _trafilatura_fast,
    "resiliparse": _resiliparse,
    "readability": _readability,
}


def main() -> int:
    extract = PEERS[sys.argv[1]]()
    pages = json.loads(Path(sys.argv[2]).read_text("utf-8", "surrogatepass"))
    texts: list[str] = []
    for _ in range(int(sys.argv[3])):
        texts = []
        for page in pages:
            try:
                texts.append(extract(page))
            except Exception:  # a peer's failure on a page is an empty text
                texts.append("")
    print(json.dumps(texts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
