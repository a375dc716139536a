"""Nights through real Airflow: the demonstration, the same digests as by hand, kills, a refusal, an old night again.

One Airflow home and one web site serve the whole file; the site's pages are handmade, so nothing is downloaded.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from infra.demo.night import lay_out_documents
from infra.demo.site import Site
from jobs.context import store_outputs
from jobs.datasets import Version
from jobs.declared import JOBS
from jobs.dvc_pipeline import pipeline
from jobs.launch import Child
from jobs.runs import Run
from jobs.snapshots import Published
from jobs.storage import LocalStorage
from jobs.writer import VersionWriter
from pipelines.schemas import DATASETS

pytest.importorskip("airflow", reason="the extra [airflow] is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND, THIRD = "2026-01-05", "2026-01-06", "2026-01-07"
KILLS = 5


@pytest.fixture(scope="module")
def clean_environment():
    return {key: value for key, value in os.environ.items() if not key.startswith(("NIGHTMILL_", "AIRFLOW"))}


@pytest.fixture(scope="module")
def demo(tmp_path_factory, clean_environment):
    """The demonstration's folder and what it printed."""
    folder = tmp_path_factory.mktemp("night") / "demo"
    command = [sys.executable, "-m", "infra.demo.night", "--handmade", "--folder", folder]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder, done.stdout


@pytest.fixture(scope="module")
def site(demo):
    """The demonstration's site again, at the same address: URLs are part of every key."""
    site = Site(None)
    with site.start(int((demo[0] / "port").read_text())):
        yield site


def home(demo, name):
    """Another deployment folder with its own lake and the demonstration's parameters."""
    folder = demo[0].parent / name
    folder.mkdir()
    text = (demo[0] / "params.yaml").read_text(encoding="utf-8")
    suite = os.path.relpath(ROOT / "expectations/corpus.json", folder)
    (folder / "params.yaml").write_text(re.sub(r"suite: .*", f"suite: {suite}", text), encoding="utf-8")
    lay_out_documents(folder, 1)
    return folder


class Airflow:
    """The driver in airflow_driver.py under the settings of infra/airflow/env.sh."""

    def __init__(self, airflow_home, environment):
        given = {
            "AIRFLOW_HOME": str(airflow_home),
            "NIGHTMILL_HOME": str(airflow_home),
            "NIGHTMILL_RETRY_SECONDS": "0.1",
        }
        script = f'source infra/airflow/env.sh && exec "{sys.executable}" tests/integration/airflow_driver.py'
        self.lines = []
        self.process = subprocess.Popen(
            ["bash", "-c", script], cwd=ROOT, env=environment | given, text=True, errors="replace",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, date, folder, **params):
        self.lines.clear()
        request = {"date": date, "environment": {"NIGHTMILL_HOME": str(folder)}, "params": params}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("@@"):
                return json.loads(line[2:])
            self.lines.append(line)
        raise AssertionError("Airflow ended: " + "".join(self.lines)[-3000:])


@pytest.fixture(scope="module")
def airflow(demo, clean_environment):
    driver = Airflow(demo[0] / "airflow", clean_environment)
    yield driver
    driver.process.kill()
    driver.process.communicate()


def nightmill(folder, environment, *words):
    """The command line by hand."""
    command = [sys.executable, "-P", "-m", "jobs.cli", "--params", str(folder / "params.yaml"), *words]
    child = Child(command, folder, environment | {"PYTHONPATH": str(ROOT)})
    lines = list(child.lines())
    return child.exit_code(), "\n".join(lines)


def published(folder):
    return Published(LocalStorage(folder / "lake"))


def digests(folder, date):
    """Dataset → digest of the snapshot of a night."""
    at = published(folder)
    return {name: entry.digest for name, entry in at.snapshot(at.pointer().days[date]).datasets.items()}


