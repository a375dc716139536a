"""What every benchmark shares: interleaved rounds, medians with spread, CPU seconds, peak memory, a calibration kernel.

    arguments = harness.parser("dedup").parse_args()
    rensa = harness.peer("dedup", "benchmarks/peers/rensa.py", path)
    result = harness.run("dedup", {"nightmill": ours, "rensa": rensa}, bytes_in=size, rounds=arguments.rounds,
                         packages=("numba", "pyarrow"))
    result["quality"] = {...}
    harness.report(result, arguments.json)

A contestant is a callable without arguments; the first one is ours. `command` and `peer` make callables that run a
process of their own. One that cannot run is `Unavailable(reason)`: its figures are null with the reason, never zero.
CPU seconds are user + system time of this process, its threads and every child that it waited for.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".venvs"
MB = 1_000_000


@dataclass(frozen=True)
class Unavailable:
    """A contestant that cannot run here, and why."""

    reason: str


@dataclass
class Command:
    """A contestant in a process of its own; its result is the last line of stdout, parsed where that is JSON.

    Raises RuntimeError with the last line of stderr when it fails or takes longer than `timeout_s`.
    """

    argv: Sequence[str]
    timeout_s: float = 1_800.0
    env: Mapping[str, str] = field(default_factory=dict)
    peak_rss_mb: float | None = None  # of the largest single process of the last call

    def __call__(self) -> Any:
        read, write = os.pipe()
        with os.fdopen(read, "rb") as figures:
            process = subprocess.Popen(
                [sys.executable, "-IS", str(ROOT / "benchmarks" / "child.py"), str(write), *self.argv],
                cwd=ROOT, env={**os.environ, **self.env}, pass_fds=(write,), start_new_session=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            )  # fmt: skip
            os.close(write)
            try:
                out, err = process.communicate(timeout=self.timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.communicate()
                raise RuntimeError(f"no end after {self.timeout_s:g} s") from None
            if process.returncode:
                reason = (err.strip().splitlines() or ["no message"])[-1]
                raise RuntimeError(f"exit code {process.returncode}: {reason[:200]}")
            self.peak_rss_mb = json.load(figures)["peak_rss_mb"]
        lines = out.strip().splitlines()
        try:
            return json.loads(lines[-1]) if lines else None
        except ValueError:
            return lines[-1]


def command(*argv: str | Path, timeout_s: float = 1_800.0, env: Mapping[str, str] | None = None) -> Command:
    return Command([str(part) for part in argv], timeout_s, env or {})


def peer(environment: str, script: str, *arguments: str | Path, timeout_s: float = 1_800.0) -> Command | Unavailable:
    """A peer's driver script in its environment `.venvs/ENVIRONMENT`, which `make bench-setup` makes."""
    python = ENVIRONMENTS / environment / "bin" / "python"
    if not python.exists():
        return Unavailable(f"no environment .venvs/{environment}: run `make bench-setup`")
    return command(python, ROOT / script, *arguments, timeout_s=timeout_s)


Contestant = Callable[[], Any] | Command | Unavailable


def run(
    name: str,
    contestants: Mapping[str, Contestant],
    bytes_in: int,
    rounds: int = 3,
    *,
    warmup: int = 0,
    packages: Iterable[str] = (),
) -> dict[str, Any]:
    """Run all contestants round after round (A B C, A B C, …) and return the figures.

    `bytes_in` is the size of the input, the same for all; `packages` are distributions whose versions are printed.
    `warmup` rounds are run first and not measured. What each contestant returned last is under `outputs`, which
    `report` does not print. An exception in our own contestant (the first) is raised; a peer's is its figure's reason.
    """
    ours = next(iter(contestants))
    runs: dict[str, list[dict[str, float | None]]] = {key: [] for key in contestants}
    outputs: dict[str, Any] = {}
    missing = {key: each.reason for key, each in contestants.items() if isinstance(each, Unavailable)}
    kernels = []
    for turn in range(-warmup, rounds):
        kernels.append(calibrate())
        for key, contestant in contestants.items():
            if key in missing or isinstance(contestant, Unavailable):
                continue
            try:
                figures, outputs[key] = measure(contestant)
            except Exception as error:  # a peer's failure of whatever kind is a result of the benchmark
                if key == ours:
                    raise
                missing[key] = f"{type(error).__name__}: {str(error)[:200]}"
                continue
            if turn >= 0:
                runs[key].append(figures)
    return {
        "benchmark": name,
        "rounds": rounds,
        "bytes_in": bytes_in,
        "ratio": {key: _ratio(runs[key], runs[ours]) for key in contestants if key != ours},
        **_figures(runs[ours], bytes_in),
        "contestants": {
            key: {"reason": missing[key]} if key in missing else _figures(runs[key], bytes_in) for key in contestants
        },
        "calibration": {kernel: _spread([each[kernel] for each in kernels]) for kernel in kernels[0]},
        "versions": versions(packages),
        "machine": machine(),
        "command": " ".join(["python", "-m", f"benchmarks.{name}", *sys.argv[1:]]),
        "outputs": outputs,
    }


def measure(contestant: Callable[[], Any]) -> tuple[dict[str, float | None], Any]:
    """CPU and wall seconds, peak resident MB of one call, and what it returned."""
    resettable = _reset_peak()
    cpu, wall = _cpu_seconds(), time.perf_counter()
    output = contestant()
    figures: dict[str, float | None] = {"wall_s": time.perf_counter() - wall, "cpu_s": _cpu_seconds() - cpu}
    if isinstance(contestant, Command):
        figures["peak_rss_mb"] = contestant.peak_rss_mb
    else:
        figures["peak_rss_mb"] = _peak_mb() if resettable else None
    return figures, output


