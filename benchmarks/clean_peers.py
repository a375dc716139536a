"""datatrove's filters as benchmarks/clean_mapping.json sets them: `clean_peers.py FILE` with JSON lines (text).

Prints what rejects how often, and per text which filters keep it. Each filter sees
every text. A text is Chinese where a tenth of its characters are.
"""

import collections
import json
import re
import sys

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils.typeshelper import Languages

FILTERS = (GopherQualityFilter, GopherRepetitionFilter, C4QualityFilter, FineWebQualityFilter)
CHINESE = re.compile("[\u4e00-\u9fff]")


def filters(language: str) -> list:
    return [each(language=language) for each in FILTERS]


def main() -> int:
    made = {True: filters(Languages.mandarin_chinese), False: filters(Languages.english)}
    counts: collections.Counter = collections.Counter()
    verdicts = []  # per text: which of the four keep it
    with open(sys.argv[1], encoding="utf-8") as lines:
        for row, line in enumerate(lines):
            text = json.loads(line)["text"]
            kept = []
            for each in made[len(CHINESE.findall(text)) > len(text) / 10]:
                found = each.filter(Document(text=text, id=str(row)))  # a new document: C4's filter changes the text
                kept.append(found is True)
                if found is not True:
                    counts[str(found[1] if isinstance(found, tuple) else "rejected")] += 1
            verdicts.append("".join("01"[keeps] for keeps in kept))
    print(json.dumps({"rejected": dict(sorted(counts.items())), "verdicts": verdicts}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
