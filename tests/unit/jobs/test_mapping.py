"""Map jobs: what enters a fingerprint beside version and parameters."""

from nights import Capture, Lake, day

from jobs.mapping import key_id
from jobs.snapshots import Published

CONFIG = ("scrub.default_policy=hash", "scrub.hash_key=pii", "secrets={pii: 'env:NIGHTMILL_TEST_KEY'}")


def test_a_new_key_starts_a_new_fingerprint(monkeypatch):
    """Otherwise pseudonyms under the old key and the new one would stand side by side."""
    lake = Lake(overrides=CONFIG)
    marks, texts = [], []
    for number, secret in enumerate(("first key", "first key", "second key")):
        monkeypatch.setenv("NIGHTMILL_TEST_KEY", secret)
        captures = {day(number): [Capture(number, text=2 * number)]}
        snapshot = lake.night(day(number), captures, stages=("extract", "clean", "scrub", "dedup"))
        made = Published(lake.storage).open(snapshot, "scrubbed").manifest.provenance
        marks.append(made.fingerprint)
        texts.append(made.funnel["rebuilt"])
    assert marks[0] == marks[1] != marks[2] and texts == [True, False, True]


def test_a_key_is_named_but_not_told():
    assert key_id("correct horse") == key_id("correct horse") != key_id("correct horsf")
    assert len(key_id("k" * 200)) == 8
