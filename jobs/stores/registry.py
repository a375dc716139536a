"""A registry: the Git and DVC repository in which published snapshots are kept for other projects.

Its tree at the tag `snapshot/<id>` is that snapshot's part of the lake, by the same paths:

    data/<dataset>/*.parquet        tracked by DVC, one data/<dataset>.dvc for each dataset
    manifests/<dataset>/<hash>.json what belongs to the dataset's version
    snapshots/<id>.json             which manifest is that of which dataset
    cards/<id>.html, .json          the data card

Only the holder of `lock()` changes it. Git's own locks do not outlive a kill: child processes share the lock, so
whoever gets it next knows that nothing runs any more and clears what was left.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobs.errors import Transient, UsageError

OWNED = ("data", "manifests", "snapshots", "cards")
PATIENCE_SECONDS = 1800.0  # how long a publisher waits for another
_CONFIG = """\
[core]
    analytics = false
    check_update = false
[cache]
    type = "reflink,hardlink,copy"
"""


class Registry:
    """Raises UsageError for a folder that cannot be one, Transient where Git or DVC fail."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._handle: int | None = None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the registry alone; makes it on first use."""
        self._check_folder()
        (self.root / ".git").mkdir(parents=True, exist_ok=True)
        handle = os.open(self.root / ".git" / "publisher", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _acquire(handle, self.root)
            self._handle = handle
            self._clear_leftovers()
            self._open()
            yield
        finally:
            self._handle = None
            os.close(handle)

    def _check_folder(self) -> None:
        if not self.root.exists() or (self.root / ".git").is_dir():
            return
        if not self.root.is_dir() or any(self.root.iterdir()):
            raise UsageError(f"store.path {self.root} is no registry; name a new or empty folder")

    def _clear_leftovers(self) -> None:
        git = self.root / ".git"
        stale = [*git.glob("*.lock"), *git.glob("refs/**/*.lock"), *git.glob("publisher-index*")]
        for path in [*stale, self.root / ".dvc" / "tmp" / "rwlock"]:
            path.unlink(missing_ok=True)
        shutil.rmtree(git / "publisher-files", ignore_errors=True)

    def _open(self) -> None:
        if self.commit("HEAD:.dvc/config") is not None:
            return
        if self.commit("HEAD") is not None:
            raise UsageError(f"store.path {self.root} is another Git repository; name a folder of its own")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Nightmill")
        self.git("config", "user.email", "nightmill@localhost")
        with _dvc_errors(self.root):
            _dvc().init(str(self.root), force=True).close()
        (self.root / ".dvc" / "config").write_text(_CONFIG, encoding="utf-8")
        first = self._commit_files("Open the registry", [".dvc/.gitignore", ".dvc/config", ".dvcignore"], [], None)
        self.git("update-ref", "HEAD", first)
        self.git("reset", "--quiet")

    def commit(self, name: str) -> str | None:
        """What a revision names, or None."""
        done = self._git("rev-parse", "--verify", "--quiet", name)
        return done.stdout.strip() or None

    def git(self, *words: str, text: str | None = None, **environment: str) -> str:
        done = self._git(*words, text=text, **environment)
        if done.returncode:
            what = done.stderr.strip() or f"exit code {done.returncode}"
            raise Transient(f"git {words[0]} in {self.root}: {what}; mend it, then run publish again")
        return done.stdout.strip()

    def _git(self, *words: str, text: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        try:
            return subprocess.run(
                ["git", "-C", str(self.root), f"--git-dir={self.root / '.git'}", f"--work-tree={self.root}", *words],
                input=text,
                capture_output=True,
                text=True,
                env={**inherited, **environment, "LC_ALL": "C"},
                pass_fds=() if self._handle is None else (self._handle,),
            )
        except FileNotFoundError:
            raise UsageError("the store `dvc` needs Git; install git") from None

    def keep(self, files: Mapping[str, int], fetch: Callable[[str, Path], None], message: str, date: str) -> str:
        """Commit exactly these files (path → bytes) on top of HEAD, without moving it; returns the commit.

        `fetch` puts the file of a path into a new place. The data is in DVC's cache before there is a commit.
        """
        self._remove_others(files)
        aside = self.root / ".git" / "publisher-files"
        aside.mkdir(exist_ok=True)
        for path, size in files.items():
            target = self.root / path
            if not target.is_file() or target.stat().st_size != size:
                target.parent.mkdir(parents=True, exist_ok=True)
                fetch(path, aside / target.name)
                os.replace(aside / target.name, target)
        folders = sorted({_out(path) for path in files if path.startswith("data/")})
        self._track(folders)
        return self._commit_files(message, [p for p in files if not p.startswith("data/")], folders, date)

    def _remove_others(self, files: Iterable[str]) -> None:
        """Empty the folders that we own of all but these files and what DVC says about them."""
        wanted = {*files, "data/.gitignore"}
        wanted |= {f"{_out(path)}.dvc" for path in wanted if path.count("/") > 1 and path.startswith("data/")}
        for top in OWNED:
            for path in sorted((self.root / top).rglob("*"), reverse=True):
                if path.is_dir() and not path.is_symlink():
                    if not any(path.iterdir()):
                        path.rmdir()
                elif path.relative_to(self.root).as_posix() not in wanted:
                    path.unlink()

    def _track(self, folders: list[str]) -> None:
        with self._dvc() as repo:
            if folders:
                repo.add([str(self.root / folder) for folder in folders])

    @contextmanager
    def _dvc(self) -> Iterator[Any]:
        # DVC's own place for its database of known files is shared by all users of a machine, and not writable for all
        own = {"core": {"site_cache_dir": str(self.root / ".dvc" / "tmp" / "site")}}
        with _dvc_errors(self.root), _dvc()(str(self.root), config=own) as repo:
            yield repo

    def _commit_files(self, message: str, files: list[str], folders: list[str], date: str | None) -> str:
        """Commit exactly these files in place of what HEAD has in the folders we own; returns the commit."""
        listed = [*files, *(f"{folder}.dvc" for folder in folders)]
        if folders:
            listed.append("data/.gitignore")
        with self._index() as index:
            self.git("add", "--force", "--pathspec-from-file=-", text="\n".join(listed), GIT_INDEX_FILE=index)
            return self._commit(message, index, date)

    @contextmanager
    def _index(self) -> Iterator[str]:
        """An index of our own: HEAD without the folders that we own."""
        index = self.root / ".git" / f"publisher-index-{uuid.uuid4().hex}"
        if self.commit("HEAD") is not None:
            self.git("read-tree", "HEAD", GIT_INDEX_FILE=str(index))
            self.git("rm", "-r", "--quiet", "--cached", "--ignore-unmatch", "--", *OWNED, GIT_INDEX_FILE=str(index))
        try:
            yield str(index)
        finally:
            index.unlink(missing_ok=True)

    def _commit(self, message: str, index: str, date: str | None) -> str:
        tree = self.git("write-tree", GIT_INDEX_FILE=index)
        parent = self.commit("HEAD")
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
        return self.git("commit-tree", tree, *(["-p", parent] if parent else []), text=message, **dates)

    def tag(self, commit: str, names: Iterable[str]) -> None:
        """Set all tags or none; those that exist stay."""
        missing = [name for name in names if self.commit(f"refs/tags/{name}") is None]
        self.git("update-ref", "--stdin", text="".join(f"create refs/tags/{name} {commit}\n" for name in missing))

    def show(self, tag: str, file: str, message: str) -> None:
        """Make the branch and the working tree those of `tag`, which has `file`. A no-op where they are."""
        commit = self.commit(f"refs/tags/{tag}^{{commit}}")
        if commit is None:
            return
        if self.commit(f"HEAD:{file}") is None:
            self.git("update-ref", "HEAD", self._on_top(commit, message))
        if (self.root / file).exists() and not self.git("status", "--porcelain", "--", *OWNED):
            return
        self.git("reset", "--quiet")
        if not (self.root / file).exists():
            self._remove_others([])
            tops = [top for top in OWNED if self.commit(f"HEAD:{top}") is not None]
            self.git("checkout", "--quiet", "HEAD", "--", *tops)
            with self._dvc() as repo:
                repo.checkout(force=True)

    def _on_top(self, commit: str, message: str) -> str:
        """`commit`, or one with its folders where HEAD went on meanwhile."""
        head = self.commit("HEAD")
        if head is None or self._git("merge-base", "--is-ancestor", head, commit).returncode == 0:
            return commit
        with self._index() as index:
            for top in OWNED:
                if self.commit(f"{commit}:{top}") is not None:
                    self.git("read-tree", f"--prefix={top}/", f"{commit}:{top}", GIT_INDEX_FILE=index)
            return self._commit(message, index, None)


def _acquire(handle: int, root: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Transient(
                    f"{root} has been held by another publisher for {PATIENCE_SECONDS:.0f} s; run publish again"
                ) from None
            time.sleep(0.1)


def _out(path: str) -> str:
    """data/corpus/x.parquet → data/corpus, which DVC tracks as one."""
    return "/".join(path.split("/")[:2])


def _dvc() -> Any:
    os.environ["DVC_NO_ANALYTICS"] = "1"
    try:
        from dvc.repo import Repo
    except ImportError:
        raise UsageError("the store `dvc` needs DVC; install the extra: pip install 'nightmill[dvc]'") from None
    logging.getLogger("dvc").setLevel(logging.WARNING)
    return Repo


@contextmanager
def _dvc_errors(root: Path) -> Iterator[None]:
    _dvc()
    from dvc.exceptions import DvcException

    try:
        yield
    except (DvcException, OSError) as error:
        raise Transient(f"DVC in {root}: {error}; mend it, then run publish again") from error
