import io
import time
import zipfile

import docx as python_docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.edits import map_back
from pipelines.extract.decode import Undecodable
from pipelines.extract.formats.docx import read, source_text
from pipelines.extract.result import Extracted
from pipelines.params import ExtractParams

PARAMS = ExtractParams(min_characters=2)
MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)
STYLES = """<w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="b2"><w:name w:val="标题 2"/></w:style>
<w:style w:styleId="own"><w:name w:val="My head"/><w:basedOn w:val="1"/></w:style>
<w:style w:styleId="lvl"><w:name w:val="Body 3"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
<w:style w:styleId="q"><w:name w:val="Quote"/></w:style>
<w:style w:styleId="t"><w:name w:val="toc 1"/></w:style>
<w:style w:styleId="loop"><w:name w:val="x"/><w:basedOn w:val="loop"/></w:style>"""
NUMBERING = """<w:abstractNum w:abstractNumId="0">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
<w:lvl w:ilvl="1"><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="&#61623;"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="2">
<w:lvl w:ilvl="0"><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="第%1章"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="2"/></w:num>"""
TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def docx(body, *, main=MAIN, extra=None, relations="", head='<?xml version="1.0" encoding="UTF-8"?>'):
    """A Word file with this body; styles, numbering and relations as above."""
    out = io.BytesIO()
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{TYPES}officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        f'relationships"><Relationship Id="s" Type="{TYPES}styles" Target="styles.xml"/>'
        f'<Relationship Id="n" Type="{TYPES}numbering" Target="numbering.xml"/>{relations}</Relationships>',
        "word/styles.xml": f"<w:styles {SPACES}>{STYLES}</w:styles>",
        "word/numbering.xml": f"<w:numbering {SPACES}>{NUMBERING}</w:numbering>",
        "word/document.xml": f"{head}<w:document {SPACES}><w:body>{body}</w:body></w:document>",
        **(extra or {}),
    }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def p(text, properties=""):
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space='preserve'>{text}</w:t></w:r></w:p>"


def styled(text, style):
    return p(text, f'<w:pStyle w:val="{style}"/>')


def listed(text, number, depth=0, style=""):
    return p(text, f'{style}<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>')


def extracted(body, **more):
    found = read(docx(body, **more), None, PARAMS)
    assert isinstance(found, Extracted), found
    return found


def relation(name, kind, target, mode=""):
    return f'<Relationship Id="{name}" Type="{TYPES}{kind}" Target="{target}" {mode}/>'


def test_headings_by_style_in_any_language_lists_with_levels_and_quotations():
    found = extracted(
        styled("Intro", "1") + styled("背景", "b2") + styled("Derived", "own") + styled("Third", "lvl") + p("Text.")
        + listed("one", 1) + listed("deeper", 1, 1) + listed("two", 1) + listed("dot", 2) + styled("said", "q")
        + styled("Intro ..... 3", "t") + styled("looped", "loop")
    )  # fmt: skip
    assert found.text == (
        "# Intro\n\n## 背景\n\n# Derived\n\n### Third\n\nText.\n\n"
        "1. one\n  1.1 deeper\n2. two\n- dot\n\n> said\n\nlooped"
    )
    assert [(b.kind, b.level, b.parent) for b in found.blocks] == [
        ("heading", 1, None), ("heading", 2, 0), ("heading", 1, None), ("heading", 3, 2), ("paragraph", 0, 3),
        ("list_item", 1, 3), ("list_item", 2, 3), ("list_item", 1, 3), ("list_item", 1, 3), ("quote", 1, 3),
        ("paragraph", 0, 3),
    ]  # fmt: skip
    assert found.title == "Intro" and found.kind == "docx"


def test_numbers_that_the_program_makes_up():
    heading = '<w:pStyle w:val="1"/>'
    found = extracted(listed("总则", 3, 0, heading) + p("内容。") + listed("附则", 3, 0, heading))
    assert found.text == "# 第一章 总则\n\n内容。\n\n# 第二章 附则"