def calibrate(size: int = 64 * MB) -> dict[str, float]:
    """GB per CPU second of a memory copy and of xxh3: what this machine gives at this moment."""
    import xxhash

    source = bytearray(size)
    target = bytearray(size)
    rates = {}
    for kernel, work in (("memcpy", lambda: target.__setitem__(slice(None), source)),
                         ("xxh3", lambda: xxhash.xxh3_64_intdigest(source))):  # fmt: skip
        work()
        start = time.process_time()
        for _ in range(4):
            work()
        rates[f"{kernel}_gb_per_s"] = 4 * size / 1e9 / max(time.process_time() - start, 1e-9)
    return rates


def bootstrap(
    values: Sequence[float],
    statistic: Callable[[Sequence[float]], float] = statistics.fmean,
    *,
    samples: int = 1_000,
    seed: int = 1,
) -> dict[str, float | None]:
    """The statistic with its 95 % percentile interval (Efron 1979); nulls for no values."""
    if not values:
        return {"value": None, "low": None, "high": None}
    draw = random.Random(seed)
    drawn = sorted(statistic(draw.choices(values, k=len(values))) for _ in range(samples))
    low, high = drawn[int(0.025 * samples)], drawn[min(samples - 1, int(0.975 * samples))]
    return {"value": statistic(values), "low": low, "high": high}


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def machine() -> dict[str, Any]:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next((line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines()
                      if line.startswith("model name")), model)  # fmt: skip
    return {"cpu": model, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2), "system": platform.platform()}


def parser(name: str, description: str | None = None) -> argparse.ArgumentParser:
    """The options common to all benchmarks: --json, --rounds, --seed, --data."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    made.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    made.add_argument("--rounds", type=_at_least_one, default=3, help="measured rounds (default: 3)")
    made.add_argument("--seed", type=int, default=1, help="seed of generated input (default: 1)")
    made.add_argument("--data", type=Path, metavar="DIR", help="take the input from DIR instead of making it")
    return made


def report(result: Mapping[str, Any], as_json: bool) -> None:
    """Print the result: as one JSON object, or as a table with the calibration below it."""
    shown = {key: value for key, value in result.items() if key != "outputs"}
    if as_json:
        print(json.dumps(shown, ensure_ascii=False, default=str))
        return
    print(f"{shown['benchmark']}: {shown['bytes_in'] / MB:.1f} MB, {shown['rounds']} rounds, medians [least – most]\n")
    print(f"{'':<24}{'CPU s':>24}{'MB/s':>10}{'peak MB':>10}{'ratio':>22}")
    for key, figures in shown["contestants"].items():
        if "reason" in figures:
            print(f"{key:<24}not measured: {figures['reason']}")
            continue
        ratio = shown["ratio"].get(key)
        print(f"{key:<24}{_text(figures['cpu_s']):>24}{figures['mb_per_s']['median']:>10.2f}"
              f"{_text(figures['peak_rss_mb'], spread=False):>10}{_text(ratio) if ratio else '1':>22}")  # fmt: skip
    kernels = ", ".join(f"{key} {_text(value)}" for key, value in shown["calibration"].items())
    print(f"\ncalibration: {kernels}")
    known = {"benchmark", "rounds", "bytes_in", "ratio", "contestants", "calibration", "cpu_s", "wall_s", "mb_per_s"}
    for key, value in shown.items():
        if key not in known | {"peak_rss_mb"}:
            print(f"{key}: {json.dumps(value, ensure_ascii=False, default=str)}")


def _figures(runs: Sequence[Mapping[str, float | None]], bytes_in: int) -> dict[str, Any]:
    cpu = [each["cpu_s"] for each in runs]
    rates = [bytes_in / MB / max(seconds or 0.0, 1e-9) for seconds in cpu]
    return {
        "cpu_s": _spread(cpu),
        "wall_s": _spread([each["wall_s"] for each in runs]),
        "mb_per_s": _spread(rates),
        "peak_rss_mb": _spread([each["peak_rss_mb"] for each in runs]),
    }


def _ratio(theirs: Sequence[Mapping[str, float | None]], ours: Sequence[Mapping[str, float | None]]) -> Any:
    """Their CPU seconds ÷ ours, round by round: rounds share the machine's mood, so the spread is of ratios."""
    if len(theirs) != len(ours):
        return None
    return _spread([(b["cpu_s"] or 0.0) / max(a["cpu_s"] or 0.0, 1e-9) for a, b in zip(ours, theirs, strict=True)])


def _spread(values: Sequence[float | None]) -> dict[str, float] | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {key: round(pick(known), 4) for key, pick in (("median", statistics.median), ("least", min), ("most", max))}


def _text(figure: Mapping[str, float] | None, spread: bool = True) -> str:
    if figure is None:
        return "–"
    middle = f"{figure['median']:.2f}"
    return f"{middle} [{figure['least']:.2f} – {figure['most']:.2f}]" if spread else middle


def _cpu_seconds() -> float:
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def _reset_peak() -> bool:
    """Set this process's peak back to what it holds now; Linux only."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _peak_mb() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


def _at_least_one(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)
