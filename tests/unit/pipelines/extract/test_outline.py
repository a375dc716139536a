import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.edits import apply_edits
from pipelines.extract.building import with_parents
from pipelines.extract.outline import Location, carry, from_rows, locate, outline
from pipelines.extract.render import render
from pipelines.extract.result import Block
from pipelines.extract.tree import parse


def document(*parts: tuple[str, int, str, int | None]) -> tuple[str, list[Block]]:
    """Text and blocks from (kind, level, text, page)."""
    text, blocks = "", []
    for kind, level, piece, page in parts:
        text += "\n\n" if text else ""
        blocks.append(Block(kind, level, len(text), len(text) + len(piece), page))
        text += piece
    return text, with_parents(blocks)


HANDBOOK = document(
    ("paragraph", 0, "前言。", 1),
    ("heading", 1, "# 第一章 港口", 1),
    ("paragraph", 0, "港口很静。", 2),
    ("heading", 2, "## Boats", 2),
    ("list_item", 1, "- a boat", 3),
    ("heading", 2, "> - ## Pilots\nand crews", 3),
    ("heading", 1, "# 第二章", 4),
    ("heading", 4, "#### deep", None),
    ("paragraph", 0, "the end", None),
)


@pytest.mark.req("EXT-10")
def test_sections_have_parents_children_and_ancestors():
    text, blocks = HANDBOOK
    sections = outline(blocks, text, "手册")
    assert [(s.number, s.title, s.level, s.page, s.parent, s.children, s.ancestors) for s in sections] == [
        ("", "手册", 0, 1, None, (1, 4), ()),
        ("1", "第一章 港口", 1, 1, 0, (2, 3), (0,)),
        ("1.1", "Boats", 2, 2, 1, (), (0, 1)),
        ("1.2", "Pilots and crews", 2, 3, 1, (), (0, 1)),
        ("2", "第二章", 1, 4, 0, (5,), (0,)),
        ("2.1", "deep", 4, None, 4, (), (0, 4)),
    ]
    assert [s.place for s in sections] == list(range(6))
    assert text[sections[1].start : sections[1].end].startswith("# 第一章") and sections[1].end == sections[4].start
    assert (sections[0].start, sections[0].end, sections[5].end) == (0, len(text), len(text))
    assert text[sections[2].start : sections[2].end].strip() == "## Boats\n\n- a boat"


def test_a_document_without_headings_is_one_section():
    (section,) = outline([], "")
    assert (section.title, section.children, section.start, section.end) == ("", (), 0, 0)


@pytest.mark.req("EXT-09")
def test_a_place_has_pages_paragraphs_and_the_headings_above():
    text, blocks = HANDBOOK

    def at(piece: str, to: str | None = None) -> Location:
        end = to or piece
        return locate(blocks, text, text.index(piece), text.index(end) + len(end))

    assert at("前言") == ((1,), (0,), ())
    assert at("a boat") == ((3,), (4,), ("第一章 港口", "Boats"))
    assert at("很静", "boat") == ((2, 3), (2, 3, 4), ("第一章 港口",))
    assert at("deep") == ((), (7,), ("第二章", "deep"))
    assert locate(blocks, text, blocks[2].end, blocks[2].end + 1) == ((), (), ("第一章 港口",))
    assert locate(blocks, text, len(text), len(text)) == ((), (), ("第二章", "deep"))
    assert locate([], "", 0, 0) == ((), (), ())


def test_blocks_are_carried_through_the_edits_of_later_layers():
    text, blocks = HANDBOOK
    phone = text.index("a boat")
    gone = blocks[3]  # the heading "Boats"
    new, edits = apply_edits(
        text,
        [(0, 3, ""), (gone.start, gone.end, ""), (phone, phone + 6, "<CN_MOBILE>"), (len(text) - 3, len(text), " ")],
    )
    carried = carry(blocks, edits, new)
    assert [new[b.start : b.end] for b in carried] == [
        "# 第一章 港口",
        "港口很静。",
        "- <CN_MOBILE>",
        "> - ## Pilots\nand crews",
        "# 第二章",
        "#### deep",
        "the",
    ]
    assert [b.parent for b in carried] == [None, 0, 0, 0, None, 4, 5]
    assert [b.page for b in carried] == [1, 2, 3, 3, 4, None, None]


@given(st.data())
def test_carried_blocks_stay_apart_and_in_order(data):
    text, blocks = HANDBOOK
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    new, edits = apply_edits(text, [(a, b, data.draw(st.sampled_from(["", "x", " \n"]))) for a, b in pairs])
    behind = 0
    carried = carry(blocks, edits, new)
    for place, block in enumerate(carried):
        assert behind <= block.start < block.end <= len(new)
        assert new[block.start : block.end] == new[block.start : block.end].strip()
        assert block.parent is None or (block.parent < place and carried[block.parent].kind == "heading")
        behind = block.end


@pytest.mark.req("EXT-10")
def test_a_page_leads_to_its_outline():
    page = parse("<h2>港口</h2><p>x<h3>Boats <i>and</i> crews</h3><ul><li>y</ul><h2>B</h2>")
    text, _, blocks = render(page, list(range(len(page.segments))))
    assert [(s.number, s.title) for s in outline(blocks, text)] == [
        ("", ""),
        ("1", "港口"),
        ("1.1", "Boats and crews"),
        ("2", "B"),
    ]
    assert locate(blocks, text, text.index("y"), text.index("y") + 1).path == ("港口", "Boats and crews")
    assert from_rows([block._asdict() for block in blocks]) == blocks and from_rows(None) == []
