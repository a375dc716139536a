from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.edits import Edit, map_back
from pipelines.extract.markup import words
from pipelines.extract.render import render
from pipelines.extract.tree import parse


def shown(html: str) -> tuple[str, list[Edit]]:
    page = parse(html)
    return render(page, list(range(len(page.segments))))


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


def test_blocks_become_lines_and_white_space_collapses():
    text, edits = shown("<div>\n <p> a  b\n c </p>\n<p>d<b> e</b><i>f</i> </p> g<br>h</div>")
    assert text == "a b c\nd ef\ng\nh"
    check("<div>\n <p> a  b\n c </p>\n<p>d<b> e</b><i>f</i> </p> g<br>h</div>", text, edits)


def test_a_line_break_between_ideographs_is_no_space():
    assert shown("<p>中文\n  换行，\n下一行 word\n中\xa0文</p>")[0] == "中文换行，下一行 word 中 文"


def test_entities_are_decoded_and_broken_ones_kept():
    assert shown("<p>a &lt;b&gt; &amp;amp; &#20013;&#x6587; &copy &nosuch; &#xD800; R&D &#0;</p>")[0] == (
        "a <b> &amp; 中文 © &nosuch; \ufffd R&D \ufffd"
    )
    assert shown("<p>&nbsp;&nbsp;　　a&nbsp;b&emsp;</p>")[0] == "a b"


def test_preformatted_text_keeps_its_white_space():
    assert shown("<p>x</p><pre>\ndef f():\r\n    return <b>1</b>  # one\n\n\n</pre><p>y</p>")[0] == (
        "x\ndef f():\n    return 1  # one\ny"
    )


def test_cells_of_a_row_share_a_line():
    assert shown("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>")[0] == "a\tb\nc"


def test_control_characters_go():
    assert shown("<p>a\x00b\x01c\x0bd</p>")[0] == "abc d"


PAGES = [
    "<html><body><article><h2>标题</h2>\n<p>第一段，&ldquo;引文&rdquo;。\n第二行。</p><p>A&amp;B</p></article></body></html>",
    "<p>Plain <em>English</em>\ttext &mdash; with &#8220;quotes&#8221;.</p><ul><li>one<li>two</ul><pre>a\n  b</pre>",
]


def test_edits_lead_from_the_decoded_page_to_the_text_in_any_encoding():
    for source in PAGES:
        for codec in ("utf-8", "gbk", "gb18030"):
            html = source.encode(codec).decode(codec)
            text, edits = shown(html)
            assert check(html, text, edits) > len(text) * 0.5
    html = "<p>這是一個網頁，\n用大五碼寫成。</p><p>第二段 &copy;</p>".encode("big5").decode("big5")
    text, edits = shown(html)
    assert text == "這是一個網頁，用大五碼寫成。\n第二段 ©"
    check(html, text, edits)


def test_a_sentence_maps_back_to_the_place_that_holds_it():
    html = "<p>First one.</p><p>The <b>second &amp; last</b>\n sentence.</p>"
    text, edits = shown(html)
    sentence = "The second & last sentence."
    at = text.index(sentence)
    start, end = map_back(edits, at, at + len(sentence))
    assert html[start:end] == "The <b>second &amp; last</b>\n sentence."


TAGS = (
    "<p> </p> <div> </div> <b> </b> <br> <pre> </pre> <li> <td> <tr> <table> </table> <script> </script> <!-- --> </a> "
    '&amp; &nbsp; &#10; &lt &x; < > & " ='
)
_PIECES = st.sampled_from(
    [
        *sorted(words(TAGS)),
        "<a href=x>",
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


@settings(max_examples=400)
@example('" \x00').via("a space before a character that goes")
@example("\x00 x").via("and behind one")
@given(st.lists(_PIECES, max_size=40).map("".join))
def test_any_page_is_reproduced_outside_its_edits(html):
    text, edits = shown(html)
    check(html, text, edits)
    assert text == text.strip("\n ")
    assert not any(edit.start == edit.end and not edit.new_length for edit in edits)


@given(st.text(max_size=200))
def test_any_text_is_reproduced_outside_its_edits(html):
    check(html, *shown(html))