def test_the_demonstration_shows_both_nights_and_where_to_look(demo):
    _, said = demo
    for date in (FIRST, SECOND):
        table = said.split(f"night {date}, snapshot ")[1]
        rows = dict(re.findall(r"^  (crawl|extract|clean|scrub|dedup) +(.*)$", table, flags=re.MULTILINE)[:5])
        assert list(rows) == ["crawl", "extract", "clean", "scrub", "dedup"]
        for row in rows.values():
            came, *went = [int(cell.replace(",", "")) for cell in re.findall(r"[\d,]+(?= |$)", row)[:6]]
            assert came == sum(went), row
    assert said.count(" done ") >= 2 * len(JOBS)
    card = re.search(r"the data card +(\S+\.html)", said)[1]
    assert Path(card).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_commands_it_names_work(demo, clean_environment):
    folder, said = demo
    named = re.findall(r"nightmill --params \S+ (.*)$", said, flags=re.MULTILINE)
    assert len(named) >= 5
    for words in named:
        if not words.startswith("export"):
            code, output = nightmill(folder, clean_environment, *words.split())
            assert code == 0 and output, (words, output)


@pytest.mark.req("VER-05")
def test_by_hand_the_same_nights_give_the_same_digests(demo, site, clean_environment):
    by_hand = home(demo, "by-hand")
    for day, date in enumerate((FIRST, SECOND), 1):
        site.day = day
        lay_out_documents(by_hand, day)
        code, output = nightmill(by_hand, clean_environment, "run", *JOBS, "--date", date)
        assert code == 0, output
        assert digests(by_hand, date) == digests(demo[0], date)
    assert published(by_hand).pointer() == published(demo[0]).pointer()


def test_an_old_night_again_does_not_move_the_head(demo, site, airflow):
    site.day = 1
    before = published(demo[0]).pointer()
    ran = airflow.run(FIRST, demo[0])
    assert {state for state, _ in ran["tasks"].values()} == {"success"}, "".join(airflow.lines)[-3000:]
    assert published(demo[0]).pointer() == before
    assert before.head_date == SECOND


def plant(folder, date, text):
    """Put a text into a row of the candidate, behind the scrubber's back; its key."""
    storage = LocalStorage(folder / "lake")
    run = Run(storage, f"nightly_corpus-{date}")
    record = run.record("dedup")
    version = Version.load(storage, record.outputs["corpus"].manifest)
    row = version.table().slice(0, 1)
    texts = pa.array([row["text"][0].as_py() + text])
    writer = VersionWriter(storage, DATASETS["corpus"], version, run=run.name)
    writer.upsert(row.set_column(row.schema.get_field_index("text"), "text", texts))
    outputs = store_outputs(storage, {"corpus": writer.finish(version.manifest.provenance)})
    run.finish(replace(record, outputs={**record.outputs, **outputs}))
    return row["doc_id"][0].as_py()


@pytest.mark.req("GAT-07")
def test_a_planted_row_blocks_publication_without_a_retry(demo, site, airflow, clean_environment):
    site.day = 2
    folder = demo[0]
    before = published(folder).pointer()
    code, output = nightmill(
        folder, clean_environment, "run", *list(JOBS)[: list(JOBS).index("profile")], "--date", THIRD
    )
    assert code == 0, output
    planted = plant(folder, THIRD, " 身份证号 11010519491231002X 已登记。")
    ran = airflow.run(THIRD, folder)
    assert ran["state"] == "failed"
    assert ran["tasks"]["gate"] == ["failed", 1]
    assert {ran["tasks"][name][0] for name in ("card", "publish")} == {"upstream_failed"}
    assert published(folder).pointer() == before
    log = "".join(airflow.lines)
    assert re.search(rf"AirflowFailException: gate refused: .*pii_residue is 1, expected = 0 in rows {planted}", log)
    assert "11010519491231002X" not in log
    outcome = json.loads((folder / f"lake/runs/nightly_corpus-{THIRD}/outcome/gate.json").read_text())
    assert (outcome["class"], outcome["exit_code"]) == ("refused", 3)
    code, output = nightmill(
        folder, clean_environment, "show", "violations", "--run", f"nightly_corpus-{THIRD}", "--rows", "9"
    )
    assert code == 0 and planted in output


