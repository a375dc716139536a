import os
import random
import signal
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader

from pipelines.edits import map_back
from pipelines.extract.decode import Undecodable
from pipelines.extract.formats.pdf import read, source_text
from pipelines.extract.pdf import process
from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams

PARAMS = ExtractParams(min_characters=10)
BODY, BOLD, CODE, SONG = "Helvetica", "Helvetica-Bold", "Courier", "STSong-Light"
STORY = (
    "The platform reads documents of many kinds and keeps what they say, so that a model may learn from them later. "
    "Every paragraph leads back to the page on which it begins, and every line that repeats on all pages is left out. "
    "Tables keep their rows, lists keep their items, and headings keep the level that their type and number give them. "
)
CHINESE = (
    "数据处理者应当按照规定对数据处理活动定期开展风险评估，并向有关主管部门报送风险评估报告。风险评估报告应当包括处理的"
    "重要数据的种类、数量，开展数据处理活动的情况，面临的数据安全风险及其应对措施等。"
    "关键信息基础设施的运营者在境内运营中收集和产生的重要数据的出境安全管理，适用有关法律的规定。"
)


def lines(text, columns):
    """A text in lines of at most so many characters."""
    if " " not in text:
        return [text[at : at + columns] for at in range(0, len(text), columns)]
    out = [""]
    for word in text.split():
        if len(out[-1]) + len(word) >= columns:
            out.append("")
        out[-1] += (" " if out[-1] else "") + word
    return out


def set_at(text, x, y, columns=80, size=10, font=BODY, step=1.3):
    return [(x, y + at * step * size, size, font, line) for at, line in enumerate(lines(text, columns))]


def extracted(body, params=PARAMS):
    found = read(body, "application/pdf", params)
    assert isinstance(found, Extracted), found
    return found


def blocks(found):
    return [(b.kind, b.level, b.page, found.text[b.start : b.end]) for b in found.blocks]


def ruled(x, y, columns, rows, wide=90, high=20):
    """Draws the lines of a table."""

    def draw(canvas):
        for at in range(rows + 1):
            canvas.line(x, 842 - y - at * high, x + columns * wide, 842 - y - at * high)
        for at in range(columns + 1):
            canvas.line(x + at * wide, 842 - y, x + at * wide, 842 - y - rows * high)

    return draw


def table(x, y, rows, wide=90, high=20, font=BODY):
    cells = [
        (x + 4 + c * wide, y + 14 + r * high, 10, font, text)
        for r, row in enumerate(rows)
        for c, text in enumerate(row)
    ]
    return [ruled(x, y, len(rows[0]), len(rows), wide, high), *cells]


@pytest.mark.req("EXT-05", "EXT-07", "EXT-09")
def test_headings_paragraphs_lists_and_tables_with_pages_and_parents(pdf):
    first = [
        (72, 80, 20, BOLD, "Annual report"),
        (72, 120, 14, BOLD, "1 Overview"),
        *set_at(STORY, 72, 150),
        (72, 230, 12, BOLD, "1.1 Findings"),
        (80, 255, 10, BODY, "•"),
        (92, 255, 10, BODY, "a first item that goes on for so long that a second line takes the rest of"),
        (92, 268, 10, BODY, "its words"),
        (80, 281, 10, BODY, "•"), (92, 281, 10, BODY, "a second item"),
        (96, 294, 10, BODY, "–"), (108, 294, 10, BODY, "a deeper item"),
        *table(72, 320, [["Region", "Sales"], ["North", "12"], ["South", "7|8"]]),
    ]  # fmt: skip
    second = [(72, 80, 14, BOLD, "2 Outlook"), *set_at(STORY, 72, 110)]
    found = extracted(pdf([first, second], author="Wang Xiaoming"))
    assert blocks(found) == [
        ("heading", 1, 1, "# Annual report"),
        ("heading", 2, 1, "## 1 Overview"),
        ("paragraph", 0, 1, STORY.strip()),
        ("heading", 3, 1, "### 1.1 Findings"),
        ("list_item", 1, 1, "- a first item that goes on for so long that a second line takes the rest of its words"),
        ("list_item", 1, 1, "- a second item"),
        ("list_item", 2, 1, "  - a deeper item"),
        ("table", 0, 1, "| Region | Sales |\n| --- | --- |\n| North | 12 |\n| South | 7\\|8 |"),
        ("heading", 2, 2, "## 2 Outlook"),
        ("paragraph", 0, 2, STORY.strip()),
    ]
    assert [b.parent for b in found.blocks] == [None, 0, 1, 1, 3, 3, 3, 3, 0, 8]
    assert (found.title, found.author, found.kind) == ("Annual report", "Wang Xiaoming", "pdf")


