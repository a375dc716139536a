import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.edits import Edit, map_back
from pipelines.extract.markup import words
from pipelines.extract.media import Placed
from pipelines.extract.render import render
from pipelines.extract.result import Media
from pipelines.extract.tree import parse
from pipelines.extract.writer import Written


def written(html: str, **options: object) -> Written:
    page = parse(html)
    return render(page, list(range(len(page.segments))), **options)


def text_of(html: str, **options: object) -> str:
    return written(html, **options).text


def kinds(html: str) -> list[tuple[str, int, str]]:
    text, _, blocks = written(html)
    return [(b.kind, b.level, text[b.start : b.end]) for b in blocks]


def check(html: str, text: str, edits: list[Edit]) -> int:
    """Every unedited span reads the same in page and text; returns how many characters that covers."""
    old = new = covered = 0
    for edit in [*edits, Edit(len(html), len(html), 0)]:
        length = edit.start - old
        assert length >= 0
        assert html[old : edit.start] == text[new : new + length]
        if length:
            # Mapping back is exact there.
            assert map_back(edits, new, new + length) == (old, edit.start)
        covered += length
        new += length + edit.new_length
        old = edit.end
    assert new == len(text)
    return covered


def check_blocks(result: Written) -> None:
    """Blocks stand in order, apart from each other, and hold everything that is not white space."""
    at = 0
    for block in result.blocks:
        assert not result.text[at : block.start].strip(), "text outside blocks"
        assert at <= block.start < block.end
        assert result.text[block.start].strip() and result.text[block.end - 1].strip()
        assert block.parent is None or result.blocks[block.parent].kind == "heading"
        at = block.end
    assert not result.text[at:].strip()


def test_blocks_become_paragraphs_and_white_space_collapses():
    html = "<div>\n <p> a  b\n c </p>\n<p>d<b> e</b><i>f</i> </p> g<br>h</div>"
    text, edits, _ = written(html)
    assert text == "a b c\n\nd ef\n\ng\nh"
    check(html, text, edits)
    assert text_of(html, structure=False) == "a b c\nd ef\ng\nh"


def test_a_line_break_between_ideographs_is_no_space():
    assert text_of("<p>中文\n  换行，\n下一行 word\n中\xa0文</p>") == "中文换行，下一行 word 中 文"


def test_entities_are_decoded_and_broken_ones_kept():
    assert text_of("<p>a &lt;b&gt; &amp;amp; &#20013;&#x6587; &copy &nosuch; &#xD800; R&D &#0;</p>") == (
        "a <b> &amp; 中文 © &nosuch; \ufffd R&D \ufffd"
    )
    assert text_of("<p>&nbsp;&nbsp;　　a&nbsp;b&emsp;</p>") == "a b"


def test_control_characters_go():
    assert text_of("<p>a\x00b\x01c\x0bd</p>") == "abc d"


@pytest.mark.req("EXT-07")
def test_headings_have_their_level_and_govern_what_follows():
    html = "<h2>港口 <b>A</b></h2><p>x<h3>B<br>b</h3><p>y<h2>C</h2><p>z"
    text, _, blocks = written(html)
    assert text == "## 港口 A\n\nx\n\n### B b\n\ny\n\n## C\n\nz"
    assert [(b.kind, b.level, b.parent) for b in blocks] == [
        ("heading", 2, None),
        ("paragraph", 0, 0),
        ("heading", 3, 0),
        ("paragraph", 0, 2),
        ("heading", 2, None),
        ("paragraph", 0, 4),
    ]


@pytest.mark.req("EXT-07")
def test_lists_are_numbered_and_nested():
    html = "<p>x<ol start=9><li>nine<li>ten<ul><li>sub<p>more</p><ul><li>deep</ul></ul><li value=20>twenty</ol><p>end"
    assert text_of(html) == ("x\n\n9. nine\n10. ten\n    - sub\n\n      more\n      - deep\n20. twenty\n\nend")
    assert [(kind, level) for kind, level, _ in kinds(html)] == [
        ("paragraph", 0),
        ("list_item", 1),
        ("list_item", 1),
        ("list_item", 2),
        ("paragraph", 0),
        ("list_item", 3),
        ("list_item", 1),
        ("paragraph", 0),
    ]


