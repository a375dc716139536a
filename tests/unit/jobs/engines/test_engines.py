"""The engines: the same results in one process, in several and shuffled; and what happens when a worker dies."""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.engines import local_engine
from jobs.engines.base import Task
from jobs.engines.local_engine import LocalEngine
from jobs.engines.shuffle_engine import ShuffleEngine
from jobs.errors import ConfigError, NotEnoughData, Terminal, Transient, UsageError
from pipelines.stage import Context

STAGES = """
import os, signal
import pyarrow as pa
import pyarrow.compute as pc
from jobs.errors import NotEnoughData, UsageError
from pipelines.stage import REJECT_SCHEMA, Emitted, MapStage, Verdict, rejects

def setup(context):
    if context.params == "broken":
        raise UsageError("no model here; fetch it")
    if context.params == "wrong":
        raise ValueError("3 is no policy")
    return {"pid": os.getpid(), "params": context.params, "secret": context.secrets.get("key")}

def apply(state, batch):
    numbers = batch["n"].to_pylist()
    if state["params"] in numbers:
        raise NotEnoughData(f"number {state['params']}")
    odd = [at for at, n in enumerate(numbers) if n % 2]
    even = batch.filter(pc.equal(pc.bit_wise_and(batch["n"], 1), 0))
    even = even.append_column("pid", pa.array([os.getpid()] * even.num_rows))
    return Emitted(even, rejects("s", batch, odd, [Verdict("odd", numbers[at]) for at in odd]))

def die(state, batch):
    if 3 in batch["n"].to_pylist():
        os.kill(os.getpid(), signal.SIGKILL)
    return apply(state, batch)

def lose(state, batch):
    return Emitted(batch.slice(1), REJECT_SCHEMA.empty_table())

STAGE, DIES, LOSES = (MapStage("s", "1", "row", ("doc_id", "n"), ("pid",), setup, f) for f in (apply, die, lose))
"""


@pytest.fixture
def task(tmp_path, monkeypatch):
    (tmp_path / "engine_stages.py").write_text(STAGES)
    monkeypatch.syspath_prepend(tmp_path)
    return lambda name="STAGE", params=None: Task(f"engine_stages:{name}", Context(params, {}, {"key": "hunter2"}))


def batches(count, rows=4):
    for at in range(count):
        numbers = range(at * rows, (at + 1) * rows)
        yield pa.table({"doc_id": [f"{n:03}" for n in numbers], "n": list(numbers)})


def results(engine, task, source):
    """(even numbers, odd numbers, processes), sorted."""
    found = list(engine.map(task, source))
    rows = [r for e in found for r in e.rows.to_pylist()]
    odd = sorted(r["value"] for e in found for r in e.rejects.to_pylist())
    return sorted(r["n"] for r in rows), odd, {r["pid"] for r in rows}


ALL = (list(range(0, 40, 2)), list(range(1, 40, 2)))


def test_one_worker_is_this_process(task):
    even, odd, where = results(LocalEngine(1), task(), batches(10))
    assert (even, odd) == ALL and where == {os.getpid()}


def test_two_workers_are_other_processes(task):
    even, odd, where = results(LocalEngine(2, inline_rows=0), task(), batches(10))
    assert (even, odd) == ALL and os.getpid() not in where and 1 <= len(where) <= 2


def test_few_rows_start_no_process(task, monkeypatch):
    pooled = []
    monkeypatch.setattr(LocalEngine, "_in_pool", lambda self, task, batches: pooled.append(list(batches)) or iter([]))
    assert results(LocalEngine(2, inline_rows=40), task(), batches(10))[2] == {os.getpid()} and not pooled
    assert list(LocalEngine(2, inline_rows=39).map(task(), batches(10))) == []
    assert [b.num_rows for b in pooled[0]] == [4] * 10  # none is lost in counting


@pytest.mark.parametrize("engine", [LocalEngine(1), LocalEngine(2, inline_rows=0), ShuffleEngine(1)])
def test_no_batches(task, engine):
    assert list(engine.map(task(), iter([]))) == []
    engine.close()


def test_batches_without_rows(task):
    empty = next(batches(1)).slice(0, 0)
    (found,) = LocalEngine(2).map(task(), [empty])
    assert found.rows.num_rows == found.rejects.num_rows == 0


