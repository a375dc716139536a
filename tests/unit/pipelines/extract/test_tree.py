import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.markup import attributes
from pipelines.extract.tree import TooManyBlocks, parse, start_tags


def texts(html: str) -> list[tuple[str, str]]:
    page = parse(html)
    return [(page.names[s.node], "".join(html[a:b] for a, b in s.spans).strip()) for s in page.segments]


def test_segments_lie_between_block_borders():
    assert texts("<div>a <b>b</b> c<p>d<br>e</div>f") == [("div", "a b c"), ("p", "d"), ("p", "e"), ("", "f")]


def test_implied_end_tags():
    assert texts("<ul><li>a<li>b<ul><li>c</ul>d</ul>e") == [
        ("li", "a"),
        ("li", "b"),
        ("li", "c"),
        ("li", "d"),
        ("", "e"),
    ]
    assert texts("<table><tr><td>a<td>b<tr><th>c</table>") == [("td", "a"), ("td", "b"), ("th", "c")]
    assert texts("<dl><dt>a<dd>b<dt>c</dl>") == [("dt", "a"), ("dd", "b"), ("dt", "c")]
    page = parse("<p>a<p>b<div>c</div>")
    assert page.parents == [-1, 0, 0, 0]


def test_quoted_greater_than_is_part_of_the_attribute():
    assert texts("<p title=\"a>b\" data-x='c>d'>e</p>") == [("p", "e")]
    assert texts('<p class="x"">e</p><p>f') == [("p", "e"), ("p", "f")]
    assert texts('<p title="unclosed>e</p>') == [("p", "e")]


@pytest.mark.parametrize("name", ["script", "STYLE", "textarea", "iframe", "noframes", "xmp", "title"])
def test_raw_text_is_no_text(name):
    assert texts(f"<p>a</p><{name} x='1'>if (a<b) '</p>' <i> </{name.upper()} ><p>b") == [("p", "a"), ("p", "b")]


@pytest.mark.parametrize(
    "tail", ["<script>var a = 1;", "<!-- never closed <p>b", "<style", "<p title='", "<![CDATA[ b"]
)
def test_the_end_of_the_page_ends_everything(tail):
    assert texts("<p>a</p>" + tail) == [("p", "a")]


def test_comments_doctype_and_cdata():
    assert texts("<!DOCTYPE html><!-- > <p>x</p> --><!--><p>a<!-- - -- --><![CDATA[ <x>b<?php c ?>c<!-- d --!>e") == [
        ("p", "abce")
    ]


def test_a_lone_less_than_is_text():
    assert texts("<p>1 < 2 and <3") == [("p", "1 < 2 and <3")]


def test_links_weigh_apart_and_end_with_their_block():
    page = parse("<p>ab<a href=x>cde</a></p><div><a href=y>f</div><p>gh</p><p><a name=z>i</a></p>")
    assert [(s.weight, s.link_weight) for s in page.segments] == [(5, 3), (1, 1), (2, 0), (1, 0)]
    assert parse("<p>中文a").segments[0].weight == 7


def test_permalinks_behind_headings_are_no_text():
    assert texts("<h2>Use<a class=headerlink href=#use>¶</a></h2><p><a href=#x>#</a>1 § 2") == [
        ("h2", "Use"),
        ("p", "1 § 2"),
    ]


def test_misnested_end_tags():
    assert texts("<div><p>a</div></p>b</section>c") == [("p", "a"), ("", "bc")] or texts("x")
    page = parse("<table><tr><td>a</div></td><td>b</td></tr></table></div>c")
    assert [page.names[s.node] for s in page.segments] == ["td", "td", ""]


def test_attributes():
    assert attributes(" A=1 b=\"x>y\" c='&amp;' d a=2 / e = f") == {
        "a": "1",
        "b": "x>y",
        "c": "&",
        "d": "",
        "e": "f",
    }


def test_deep_nesting_is_cut_at_the_limit():
    page = parse("<div>" * 200_000 + "x" + "</div>" * 200_000 + "y", max_depth=50)
    assert len(page.names) == 51
    assert [page.source[slice(*s.spans[0])] for s in page.segments] == ["x", "y"]
    assert [s.node for s in page.segments] == [50, 0]


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<a ",
        "<a href='",
        '<p a="',
        "<!--",
        "<!-- -",
        "<script>",
        "</script ",
        "<![CDATA[",
        "<b><table><td></b></div>",
        "<p>&amp;x",
        "<li><div>",
        "=",
        "<",
        "</",
        "<svg><p>",
    ],
)
def test_time_grows_with_length_only(piece):
    def cost(count: int) -> float:
        html = "<p>a</p>" + piece * count
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            parse(html)
            for _, source in start_tags(html, frozenset(("a",))):
                attributes(source)
            best = min(best, time.process_time() - start)
        return best

    # Eight times the input: a quadratic step would take 64 times as long.
    assert cost(80_000) < 24 * cost(10_000) + 0.05