def test_chinese_lines_join_without_spaces_and_headings_are_told_by_number(pdf):
    page = [
        (72, 80, 12, SONG, "第一章　总则"),
        *set_at(CHINESE, 72, 110, 36, 12, SONG),
        (72, 220, 12, SONG, "第二章　数据安全"),
        *set_at(CHINESE[:60], 96, 250, 34, 12, SONG),
    ]
    found = extracted(pdf([page]))
    assert [(k, n) for k, n, _, _ in blocks(found)] == [
        ("heading", 1),
        ("paragraph", 0),
        ("heading", 1),
        ("paragraph", 0),
    ]
    assert blocks(found)[1][3] == CHINESE


def test_two_columns_are_read_one_after_the_other(pdf):
    text = (STORY * 3).strip()
    rows = lines(text, 42)
    left, right = " ".join(rows[:12]), " ".join(rows[12:])
    assert not left.endswith(".")
    page = [
        (150, 70, 16, BOLD, "A title over both columns of it"),
        *set_at(left, 60, 110, 42), *set_at(right, 320, 110, 42),
    ]  # fmt: skip
    for each in (page, random.Random(1).sample(page, len(page))):
        found = extracted(pdf([each]))
        assert [b.kind for b in found.blocks] == ["heading", "paragraph"]
        assert found.text.endswith(text.replace("  ", " "))


@pytest.mark.req("EXT-08")
def test_headers_footers_page_numbers_and_watermarks_are_left_out(pdf):
    def watermark(canvas):
        canvas.saveState()
        canvas.setFont(BOLD, 60)
        canvas.translate(150, 300)
        canvas.rotate(45)
        canvas.drawString(0, 0, "CONFIDENTIAL")
        canvas.restoreState()

    pages = [
        [
            (72, 40, 9, BODY, "Company handbook, version 3"),
            watermark,
            *set_at(f"Page text {['one', 'two', 'three', 'four'][at]}. {STORY}", 72, 100),
            (180, 500, 40, BOLD, "DRAFT"),
            (290, 810, 9, BODY, f"Page {at + 1} of 4"),
        ]
        for at in range(4)
    ]
    found = extracted(pdf(pages))
    for gone in ("handbook", "CONFIDENTIAL", "DRAFT", " of 4"):
        assert gone not in found.text
    assert found.text.count("The platform reads") == 4 and [b.page for b in found.blocks] == [1, 2, 3, 4]
    assert 0.8 < found.density < 1
    source = source_text(pdf(pages), None, 10**7)
    for kept in ("handbook", "CONFIDENTIAL", "DRAFT", "Page 3 of 4"):
        assert kept in source


def test_numbers_in_a_running_text_and_repeated_lines_of_it_stay(pdf):
    pages = [[(72, 60, 10, BODY, f"The year {1990 + 7 * at} was good."), *set_at(STORY, 72, 90)] for at in range(4)]
    found = extracted(pdf(pages))
    assert "1990" in found.text and "2011" in found.text and found.text.count("The platform reads") == 4


