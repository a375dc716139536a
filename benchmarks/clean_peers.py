"""datatrove's filters as benchmarks/clean_mapping.json sets them: `clean_peers.py FILE` with JSON lines (text).

Prints rows kept, and rejected per reason. A text is Chinese where a tenth of its characters are.
"""

import collections
import json
import re
import sys

from datatrove.data import Document
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
from datatrove.utils.typeshelper import Languages

CHINESE = re.compile("[\u4e00-\u9fff]")


def filters(language: str) -> list:
    return [
        GopherQualityFilter(
            min_doc_words=30, max_doc_words=100_000, min_avg_word_length=None, max_avg_word_length=None,
            max_symbol_word_ratio=0.1, max_bullet_lines_ratio=None, max_ellipsis_lines_ratio=None,
            max_non_alpha_words_ratio=None, min_stop_words=None, language=language,
        ),
        GopherRepetitionFilter(
            dup_line_frac=0.3, dup_para_frac=None, dup_line_char_frac=None, dup_para_char_frac=None, top_n_grams=(),
            dup_n_grams=(), language=language,
        ),
    ]  # fmt: skip


def main() -> int:
    made = {True: filters(Languages.mandarin_chinese), False: filters(Languages.english)}
    counts: collections.Counter = collections.Counter()
    with open(sys.argv[1], encoding="utf-8") as lines:
        for row, line in enumerate(lines):
            text = json.loads(line)["text"]
            verdict = "kept"
            for each in made[len(CHINESE.findall(text)) > len(text) / 10]:
                found = each.filter(Document(text=text, id=str(row)))
                if found is not True:
                    verdict = str(found[1] if isinstance(found, tuple) else "rejected")
                    break
            counts[verdict] += 1
    print(json.dumps(dict(sorted(counts.items()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
