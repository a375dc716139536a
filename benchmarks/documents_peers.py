"""A peer's reading of PDF files in its own environment: `documents_peers.py PEER FILES`.

FILES is a JSON list of paths; the last line of output is the JSON list of their texts. Peers run with their defaults.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path


def _pdfminer() -> Callable[[str], str]:
    from pdfminer.high_level import extract_text

    return extract_text


def _pypdf() -> Callable[[str], str]:
    from pypdf import PdfReader

    return lambda path: "\n".join(page.extract_text() for page in PdfReader(path).pages)


PEERS = {"pdfminer": _pdfminer, "pypdf": _pypdf}


def main() -> int:
    read = PEERS[sys.argv[1]]()
    print(json.dumps([read(path) for path in json.loads(Path(sys.argv[2]).read_text("utf-8"))]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