class Killer(threading.Thread):
    """Kills job processes (SIGKILL) inside their work, at most two tries of a job; keeps what it killed."""

    def __init__(self, lake, chance, seconds):
        super().__init__(daemon=True)
        self.lake, self.chance, self.seconds = lake, chance, seconds
        self.killed, self.over = [], threading.Event()

    def run(self):
        seen = set()
        while not self.over.wait(0.01) and len(self.killed) < KILLS:
            for path in self.lake.glob("runs/*/outcome/*.json"):
                try:
                    outcome = json.loads(path.read_text())
                except (OSError, ValueError):
                    continue
                job, attempt = outcome["job"], outcome["attempt"]
                if outcome["class"] != "running" or attempt in seen or self.killed.count(job) == 2:
                    continue
                seen.add(attempt)
                time.sleep(self.chance.uniform(0, 0.6) * self.seconds[job])
                if process := self._process(attempt):
                    os.kill(process, signal.SIGKILL)
                    self.killed.append(job)

    def _process(self, attempt):
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
            except OSError:
                continue
            if attempt.encode() in words and b"run" in words:
                return int(folder.name)
        return None


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_five_kills_through_airflow_leave_the_same_night(demo, site, airflow):
    site.day = 1
    seed = int(os.environ.get("NIGHTMILL_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed}: NIGHTMILL_SEED={seed} repeats it")
    folder = home(demo, "killed")
    outcomes = (demo[0] / f"lake/runs/nightly_corpus-{FIRST}/outcome").glob("*.json")
    seconds = {path.stem: json.loads(path.read_text())["seconds"] for path in outcomes}
    killer = Killer(folder / "lake", random.Random(seed), seconds)
    killer.start()
    ran = airflow.run(FIRST, folder)
    killer.over.set()
    killer.join()
    assert len(killer.killed) == KILLS, killer.killed
    assert ran["state"] == "success", "".join(airflow.lines)[-3000:]
    assert {name: tries - 1 for name, (_, tries) in ran["tasks"].items()} == {
        name: killer.killed.count(name) for name in JOBS
    }
    assert digests(folder, FIRST) == digests(demo[0], FIRST)


def with_dvc(folder):
    """Give a deployment what `dvc repro` needs beside its params.yaml: dvc.yaml, DVC's settings, every section."""
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "dvc.yaml").write_text(pipeline(), encoding="utf-8")
    (folder / "night.yaml").write_text(f'date: "{FIRST}"\n', encoding="utf-8")
    text = (folder / "params.yaml").read_text(encoding="utf-8")
    sections = re.split(r"(?m)^(?=[a-z]+:)", (ROOT / "params.yaml").read_text(encoding="utf-8"))[1:]
    missing = [section for section in sections if not re.search(rf"(?m)^{section.partition(':')[0]}:", text)]
    (folder / "params.yaml").write_text("".join([text, "\n", *missing]), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)


@pytest.mark.req("OTH-02", "OBS-02", "VER-01")
def test_airflow_then_dvc_then_airflow_give_the_same_digests(demo, site, airflow, clean_environment):
    pytest.importorskip("dvc", reason="the extra [dvc] is not installed")
    folder = home(demo, "both")
    with_dvc(folder)
    site.day = 1
    assert airflow.run(FIRST, folder)["state"] == "success", "".join(airflow.lines)[-3000:]
    scheduled, pointer = digests(folder, FIRST), published(folder).pointer()
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=folder,
        env=clean_environment
        | {
            "PATH": f"{Path(sys.executable).parent}:{clean_environment['PATH']}",
            "PYTHONPATH": str(ROOT),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(folder / ".dvc/tmp/site"),
        },
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    laptop = Run(LocalStorage(folder / "lake"), f"dvc-{FIRST}").outputs()
    assert {name: entry.digest for name, entry in laptop.items()} == scheduled
    assert published(folder).pointer() == pointer
    site.day = 2
    lay_out_documents(folder, 2)
    assert airflow.run(SECOND, folder)["state"] == "success", "".join(airflow.lines)[-3000:]
    assert digests(folder, SECOND) == digests(demo[0], SECOND)