@pytest.mark.parametrize(
    ("attributes", "numbers"),
    [
        ("", "123"),
        ("reversed", "321"),
        ("reversed start=2", ("2", "1", "0")),
        ("type=a start=26", ("z", "aa", "ab")),
        ("type=I start=1998", ("MCMXCVIII", "MCMXCIX", "MM")),
        ("type=i start=0", ("0", "i", "ii")),
        ("start=x", "123"),
        ("start=-1", ("-1", "0", "1")),
        ("start=99999999999999999999", ("999999999", "1000000000", "1000000001")),
    ],
)
def test_numbers_of_ordered_lists(attributes, numbers):
    # known answers: HTML Standard 4.4.5, Roman numerals
    assert text_of(f"<p>一</p><ol {attributes}><li>x<li>y<li>z</ol>").split("\n")[2:] == [
        f"{number}. {text}" for number, text in zip(numbers, "xyz", strict=True)
    ]


def test_items_that_were_not_kept_count():
    page = parse("<p>x</p><ol><li>a<li>b<li>c</ol>")
    assert render(page, [0, 1, 3]).text == "x\n\n1. a\n3. c"


def test_a_list_within_a_list_without_an_item_and_an_item_without_a_list():
    assert text_of("<p>x<ul><li>a<ul><li>b</ul><ul><ul><li>c</ul></ul></ul><p>y</p><li>d") == (
        "x\n\n- a\n  - b\n  - c\n\ny\n\n- d"
    )


def test_definitions():
    assert text_of("<p>x<dl><dt>港<dd>船停的地方<dt>Pilot<dd>steers</dl><p>y") == (
        "x\n\n港\n: 船停的地方\nPilot\n: steers\n\ny"
    )


def test_quotations_and_what_stands_in_them():
    html = (
        "<p>Before it, a paragraph of some length.<blockquote>one<br>line<p>two</p><ul><li>x<li>y</ul><h3>H</h3>"
        "<pre>a\n\n  b</pre><blockquote>deep</blockquote></blockquote>"
    )
    assert text_of(html) == (
        "Before it, a paragraph of some length.\n\n> one\n> line\n\n> two\n\n> - x\n> - y\n\n> ### H\n\n"
        "> ```\n> a\n>\n>   b\n> ```\n\n> > deep"
    )
    assert [(kind, level) for kind, level, _ in kinds(html)] == [
        ("paragraph", 0),
        ("quote", 1),
        ("quote", 1),
        ("list_item", 1),
        ("list_item", 1),
        ("heading", 3),
        ("code", 0),
        ("quote", 2),
    ]


def test_what_holds_nearly_all_text_is_no_quotation_and_no_item():
    assert text_of("<blockquote><p>all</p><p>text</p></blockquote>") == "all\n\ntext"
    assert (
        text_of("<ul><li><h2>A</h2><p>all the text</p><ul><li>x<li>y</ul></ul>") == "## A\n\nall the text\n\n- x\n- y"
    )


def test_nesting_has_a_bound():
    html = "<p>x" * 40 + "<blockquote>" * 500 + "<p>a</p><p>b</p>"
    assert text_of(html).endswith("\n\n" + "> " * 8 + "a\n\n" + "> " * 8 + "b")
    assert len(text_of("<p>x" * 40 + "<ul><li>a" * 1_000)) < 20_000


