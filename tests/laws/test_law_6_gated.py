"""Law 6: nothing is published whose expectations did not pass on exactly that content."""

from dataclasses import replace

import pytest
from nights import Capture, Lake, day

from jobs.digest import Digest
from jobs.errors import GateRefused
from jobs.snapshots import Entry, Published, Snapshot


def candidate(lake):
    snapshot = lake.night(day(0), {day(0): [Capture(0, text=0)]})
    return replace(snapshot, date=day(1), parent=snapshot.id)


@pytest.mark.parametrize(
    "gate",
    [{}, {"passed": False}, {"passed": True}, {"passed": True, "content": {"corpus": "0" * 32 + ".1"}}],
    ids=["none", "refused", "judged nothing", "judged other content"],
)
@pytest.mark.req("GAT-01")
def test_an_ungated_content_is_refused(gate):
    lake = Lake()
    fresh = candidate(lake)
    before = Published(lake.storage).pointer()
    with pytest.raises(GateRefused) as refused:
        Published(lake.storage).publish(replace(fresh, gate=gate), written=frozenset({"corpus"}))
    assert refused.value.exit_code == 3
    assert Published(lake.storage).pointer() == before


def test_readers_read_published_snapshots_by_id():
    lake = Lake()
    first = lake.night(day(0), {day(0): [Capture(0, text=0)]})
    second = lake.night(day(1), {day(1): [Capture(1, text=4)]})
    published = Published(lake.storage)
    assert published.find(f"corpus@{first.id}").rows == 1
    assert published.find(f"corpus@{second.datasets['corpus'].digest[:10]}").rows == 2
    assert published.find("corpus").rows == 2


def test_an_older_day_never_moves_the_head():
    lake = Lake()
    lake.night(day(0), {day(0): [Capture(0, text=0)]})
    second = lake.night(day(1), {day(1): [Capture(1, text=4)]})
    published = Published(lake.storage)
    old = published.snapshot(published.pointer().days[day(0)])
    changed = {**old.datasets, "corpus": Entry("corpus@x", "1" * 32 + ".9", old.datasets["corpus"].manifest)}
    gate = {"passed": True, "content": {n: e.digest for n, e in changed.items()}}
    again = published.publish(Snapshot(day(0), None, "again", changed, gate=gate), written=frozenset(changed))
    pointer = published.pointer()
    assert pointer.head == second.id and pointer.days[day(0)] == again.id and pointer.stale == (day(1),)
    assert published.find(f"corpus@{old.id}").manifest.digest == lake_digest(old)  # readers by id keep what they had
    assert [s.id for s in published.snapshots()].count(old.id) == 1


def lake_digest(snapshot):
    return Digest.parse(snapshot.datasets["corpus"].digest)
