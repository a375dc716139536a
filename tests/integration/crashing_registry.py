"""Kills a publication into a registry before its k-th step, for every k. Prints one JSON line.

A step is a call of Git that changes something, a link, a move, or DVC's `add`. Each attempt is a fork on a copy of a
lake and its registry in which one night is published; Git's lock on its index is left lying about.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo
from publishing import Nights, open_store

from jobs.storage import LocalStorage
from jobs.stores.registry import Registry

KILLED = 77
CHANGING = {"read-tree", "rm", "add", "write-tree", "commit-tree", "update-ref", "reset", "checkout"}


def die_before(step: int, root: Path) -> None:
    left = step

    def wrap(owner: Any, name: str, counts: Callable[..., bool] = lambda *args: True) -> None:
        function = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= counts(*args)
            if left <= 0:
                (root / "registry/.git/index.lock").touch()
                os._exit(KILLED)
            return function(*args, **kwargs)

        setattr(owner, name, counted)

    wrap(Registry, "_git", lambda self, word, *words: word in CHANGING)
    wrap(Repo, "add")
    wrap(os, "link")
    wrap(os, "replace")


def publish(root: Path) -> str:
    nights = Nights(LocalStorage(root / "lake"), open_store("dvc", root))
    first = nights.store.pointer().days["2026-01-01"]
    return nights.publish(1, 2, first).id


def forked(root: Path, step: int | None) -> int:
    child = os.fork()
    if child == 0:
        try:
            if step is not None:
                die_before(step, root)
            publish(root)
            os._exit(0)
        except BaseException as error:  # the parent reports it
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def git(registry: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(registry), *words], check=True, capture_output=True, text=True).stdout


def check(root: Path) -> tuple[str | None, set[str]]:
    """The head as readers see it, and the snapshots that have a tag. Every tag's data is in DVC's cache."""
    published, registry = open_store("plain", root), root / "registry"
    tags = git(registry, "tag", "--list", "snapshot/*").split()
    cache = registry / ".dvc/cache/files/md5"
    for tag in tags:
        for out in git(registry, "ls-tree", "--name-only", f"{tag}:data").split():
            if out.endswith(".dvc"):
                folder = yaml.safe_load(git(registry, "show", f"{tag}:data/{out}"))["outs"][0]["md5"]
                for file in json.loads((cache / folder[:2] / folder[2:]).read_text()):
                    assert (cache / file["md5"][:2] / file["md5"][2:]).stat().st_size, f"{tag}: {file} is not cached"
    return published.pointer().head, {tag.partition("/")[2] for tag in tags}


def main(template: Path, space: Path) -> None:
    old = open_store("plain", template).pointer().head
    done = space / "done"
    shutil.copytree(template, done)
    new = publish(done)  # here, so that the forks find DVC's modules loaded
    seen, step = {"old": 0, "new": 0}, 0
    while True:
        step += 1
        root = space / "killed"
        shutil.copytree(template, root)
        code = forked(root, step)
        head, tagged = check(root)
        assert head in tagged & {old, new}, f"step {step}: readers see {head}, tagged are {tagged}"
        seen["old" if head == old else "new"] += 1
        assert forked(root, None) == 0, f"step {step}: the same command does not finish the work"
        assert check(root) == (new, {old, new}), f"step {step}"
        registry = root / "registry"
        assert git(registry, "rev-parse", "HEAD") == git(registry, "rev-parse", f"snapshot/{new}"), f"step {step}"
        assert (status := git(registry, "status", "--porcelain")) == "", f"step {step}: {status}"
        shutil.rmtree(root)
        if code == 0:
            break
        assert code == KILLED, f"step {step}: exit code {code}"
    print(json.dumps({"steps": step - 1, **seen}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
