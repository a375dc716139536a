import pytest

from pipelines.extract.resources import put_out, table_of

KEY = "⟦img:0123456789abcdef⟧"
URL = "https://example.org/a.jpg"


def row(url: str = URL, alt: str | None = "港口 boats", key: str = KEY) -> dict[str, str | None]:
    return {"key": key, "kind": "img", "url": url, "alt": alt}


@pytest.mark.req("EXT-11")
def test_a_key_gives_way_to_its_resource():
    text = f"a\n\n{KEY}\n\n船{KEY}只 ⟦img:ffff⟧"
    assert put_out(text, [row()], "keys") == text
    assert put_out(text, [row()], "markdown") == (f"a\n\n![港口 boats]({URL})\n\n船![港口 boats]({URL})只 ⟦img:ffff⟧")
    assert put_out(text, [row()], "drop") == "a\n\n船只 "
    assert put_out("plain", None, "markdown") == put_out("plain", None, "drop") == "plain"


def test_an_address_or_text_cannot_break_the_mark():
    assert (
        put_out(KEY, [row("https://e.org/a (1).jpg", "x]\n(y)")], "markdown")
        == "![x  (y)](https://e.org/a%20%281%29.jpg)"
    )


@pytest.mark.parametrize(
    ("resource", "shown"),
    [
        (row(alt="call 13812345678"), (URL, "")),
        (row(alt=None), (URL, "")),
        (
            row("https://example.org/6222021234567890128.jpg"),
            ("https://example.org/6222021234567890128.jpg", "港口 boats"),
        ),
        (row("https://user:secret9@example.org/a.jpg"), None),
        (row("https://example.org/?mail=a.person@mail.example.com"), None),
    ],
)
def test_personal_data_stay_in(resource, shown):
    assert table_of([resource]).get(KEY) == shown
    assert table_of(None) == {}
