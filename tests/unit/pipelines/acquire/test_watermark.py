"""New messages of dumps that come again and again; the expected ones are worked out by hand."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.acquire.watermark import KEPT, Watermark, new_messages, time_marker

ONE, TWO, THREE = "2024-03-01 09:00", "2024-03-01 10:00", "2024年3月2日 上午8:30"


def follow(*dumps):
    """New messages of each dump after the other, and which of them follow a gap."""
    mark, news, gaps = Watermark(), [], []
    for dump in dumps:
        found = new_messages(mark, dump)
        mark = found.watermark
        news.append(found.new)
        gaps.append(found.gap)
    return news, gaps


@pytest.mark.req("CRL-16")
def test_only_messages_behind_the_latest_marker_are_compared():
    first = [ONE, "在吗", "在的", TWO, "发货了吗", "好"]
    again = [ONE, "在吗", "在的", TWO, "发货了吗", "好", "好", "谢谢", THREE, "早"]
    assert follow(first, again, again) == (
        [["在吗", "在的", "发货了吗", "好"], ["好", "谢谢", "早"], []],
        [False, False, False],
    )


@pytest.mark.req("CRL-16")
def test_a_repeat_is_new_as_often_as_it_is_one_more():
    assert follow([ONE, "ok"], [ONE, "ok", "ok"], [ONE, "ok", "ok"], [ONE, "ok", "ok", "ok", "ok"])[0] == [
        ["ok"], ["ok"], [], ["ok", "ok"],
    ]  # fmt: skip


def test_what_was_edited_or_withdrawn_does_not_make_the_rest_new():
    assert follow([ONE, "a", "b", "c"], [ONE, "a", "c", "d"])[0][1] == ["d"]


def test_messages_before_the_marker_are_never_new_again():
    assert follow([TWO, "a"], [ONE, "late", TWO, "a", "b"])[0][1] == ["b"]
    assert follow([TWO, "a"], [ONE, "old"])[0][1] == []


def test_dumps_without_markers_are_laid_on_each_other():
    assert follow(["a", "b", "c"], ["b", "c", "d"], ["c", "d"], ["d", "e"]) == (
        [["a", "b", "c"], ["d"], [], ["e"]], [False] * 4,
    )  # fmt: skip


def test_a_gap_is_told():
    assert follow(["a", "b"], ["x", "y"]) == ([["a", "b"], ["x", "y"]], [False, True])
    assert follow([ONE, "a"], ["x", TWO, "y"]) == ([["a"], ["x", "y"]], [False, True])


def test_a_window_that_begins_behind_the_marker_is_laid_on_what_is_kept():
    assert follow([ONE, "a", "b", "c"], ["b", "c", "d", TWO, "e"]) == ([["a", "b", "c"], ["d", "e"]], [False, False])


def test_a_clock_that_goes_back_opens_nothing():
    dump = [TWO, "a", ONE, "b"]
    assert follow(dump, dump, [*dump, "c"]) == ([["a", "b"], [], ["c"]], [False] * 3)


def test_empty_dumps_change_nothing():
    mark = new_messages(Watermark(), [ONE, "a"]).watermark
    assert new_messages(mark, ["", "  "]).watermark == mark
    assert new_messages(mark, [TWO]).watermark == Watermark(datetime(2024, 3, 1, 10), ())


def test_a_watermark_holds_so_many_messages_and_no_more():
    found = new_messages(Watermark(), [ONE, *map(str, range(KEPT + 5))])
    assert len(found.new) == KEPT + 5 and len(found.watermark.after) == KEPT


@given(st.lists(st.sampled_from("ab"), max_size=30), st.lists(st.sampled_from("ab"), max_size=30))
def test_behind_a_marker_nothing_is_lost_and_nothing_comes_twice(known, more):
    mark = new_messages(Watermark(), [ONE, *known]).watermark
    assert sorted(new_messages(mark, [ONE, *known, *more]).new) == sorted(more)


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=12), st.lists(st.sampled_from("ab"), max_size=12))
def test_the_longest_overlap_is_found_as_by_trying_all(known, head):
    found = new_messages(new_messages(Watermark(), known).watermark, head)
    inside = any(known[at : at + len(head)] == head for at in range(len(known) - len(head) + 1))
    longest = max(size for size in range(len(head) + 1) if not size or known[-size:] == head[:size])
    assert found.new == ([] if inside else head[longest:])


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("2024-03-01 09:05", datetime(2024, 3, 1, 9, 5)),
        ("—— 2024年3月1日 下午2:05 ——", datetime(2024, 3, 1, 14, 5)),
        ("2024/3/1 12:00:01 AM", datetime(2024, 3, 1, 0, 0, 1)),
        ("[2024.03.01, 23:59:59]", datetime(2024, 3, 1, 23, 59, 59)),
        ("2024年3月1日 星期五 08:00", datetime(2024, 3, 1, 8)),
        ("2024-03-01", datetime(2024, 3, 1)),
        ("2024-02-30 10:00", None),
        ("see you 2024-03-01 09:05", None),
        ("2024-03-01 09:05 hello", None),
        ("25:00", None),
        ("2" * 200, None),
    ],
)
def test_markers_are_lines_with_a_time_and_nothing_else(line, time):
    assert time_marker(line) == time
