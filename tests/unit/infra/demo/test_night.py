"""The driver of the demonstration: what it keeps, what it says when something fails."""

import json
import socket
import sys
import time

import pytest

from infra.demo import night
from infra.demo.night import Demo, DemoError


@pytest.fixture
def demo(tmp_path):
    return Demo(tmp_path, 0, time.monotonic())


def test_a_new_start_keeps_downloads_and_nothing_else(demo):
    for name in ("lake/refs", "airflow", "logs", "site", ".cache", "models"):
        (demo.folder / name).mkdir(parents=True)
    night.start_anew(demo)
    assert {path.name for path in demo.folder.iterdir()} == {"site", ".cache", "models"}


def test_pages_of_an_earlier_call_are_used_again_if_as_many_were_asked_for(tmp_path, capsys):
    demo = Demo(tmp_path, 40, time.monotonic())
    (tmp_path / "site").mkdir()
    (tmp_path / "site/manifest.json").touch()
    (tmp_path / "site.pages").write_text("40\n")
    night.fetch_pages(demo)
    assert "those of the last call" in capsys.readouterr().out


def test_a_command_that_fails_is_named_with_its_log(demo):
    with pytest.raises(DemoError, match=r"odd ended with exit code 3; its output: .*/logs/odd\.log"):
        list(demo.run("odd", sys.executable, "-c", "print('why'); raise SystemExit(3)"))
    assert demo.log("odd").read_text() == "why\n"


def test_a_failed_night_says_which_job_and_why(demo, monkeypatch):
    monkeypatch.setattr(Demo, "airflow", lambda self, name, *words: self.run(name, sys.executable, "-c", "1/0"))
    folder = demo.folder / "lake/runs/nightly_corpus-2026-01-05/outcome"
    folder.mkdir(parents=True)
    for job, kind, message in (("crawl", "done", ""), ("gate", "refused", "rows is 0")):
        (folder / f"{job}.json").write_text(json.dumps({"class": kind, "message": message, "seconds": 1.5}))
    with pytest.raises(DemoError, match=r"night 2026-01-05 failed\. gate: rows is 0\n.*exit code 1"):
        night.run_night(demo, "2026-01-05", 1)
    assert night.described(demo, "2026-01-05", "gate") == "gate     refused    1.5 s  rows is 0"
    assert "no outcome" in night.described(demo, "2026-01-05", "card")


def test_a_site_that_does_not_start_is_said(tmp_path):
    demo = Demo(tmp_path, 40, time.monotonic())  # real pages, and there are none
    with pytest.raises(DemoError, match=r"the web site did not start; its output: .*site\.log"), night.serving(demo):
        pass


def test_another_port_is_taken_where_ours_is_busy(monkeypatch):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        monkeypatch.setattr(night, "PORT", busy.getsockname()[1])
        assert night.free_port() == 0


def test_the_nights_follow_one_another():
    assert [night.night_of(n) for n in (1, 2)] == ["2026-01-05", "2026-01-06"]


def test_at_least_one_page(capsys):
    with pytest.raises(SystemExit):
        night.main(["--pages", "0"])
    assert "at least one page" in capsys.readouterr().err
