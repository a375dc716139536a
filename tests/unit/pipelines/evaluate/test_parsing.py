import pytest

from pipelines.edits import Edit
from pipelines.evaluate.parsing import NAMES, judge, traceable
from pipelines.evaluate.parsing_structure import of_markdown
from pipelines.extract.result import Block, Extracted

PARAGRAPHS = [
    "The first boats came back before the sun was up.",
    "清晨的港口很安静，渔船一艘接一艘地回来了。",
    "Nobody spoke while the nets were hung to dry.",
    "Later the market opened and the noise began.",
    "By noon everything had been sold and washed.",
    "老人说，这样的早晨一年里也没有几次。",
]
TEXT = "\n\n".join(PARAGRAPHS)


def extracted(*paragraphs, pages=None, text=None):
    text = "\n\n".join(paragraphs) if text is None else text
    blocks, at = [], 0
    for number, paragraph in enumerate(paragraphs):
        page = pages[number] if pages else None
        blocks.append(Block("paragraph", 0, at, at + len(paragraph), page))
        at += len(paragraph) + 2
    return Extracted(None, text, "utf-8", None, 1.0, [], blocks=blocks)


def measured(found, transcript=TEXT, structure=None, source=None, failed=None):
    return judge("d", "html", "en", transcript, structure, found, source, failed)


def test_a_perfect_parse():
    found = measured(extracted(*PARAGRAPHS), source=TEXT)
    figures = found.figures
    assert figures["character_error_rate"] == figures["word_error_rate"] == 0.0
    ones = ("text_recall", "text_precision", "paragraph_completeness", "paragraphs_whole", "paragraph_order")
    assert [figures[name] for name in (*ones, "traceable", "in_blocks")] == [1.0] * 7
    assert found.problems == []
    assert figures["heading_recall"] is None and found.reasons["heading_recall"] == "no structure is labelled"
    assert found.reasons["with_page"] == "the format has no pages"


def test_rates_by_hand():
    found = measured(extracted("the cat sat"), transcript="the bat sat on")
    assert found.sums["character_error_rate"] == (4, 14)  # b→c, and " on" is missing
    assert found.sums["word_error_rate"] == (2, 4)
    assert found.figures["word_error_rate"] == 0.5


@pytest.mark.req("EXT-17")
@pytest.mark.parametrize(
    ("paragraphs", "pages", "problem"),
    [
        (PARAGRAPHS[::-1], None, "the text is in another order"),
        (PARAGRAPHS[:4], None, "% of the transcript is missing"),
        (PARAGRAPHS[:1] + PARAGRAPHS[4:], None, "3 paragraphs in a row are missing, from paragraph 2 of 6"),
        (
            [*PARAGRAPHS[:2], "Nobody spoke while the", "nets were hung to dry.", *PARAGRAPHS[3:]],
            [1, 1, 1, 2, 2, 2, 2],
            "1 of 6 paragraphs are split over blocks",
        ),
        ([*PARAGRAPHS, "Share this page with your friends. " * 5], None, "% of the text is not in the transcript"),
    ],
    ids=["scrambled", "missing", "cascade", "split over pages", "extra"],
)
def test_failures_are_seen_and_named(paragraphs, pages, problem):
    found = measured(extracted(*paragraphs, pages=pages))
    assert any(problem in told for told in found.problems), found.problems
    assert not any(word in told for told in found.problems for word in ("boats", "market", "friends", "港口"))


def test_a_refused_document_counts_as_an_empty_text():
    found = measured(None, structure=of_markdown("# Title"), failed="mojibake")
    assert found.figures["character_error_rate"] == 1.0
    assert found.figures["paragraph_completeness"] == found.figures["heading_recall"] == 0.0
    assert found.figures["text_precision"] is None and found.figures["traceable"] is None
    assert found.problems == ["refused: mojibake"]


def test_an_empty_transcript_is_not_measured():
    found = measured(extracted("something"), transcript=" \n")
    assert found.figures["character_error_rate"] is None
    assert found.reasons["character_error_rate"] == "the transcript has no words"


def test_every_figure_is_measured_or_has_a_reason():
    for found in (measured(None, failed="x"), measured(extracted(*PARAGRAPHS)), measured(extracted(), transcript="")):
        for name in NAMES:
            assert (found.figures[name] is None) == (name in found.reasons)


def test_pages_and_blocks():
    found = measured(extracted(*PARAGRAPHS, pages=[1, 1, 2, 2, None, None]))
    spoken = [len("".join(p.split())) for p in PARAGRAPHS]
    assert found.figures["with_page"] == pytest.approx(sum(spoken[:4]) / sum(spoken))


def test_traces_are_checked_character_by_character():
    # "A&amp;B" became "A&B": five characters by one
    assert traceable("<p>A&amp;B", "A&B", [Edit(0, 3, 0), Edit(4, 9, 1)]) == 2
    assert traceable("abc", "abc", []) == 3
    assert traceable("abc", "abd", []) == 0
    assert traceable("abc", "abcd", []) == 0
    assert traceable("abc", "bc", [Edit(0, 9, 0)]) == 0


def test_texts_too_long_to_compare_are_not_measured():
    found = measured(extracted("a " * 250_000), transcript="a " * 250_000)
    assert found.reasons["character_error_rate"] == "longer than 400,000 characters"
    assert found.figures["text_recall"] == 1.0