def test_headings_without_styles_are_told_by_number_and_bold_type():
    bold = "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>{}</w:t></w:r></w:p>"
    found = extracted(p("第一章 总则") + bold.format("一、目的") + p("一、普通的一段话。") + p("正文。"))
    assert [(b.kind, b.level) for b in found.blocks] == [
        ("heading", 1), ("heading", 2), ("paragraph", 0), ("paragraph", 0)
    ]  # fmt: skip


SPAN = '<w:gridSpan w:val="2"/>'
MERGE = '<w:vMerge w:val="restart"/>'


def cell(text, properties=""):
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(text)}</w:tc>"


def test_tables_with_merged_cells():
    rows = (
        f"<w:tr>{cell('Name')}{cell('Amount', SPAN)}</w:tr>"
        f"<w:tr>{cell('甲', MERGE)}{cell('1')}{cell('2')}</w:tr>"
        f"<w:tr>{cell('', '<w:vMerge/>')}{cell('a|b')}{cell('4')}</w:tr>"
    )
    found = extracted(p("Before") + f"<w:tbl>{rows}</w:tbl>" + p("After"))
    table = "| Name | Amount |  |\n| --- | --- | --- |\n| 甲 | 1 | 2 |\n|  | a\\|b | 4 |"
    assert found.text == f"Before\n\n{table}\n\nAfter"
    assert [b.kind for b in found.blocks] == ["paragraph", "table", "paragraph"]


def test_a_frame_of_one_cell_is_text_and_nested_tables_are_lines_of_their_cell():
    assert extracted(f"<w:tbl><w:tr><w:tc>{styled('Framed', '1')}{p('Text')}</w:tc></w:tr></w:tbl>").text == (
        "# Framed\n\nText"
    )
    inner = f"<w:tbl><w:tr>{cell('x')}{cell('y')}</w:tr></w:tbl>"
    assert extracted(f"<w:tbl><w:tr><w:tc>{inner}{p('')}</w:tc>{cell('z')}</w:tr></w:tbl>").text == (
        "| x y | z |\n| --- | --- |"
    )


def test_revisions_fields_and_hidden_text():
    run = "<w:r><w:t>{}</w:t></w:r>"
    found = extracted(
        "<w:p>" + run.format("kept ")
        + "<w:del><w:r><w:delText>gone </w:delText></w:r></w:del><w:moveFrom>" + run.format("moved ") + "</w:moveFrom>"
        + "<w:ins>" + run.format("new ") + "</w:ins>"
        + "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> PAGE </w:instrText></w:r>"
        + "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
        + "<w:hyperlink r:id='x'>" + run.format("link") + "</w:hyperlink>"
        + "<w:r><w:noBreakHyphen/><w:t>end</w:t><w:br/><w:t>line</w:t><w:tab/><w:t>tab</w:t></w:r></w:p>"
    )  # fmt: skip
    assert found.text == "kept new link-end\nline tab"


def test_headers_and_footers_stay_out():
    extra = {"word/header1.xml": f"<w:hdr {SPACES}>{p('Company secret')}</w:hdr>"}
    found = extracted(
        p("The text of it.") + '<w:sectPr><w:headerReference r:id="h"/></w:sectPr>', extra=extra,
        relations=relation("h", "header", "header1.xml"),
    )  # fmt: skip
    assert found.text == "The text of it."


def test_footnotes_come_at_the_end():
    separator = f"<w:footnote w:id='-1' w:type='separator'>{p('----')}</w:footnote>"
    note = f"<w:footnote w:id='2'>{p('See there.')}</w:footnote>"
    notes = f"<w:footnotes {SPACES}>{separator}{note}</w:footnotes>"
    body = (
        "<w:p><w:r><w:t>A claim</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r><w:r><w:t>, so.</w:t></w:r></w:p>"
    )
    found = extracted(
        body + p("More."), extra={"word/footnotes.xml": notes}, relations=relation("f", "footnotes", "footnotes.xml")
    )
    assert found.text == "A claim[^1], so.\n\nMore.\n\n[^1]: See there."