@pytest.mark.parametrize(
    ("markup", "language"),
    [
        ("<pre>{}</pre>", ""),
        ("<pre><code class='hljs language-python'>{}</code></pre>", "python"),
        ("<pre class='lang-js prettyprint'>{}</pre>", "js"),
        ("<div class='highlight highlight-source-shell'><pre>{}</pre></div>", "shell"),
        ("<pre class='brush: cpp; gutter: true'>{}</pre>", "cpp"),
    ],
)
def test_code_stands_in_a_fence_and_keeps_its_white_space(markup, language):
    code = "\n  def f():\r\n\n\t    return <b>1</b>  # 中  文\n\n\n"
    html = f"<p>A paragraph that is long enough.</p>{markup.format(code)}<p>y</p>"
    assert text_of(html) == (
        f"A paragraph that is long enough.\n\n```{language}\n  def f():\n\n\t    return 1  # 中  文\n```\n\ny"
    )
    assert text_of(html, structure=False) == (
        "A paragraph that is long enough.\n  def f():\n\n\t    return 1  # 中  文\ny"
    )


def test_lines_of_code_may_end_with_br_and_hold_empty_elements():
    html = "<p>A paragraph that is long enough.<pre>a<br>  b\n<i>c</i>\n<i></i>\n<i>d</i></pre>"
    assert text_of(html).partition("\n\n")[2] == "```\na\n  b\nc\n\nd\n```"


@pytest.mark.parametrize("inside", ["```\nx\n```", "&#96;&#x60;&grave;"])
def test_a_fence_is_longer_than_any_inside(inside):
    assert "\n\n````\n" in text_of(f"<p>A paragraph.</p><pre><code>{inside}</code></pre>")


def test_preformatted_prose_is_no_code():
    poem = "The harbour was quiet\n    that morning.\n\n港口很安静"
    assert text_of(f"<pre>{poem}</pre><p>Source: a book.") == f"{poem}\n\nSource: a book."
    assert text_of(f"<pre><code>{poem}</code></pre><p>x").startswith("```\n")


@pytest.mark.req("EXT-07")
def test_a_table_of_data_has_pipes_and_a_header_row():
    html = (
        "<table><caption>渡船</caption><thead><tr><th>Day<th colspan=2>A|B</thead><tr><td rowspan=2>1<td>2<td>3 &#124;"
        "<tr><td>4<br>四<td><p>5</p><p>x</p></table><p>y"
    )
    text, _, blocks = written(html)
    assert text == ("渡船\n\n| Day | A\\|B |  |\n| --- | --- | --- |\n| 1 | 2 | 3 \\| |\n|  | 4 四 | 5; x |\n\ny")
    assert [b.kind for b in blocks] == ["paragraph", "table", "paragraph"]


def test_a_table_in_a_list_is_indented():
    html = "<p>Some words<ul><li>a<table><tr><td>1<td>2<tr><td>3<td>4</table><li>b</ul>"
    assert text_of(html) == "Some words\n\n- a\n\n  | 1 | 2 |\n  | --- | --- |\n  | 3 | 4 |\n- b"


LONG = "港口那天早晨很安静，船都停着不动。没有人告诉船员领航员为什么迟到，大家只好在甲板上等消息。" * 5


@pytest.mark.parametrize(
    "table",
    [
        "<tr><td>左<td>右",
        "<tr><td>上<tr><td>下",
        f"<tr><td>栏<td>目<tr><td>正文<td>{LONG}",
        "<tr><td>外<td><table><tr><td>内<td>a<tr><td>b<td>c</table><tr><td>d<td>e",
        "<tr><td>标题<td><tr><td><td>作者<tr><td>正文<td>",
        "<tr><td>a<td>b<tr><td>c<td><pre>x\ny</pre>",
        "<tr><td>a<td>b</td><caption>late</caption><tr><td>c<td>d",
        "<tr><td>a<td>b<tr><td>&nbsp;<td>&nbsp;<tr><td>&nbsp;<td>　",
        "<tr><td>a<td colspan=500>b<tr><td>c<td>d",
    ],
)
def test_a_table_that_lays_out_a_page_is_flowing_text(table):
    result = written(f"<table>{table}</table>")
    assert not result.text.startswith("|")
    assert not any(block.kind == "table" for block in result.blocks if block.start == 0)
    assert "role" not in text_of("<table role=presentation><tr><td>a<td>b<tr><td>c<td>d</table>")
    assert text_of("<table role=presentation><tr><td>a<td>b<tr><td>c<td>d</table>") == "a\n\nb\n\nc\n\nd"


