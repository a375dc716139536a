"""Downloads: pinned, cached, and without a network the second time."""

import hashlib
import os
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.demo import fetching
from infra.demo.sources import Archive

BODY = b"the bytes of a package"
PINNED = Archive("thing", "MIT", "thing-1.0.tar.gz", "1.0", hashlib.sha256(BODY).hexdigest())
DEBIAN = Archive("thing-doc", "MIT")


@pytest.fixture
def said():
    return []


def no_process(*_, **__):
    raise AssertionError("a second run starts no process")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A package index on this machine, as pip is told by its own settings."""
    folder = tmp_path / "index"
    (folder / "simple/thing").mkdir(parents=True)
    (folder / PINNED.filename).write_bytes(BODY)
    link = f'<a href="../../{PINNED.filename}" data-requires-python="&gt;=99">{PINNED.filename}</a>'
    (folder / "simple/thing/index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")
    for name in [n for n in os.environ if n.startswith("PIP_") or n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_address[1]}/simple/")
        monkeypatch.setenv("PIP_RETRIES", "0")
        yield folder
        server.shutdown()


def test_a_pinned_file_comes_from_the_index_of_pip_and_then_from_the_cache(index, tmp_path, said, monkeypatch):
    unknown = Archive("nothing", "MIT", "nothing-1.tar.gz", "1", "0" * 64)
    found = fetching.fetch_index([PINNED, unknown], tmp_path / "cache/index", said.append)
    assert found[PINNED].read_bytes() == BODY
    assert list(found) == [PINNED]
    assert any("without nothing: the package index has no file" in line for line in said)
    monkeypatch.setattr(subprocess, "run", no_process)
    assert fetching.fetch_index([PINNED], tmp_path / "cache/index", said.append) == found


def test_other_bytes_than_the_pinned_ones_are_deleted_and_told(index, tmp_path, said):
    (index / PINNED.filename).write_bytes(b"something else")
    assert fetching.fetch_index([PINNED], tmp_path / "cache", said.append) == {}
    assert "without thing: its SHA-256 is not the pinned one: deleted" in said[-1]
    assert not (tmp_path / "cache" / PINNED.filename).exists()


def test_an_index_that_does_not_answer_is_told(tmp_path, said, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert fetching.fetch_index([PINNED], tmp_path / "cache", said.append) == {}
    assert "without thing" in said[-1]


def test_a_helper_that_cannot_run_is_told(tmp_path, said, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "Traceback\nModuleNotFoundError: No module named 'pip'\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert fetching.fetch_index([PINNED], tmp_path / "cache", said.append) == {}
    assert "without thing: pip could not be used: ModuleNotFoundError" in said[-1]


FAKE_APT = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
  *fail*) echo "E: Unable to locate package" >&2; exit 100;;
  *update*) exit 0;;
  *Dir::State*download*|{known}) echo deb > thing-doc_1.0_all.deb; exit 0;;
esac
echo "E: Unable to locate package thing-doc" >&2
exit 100
"""


def fake_apt(tmp_path, monkeypatch, known):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "apt-get").write_text(FAKE_APT.format(log=tmp_path / "log", known=known))
    (tools / "dpkg-deb").write_text("#!/bin/sh\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    return lambda: (tmp_path / "log").read_text().splitlines()


def test_a_debian_package_comes_by_apt_and_then_from_the_cache(tmp_path, said, monkeypatch):
    calls = fake_apt(tmp_path, monkeypatch, known="*download*thing-doc")
    found = fetching.fetch_debian([DEBIAN], tmp_path / "cache/debian", said.append)
    assert found[DEBIAN].name == "thing-doc_1.0_all.deb"
    assert calls() == ["-q download thing-doc"]
    monkeypatch.setattr(subprocess, "run", no_process)
    assert fetching.fetch_debian([DEBIAN], tmp_path / "cache/debian", said.append) == found


def test_without_lists_of_the_system_apt_gets_lists_of_our_own(tmp_path, said, monkeypatch):
    calls = fake_apt(tmp_path, monkeypatch, known="never")
    failing = Archive("fail-doc", "MIT")
    found = fetching.fetch_debian([DEBIAN, failing], tmp_path / "cache/debian", said.append)
    assert list(found) == [DEBIAN]
    assert [line.split()[-1] for line in calls()] == ["thing-doc", "update", "thing-doc", "fail-doc"]
    assert str(tmp_path / "cache/apt/lists") in calls()[1]
    assert "without fail-doc: E: Unable to locate package" in said[-1]


def test_without_apt_a_plain_message_says_what_is_lost(tmp_path, said, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fetching.fetch_debian([DEBIAN], tmp_path / "cache", said.append) == {}
    assert said == ["without the Debian packages: no apt-get and dpkg-deb here; the Chinese share will be smaller"]


def test_both_kinds_together_in_the_order_of_the_request(tmp_path, said, monkeypatch):
    (tmp_path / "cache/index").mkdir(parents=True)
    (tmp_path / "cache/debian").mkdir()
    (tmp_path / "cache/index" / PINNED.filename).write_bytes(BODY)
    (tmp_path / "cache/debian/thing-doc_1_all.deb").write_bytes(b"deb")
    monkeypatch.setattr(subprocess, "run", no_process)
    found = fetching.fetch_all([DEBIAN, PINNED, DEBIAN], tmp_path / "cache", said.append)
    assert list(found) == [DEBIAN, PINNED]
    assert said == []
