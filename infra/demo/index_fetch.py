"""Download pinned files of the Python package index, with pip's own settings and without building anything.

``pip download`` runs the build backend of a source distribution to learn its metadata; the demo wants only the archive.
So this script asks pip's finder for the file and pip's session for its bytes: index, mirrors, proxies, certificates and
credentials are the ones that pip is configured with. It runs in a process of its own, since pip is no library.

    python index_fetch.py DIRECTORY < requests.json      # [{"name": "mako", "filename": "mako-1.4.3.tar.gz"}, ...]

Prints one JSON object per file: ``{"filename", "error"}``, with ``error`` null where the file lies in DIRECTORY.
The caller verifies the hashes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MAX_BYTES = 200_000_000  # of one file


def download(session: Any, url: str, target: Path) -> None:
    """Stream one file to ``target``; it appears under its name only when complete."""
    part = target.with_name(target.name + ".part")
    with session.get(url, headers={"Accept-Encoding": "identity"}, stream=True) as reply:
        reply.raise_for_status()
        size = 0
        with part.open("wb") as out:
            for block in reply.iter_content(1 << 16):
                size += len(block)
                if size > MAX_BYTES:
                    raise ValueError(f"longer than {MAX_BYTES} bytes")
                out.write(block)
    part.replace(target)


def main(directory: Path) -> int:
    """Serve the requests of standard input; 0 even where some failed, since each has its own line."""
    from pip._internal.commands import create_command

    command = create_command("download")
    # every file of every platform and Python counts as a candidate: the pinned name decides
    options, _ = command.parse_args(["--ignore-requires-python", "--no-deps", "--pre", "--dest", str(directory)])
    requests = json.load(sys.stdin)
    with command.main_context():
        session = command.get_default_session(options)
        for request in requests:
            error = None
            try:
                finder = command._build_package_finder(options=options, session=session, ignore_requires_python=True)
                links = [c.link for c in finder.find_all_candidates(request["name"])]
                link = next((k for k in links if k.filename == request["filename"]), None)
                if link is None:
                    error = f"the package index has no file of this name for {request['name']}"
                else:
                    download(session, link.url_without_fragment, directory / request["filename"])
            except Exception as problem:  # one failed file must not cost the others
                error = f"{type(problem).__name__}: {problem}"
            print(json.dumps({"filename": request["filename"], "error": error}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