def test_work_in_flight_is_bounded(task):
    taken = []

    def counted():
        for batch in batches(60):
            taken.append(1)
            yield batch

    stream = LocalEngine(2, inline_rows=0).map(task(), counted())
    next(stream)
    assert len(taken) <= 2 * 2 + 2
    stream.close()  # whoever stops reading leaves no process behind
    assert len(taken) <= 2 * 2 + 2


@pytest.mark.req("OBS-09")
def test_a_dead_worker_is_transient_and_says_so(task):
    began = time.monotonic()
    with pytest.raises(Transient, match=r"a worker of engine_stages:DIES died .* run the job again"):
        list(LocalEngine(2, inline_rows=0).map(task("DIES"), batches(10)))
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("engine", [LocalEngine(1), LocalEngine(2, inline_rows=0), ShuffleEngine(0)])
def test_what_a_stage_raises_arrives_as_it_is(task, engine):
    with pytest.raises(NotEnoughData, match="number 17") as failed:
        list(engine.map(task(params=17), batches(10)))
    assert failed.value.exit_code == 5
    with pytest.raises(UsageError, match="no model here; fetch it"):
        list(engine.map(task(params="broken"), batches(10)))
    with pytest.raises(ConfigError, match="stage s cannot start: 3 is no policy"):
        list(engine.map(task(params="wrong"), batches(10)))


@pytest.mark.parametrize("engine", [LocalEngine(1), ShuffleEngine(0)])
def test_a_lost_row_is_a_defect_that_stops_the_job(task, engine):
    with pytest.raises(Terminal, match=r"stage s 1: 1 keys lost, e\.g\. \('000',\); this is a defect"):
        list(engine.map(task("LOSES"), batches(1)))


def test_an_error_of_the_source_arrives(task):
    def broken():
        yield from batches(3)
        raise Terminal("a file is damaged")

    for engine in (LocalEngine(1), LocalEngine(2, inline_rows=0)):
        with pytest.raises(Terminal, match="a file is damaged"):
            list(engine.map(task(), broken()))


def test_workers_by_default_are_the_cores():
    assert LocalEngine(0).workers == (os.cpu_count() or 1) and LocalEngine(3).workers == 3
    assert local_engine.INLINE_ROWS > 0


@given(st.integers(0, 2**32), st.lists(st.integers(0, 9), max_size=30))
def test_the_shuffling_engine_cuts_without_loss_and_never_within_a_document(seed, ids):
    ids.sort()
    batch = pa.table({"doc_id": [str(i) for i in ids]})
    pieces = list(ShuffleEngine(seed)._cut(batch, "doc_id")) if ids else []
    joined = [i for p in pieces for i in p["doc_id"].to_pylist()]
    assert joined == [str(i) for i in ids]
    borders = [(a["doc_id"][-1], b["doc_id"][0]) for a, b in itertools.pairwise(pieces)]
    assert all(a != b for a, b in borders)


def test_the_shuffling_engine_gives_the_same_rows(task):
    even, odd, _ = results(ShuffleEngine(7), task(), batches(10))
    assert (even, odd) == ALL


def test_a_task_does_not_print_its_secrets(task):
    assert "hunter2" not in repr(task())


def test_workers_end_with_a_killed_parent(task, tmp_path):
    """They hold the pool's pipes and would wait for work for ever."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\n"
        "import pyarrow as pa\n"
        "from jobs.engines.base import Task\n"
        "from jobs.engines.local_engine import LocalEngine\n"
        "from pipelines.stage import Context\n"
        "def batches():\n"
        "    for at in range(3):\n"
        "        yield pa.table({'doc_id': [str(at)], 'n': [2 * at]})\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    stage = Task('engine_stages:STAGE', Context(None))\n"
        "    for emitted in LocalEngine(1 + 1, inline_rows=0).map(stage, batches()):\n"
        "        print(emitted.rows['pid'][0].as_py(), flush=True)\n"
    )
    paths = os.pathsep.join([str(tmp_path), os.getcwd()])
    parent = subprocess.Popen(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True
    )
    children: list[int] = []
    try:
        deadline = time.monotonic() + 60
        while len(children) < 2 and time.monotonic() < deadline:
            children = [pid for pid in _children(parent.pid) if b"spawn_main" in _command(pid)]
            time.sleep(0.1)
        time.sleep(3)  # until they have set their stage up
    finally:
        parent.kill()
        parent.wait()
    assert len(children) == 2
    deadline = time.monotonic() + 20
    while any(_command(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_command(pid) for pid in children)


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command(pid):
    """The command line of a process; empty for one that is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
