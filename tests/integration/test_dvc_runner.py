"""dvc.yaml: the same night on a laptop gives the same digests, and the published state never notices."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nights import Capture, Lake, day

from infra.demo.site import Site
from jobs.dvc_pipeline import pipeline
from jobs.runner import Options, default_run, run_job
from jobs.runs import Run
from jobs.snapshots import POINTER, Published
from jobs.storage import LocalStorage

pytest.importorskip("dvc", reason="the extra `dvc` is not installed")
REPOSITORY = Path(__file__).parents[2]
FIRST, SECOND = "2026-01-01", "2026-01-02"
STAGES = ("crawl", "extract", "clean", "scrub", "dedup", "profile", "gate", "card")


class Deployment:
    """A clone of this repository's code and configuration, over a site on this machine."""

    def __init__(self, home):
        self.home, self.storage = home, LocalStorage(home / "lake")

    def install(self, base):
        home = self.home
        for name in ("jobs", "pipelines", "expectations", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"):
            source, target = REPOSITORY / name, home / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        (home / "dvc.yaml").write_text(pipeline(), encoding="utf-8")
        shutil.copy(REPOSITORY / "params.yaml", home)
        seeds = f"['{base}/index/zh.html', '{base}/index/en.html']"
        self.set("sources", f"[{{name: demo, seeds: {seeds}, allow_private_addresses: true, max_depth: 2}}]")
        self.set("per_host_delay_seconds", "0.0")
        self.set("workers", "1")
        self.set("engine", "built-in", section="gate")  # starts ten times as fast
        self.run("git", "init", "--quiet")
        return self

    def copied(self, home):
        shutil.copytree(self.home, home)
        return Deployment(home)

    def set(self, key, value, section=""):
        """Change the first such key of params.yaml, or of a section of it."""
        head, name, body = (self.home / "params.yaml").read_text(encoding="utf-8").partition(f"\n{section}:\n")
        head, name, body = (head, name, body) if section else ("", "", head + name + body)
        body, count = re.subn(rf"(?m)^(  {key}:) \S+", rf"\1 {value}", body, count=1)
        assert count, key
        (self.home / "params.yaml").write_text(head + name + body, encoding="utf-8")

    def run(self, *words):
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.home),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.home / ".dvc/tmp/site"),
        }
        done = subprocess.run(words, cwd=self.home, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def night(self, date, *jobs):
        """In one process what Airflow's tasks run one by one."""
        self.run(sys.executable, "-P", "-m", "jobs.cli", "--quiet", "run", *jobs, "--date", date)

    def repro(self, date, *targets):
        """The stages that DVC runs, each with whether its job found something to do."""
        (self.home / "night.yaml").write_text(f'date: "{date}"\n', encoding="utf-8")
        output = self.run(sys.executable, "-m", "dvc", "repro", *targets)
        idle = re.findall(r"(?m)^(\w+) +up to date$", output)
        return {stage: stage not in idle for stage in re.findall(r"Running stage '(\w+)':", output)}

    def digests(self, run):
        return {name: entry.digest for name, entry in sorted(Run(self.storage, run).outputs().items())}

    def visible(self):
        """Everything that readers and the scheduled runs see."""
        paths = [POINTER, *self.storage.list("snapshots"), *self.storage.list(f"runs/{default_run(FIRST)}")]
        return {path: self.storage.read(path) for path in paths}


def test_dvc_yaml_is_the_generated_one():
    assert (REPOSITORY / "dvc.yaml").read_text(encoding="utf-8") == pipeline(), "nightmill jobs --dvc > dvc.yaml"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_laptop_gives_the_digests_of_the_scheduled_night(tmp_path):
    site = Site(None)
    with site.start() as base:
        deployment = Deployment(tmp_path / "home").install(base)
        deployment.night(FIRST, *STAGES, "publish")
        before, requests = deployment.visible(), len(site.requests)
        without = deployment.copied(tmp_path / "without")
        recorded = deployment.digests(default_run(FIRST))

        assert deployment.repro(FIRST) == dict.fromkeys(STAGES, True)
        assert deployment.digests(f"dvc-{FIRST}") == recorded and len(recorded) > 10
        assert deployment.repro(FIRST) == {"crawl": False}  # it pins the run

        deployment.set("min_characters", "200", section="clean")
        again = deployment.repro(FIRST, "dedup")
        assert again == {"crawl": False, "clean": True, "scrub": True, "dedup": True}
        changed = {n for n, digest in deployment.digests(f"dvc-{FIRST}").items() if digest != recorded[n]}
        assert {"clean", "rejects_clean", "corpus"} <= changed and not changed & {"pages", "documents"}
        assert deployment.visible() == before and len(site.requests) == requests
        deployment.set("min_characters", "50", section="clean")

        site.day = 2
        for each in (deployment, without):
            each.night(SECOND, *STAGES[: STAGES.index("profile") + 1])
        assert deployment.digests(default_run(SECOND)) == without.digests(default_run(SECOND))
        assert deployment.digests(default_run(SECOND))["corpus"] != recorded["corpus"]


def test_what_the_night_captured_is_not_fetched_again():
    """An unpublished night, such as one that the gate refused, can be run again from its pages."""
    lake = Lake()
    lake.captured(day(0), {day(0): [Capture(0, text=0)]}, Options())
    done = run_job("crawl", day(0), config=lake.config, storage=lake.storage, run="dvc-x")
    assert done.record.outputs["pages"] == Run(lake.storage, default_run(day(0))).outputs()["pages"]
    assert done.record.result == {"captured": default_run(day(0))}
    assert Published(lake.storage).head() is None
