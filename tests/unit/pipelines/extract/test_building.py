from hypothesis import given
from hypothesis import strategies as st

from pipelines.edits import map_back
from pipelines.extract.building import Builder
from pipelines.extract.result import Block


def test_marks_separators_and_parents():
    builder = Builder("Title|one|two|end")
    builder.block("heading", 1)
    builder.mark("# ")
    builder.copy(0, 5)
    builder.block("paragraph")  # nothing comes: it leaves nothing
    builder.block("list_item", 1, page=2)
    builder.mark("- ")
    builder.copy(6, 9)
    builder.block("list_item", 1)
    builder.replace(10, 13, "zwei")
    builder.block("paragraph")
    builder.copy(14, 17)
    text, edits, blocks, characters = builder.finish()
    assert characters == 15
    assert text == "# Title\n\n- one\nzwei\n\nend"
    assert blocks == [
        Block("heading", 1, 0, 7),
        Block("list_item", 1, 9, 14, 2, 0),
        Block("list_item", 1, 15, 19, None, 0),
        Block("paragraph", 0, 21, 24, None, 0),
    ]
    assert map_back(edits, 11, 14) == (6, 9)


@given(st.text("ab\n ", max_size=30), st.lists(st.tuples(st.integers(0, 6), st.text("xy", max_size=3), st.booleans())))
def test_edits_lead_from_the_source_to_the_text(replayed, source, steps):
    builder = Builder(source)
    at = 0
    for length, mark, own in steps:
        end = min(at + length, len(source))
        builder.block("paragraph")
        builder.mark(mark)
        if own:
            builder.replace(at, end, mark)
        else:
            builder.copy(at, end)
        at = end
    text, edits, blocks, _ = builder.finish()
    replayed(source, text, edits)
    assert all(b.start < b.end <= len(text) for b in blocks)
    inside = {i for b in blocks for i in range(b.start, b.end)}
    assert all(text[i].isspace() for i in range(len(text)) if i not in inside)


def test_tables_and_text_without_structure():
    def built(structure):
        builder = Builder("Head a b c", structure)
        builder.block("heading", 1)
        builder.mark("# ")
        builder.copy(0, 4)
        builder.block("table")
        places = {(0, 0): (5, 6), (0, 1): (7, 8), (1, 0): (9, 10)}
        builder.table([2, 1], lambda row, column: builder.copy(*places[row, column]))
        builder.insert("⟦img:1⟧", counts=False)
        return builder.finish()

    assert built(True).text == "# Head\n\n| a | b |\n| --- | --- |\n| c |  |⟦img:1⟧"
    assert built(False).text == "Head\na\tb\nc\t⟦img:1⟧"
    assert built(True).characters == built(False).characters == 7
