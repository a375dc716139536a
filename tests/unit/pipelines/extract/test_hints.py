import pytest

from pipelines.extract.hints import BOILERPLATE, COMMENTS, CONTENT, HIDDEN, flags
from pipelines.extract.tree import parse


def hint_of(attributes: str) -> int:
    return int(flags(parse(f"<div{attributes}>").found.nodes[:, 4])[1])


@pytest.mark.parametrize(
    ("attributes", "hint"),
    [
        (' class="nav-bar nav"', BOILERPLATE),
        (" class='articleShareTools'", BOILERPLATE),
        (" id=sidebar", BOILERPLATE),
        (" role=navigation", BOILERPLATE),
        (' class="entry-content clearfix"', CONTENT),
        (' itemprop="articleBody"', CONTENT),
        (" id='articleContent'", CONTENT),
        (" class=zhengwen", CONTENT),
        (' id="comments"', COMMENTS),
        (' style="color:red; DISPLAY : none"', HIDDEN),
        (" hidden", HIDDEN),
        (' aria-hidden="true"', HIDDEN),
        (' aria-hidden="false"', 0),
        (' class="sr-only"', HIDDEN),
        (' class="news-body share"', CONTENT | BOILERPLATE),
        (" class='newscontent'", CONTENT),
        (" class='article-copyright'", BOILERPLATE),
        (" class=comment_list", COMMENTS),
        (" id=commentWrap", COMMENTS),
        (" class='article other-body'", CONTENT),
        (" class='news x body'", 0),
        (" class='post___content'", 0),
        (" style='visibility: hidden!important'", HIDDEN),
        (" style='overflow:hidden'", 0),
        (" itemprop=text", CONTENT),
        (" class=visually-hidden", HIDDEN),
        (" class=elementor-widget", 0),
        (' data-url="/nav/share/comments" title="sidebar"', 0),
        (" class='page has-sidebar'", 0),
        (" class='p-body-main--withSidebar'", 0),
        (" class='field--label-hidden overflow-hidden'", 0),
        (" class='hidden md:block'", 0),
        (" class='accordion-panel' style='display:none'", 0),
        (" class=d-none", HIDDEN),
        ("", 0),
    ],
)
def test_hints(attributes, hint):
    assert hint_of(attributes) == hint


def test_an_id_made_from_a_heading_is_no_hint():
    assert hint_of(' id="authors"') == hint_of(' id="search-and-share-tags"') == 0


def test_words_of_one_list_are_none_of_another():
    assert hint_of(' class="u-cf p a s b"') == 0
    assert all(hint_of(f' class="{a}" id="{a}"') == 0 for a in "abcdefghijklmnopqrstuvwxyz")