@pytest.mark.req("EXT-17")
def test_paragraphs_go_on_over_pages_columns_and_hyphens(pdf):
    last = "A last paragraph begins on this page and it is about the interna-"
    before = [*set_at(STORY, 72, 680), (72, 752, 10, BODY, last)]
    after = [(72, 72, 10, BODY, "tional exchange of data, as it says."), *set_at(STORY, 72, 98)]
    found = extracted(pdf([before, after]))
    assert blocks(found)[1] == (
        "paragraph", 0, 1,
        "A last paragraph begins on this page and it is about the international exchange of data, as it says.",
    )  # fmt: skip
    heading = [(72, 72, 14, BOLD, "2 next part"), *set_at(STORY, 72, 98)]
    found = extracted(pdf([before, heading]))
    assert [b.kind for b in found.blocks] == ["paragraph", "paragraph", "heading", "paragraph"]
    half = len(CHINESE) // 2 - 5
    found = extracted(
        pdf([set_at(CHINESE[:half], 72, 700, half // 2, 10, SONG), set_at(CHINESE[half:], 72, 72, half // 2, 10, SONG)])
    )
    assert blocks(found) == [("paragraph", 0, 1, CHINESE)]


def test_a_hyphen_that_belongs_to_the_word_stays(pdf):
    text = "A well-known case of it. There is one more of these cases, and this one is as well-"
    page = [(72, 100, 10, BODY, text), (72, 113, 10, BODY, "known as the first.")]
    assert "as well-known as" in extracted(pdf([page])).text


def test_a_table_over_a_page_break_is_one(pdf):
    head = ["Name", "Amount", "Note"]
    first = [*set_at(STORY, 72, 100), *table(72, 640, [head, ["a", "1", "x"], ["b", "2", "y"]])]
    second = [*table(72, 60, [head, ["c", "3", "z"]]), *set_at(STORY, 72, 160)]
    found = extracted(pdf([first, second]))
    assert [k for k, *_ in blocks(found)] == ["paragraph", "table", "paragraph"]
    assert (
        blocks(found)[1][3]
        == "| Name | Amount | Note |\n| --- | --- | --- |\n| a | 1 | x |\n| b | 2 | y |\n| c | 3 | z |"
    )


def test_a_table_without_lines_is_told_by_its_columns(pdf):
    rows = [("Item", "Qty", "Price"), ("Paper", "10", "3.50"), ("Ink", "2", "19.00"), ("Glue", "1", "4.20")]
    cells = [(72 + c * 120, 200 + r * 14, 10, BODY, text) for r, row in enumerate(rows) for c, text in enumerate(row)]
    found = extracted(pdf([[*set_at(STORY, 72, 100), *cells, *set_at(STORY, 72, 300)]]))
    assert blocks(found)[1][3] == (
        "| Item | Qty | Price |\n| --- | --- | --- |\n| Paper | 10 | 3.50 |\n| Ink | 2 | 19.00 |\n| Glue | 1 | 4.20 |"
    )


def test_footnotes_do_not_cut_the_paragraph_that_goes_on_behind_them(pdf):
    text = (STORY + STORY).strip()
    parts = lines(text, 80)
    first = [(72, 640 + 13 * at, 10, BODY, line) for at, line in enumerate(parts[:5])]
    first.append((72, 780, 7, BODY, "1 A note in small type at the foot of the page."))
    second = [(72, 72 + 13 * at, 10, BODY, line) for at, line in enumerate(parts[5:])]
    found = extracted(pdf([first, second]))
    assert [t for *_, t in blocks(found)] == [text, "1 A note in small type at the foot of the page."]


def test_code_keeps_its_lines_and_a_table_of_contents_goes(pdf):
    contents = [(72, 100 + 14 * at, 10, BODY, f"{at}.1 Part {at} {'. ' * 30}{at + 3}") for at in range(1, 6)]
    code = [(72, 140, 10, CODE, "if x:"), (96, 153, 10, CODE, "print(x)")]
    found = extracted(pdf([[(72, 80, 14, BOLD, "Contents"), *contents], [*set_at(STORY, 72, 50), *code]]))
    assert found.text == f"{STORY.strip()}\n\n```\nif x:\n    print(x)\n```"


def test_a_turned_page_is_read_as_it_is_shown(pdf):
    def turned(canvas):
        canvas.setPageRotation(90)
        canvas.saveState()
        canvas.translate(595, 0)
        canvas.rotate(90)
        canvas.setFont(BODY, 10)
        for at, line in enumerate(lines(STORY, 80)):
            canvas.drawString(72, 500 - 13 * at, line)
        canvas.restoreState()

    assert extracted(pdf([[turned]])).text == STORY.strip()


def test_every_character_leads_back_to_what_the_page_shows(pdf, replayed):
    body = pdf([[(72, 80, 14, BOLD, "1 Head"), *set_at(STORY, 72, 110), *table(72, 300, [["a|b", "c"], ["d", "e"]])]])
    found, source = extracted(body), source_text(body, None, 10**7)
    replayed(source, found.text, found.edits)
    at = found.text.index("leads back")
    assert source[slice(*map_back(found.edits, at, at + 10))] == "leads back"
    assert extracted(body) == found


WORDS = ["a word", "1. item", "• x", "end of it.", "co-", "12", "a|b", "1 note", "```", "第一章 总", "中文，"]
PLACED = st.tuples(
    st.integers(20, 500), st.integers(20, 800), st.sampled_from([7, 10, 10, 10, 16]), st.sampled_from(WORDS)
)


@pytest.mark.req("EXT-17")
@given(
    st.lists(st.lists(PLACED, max_size=25, unique_by=lambda each: each[3]), min_size=1, max_size=3),
    st.sampled_from([BODY, BOLD, CODE]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_edits_and_blocks_fit_any_page_and_nothing_is_lost(pdf, replayed, pages, font):
    body = pdf([[(x, y, size, font if text < "\u4e00" else SONG, text) for x, y, size, text in page] for page in pages])
    found = read(body, None, ExtractParams(min_characters=1))
    source = source_text(body, None, 10**7)
    shown = sorted(c for page in pages for *_, text in page for c in text if not c.isspace())
    assert sorted(c for c in source if not c.isspace()) == shown
    if isinstance(found, Extracted):
        replayed(source, found.text, found.edits)
        inside = {i for b in found.blocks for i in range(b.start, b.end)}
        assert all(found.text[i].isspace() for i in range(len(found.text)) if i not in inside)


def raw_pdf(stream, *, fonts=b"<</F <</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>", box=b"[0 0 612 792]", count=1):
    """A PDF of equal pages with this compressed content."""
    kids = b" ".join(b"%d 0 R" % (4 + at) for at in range(count))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox" + box + b"/Contents 3 0 R/Resources<</Font" + fonts + b">>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[" + kids + b"]/Count %d>>" % count,
        b"<</Length %d/Filter/FlateDecode>>stream\n" % len(stream) + stream + b"\nendstream",
        *[page] * count,
    ]
    out, places = b"%PDF-1.7\n", []
    parts = []
    for number, each in enumerate(objects, 1):
        places.append(len(out) + sum(map(len, parts)))
        parts.append(b"%d 0 obj\n" % number + each + b"\nendobj\n")
    out += b"".join(parts)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


SENTENCE = b"BT /F 9 Tf 100 100 Td (A sentence that is long enough to be a text.) Tj ET"


@pytest.mark.parametrize(
    ("body", "rule", "detail"),
    [
        (b"", "empty_page", None),
        (b"%PDF-1.7 and nothing else", "broken_document", "pdf"),
        (raw_pdf(zlib.compress(b"")), "empty_page", None),
        (raw_pdf(zlib.compress(SENTENCE), count=5_001), "document_limit", "pages"),
        (raw_pdf(zlib.compress(b" " * 200_000_000)), "empty_page", None),
        (raw_pdf(zlib.compress(SENTENCE.replace(b"long enough to be a text", b"cut"))), "too_short", None),
    ],
)  # fmt: skip
def test_refusals(body, rule, detail):
    verdict = read(body, None, ExtractParams())
    assert (verdict.rule, verdict.detail) == (rule, detail)


@pytest.mark.parametrize("box", [b"[0 0 1e9 1e9]", b"[0 0 -5 nan]", b"[]", b"[0 0 0 0]"])
def test_pages_of_any_size_are_read(box):
    assert extracted(raw_pdf(zlib.compress(SENTENCE), box=box)).text == "A sentence that is long enough to be a text."


def test_encrypted_truncated_and_scanned_files(pdf):
    page = [set_at(STORY, 72, 100)]
    locked = pdf(page, encrypt=StandardEncryption("secret", ownerPassword="owner", strength=128))
    assert read(locked, None, PARAMS).rule == "encrypted_document"
    with pytest.raises(Undecodable):
        source_text(locked, None, 10**7)
    with pytest.raises(Undecodable):
        source_text(locked, None, 10)
    whole = pdf(page)
    for cut in range(0, len(whole), 97):
        found = read(whole[:cut], None, PARAMS)
        assert isinstance(found, Extracted) or found.rule in ("broken_document", "empty_page", "too_short")


def scan(canvas):
    from PIL import Image

    canvas.drawImage(ImageReader(Image.new("L", (60, 80), 255)), 0, 0, 595, 842)


def test_pictures_of_pages_need_ocr_and_a_cover_of_text_does_not_hide_them(pdf):
    verdict = read(pdf([set_at(STORY, 72, 100), [scan], [scan]]), None, PARAMS)
    assert (verdict.rule, verdict.value, verdict.detail) == ("needs_ocr", 0.6667, "pdf")
    assert isinstance(read(pdf([set_at(STORY, 72, 100), [scan]]), None, PARAMS), Extracted)


@pytest.mark.req("EXT-17")
def test_a_text_whose_characters_have_no_meaning_is_refused(pdf):
    fonts = (  # glyphs by number, without a map to characters: what careless programs embed
        b"<</G <</Type/Font/Subtype/Type1/BaseFont/Helvetica>>/F <</Type/Font/Subtype/Type0/BaseFont/AB+X"
        b"/Encoding/Identity-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/AB+X/CIDSystemInfo"
        b"<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor<</Type/FontDescriptor/FontName/AB+X"
        b"/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 900/Descent -100/CapHeight 700/StemV 80>>>>]>>>>"
    )
    glyphs = b"BT /F 9 Tf 50 100 Td <%s> Tj ET " % b"".join(b"%04x" % at for at in range(33, 60))
    verdict = read(raw_pdf(zlib.compress(glyphs), fonts=fonts), None, PARAMS)
    assert (verdict.rule, verdict.value) == ("scrambled_text", 1.0)
    told = b"".join(
        b"BT /G 9 Tf 50 %d Td (A sentence of letters that all have a meaning.) Tj ET " % y for y in (300, 320, 340)
    )
    found = extracted(raw_pdf(zlib.compress(told * 2 + glyphs), fonts=fonts))
    assert found.text.startswith("A sentence") and found.text.isascii() and "(" not in found.text and found.density < 1


@pytest.mark.req("EXT-17")
def test_a_reader_that_dies_costs_one_file_and_only_if_it_was_fresh(pdf, monkeypatch):
    body = pdf([set_at(STORY, 72, 100)])
    text = extracted(body).text
    os.kill(process._READERS._child.pid, signal.SIGKILL)
    assert extracted(body).text == text
    monkeypatch.setattr(process.Readers, "_exchange", _dying)
    verdict = read(body, None, PARAMS)
    assert (verdict.rule, verdict.detail) == ("broken_document", "reader crashed")
    monkeypatch.undo()
    assert extracted(body).text == text


def _dying(self, request, body, frames):
    os.kill(self._child.pid, signal.SIGSEGV)
    raise process._Died(self._child.wait())


def test_time_and_memory_of_a_reader_have_an_end():
    assert process._refusal(-signal.SIGXCPU).detail == "time"


@given(st.integers(0, 5000), st.binary(min_size=1, max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_rejected_or_read(pdf, at, noise):
    body = pdf([set_at(STORY, 72, 100), set_at(CHINESE, 72, 100, 36, 12, SONG)])
    at %= len(body)
    found = read(body[:at] + noise + body[at + len(noise) :], None, PARAMS)
    assert isinstance(found, Extracted) or found.rule