def test_one_br_is_a_line_break_unless_a_paragraph_ends_there():
    assert text_of("<p>第一行<br>第二行<br><br>第二段") == "第一行\n第二行\n\n第二段"
    assert text_of("<td>　　甲<br>　　乙<br>&nbsp;&nbsp;丙") == "甲\n\n乙\n\n丙"
    line = "The harbour was quiet that morning, and the boats lay still, for nobody had told the crew a thing."
    assert text_of(f"<div>{line}<br>{line}</div>") == f"{line}\n\n{line}"


def test_what_stands_within_a_line_does_not_break_it():
    page = parse("<p>Press <button>x</button>and<svg><text>y</text></svg> wait</p>")
    kept = [k for k, s in enumerate(page.segments) if page.names[s.node] == "p"]
    assert render(page, kept).text == "Press and wait"


def test_formulas_are_kept_as_tex():
    html = (
        '<p>质能 <span><math alttext="{\\displaystyle E=mc^{2}}"><mi>E</mi></math></span>，说明</p>'
        "<p><math display=block><mi>x</mi><annotation encoding='application/x-tex'>x &lt; 1</annotation></math></p>"
        '<p>Let <script type="math/tex">a_1</script> be <script type="math/tex; mode=display">b</script>.</p>'
        "<p>no tex: <math><mi>z</mi></math></p>"
    )
    page = parse(html)
    kept = [k for k, s in enumerate(page.segments) if page.names[s.node] == "p"]
    text, edits, blocks = render(page, kept)
    assert text == "质能 $E=mc^{2}$，说明\n\n$$x < 1$$\n\nLet $a_1$ be $$b$$.\n\nno tex:"
    assert [b.kind for b in blocks] == ["paragraph", "formula", "paragraph", "paragraph"]
    check(html, text, edits)
    assert "$" not in render(page, kept, structure=False).text


def media(html: str) -> list[Placed]:
    page = parse(html)
    return [
        Placed(m.start, m.end, m.node, Media(f"⟦img:{number:016x}⟧", "img", "u")) for number, m in enumerate(page.media)
    ]


@pytest.mark.req("EXT-11")
@pytest.mark.parametrize("structure", [True, False])
def test_keys_stand_where_the_media_stand(structure):
    html = (
        "<img src=0><p>first <img src=1>part</p><figure><img src=2></figure><ul><li>item</li><li><img src=3>x</ul>"
        "<p>last</p><p><img src=4></p>"
    )
    text, edits, blocks = written(html, structure=structure, media=media(html))
    keys = [f"⟦img:{number:016x}⟧" for number in range(5)]
    pieces = [keys[0], f"first {keys[1]}part", keys[2], "item", keys[3], "x", "last", keys[4]]
    positions = [text.index(piece) for piece in pieces]
    assert positions == sorted(positions)
    for line in (keys[0], keys[2], keys[4]):
        assert line in text.split("\n")
    assert next(text[b.start : b.end] for b in blocks if b.kind == "media") == keys[0]
    check(html, text, edits)
    for number, key in enumerate(keys):
        start, end = map_back(edits, text.index(key), text.index(key) + len(key))
        assert f"<img src={number}>" in html[start:end]


def test_keys_in_a_table_stay_in_their_row():
    html = "<table><tr><th>a<th>b<tr><td>c <img src=0> d<td>e</table>"
    assert text_of(html, media=media(html)) == "| a | b |\n| --- | --- |\n| c ⟦img:0000000000000000⟧ d | e |"


PAGES = [
    "<html><body><article><h2>标题</h2>\n<p>第一段，&ldquo;引文&rdquo;。\n第二行。</p><p>A&amp;B</p></article></body></html>",
    "<p>Plain <em>English</em>\ttext &mdash; with &#8220;quotes&#8221;.</p><ul><li>one<li>two</ul><pre>a\n  b</pre>",
]