def test_white_space_and_references_weigh_what_they_show():
    page = parse("<p>&nbsp;</p><p>a &nbsp;\n b&amp;&#20013;</p><p>&copy</p>")
    assert [(s.characters, s.weight) for s in page.segments] == [(5, 7), (5, 5)]
    assert texts("<p>&#160; &emsp;\u3000</p>") == []


def test_json_ld_is_kept_by_place():
    html = "<script type='application/ld+json'>{}</script><script>x</script><script type=application/LD+json>[]"
    assert [html[a:b] for a, b in parse(html).data] == ["{}", "[]"]


def test_start_tags():
    html = "<HEAD><meta a=1><!-- <a> --><a href='x>y'><b><A href=z></a><script><a></script><link>"
    assert list(start_tags(html, frozenset(("a", "meta")))) == [
        ("meta", " a=1"),
        ("a", " href='x>y'"),
        ("a", " href=z"),
    ]


def test_a_page_of_too_many_blocks_is_refused():
    assert len(parse("<p>a" * 10, max_blocks=10).segments) == 10
    with pytest.raises(TooManyBlocks) as caught:
        parse("<p>a" * 11, max_blocks=10)
    assert caught.value.count == 11


PIECES = [
    "<p>", "</p>", "<", "<a href=x>", "</a>", "<b ", 'c="', "d'", ">", "<!--", "-->", "<![CDATA[", "]]>",
    "<script>", "</script>", "<td>", "<li>", "</div>", "<div class='nav", "x", " y\n", "&amp;", "&#",
    "&nbsp;", "é", "中", "\U0001f600", "\ud800", "\x00", "</", "<?", "<img ", "<title>", "<svg>", "<video>",
    "<source>",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_page_has_a_tree_and_ordered_spans(html):
    page = parse(html, max_depth=5)
    assert page.source == html and len(page.names) == len(page.parents) == len(page.attributes)
    assert all(0 <= parent < node for node, parent in enumerate(page.parents) if node)
    at = 0
    for segment in page.segments:
        assert segment.spans and 0 <= segment.node < len(page.names)
        assert 0 < segment.characters <= segment.weight >= segment.link_weight
        for start, end in segment.spans:
            assert at <= start < end <= len(html)
            at = end
    assert [mark.start for mark in page.media] == sorted(mark.start for mark in page.media)
    assert all(html[mark.start] == "<" and 0 <= mark.node < len(page.names) for mark in page.media)


def media(html: str) -> list[tuple[str, str, dict[str, str]]]:
    page = parse(html)
    return [(mark.name, page.names[mark.node], attributes(mark.attributes)) for mark in page.media]


def test_media_stand_in_their_places():
    html = '<p>a<IMG src="x.png" alt=b>c</p><div><iframe src=y>d</iframe><embed src=z></div>'
    assert media(html) == [
        ("img", "p", {"src": "x.png", "alt": "b"}),
        ("iframe", "div", {"src": "y"}),
        ("embed", "div", {"src": "z"}),
    ]
    marks = parse(html).media
    assert [html[m.start : m.end] for m in marks] == ['<IMG src="x.png" alt=b>', "<iframe src=y>", "<embed src=z>"]


def test_sources_belong_to_their_medium():
    assert media("<video poster=p><source src=a><source src=b>No <img src=c></video><audio src=d></audio>") == [
        ("video", "", {"poster": "p", "src": "a"}),
        ("audio", "", {"src": "d"}),
    ]
    assert media("<object width=1><param name=movie><embed src=a></object>") == [
        ("object", "", {"width": "1", "src": "a"})
    ]
    assert media("<picture><source srcset=a><source srcset=b><img src=c></picture><img src=d>") == [
        ("img", "picture", {"src": "c", "srcset": "a"}),
        ("img", "", {"src": "d"}),
    ]


def test_a_picture_without_scripts_counts_once():
    lazy, real = "<img data-src=a>", "<noscript><img src=a></noscript>"
    assert media(f"<p>{lazy}{real}</p>") == [("img", "p", {"data-src": "a"})]
    assert media(f"<p>{real}{lazy}</p>") == [("img", "p", {"data-src": "a"})]
    assert media(f"<p>{lazy}{real}</p><p>{lazy}{real}</p>") == [("img", "p", {"data-src": "a"})] * 2
    assert media(f"<div>{lazy}b{real}</div>") == [("img", "div", {"data-src": "a"}), ("img", "div", {"src": "a"})]
    assert media("<noscript><iframe src=a></iframe></noscript>") == []


def test_memory_is_bounded_by_what_a_page_holds():
    script = (
        "import resource; from pipelines.extract.tree import parse; parse('<p>a');"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "parse('<' * 2_000_000); print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 30  # MB; tables for as many tags would take 120
