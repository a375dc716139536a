"""The store `dvc`: what its registry offers to other projects, and that no kill leaves it unsound."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nights import day
from publishing import Nights, open_store

from jobs.datasets import Version
from jobs.errors import UsageError
from jobs.rollback import rollback
from jobs.storage import LocalStorage
from jobs.stores.dvc_store import DvcStore
from jobs.stores.registry import Registry

pytest.importorskip("dvc", reason="the extra `dvc` is not installed")
REPOSITORY = Path(__file__).parents[2]
PLACES = ("tests/laws", "tests/integration", ".")  # where scripts find the builders


@pytest.fixture
def nights(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    return Nights(LocalStorage(tmp_path / "lake"), open_store("dvc", tmp_path))


def git(registry, *words):
    done = subprocess.run(["git", "-C", str(registry), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.req("VER-01")
def test_another_project_reads_a_snapshot_by_its_id(nights, tmp_path):
    import dvc.api

    first = nights.publish(0, 1)
    nights.publish(1, 2, first.id)
    registry, rev = str(tmp_path / "registry"), f"snapshot/{first.id}"
    listed = json.loads(dvc.api.read(f"snapshots/{first.id}.json", repo=registry, rev=rev))
    entry = listed["datasets"]["pages"]
    manifest = json.loads(dvc.api.read(entry["manifest"], repo=registry, rev=rev))
    (file,) = manifest["files"]
    with dvc.api.open(file["path"], repo=registry, rev=rev, mode="rb") as source:
        assert source.read() == nights.storage.read(file["path"])

    elsewhere = tmp_path / "elsewhere"
    (elsewhere / entry["manifest"]).parent.mkdir(parents=True)
    (elsewhere / entry["manifest"]).write_text(json.dumps(manifest))
    words = ["get", "--quiet", registry, "data/pages", "--rev", entry["version"].replace("@", "/")]
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words, "--out", str(elsewhere / "data/pages")],
        capture_output=True,
        text=True,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
    )
    assert done.returncode == 0, done.stderr
    got = Version.load(LocalStorage(elsewhere), entry["manifest"])
    got.check()
    assert got.table().equals(nights.published.open(first, "pages").table())


def test_the_branch_shows_the_head_and_tags_name_snapshots_and_versions(nights, tmp_path):
    registry = tmp_path / "registry"
    first = nights.publish(0, 1)
    second = nights.publish(1, 2, first.id)
    older = nights.publish(0, 3)
    shown = registry / f"snapshots/{second.id}.json"
    assert shown.exists() and git(registry, "rev-parse", "HEAD") == git(registry, "rev-parse", f"snapshot/{second.id}")
    for snapshot in (first, second, older):
        for entry in snapshot.datasets.values():
            assert git(registry, "cat-file", "-t", entry.version.replace("@", "/")) == "commit"
    assert git(registry, "status", "--porcelain") == ""
    files = nights.published.open(second, "pages").manifest.files
    assert [p.name for p in (registry / "data/pages").iterdir()] == [Path(f.path).name for f in files]
    back = rollback(nights.storage, nights.store, older.id)
    assert git(registry, "log", "-1", "--format=%an %s") == f"Nightmill Publish {day(1)} as {back.id}"
    assert "rollback" in git(registry, "log", "-1", "--format=%b")


def test_the_lake_and_the_registry_share_no_file(nights, tmp_path):
    nights.publish(0, 1)
    lake = {p.stat().st_ino for p in (tmp_path / "lake").rglob("*") if p.is_file()}
    kept = {p.stat().st_ino for p in (tmp_path / "registry").rglob("*") if p.is_file()}
    assert not lake & kept


def test_what_people_commit_to_the_registry_stays(nights, tmp_path):
    registry = tmp_path / "registry"
    first = nights.publish(0, 1)
    second = nights.publish(1, 2, first.id)
    (registry / "README.md").write_text("ours\n")
    git(registry, "add", "README.md")
    git(registry, "commit", "--quiet", "--message", "Say what this is")
    nights.publish(1, 3, first.id)
    again = nights.publish(1, 2, first.id)  # its tag lies before the README
    assert again.id == second.id and (registry / f"snapshots/{second.id}.json").exists()
    assert git(registry, "show", "HEAD:README.md") == "ours" and git(registry, "status", "--porcelain") == ""


def test_a_lake_published_before_gets_its_registry_by_the_same_command(nights, tmp_path):
    first = Nights(nights.storage, open_store("plain", tmp_path)).publish(0, 1)
    assert not (tmp_path / "registry").exists()
    assert nights.publish(0, 1).id == first.id
    assert git(tmp_path / "registry", "tag", "--list", "snapshot/*") == f"snapshot/{first.id}"


def test_a_folder_that_is_no_registry_is_refused(nights, tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").touch()
    with pytest.raises(UsageError, match="taken is no registry; name a new or empty folder"):
        Nights(nights.storage, DvcStore(nights.storage, taken)).publish(0, 1)
    git(tmp_path, "init", "--quiet", str(taken))
    git(taken, "-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "--allow-empty", "--message", "mine")
    with pytest.raises(UsageError, match="taken is another Git repository"):
        Nights(nights.storage, DvcStore(nights.storage, taken)).publish(0, 1)
    assert nights.store.pointer().head is None and sorted(p.name for p in taken.iterdir()) == [".git", "thesis.txt"]


def test_without_dvc_the_extra_is_named(nights, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dvc.repo", None)
    with pytest.raises(UsageError, match=r"nightmill\[dvc\]"):
        nights.publish(0, 1)
    assert nights.store.pointer().head is None


def test_a_waiting_publisher_gives_up_with_a_next_step(nights, tmp_path, monkeypatch):
    from jobs.errors import Transient

    monkeypatch.setattr("jobs.stores.registry.PATIENCE_SECONDS", 0.2)
    registry = Registry(tmp_path / "registry")
    with (
        registry.lock(),
        pytest.raises(Transient, match="held by another publisher"),
        Registry(tmp_path / "registry").lock(),
    ):
        pass


@pytest.mark.slow
def test_a_publication_may_be_killed_before_every_step(nights, tmp_path):
    nights.publish(0, 1)
    template = tmp_path / "template"
    for name in ("lake", "registry"):
        shutil.move(tmp_path / name, template / name)
    (tmp_path / "space").mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "tests/integration/crashing_registry.py", str(template), str(tmp_path / "space")],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": ":".join(str(REPOSITORY / each) for each in PLACES)},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    print(seen)
    assert seen["steps"] > 15 and seen["old"] > 10 and seen["new"] > 2, seen
