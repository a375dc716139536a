import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.linked import first_string, names, nodes, parse

ARTICLE = '{"@type": "NewsArticle", "datePublished": "2024-05-01", "author": {"name": "Ann Lee"}}'


@pytest.mark.parametrize(
    "script",
    [
        ARTICLE,
        f"[{ARTICLE}]",
        f"\n<!-- {ARTICLE} -->\n",
        f"//<![CDATA[\n{ARTICLE}\n//]]>",
        f"{ARTICLE};",
        ARTICLE.replace('"}}', '",},}'),
        ARTICLE.replace('"', "&quot;"),
        ARTICLE.replace("Ann Lee", "Ann Lee\t").replace("Ann Lee\t", "Ann Lee"),
        f'{{"@context": "https://schema.org", "@graph": [{{"@type": "WebSite", "name": "S"}}, {ARTICLE}]}}',
        f'{{"@type": "WebPage", "mainEntity": {ARTICLE}}}',
        ARTICLE + " trailing words",
        ARTICLE[:-1],
        '{"text": "an "unescaped" quote", ' + ARTICLE[1:],
    ],
)
def test_what_pages_write_is_read(script):
    found = nodes([script])[0]
    assert found["datePublished"] == "2024-05-01"
    assert names(found["author"]) == ["Ann Lee"]


def test_line_breaks_within_strings_are_read():
    assert parse('{"headline": "two\nlines"}') == {"headline": "two\nlines"}


def test_articles_come_before_pages_and_other_things():
    scripts = ['{"@type": "Organization", "name": "O"}', '{"@type": "WebPage"}', '{"@type": ["Thing", "BlogPosting"]}']
    assert [n["@type"] for n in nodes(scripts)] == [["Thing", "BlogPosting"], "WebPage", "Organization"]


def test_an_author_may_be_a_reference():
    graph = '{"@graph": [{"@type": "Article", "author": [{"@id": "#p"}]}, {"@id": "#p", "name": "Li Wei"}]}'
    assert names(nodes([graph])[0]["author"]) == ["Li Wei"]


def test_comments_and_lists_of_links_are_left_out():
    script = '{"@type": "Article", "comment": [{"@type": "Report"}], "itemListElement": [{"@type": "Article", "x": 1}]}'
    assert len(nodes([script])) == 1


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Ann", ["Ann"]),
        ({"name": "Ann"}, ["Ann"]),
        ([{"name": "Ann"}, "Bo", {"name": ["Cy"]}, 3, None], ["Ann", "Bo", "Cy"]),
        ({"@id": "#p"}, []),
        ({"name": {"name": {"name": {"name": {"name": "deep"}}}}}, []),
        (None, []),
    ],
)
def test_names(value, found):
    assert names(value) == found


def test_first_string():
    assert first_string([{"url": "u"}, "v"]) == "u"
    assert first_string([]) is None
    assert first_string(3) is None


def test_a_blob_of_megabytes_is_not_parsed_but_searched():
    blob = '{"datePublished": "2024-05-01", "items": [' + '{"a": 1},' * 300_000 + "{}]}"
    start = time.process_time()
    assert nodes([blob])[0]["datePublished"] == "2024-05-01"
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "script", ["[" * 100_000, '{"a":' * 100_000, "{" * 10, "", "\x00", "\ud800", "1e999", "9" * 10_000]
)
def test_hostile_scripts(script):
    assert isinstance(nodes([script]), list)


def test_repairs_cost_linear_time():
    def seconds(size):
        start = time.process_time()
        for piece in (" ", ", ", '"author":[', '"license" : ', "&quot;", ";", "-->"):
            parse(piece * size)
            nodes([piece * size])
        return time.process_time() - start

    seconds(100)
    assert seconds(80_000) < 12 * max(seconds(20_000), 0.01)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@type", "@id", "@graph", "author", "name", "license", "x"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)


@given(json_values)
def test_any_json_is_read(value):
    for node in nodes([json.dumps(value)]):
        names(node.get("author")), first_string(node.get("license"))
