import pytest

from pipelines.atoms import without_media

KEY = "⟦img:0123456789abcdef⟧"


@pytest.mark.parametrize(
    ("text", "without"),
    [
        (f"a\n\n{KEY}\n\nb", "a\n\nb"),
        (f"{KEY}\n\n港口", "港口"),
        (f"a\n\n{KEY}", "a"),
        (f"a\n{KEY}\n{KEY}\nb", "a\nb"),
        (f"港口{KEY}很静", "港口很静"),
        (KEY, ""),
        ("a ⟦img:⟧ ⟦b", "a ⟦img:⟧ ⟦b"),
        ("<CN_MOBILE>\n", "<CN_MOBILE>\n"),
    ],
)
def test_a_key_goes_with_its_line(text, without):
    assert without_media(text) == without


def test_many_keys_and_line_breaks_take_linear_time():
    assert without_media("⟦" + "\n" * 200_000 + "a") == "⟦" + "\n" * 200_000 + "a"
    assert without_media(("\n" * 20 + "⟦img:") * 20_000).startswith("⟦img:")
