import pytest

from pipelines.extract.formulas import formulas_of


def texts(source: str) -> list[str]:
    return [formula.text for formula in formulas_of(source)]


@pytest.mark.parametrize(
    ("source", "tex"),
    [
        (r'<math alttext="{\displaystyle a^{2}}"><mi>a</mi></math>', r"$a^{2}$"),
        ('<math display="block" alttext="x &gt; 1"></math>', "$$x > 1$$"),
        (
            '<math><semantics><mi>y</mi><annotation encoding="application/x-tex">\n y \n</annotation></math>',
            "$y$",
        ),
        ('<script type="math/tex">z</script>', "$z$"),
        ("<script type='math/tex; mode=display'>$$w$$</script>", "$$w$$"),
    ],
)
def test_tex_is_found(source, tex):
    found = formulas_of(f"<p>式 {source}。")
    assert [f.text for f in found] == [tex]
    assert (found[0].start, found[0].end) == (5, 5 + len(source))


def test_what_has_no_tex_is_left_out():
    assert texts("<math><mi>x</mi></math><script>math/tex</script><math alttext=''></math><math alttext=x>") == []
    assert texts(f"<math alttext=x>{'y' * 6_000}</math>") == []


def test_formulas_lie_apart():
    inside = "<math alttext=a><math alttext=b></math></math><script type=math/tex>c</script>"
    assert texts(inside) == ["$a$", "$c$"]


@pytest.mark.parametrize(
    "piece", ["<math", "<math>", "<math><annotation", "<script type=math/tex", "<math <annotation>"]
)
def test_time_is_linear(piece):
    assert formulas_of(piece * 200_000 + "math/tex") == []
