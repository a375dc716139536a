"""Layout from pieces of text with known places, without a PDF around them."""

import random
import time

import pytest

from pipelines.extract.pdf.assembly import arranged, build
from pipelines.extract.pdf.columns import regions
from pipelines.extract.pdf.furniture import furniture
from pipelines.extract.pdf.lines import lines, rows
from pipelines.extract.pdf.spans import Page, Rule, Span
from pipelines.extract.pdf.tables import Table, aligned, ruled

WORDS = "the quick brown fox jumps over"


def span(text, x, y, size=10.0, wide=None):
    """A piece at x, with its foot at y."""
    return Span(text, x, y - size, x + (wide or 5 * len(text)), y, size, False)


def page(spans, number=1, rules=()):
    return Page(number, 600, 800, list(spans), list(rules), 0.0, 0, [])


def column(x, top, count, text=WORDS):
    return [span(f"{text} {at}", x, top + 13 * at, wide=180) for at in range(count)]


def texts(found):
    return [[s.text for s in region] for region in found]


def test_rows_hold_what_stands_side_by_side_indices_too():
    found = rows([span("b", 50, 101), span("a", 10, 100), span("2", 56, 96, 6), span("c", 10, 113)])
    assert [[s.text for s in row] for row in found] == [["a", "b", "2"], ["c"]]


def test_columns_follow_each_other_and_what_crosses_the_gutter_parts_them():
    left, right = column(50, 100, 5), column(300, 100, 5)
    title = span("A title that stands over both columns", 100, 70, 14, 350)
    wide = span("A wide line between the upper and the lower columns of it", 50, 180, wide=430)
    low_left, low_right = column(50, 210, 4), column(300, 210, 4)
    found = regions(random.Random(3).sample([title, *left, *right, wide, *low_left, *low_right], 20))
    flat = [s for region in found for s in sorted(region, key=lambda s: s.y0)]
    assert flat == [title, *left, *right, wide, *low_left, *low_right]


def test_short_pieces_side_by_side_are_no_columns_of_text():
    cells = [span(text, x, 100 + 14 * at) for at in range(6) for x, text in ((50, "name"), (300, f"{at}"))]
    assert len(regions(cells)) == 1


def test_three_columns():
    columns = [column(30 + 190 * at, 100, 6, f"{at} words of column") for at in range(3)]
    columns = [[s._replace(x1=s.x0 + 165) for s in c] for c in columns]
    found = regions([s for row in zip(*columns, strict=True) for s in row])
    assert texts(found) == texts(columns)


def header(number, text, y=40):
    return span(text, 50, y)


@pytest.mark.parametrize(
    ("row", "gone"),
    [
        (lambda at: "Annual report", True),
        (lambda at: f"{at + 7}", True),
        (lambda at: f"Section {at + 1} of a thing {'abc'[at]} · {at + 1}", True),
        (lambda at: ["xi", "xii", "xiii"][at], True),
        (lambda at: ["Part one", "Part two", "Part six"][at], False),
        (lambda at: f"Sold in {1990 + 5 * at}", False),
        (lambda at: f"第 {at + 1} 页", True),
    ],
)
def test_what_repeats_at_the_edge_of_pages_goes(row, gone):
    pages = [page([header(at, row(at)), *column(50, 100, 5, f"{'abc'[at]} text")], at + 1) for at in range(3)]
    assert furniture(pages) == [{0} if gone else set()] * 3


def test_repeated_lines_behind_a_line_of_text_stay():
    pages = [page([span("abc"[at] * 9, 50, 30), span("the same", 50, 44)], at + 1) for at in range(3)]
    assert furniture(pages) == [set()] * 3


def test_a_page_number_alone_is_told_by_its_words():
    assert furniture([page([span("Page 1 of 1", 50, 780), *column(50, 100, 5)])])[0] == {0}
    assert furniture([page([span("1", 50, 780), *column(50, 100, 5)])])[0] == set()


def test_a_grid_of_lines_is_a_table_and_a_frame_is_none():
    grid = [Rule(50, y, 250, y) for y in (100, 120, 140)] + [Rule(x, 100, x, 140) for x in (50, 150, 250)]
    cells = [
        span("a", 60, 115),
        span("b", 160, 115),
        span("c", 60, 133),
        span("two", 160, 130, 6),
        span("lines", 160, 138, 6),
    ]
    found, used = ruled(page(cells, rules=grid))
    assert [t.rows for t in found] == [[["a", "b"], ["c", "two lines"]]] and used == {0, 1, 2, 3, 4}
    frame = [Rule(50, 100, 250, 100), Rule(50, 140, 250, 140), Rule(50, 100, 50, 140), Rule(250, 100, 250, 140)]
    assert ruled(page(cells, rules=frame)) == ([], set())


def test_cells_drawn_as_boxes_are_one_table():
    boxes = []
    for x in (50, 150):
        for y in (100, 120):
            boxes += [Rule(x, y, x + 100, y), Rule(x, y + 20, x + 100, y + 20)]
            boxes += [Rule(x, y, x, y + 20), Rule(x + 100, y, x + 100, y + 20)]
    cells = [span(t, x, y) for t, x, y in (("a", 60, 115), ("b", 160, 115), ("c", 60, 135), ("d", 160, 135))]
    assert [t.rows for t in ruled(page(cells, rules=boxes))[0]] == [[["a", "b"], ["c", "d"]]]


def test_lists_and_lines_of_prose_are_no_tables():
    listed = [s for at in range(4) for s in (span(f"{at}.", 50, 100 + 14 * at), span("an item", 80, 100 + 14 * at))]
    assert not any(isinstance(each, Table) for each in aligned(lines(listed, 1)))
    two = [s for at in range(4) for s in (span("x" * 60, 50, 100 + 14 * at), span("y" * 60, 400, 100 + 14 * at))]
    assert not any(isinstance(each, Table) for each in aligned(lines(two, 1)))


def test_work_grows_with_the_page_only():
    draw = random.Random(0)

    def scattered(n):
        return [
            span("word", draw.randint(0, 580), draw.randint(0, 790), draw.choice((6, 10, 10, 14))) for _ in range(n)
        ]

    def cells(n):
        return [span("cell", 50 + 100 * (at % 4), 20 + at // 4 * 12) for at in range(n)]

    def ladder(n):
        return [Rule(x, y, x + 9, y) for y in range(0, 4 * n, 40) for x in range(0, 400, 10)]

    def seconds(n):
        pages = [page(scattered(n)), page(cells(n), 2), page(column(50, 10, n), 3), page(cells(60), 4, ladder(n))]
        start = time.process_time()
        build(arranged(pages))
        return time.process_time() - start

    seconds(100)
    assert seconds(8_000) < 40 * max(seconds(1_000), 0.02)