def test_pages_as_the_program_last_laid_them_out():
    broken = "<w:p><w:r><w:lastRenderedPageBreak/><w:t>Second page.</w:t></w:r></w:p>"
    across = (
        "<w:p><w:r><w:t>Begins on two, </w:t></w:r><w:r><w:lastRenderedPageBreak/><w:t>ends on three.</w:t></w:r></w:p>"
    )
    found = extracted(styled("Head", "1") + p("First.") + broken + across + p("Third."))
    assert [b.page for b in found.blocks] == [1, 1, 2, 2, 3]
    assert found.text.endswith("Begins on two, ends on three.\n\nThird.")
    assert [b.page for b in extracted(p("No layout.")).blocks] == [None]


DRAWING = "<w:r><w:drawing><wp:inline><wp:docPr id='1' descr='A plan'/>{}</wp:inline></w:drawing></w:r>"


def test_text_boxes_come_once_and_after_their_paragraph():
    box = f"<w:txbxContent>{p('In the box')}</w:txbxContent>"
    drawing = (
        f"<mc:AlternateContent><mc:Choice><w:drawing>{box}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent>"
    )
    assert extracted(f"<w:p><w:r><w:t>Around</w:t>{drawing}</w:r></w:p>").text == "Around\n\nIn the box"


@pytest.mark.req("EXT-12")
def test_the_figures_of_a_chart_become_a_table():
    def points(*values):
        return "".join(f"<c:pt idx='{i}'><c:v>{v}</c:v></c:pt>" for i, v in enumerate(values))

    def series(name, *values):
        quarters = points("Q1", "Q2")
        return f"<c:ser><c:tx>{points(name)}</c:tx><c:cat>{quarters}</c:cat><c:val>{points(*values)}</c:val></c:ser>"

    chart = (
        f"<c:chartSpace {SPACES}><c:chart><c:title><a:t>Sales</a:t></c:title><c:plotArea>"
        + series("华东", "0.30000000000000004", 2)
        + series("South", 3)
        + "</c:plotArea></c:chart></c:chartSpace>"
    )
    found = extracted(
        "<w:p>" + DRAWING.format("<c:chart r:id='c'/>") + "</w:p>",
        extra={"word/charts/chart1.xml": chart}, relations=relation("c", "chart", "charts/chart1.xml"),
    )  # fmt: skip
    assert found.text == "Sales\n\n|  | 华东 | South |\n| --- | --- | --- |\n| Q1 | 0.3 | 3 |\n| Q2 | 2 |  |"


def test_images_have_a_key_where_it_is_asked_for_and_are_listed_always():
    body = docx(
        "<w:p><w:r><w:t>See </w:t></w:r>"
        + DRAWING.format("<a:blip r:embed='i'/>")
        + "<w:r><w:t> here</w:t></w:r></w:p>",
        relations=relation("i", "image", "media/image1.png"),
    )
    for keys in (True, False):
        found = read(body, None, ExtractParams(min_characters=2, media_keys=keys))
        assert isinstance(found, Extracted)
        assert [(m.url, m.alt) for m in found.media] == [("docx:word/media/image1.png", "A plan")]
        assert found.text == (f"See {found.media[0].key} here" if keys else "See  here")


def test_properties():
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        "<dc:title>{}</dc:title><dc:creator>{}</dc:creator><dcterms:created>2021-03-04T05:06:07Z</dcterms:created>"
        "</cp:coreProperties>"
    )
    found = extracted(p("Text."), extra={"docProps/core.xml": core.format("年度报告", "王小明")})
    assert (found.title, found.author) == ("年度报告", "王小明") and found.published.startswith("2021-03-04")
    found = extracted(p("Text."), extra={"docProps/core.xml": core.format("Microsoft Word - a.doc", "Administrator")})
    assert (found.title, found.author) == (None, None)


