"""Imported items through the later stages: increments give what a rebuild gives, and no figure stumbles over them."""

from nights import page_of

STAGES = ("extract", "clean", "scrub", "dedup")


def fill(nights, numbers):
    for number in numbers:
        nights.write(f"{number}.html", page_of(number))


def test_an_increment_over_files_is_a_rebuild_over_their_captures(nights):
    """Law 4: files added, changed, removed and back again."""
    fill(nights, range(8))
    nights.run(0, STAGES)
    nights.write("1.html", page_of(9))
    (nights.files / "2.html").unlink()
    nights.write("new.md", "# 渡船\n\n清晨七点渡船离开港口，傍晚随着潮水返回码头，船上的人们都带着新鲜的蔬菜。" * 3)
    nights.run(1, STAGES)
    fill(nights, [2])
    (nights.files / "3.html").unlink()
    nights.run(2, STAGES)
    rebuilt = nights.rebuilt(2, STAGES)
    assert {name: nights.snapshot.datasets[name].digest for name in rebuilt} == rebuilt
    assert len(rebuilt) == 9 and len(nights.rows("corpus")) > 2


def test_a_night_of_files_alone_reaches_the_profile(nights):
    fill(nights, range(8))
    nights.run(0, (*STAGES, "profile"))
    assert all(row["value"] is not None for row in nights.rows("metrics") if row["name"] == "rows")
    assert {row["source"] for row in nights.rows("corpus")} == {"s"}
    assert all(row["url"].startswith("item:") for row in nights.rows("corpus"))
