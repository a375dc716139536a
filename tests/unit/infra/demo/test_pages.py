"""Which pages are taken, and that the same ones are taken every time."""

import io
import json
import tarfile
from dataclasses import replace

import pytest

from infra.demo import pages
from infra.demo.sources import SOURCES, Archive, Source

CHINESE = "这里是一段中文文字，用来检查页面的挑选办法。" * 12
ENGLISH = "Here is some English prose that checks how pages are chosen for the site. " * 4


def html(text, number=0):
    return (
        f"<html><head><title>第{number}页</title></head><body>" + f"<p>{text}</p>" * 3 + f"{number}</body></html>"
    ).encode()


def source(folder, language, most=1000, **more):
    return Source(folder, Archive(folder, "MIT", f"{folder}.tar.gz", "1", "0"), language, rf"{folder}-1/", most, **more)


def test_what_a_reader_sees():
    seen = pages.visible_characters(
        "<head><title>no</title></head> a <b>b</b><script>if (a<b) c</script> d<style>e</style>f"
    )
    assert seen == "abdf"


def test_visible_characters_of_unclosed_elements_end_with_the_page():
    assert pages.visible_characters("a<script>" + "<x" * 1000) == "a"
    assert pages.visible_characters("") == ""


def test_articles_by_language():
    assert pages.is_article(html(CHINESE), "zh")
    assert not pages.is_article(html(CHINESE), "en")
    assert pages.is_article(html(ENGLISH * 2), "en")
    assert not pages.is_article(html(ENGLISH * 2), "zh")


def test_paragraphs_of_books_by_publican_count_too():
    body = html(ENGLISH * 2).replace(b"<p>", b'<div class="para">').replace(b"</p>", b"</div>")
    assert pages.is_article(body, "en")
    assert not pages.is_article(body.replace(b"para", b"else"), "en")


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe\0", html("short"), ENGLISH.encode() * 10, html(ENGLISH * 2000)],
    ids=["empty", "binary", "short", "no paragraphs", "huge"],
)
def test_no_articles(body):
    assert not pages.is_article(body, "en")


def found():
    big, small, other = source("big", "zh"), source("small", "zh"), source("other", "en")
    return {
        big: [f"big/{n}.html" for n in range(100)],
        small: [f"small/{n}.html" for n in range(5)],
        other: [f"other/{n}.html" for n in range(100)],
    }


def test_half_of_each_language_with_the_sources_in_turn():
    chosen = [path.split("/")[0] for _, path in pages.choose(found(), 40)]
    assert {name: chosen.count(name) for name in set(chosen)} == {"big": 15, "small": 5, "other": 20}


def test_what_one_language_lacks_the_other_gives():
    few = {item: paths[:4] if item.language == "zh" else paths for item, paths in found().items()}
    chosen = pages.choose(few, 40)
    assert [item.language for item, _ in chosen].count("zh") == 8
    assert len(chosen) == 40


def test_the_choice_depends_on_neither_order_nor_folder_contents():
    backwards = {item: paths[::-1] for item, paths in reversed(found().items())}
    assert pages.choose(backwards, 40) == pages.choose({i: found()[i] for i in reversed(found())}, 40)
    assert sorted(pages.choose(found(), 1000), key=str) == sorted(pages.choose(backwards, 1000), key=str)


def test_a_larger_choice_keeps_the_smaller_one():
    assert set(pages.choose(found(), 20)) < set(pages.choose(found(), 60))