def test_agrees_with_an_independent_writer():
    written = python_docx.Document()
    written.add_heading("Report", 1)
    written.add_paragraph("First item", style="List Bullet")
    written.add_paragraph("Number one", style="List Number")
    table = written.add_table(rows=2, cols=2)
    for at, text in enumerate(("h1", "h2", "v1", "v2")):
        table.cell(at // 2, at % 2).text = text
    written.core_properties.title = "The report"
    out = io.BytesIO()
    written.save(out)
    found = read(out.getvalue(), None, PARAMS)
    assert isinstance(found, Extracted) and found.title == "The report"
    assert found.text == "# Report\n\n- First item\n1. Number one\n\n| h1 | h2 |\n| --- | --- |\n| v1 | v2 |"


def test_every_piece_leads_back_to_the_visible_text(replayed):
    body = docx(styled("Head", "1") + f"<w:tbl><w:tr>{cell(' a ')}{cell('b|c')}</w:tr></w:tbl>" + p("  end  "))
    found = read(body, None, PARAMS)
    source = source_text(body, None, 10**6)
    assert source == "Head\n a \tb|c\n  end  \n"
    replayed(source, found.text, found.edits)
    at = found.text.index("end")
    assert source[slice(*map_back(found.edits, at, at + 3))] == "end"


ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16le")
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "WordDocument".encode("utf-16le")
BOMB = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("body", "rule", "detail"),
    [
        (b"", "empty_page", None),
        (b"PK\x03\x04 no zip", "broken_document", "zip"),
        (docx(p("A text that is cut off."))[:-200], "broken_document", "zip"),
        (ENCRYPTED, "encrypted_document", "ole2"),
        (OLD, "unsupported_document", "doc"),
        (docx(p("x"), main="application/vnd.ms-word.document.macroEnabled.main+xml"), "unsupported_document", "macros"),
        (docx(p("x"), main=MAIN.replace("wordprocessing", "spreadsheet")), "unsupported_document", "spreadsheetml"),
        (docx(p("&b;"), head=BOMB), "broken_document", "doctype"),
        (docx(p("&a;"), head=OUTSIDE), "broken_document", "doctype"),
        (docx("<w:p>"), "broken_document", "xml"),
        (docx("<w:sdt>" * 5000), "broken_document", "xml"),
        (docx(""), "empty_page", None),
        (docx(p("x")), "too_short", None),
        (docx(p(" " * 70_000_000)), "document_limit", "xml"),
    ],
)
def test_refusals(body, rule, detail):
    verdict = read(body, None, PARAMS)
    assert (verdict.rule, verdict.detail) == (rule, detail)
    if rule not in ("empty_page", "too_short"):
        with pytest.raises(Undecodable):
            source_text(body, None, 10**8)


def test_external_targets_and_wild_numbers_do_no_harm():
    wide = cell("a", '<w:gridSpan w:val="999999999"/>')
    found = extracted(
        f"<w:tbl><w:tr>{wide}{cell('b')}</w:tr></w:tbl>" + listed("x", 1, 99999) + listed("y", 77)
        + "<w:p>" + DRAWING.format("<a:blip r:embed='i'/>") + "</w:p>",
        relations=relation("i", "image", "http://example.org/x.png", 'TargetMode="External"'),
    )  # fmt: skip
    assert found.text.count("|") < 200 and found.media == [] and found.text.endswith("y")


@given(st.binary(max_size=60), st.integers(0, 2000))
def test_damaged_files_are_rejected_or_read(noise, at):
    body = docx(p("Some text of a paragraph") + listed("item", 1))
    at %= len(body)
    found = read(body[:at] + noise + body[at + len(noise) :], None, PARAMS)
    assert isinstance(found, Extracted) or found.rule


def test_work_grows_with_the_document_only():
    def seconds(n):
        bodies = [
            p("x") * n,
            listed("x", 1) * n,
            f"<w:tbl>{'<w:tr>' + cell('x') * 2 + '</w:tr>'}</w:tbl>" * (n // 8),
            "<w:p>" + "<w:r><w:lastRenderedPageBreak/><w:footnoteReference w:id='1'/><w:t>a</w:t></w:r>" * n + "</w:p>",
        ]
        files = [docx(body) for body in bodies]
        start = time.process_time()
        for file in files:
            read(file, None, PARAMS)
        return time.process_time() - start

    seconds(50)
    assert seconds(4_000) < 40 * max(seconds(500), 0.01)
