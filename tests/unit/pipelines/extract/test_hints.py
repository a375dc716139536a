import pytest

from pipelines.extract.hints import BOILERPLATE, COMMENTS, CONTENT, HIDDEN, hint_of


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
        (" class=elementor-widget", 0),
        (' data-url="/nav/share/comments" title="sidebar"', 0),
        ("", 0),
    ],
)
def test_hints(attributes, hint):
    assert hint_of(attributes) == hint


def test_an_id_made_from_a_heading_is_no_hint():
    assert hint_of(' id="authors"') == hint_of(' id="search-and-share-tags"') == 0