def test_a_source_gives_no_more_than_its_limit():
    item = source("only", "en", most=3)
    assert len(pages.choose({item: [f"only/{n}.html" for n in range(9)]}, 100)) == 3
    assert pages.choose({}, 10) == []


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """Two source archives, handed out instead of fetched."""
    sources = [source("alpha", "zh"), source("beta", "en", exclude="^index")]
    paths = {}
    for item, text in zip(sources, (CHINESE, ENGLISH * 2), strict=True):
        path = tmp_path / item.archive.filename
        with tarfile.open(path, "w:gz") as archive:
            for name in ("index.html", "z.html", "a.html", "../../evil.html", "deep/b.html", "c.txt"):
                body = html(text, len(name))
                info = tarfile.TarInfo(f"{item.folder}-1/{name}")
                info.size = len(body)
                archive.addfile(info, io.BytesIO(body))
        paths[item.archive] = path
    monkeypatch.setattr(pages, "fetch_all", lambda archives, cache, say: {a: paths[a] for a in archives if a in paths})
    return sources


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_site_is_the_same_every_time(packed, tmp_path):
    pages.build(tmp_path / "one", 100, lambda line: None, packed)
    pages.build(tmp_path / "two", 100, lambda line: None, packed)
    pages.build(tmp_path / "two", 100, lambda line: None, packed)
    first = tree(tmp_path / "one/site")
    assert first == tree(tmp_path / "two/site")
    assert sorted(first) == [
        "alpha/a.html",
        "alpha/deep/b.html",
        "alpha/index.html",
        "alpha/z.html",
        "beta/a.html",
        "beta/deep/b.html",
        "beta/z.html",
        "manifest.json",
    ]


def test_the_manifest_tells_where_a_page_comes_from(packed, tmp_path):
    pages.build(tmp_path / "out", 100, lambda line: None, packed)
    manifest = json.loads((tmp_path / "out/site/manifest.json").read_text())
    row = manifest["pages"][0]
    body = (tmp_path / "out/site" / row["path"]).read_bytes()
    assert row | {"sha256": ""} == {
        "path": "alpha/a.html",
        "language": "zh",
        "package": "alpha",
        "version": "1",
        "licence": "MIT",
        "bytes": len(body),
        "sha256": "",
    }
    assert [p["package"] for p in manifest["packages"]] == ["alpha", "beta"]


def test_a_broken_or_missing_package_costs_only_its_own_pages(packed, tmp_path):
    (tmp_path / "alpha.tar.gz").write_bytes(b"broken")
    missing = replace(packed[0], folder="gamma", archive=Archive("gamma", "MIT"))
    said = []
    made = pages.build(tmp_path / "out", 100, said.append, [*packed, missing])
    assert {page.language for page in made} == {"en"}
    assert any("without alpha" in line for line in said)


def test_no_page_at_all_is_an_error_with_exit_code_1(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pages, "fetch_all", lambda archives, cache, say: {})
    assert pages.main(["--out", str(tmp_path)]) == 1
    assert "no page at all" in capsys.readouterr().err


def test_a_folder_of_somebody_else_is_left_alone(packed, tmp_path):
    (tmp_path / "out/site").mkdir(parents=True)
    (tmp_path / "out/site/mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="move it away"):
        pages.build(tmp_path / "out", 10, lambda line: None, packed)
    assert (tmp_path / "out/site/mine.txt").read_text() == "mine"


def test_the_summary_counts_pages_and_megabytes(packed, tmp_path):
    text = pages.summary(pages.build(tmp_path / "out", 100, lambda line: None, packed))
    assert [line.split()[4] for line in text.splitlines()[1:3]] == ["3", "4"]


def test_the_version_of_a_debian_package_is_in_its_file_name(tmp_path):
    debian = Source("x", Archive("x-doc", "MIT"), "zh", "", 1)
    assert pages.version_of(tmp_path / "x-doc_1%3a2.0-3_all.deb", debian) == "1:2.0-3"


def test_every_declared_source_is_complete():
    folders = [item.folder for item in SOURCES]
    assert len(set(folders)) == len(folders)
    for item in SOURCES:
        assert item.language in ("zh", "en")
        assert item.archive.licence
        if item.archive.filename:
            assert len(item.archive.sha256) == 64
            assert item.archive.version in item.archive.filename
