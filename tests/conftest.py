"""What all tests share: no network, no silent skips on CI, and the table of requirement rows with a passing test."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections import Counter

import hypothesis
import pytest

CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
ROW = re.compile(r"[A-Z]{3}-\d{2}")

hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.load_profile("ci" if CI else "default")


def pytest_addoption(parser):
    parser.addoption("--requirements", action="store_true", help="print which requirement rows have a passing test")


def pytest_configure(config):
    config.stash[_outcomes] = {}
    _refuse_network()


def pytest_collection_modifyitems(config, items):
    """Carry each test's requirement rows in its report, which also reaches the controller of parallel runs."""
    for item in items:
        for mark in item.iter_markers("req"):
            for row in mark.args:
                if not isinstance(row, str) or not ROW.fullmatch(row):
                    raise pytest.UsageError(f"{item.nodeid}: {row!r} is not a requirement id such as CLN-02")
                item.user_properties.append(("req", row))
    if config.getoption("--requirements"):
        items[:] = [item for item in items if any(key == "req" for key, _ in item.user_properties)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    return _no_skip_on_ci(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    return _no_skip_on_ci(report)


def _no_skip_on_ci(report):
    """On CI a test that cannot run is a failure: a green run must have run everything."""
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"not run, and CI is set: {reason}"
    return report


_outcomes = pytest.StashKey[dict[str, Counter]]()


class Rows:
    """Counts the outcomes of the tests of each requirement row."""

    def __init__(self, config):
        self.outcomes = config.stash[_outcomes]

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.outcome == "passed":
            return
        for key, row in report.user_properties:
            if key == "req":
                self.outcomes.setdefault(row, Counter())[report.outcome] += 1


def pytest_sessionstart(session):
    session.config.pluginmanager.register(Rows(session.config), "nightmill-rows")


def pytest_terminal_summary(terminalreporter, config):
    if not config.getoption("--requirements"):
        return
    rows = config.stash[_outcomes]
    terminalreporter.section("requirement rows")
    for row, seen in sorted(rows.items()):
        state = "passing" if seen["passed"] and not seen["failed"] and not seen["skipped"] else "NOT PROVEN"
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(seen.items()))
        terminalreporter.write_line(f"{row}  {state:<10}  {counts}")
    proven = sum(bool(seen["passed"]) and not seen["failed"] and not seen["skipped"] for seen in rows.values())
    terminalreporter.write_line(f"{proven} of {len(rows)} marked rows have only passing tests")


def _refuse_network():
    """Tests reach loopback only, in this process; a name that would need a resolver fails at once."""
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _local(address[0]):
            raise OSError(f"tests have no network: {address[0]}")
        return connect(self, address)

    def guarded_lookup(host, *args, **kwargs):
        if host is not None and not _local(host):
            raise socket.gaierror(socket.EAI_NONAME, "tests have no network", host)
        return lookup(host, *args, **kwargs)

    socket.socket.connect = guarded_connect
    socket.getaddrinfo = guarded_lookup


def _local(host):
    name = host.decode() if isinstance(host, bytes) else host
    if name in {"", "localhost", socket.gethostname()} or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback or ipaddress.ip_address(name).is_unspecified
    except ValueError:
        return False
