"""What the last snapshot knows of the URLs to visit again."""

from __future__ import annotations

from jobs.datasets import Version
from jobs.effects.frontier import Known

NOT_VISITED = ("bad_url", "max_pages", "max_depth")  # rejects of URLs that were never asked for


def known_pages(pages: Version | None) -> tuple[dict[str, dict[str, Known]], dict[str, str]]:
    """Per source, every URL seen so far with the validators of its latest body; and that body's hash by document."""
    known: dict[str, dict[str, Known]] = {}
    hashes: dict[str, str] = {}
    columns = ["doc_id", "source", "url", "depth", "status", "etag", "last_modified", "final_url", "body_hash"]
    for piece in pages.scan(columns) if pages else ():
        for row in piece.to_pylist():
            names = known.setdefault(row["source"], {})
            if row["status"] == 304:
                continue
            hashes.pop(row["doc_id"], None)
            if row["body_hash"] is None:
                names[row["url"]] = Known(row["doc_id"], row["depth"] or 0)
            else:
                depth, validators = row["depth"] or 0, (row["etag"], row["last_modified"], row["final_url"])
                names[row["url"]] = Known(row["doc_id"], depth, *validators)
                hashes[row["doc_id"]] = row["body_hash"]
    return known, hashes


def add_failed(rejects: Version | None, known: dict[str, dict[str, Known]], depths: dict[str, int]) -> None:
    """Add what could not be had last night: a page that links to it may be unchanged and not read again."""
    for piece in rejects.scan(["doc_id", "source", "url", "rule"]) if rejects else ():
        for row in piece.to_pylist():
            if row["rule"] not in NOT_VISITED and row["source"] in depths:
                known.setdefault(row["source"], {}).setdefault(row["url"], Known(row["doc_id"], depths[row["source"]]))