@pytest.mark.parametrize("structure", [True, False])
def test_edits_lead_from_the_decoded_page_to_the_text_in_any_encoding(structure):
    for source in PAGES:
        for codec in ("utf-8", "gbk", "gb18030"):
            html = source.encode(codec).decode(codec)
            text, edits, _ = written(html, structure=structure)
            assert check(html, text, edits) > len(text) * 0.5
    html = "<p>這是一個網頁，\n用大五碼寫成。</p><p>第二段 &copy;</p>".encode("big5").decode("big5")
    text, edits, _ = written(html, structure=structure)
    assert text == "這是一個網頁，用大五碼寫成。\n" + "\n" * structure + "第二段 ©"
    check(html, text, edits)


def test_a_sentence_maps_back_to_the_place_that_holds_it():
    html = "<p>First one.</p><p>The <b>second &amp; last</b>\n sentence.</p>"
    text, edits, _ = written(html)
    sentence = "The second & last sentence."
    at = text.index(sentence)
    start, end = map_back(edits, at, at + len(sentence))
    assert html[start:end] == "The <b>second &amp; last</b>\n sentence."


TAGS = (
    "<p> </p> <div> </div> <b> </b> <br> <pre> </pre> <li> <td> <tr> <table> </table> <script> </script> <!-- --> </a> "
    '&amp; &nbsp; &#10; &lt &x; < > & " = | ` ``` &#96; <ul> <ol> </ul> </ol> <h2> </h2> <blockquote> </blockquote> '
    "<th> <dl> <dt> <dd> </dl> <code> </code> <math> </math> <svg> </svg> <caption> <tbody> <button> </button>"
)
_PIECES = st.sampled_from(
    [
        *sorted(words(TAGS)),
        "<a href=x>",
        "<img src=a.png>",
        "<math alttext='x | y'>",
        "<script type='math/tex'>",
        "<td rowspan=3 colspan=2>",
        "<table><tr><td>a</td><td>b</td></tr><tr><td>",
        "\n",
        "  ",
        " ",
        "\r\n",
        "\x00",
        "\u3000",
        "中",
        "文，",
        "word",
        "x",
        "\U0001f600",
    ]
)


@settings(max_examples=600)
@example('" \x00', True).via("a space before a character that goes")
@example("\x00 x", True).via("and behind one")
@given(st.lists(_PIECES, max_size=50).map("".join), st.booleans())
def test_any_page_is_reproduced_outside_its_edits(html, structure):
    result = written(html, structure=structure, media=media(html))
    check(html, result.text, result.edits)
    check_blocks(result)
    assert result.text == result.text.strip("\n ")
    assert not any(edit.start == edit.end and not edit.new_length for edit in result.edits)


@given(st.text(max_size=200))
def test_any_text_is_reproduced_outside_its_edits(html):
    result = written(html)
    check(html, result.text, result.edits)
    check_blocks(result)


@pytest.mark.parametrize(
    "piece",
    [
        "<blockquote>a",
        "<ul><li>a",
        "<ol reversed><li>a<p>b",
        "<table><tr><td>a<td>b<tr><td>c<td>d",
        "<tr><td>a<td rowspan=9999>b",
        "<p>a<math alttext=x>",
        "<pre>a\n\n&#96;",
        "<dl><dt>a<dd>b",
        "<p>a<img src=x.png>",
        "<math><annotation ",
        "a<br>",
    ],
)
def test_time_grows_with_length_only(piece):
    def cost(count: int) -> tuple[float, int]:
        html = piece * count
        page = parse(html)
        best, length = float("inf"), 0
        for _ in range(3):
            start = time.process_time()
            length = len(render(page, list(range(len(page.segments))), media=media(html)).text)
            best = min(best, time.process_time() - start)
        return best, length

    short, long = cost(500), cost(4_000)
    assert long[0] < 24 * short[0] + 0.05
    assert long[1] < 12 * short[1] + 200
