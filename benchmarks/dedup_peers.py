"""A peer's de-duplication in its own environment: `dedup_peers.py TASK PEER FILE...`, TASK being dedup or sign.

FILE has JSON lines with id, text and lang. `dedup` prints as JSON, per file, the rows that go: of each group of
duplicates all but the first. `sign` prints the CPU seconds from ready shingles to 128-position signatures of its first
2,000 documents. All use threshold 0.8, 128 positions, 16 bands of 8 rows and shingles of 5 words, or for Chinese 5
characters; gaoya makes its own shingles, of the same kind.
"""

import json
import re
import sys
import time
from pathlib import Path

import orjson

THRESHOLD, POSITIONS, BANDS, ROWS, SIZE = 0.8, 128, 16, 8, 5
WORD = re.compile(r"\w+")


def shingles(row: dict) -> set[str]:
    if row["lang"][:2] == "zh":
        tokens, joint = "".join(row["text"].split()), ""
    else:
        tokens, joint = WORD.findall(row["text"].lower()), " "
    return {joint.join(tokens[i : i + SIZE]) for i in range(max(1, len(tokens) - SIZE + 1))}


class Groups:
    """Union-find in which the least row stands for its group."""

    def __init__(self, rows: int) -> None:
        self.parent = list(range(rows))

    def find(self, row: int) -> int:
        while self.parent[row] != row:
            self.parent[row] = self.parent[self.parent[row]]
            row = self.parent[row]
        return row

    def join(self, a: int, b: int) -> None:
        a, b = self.find(a), self.find(b)
        self.parent[max(a, b)] = min(a, b)

    def others(self) -> list[int]:
        return [row for row in range(len(self.parent)) if self.find(row) != row]


def rensa(rows: list[dict]) -> list[int]:
    from rensa import RMinHashDeduplicator

    found = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=POSITIONS, use_lsh=True, num_bands=BANDS)
    kept = found.add_pairs((str(i), list(shingles(row))) for i, row in enumerate(rows))
    return [i for i, keep in enumerate(kept) if not keep]


def gaoya(rows: list[dict]) -> list[int]:
    from gaoya.minhash import MinHashStringIndex

    groups = Groups(len(rows))
    for analyzer in ("char", "word"):
        at = [i for i, row in enumerate(rows) if (row["lang"][:2] == "zh") == (analyzer == "char")]
        if not at:
            continue
        index = MinHashStringIndex(
            hash_size=32, jaccard_threshold=THRESHOLD, num_bands=BANDS, band_size=ROWS, analyzer=analyzer,
            lowercase=True, ngram_range=(SIZE, SIZE),
        )  # fmt: skip
        texts = [rows[i]["text"] for i in at]
        index.par_bulk_insert_docs(at, texts)
        for i, mates in zip(at, index.par_bulk_query(texts), strict=True):
            for mate in mates:
                groups.join(i, mate)
    return groups.others()


def datasketch(rows: list[dict]) -> list[int]:
    from datasketch import MinHash, MinHashLSH

    groups = Groups(len(rows))
    index = MinHashLSH(num_perm=POSITIONS, params=(BANDS, ROWS))
    encoded = ([s.encode() for s in shingles(row)] for row in rows)
    for i, signature in enumerate(MinHash.generator(encoded, num_perm=POSITIONS)):
        for mate in index.query(signature):
            groups.join(i, mate)
        index.insert(i, signature, check_duplication=False)
    return groups.others()


def sign(peer: str, rows: list[dict]) -> float:
    ready = [list(shingles(row)) for row in rows]
    if peer == "rensa":
        from rensa import RMinHash

        start = time.process_time()
        RMinHash.digest_matrix_from_token_sets(ready, num_perm=POSITIONS, seed=42)
    else:
        from datasketch import MinHash

        encoded = [[s.encode() for s in row] for row in ready]
        start = time.process_time()
        for row in encoded:
            MinHash(num_perm=POSITIONS).update_batch(row)
    return time.process_time() - start


PEERS = {"rensa": rensa, "gaoya": gaoya, "datasketch": datasketch}


def read(path: str) -> list[dict]:
    return [orjson.loads(line) for line in Path(path).read_bytes().splitlines()]


def main() -> int:
    task, peer, *paths = sys.argv[1:]
    if task == "sign":
        print(json.dumps(sign(peer, read(paths[0])[:2_000])))
    else:
        print(json.dumps([PEERS[peer](read(path)) for path in paths]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
