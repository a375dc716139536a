"""Kills a publish at the k-th file-system call, for every k. Run as a script; prints one JSON line.

Each attempt is a fork of this process on a copy of a lake whose candidate is gated. The fork's calls of `os` that
change files are counted; the k-th one is the last thing that happens (a write then writes half of its bytes).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nights import Lake, day

from jobs.runner import Options, run_job
from jobs.snapshots import Published
from jobs.storage import LocalStorage

KILLED = 77
COUNTED = ("open", "write", "fsync", "replace", "link", "unlink", "mkdir", "close")


def die_at(call: int) -> None:
    """Let the process end at its `call`-th counted file-system call."""
    left = call

    def wrap(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left <= 0:
                if name == "write":
                    function(args[0], bytes(args[1])[: len(args[1]) // 2])
                os._exit(KILLED)
            return function(*args, **kwargs)

        return counted

    for name in COUNTED:
        setattr(os, name, wrap(name, getattr(os, name)))


def publish(root: Path) -> None:
    lake = Lake(LocalStorage(root), overrides=("gate.engine=built-in",))
    run_job("publish", day(1), config=lake.config, storage=lake.storage, options=Options())


def forked(root: Path, call: int | None) -> int:
    child = os.fork()
    if child == 0:
        try:
            if call is not None:
                die_at(call)
            publish(root)
            os._exit(0)
        except BaseException as error:  # the parent reports it
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def head(root: Path) -> str | None:
    published = Published(LocalStorage(root))
    snapshot = published.head()
    if snapshot is not None:
        for name in snapshot.datasets:
            published.open(snapshot, name).check()
    return snapshot.id if snapshot else None


def main(template: Path, space: Path) -> None:
    old = head(template)
    done = space / "done"
    shutil.copytree(template, done)
    publish(done)  # in this process, so that every module is imported before the forks
    new = head(done)
    seen, call = {"old": 0, "new": 0}, 0
    while True:
        call += 1
        root = space / "lake"
        shutil.copytree(template, root)
        code = forked(root, call)
        found = head(root)
        assert found in (old, new), f"call {call}: readers see {found}"
        seen["old" if found == old else "new"] += 1
        assert forked(root, None) == 0, f"call {call}: the same command does not finish the work"
        assert head(root) == new, f"call {call}: {head(root)} instead of {new}"
        shutil.rmtree(root)
        if code == 0:
            break
        assert code == KILLED, f"call {call}: exit code {code}"
    print(json.dumps({"calls": call - 1, "old": seen["old"], "new": seen["new"]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
