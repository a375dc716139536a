"""The test configuration itself: rows, skips on CI, no network."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
MARKED = """
import pytest

@pytest.mark.req("AAA-01")
def test_passes(): pass

@pytest.mark.req("AAA-01", "AAA-02")
def test_passes_too(): pass

@pytest.mark.req("AAA-02")
def test_fails(): assert False

@pytest.mark.req("AAA-03")
def test_skips(): pytest.skip("nothing here")

def test_unmarked(): pass
"""


def run(folder, text, *arguments, ci=""):
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    req: rows\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rs", *arguments],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "CI": ci}, check=False,
    )  # fmt: skip


def test_rows_with_only_passing_tests_are_proven_also_in_parallel(tmp_path):
    lines = run(tmp_path, MARKED, "--requirements", "-n", "1").stdout.splitlines()
    assert "AAA-01  passing     2 passed" in lines
    assert "AAA-02  NOT PROVEN  1 failed, 1 passed" in lines
    assert "AAA-03  NOT PROVEN  1 skipped" in lines
    assert "1 of 3 marked rows have only passing tests" in lines


def test_a_failing_fixture_is_no_proof(tmp_path):
    text = """
import pytest

@pytest.fixture
def broken():
    yield 1
    raise ValueError

@pytest.mark.req("AAA-01")
def test_passes(broken): pass
"""
    assert "AAA-01  NOT PROVEN  1 failed, 1 passed" in run(tmp_path, text, "--requirements").stdout


def test_a_mark_that_is_no_id_is_refused(tmp_path):
    result = run(tmp_path, "import pytest\n\n@pytest.mark.req('clean')\ndef test_it(): pass\n")
    assert result.returncode == 4
    assert "'clean' is not a requirement id" in result.stdout + result.stderr


def test_a_skip_is_one_line_and_a_failure_on_ci(tmp_path):
    text = """
import pytest

def test_it(): pytest.skip("no browser")

@pytest.mark.skipif(True, reason="no model")
def test_that(): pass
"""
    (tmp_path / "test_module.py").write_text("import pytest\n\npytest.importorskip('no_such', reason='no server')\n")
    here = run(tmp_path, text)
    assert here.returncode == 0 and "3 skipped" in here.stdout
    for reason in ("no browser", "no model", "no server"):
        assert sum(reason in line for line in here.stdout.splitlines()) == 1
    there = run(tmp_path, text, "--continue-on-collection-errors", ci="true")
    assert there.returncode == 1 and "1 failed, 2 errors" in there.stdout
    assert there.stdout.count("not run, and CI is set: ") >= 3


def test_an_expected_failure_is_no_skip(tmp_path):
    text = "import pytest\n\n@pytest.mark.xfail\ndef test_it(): assert False\n"
    assert run(tmp_path, text, ci="true").returncode == 0


def test_tests_reach_loopback_only():
    with pytest.raises(OSError, match="no network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("example.org", 80)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=1).close()
