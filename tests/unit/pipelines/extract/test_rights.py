import pytest

from pipelines.extract.links import absolute
from pipelines.extract.rights import directives, licence_of, paywalled

AGENT = "nightmill"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("noindex, nofollow", {"noindex", "nofollow"}),
        ("NoAI , NOIMAGEAI", {"noai", "noimageai"}),
        ("none", {"none", "noindex", "nofollow"}),
        ("googlebot: noindex", set()),
        ("nightmill: noindex", {"noindex"}),
        ("NightMill/0.3: noai", {"noai"}),
        ("*: noai", {"noai"}),
        ("noarchive, googlebot: noindex, nofollow, nightmill: noai", {"noarchive", "noai"}),
        ("badbot: noai, nightmill: nosnippet", {"nosnippet"}),
        ("max-snippet: 20, noai", {"max-snippet", "noai"}),
        (
            "unavailable_after: Wed, 03 Dec 2025 13:00:00 GMT, noai",
            {"unavailable_after", "03 dec 2025 13:00:00 gmt", "noai"},
        ),
        ("unavailable_after: 2025-12-03T13:00:00Z", {"unavailable_after"}),
        ("", set()),
        (",,, :", {":"}),
        ("a:" * 1000 + "noai", set()),
    ],
)
def test_directives_of_one_header(value, said):
    assert directives(value, AGENT) == said


def test_a_whole_user_agent_is_known_by_its_product_token():
    assert directives("nightmill: noai", "nightmill/0.1 (+https://example.org/)") == {"noai"}


def test_a_name_speaks_to_a_crawler_without_name_no_more_than_to_others():
    assert directives("googlebot: noai", "") == frozenset()


def licence(source="", linked=(), metas=None, links=()):
    return licence_of(linked, metas or {}, links, source, lambda href: absolute("https://example.org/", href))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('<a rel="license" href="https://creativecommons.org/licenses/by-nc/4.0/">CC</a>', "CC-BY-NC-4.0"),
        ('<a class=x rel="nofollow license" href="/terms">terms</a>', "https://example.org/terms"),
        ('<A HREF="http://creativecommons.org/licenses/by-sa/3.0/cn/">署名</A>', "CC-BY-SA-3.0"),
        ('<a href="https://creativecommons.org/publicdomain/zero/1.0/">', "CC0-1.0"),
        ('<a href="//creativecommons.org/licenses/by/2.0/">a<a href="//creativecommons.org/licenses/by/4.0/">b', None),
        ('<a href="https://creativecommons.org/about">', None),
        ('<a href="/license">', None),
        ("<p>creativecommons.org/licenses/by/4.0/</p>", None),
        ('<a href="//creativecommons.org/licenses/by/4.0/">' + "x" * 50_000, None),
        ('<a rel="license" href="', None),
    ],
)
def test_the_licence_in_links(source, found):
    assert licence(source) == found


def test_the_licence_in_the_head_and_in_data():
    by = "https://creativecommons.org/licenses/by/4.0/"
    assert licence(links=[f' rel="license" href="{by}"']) == "CC-BY-4.0"
    assert licence(linked=[{"license": [{"@id": by}]}]) == "CC-BY-4.0"
    assert licence(linked=[{"license": "https://example.org/l"}]) == "https://example.org/l"
    assert licence(linked=[{"license": "All rights reserved"}]) is None
    assert licence(metas={"dc.rights": ["CC BY-SA 4.0"]}) == "CC-BY-SA-4.0"
    assert licence(metas={"dc.rights": ["Copyright 2019 Example"]}) is None


@pytest.mark.parametrize(
    ("value", "paid"),
    [(False, True), ("False", True), ("https://schema.org/False", True), (True, False), ("true", False), (None, False),
     ([True, False], True), (0, False)],
)  # fmt: skip
def test_paywall(value, paid):
    assert paywalled([{"@type": "Article"}, {"isAccessibleForFree": value}]) is paid
