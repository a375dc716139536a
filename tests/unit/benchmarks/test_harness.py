import argparse
import json
import sys

import pytest

from benchmarks import harness


def test_contestants_take_turns_and_outputs_are_kept():
    seen = []
    result = harness.run("x", {"a": lambda: seen.append("a"), "b": lambda: seen.append("b") or 7}, 1_000_000, rounds=3)
    assert seen == ["a", "b"] * 3
    assert result["outputs"] == {"a": None, "b": 7}
    assert set(result["ratio"]) == {"b"}
    assert result["ratio"]["b"]["least"] <= result["ratio"]["b"]["median"] <= result["ratio"]["b"]["most"]


def test_what_could_not_be_measured_is_null_with_its_reason():
    def broken():
        raise ValueError("no such model")

    peers = {"a": lambda: 1, "gone": harness.Unavailable("not installed"), "broken": broken}
    result = harness.run("x", peers, 10, rounds=1)
    assert result["ratio"] == {"gone": None, "broken": None}
    assert result["contestants"]["gone"] == {"reason": "not installed"}
    assert result["contestants"]["broken"] == {"reason": "ValueError: no such model"}


def test_our_own_failure_is_raised():
    with pytest.raises(ZeroDivisionError):
        harness.run("x", {"a": lambda: 1 / 0}, 10, rounds=1)


def test_cpu_seconds_count_the_children_and_their_peak_is_their_own():
    held = bytearray(200_000_000)  # must not be counted as the child's
    call = harness.command(sys.executable, "-c", "sum(range(10_000_000)); print('{\"rows\": 3}')")
    figures, output = harness.measure(call)
    assert output == {"rows": 3}
    assert figures["cpu_s"] > 0.05
    assert 3 < figures["peak_rss_mb"] < 100
    assert len(held)


def test_a_failing_command_says_so():
    with pytest.raises(RuntimeError, match=r"exit code 1: .*boom"):
        harness.command(sys.executable, "-c", "raise SystemExit('boom')")()
    with pytest.raises(RuntimeError, match="no end after"):
        harness.command(sys.executable, "-c", "import time; time.sleep(60)", timeout_s=0.3)()


def test_bootstrap_is_repeatable_and_holds_the_value():
    values = [0.0, 1.0] * 50
    first = harness.bootstrap(values)
    assert first == harness.bootstrap(values)
    assert first["low"] < first["value"] == 0.5 < first["high"]
    assert harness.bootstrap([]) == {"value": None, "low": None, "high": None}


def test_report_prints_one_json_object_or_a_table(capsys):
    result = harness.run("x", {"a": lambda: 1, "gone": harness.Unavailable("why")}, 5_000_000, rounds=1)
    harness.report(result, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["calibration"]["xxh3_gb_per_s"]["median"] > 0
    assert "outputs" not in printed
    harness.report(result, as_json=False)
    assert "not measured: why" in capsys.readouterr().out


def test_parser_refuses_no_rounds():
    assert harness.parser("x").parse_args(["--json", "--rounds", "2"]).rounds == 2
    with pytest.raises(argparse.ArgumentTypeError):
        harness._at_least_one("0")
