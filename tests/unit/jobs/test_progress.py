import io

import pytest

from jobs.progress import Progress, _duration


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_plain_lines_come_every_few_seconds_with_rate_and_time_left():
    clock, stream = Clock(), io.StringIO()
    with Progress("extract", 1_000, stream=stream, every_seconds=10, clock=clock) as progress:
        for _ in range(10):
            clock.now += 5
            progress.advance(100)
    assert stream.getvalue().splitlines() == [
        "extract: 200 of 1,000 rows (20 %), 20 rows/s, 40 s left",
        "extract: 400 of 1,000 rows (40 %), 20 rows/s, 30 s left",
        "extract: 600 of 1,000 rows (60 %), 20 rows/s, 20 s left",
        "extract: 800 of 1,000 rows (80 %), 20 rows/s, 10 s left",
        "extract: 1,000 of 1,000 rows (100 %), 20 rows/s, 0 s left",
        "extract: 1,000 rows in 50 s, 20 rows/s",
    ]


def test_without_a_total_there_is_no_share():
    clock = Clock()
    with Progress("crawl", unit="pages", quiet=True, clock=clock) as progress:
        clock.now = 4
        progress.advance(10)
        assert progress.line() == "crawl: 10 pages, 2.5 pages/s"


def test_nothing_done_nothing_claimed():
    clock, stream = Clock(), io.StringIO()
    with Progress("x", 10, stream=stream, clock=clock) as progress:
        clock.now = 3
        assert progress.line() == "x: 0 of 10 rows (0 %)"
    assert stream.getvalue() == "x: 0 rows in 3 s\n"


def test_an_error_is_said():
    stream = io.StringIO()
    with pytest.raises(ValueError), Progress("x", stream=stream, clock=Clock()):
        raise ValueError("secret")
    assert stream.getvalue() == "x: 0 rows in 0 s, stopped by ValueError\n"


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_quiet_is_silent(stream):
    with Progress("x", 3, quiet=True, stream=stream, every_seconds=0) as progress:
        progress.advance(3)
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar():
    stream = Terminal()
    with Progress("extract", 3, stream=stream) as progress:
        progress.advance(3)
    assert "extract" in stream.getvalue() and "3/3" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (61, "1 min 1 s"), (7_260, "2 h 1 min")]
)
def test_duration(seconds, text):
    assert _duration(seconds) == text
