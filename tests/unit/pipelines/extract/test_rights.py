import pytest

from pipelines.extract.rights import directives

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
