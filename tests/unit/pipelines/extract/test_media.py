import pytest

from pipelines.extract.main_text import choose
from pipelines.extract.media import key_of, media_of, medium
from pipelines.extract.result import Media
from pipelines.extract.tree import Mark, parse
from pipelines.schemas import hash128

TEXT = "The harbour was quiet that morning, and the boats lay still. Nobody had told the crew why the pilot was late."
PAGE = "https://news.example.org/2026/harbour.html"


def found(body: str, url: str | None = PAGE, head: str = "") -> list[Media]:
    page = parse(f"<html><head>{head}</head><body><article><p>{TEXT}</p>{body}<p>{TEXT}</p></article></body></html>")
    return [placed.media for placed in media_of(page, choose(page), url)]


def urls(body: str, **options: str) -> list[str]:
    return [media.url for media in found(body, **options)]


@pytest.mark.req("EXT-11")
def test_a_key_is_the_hash_of_the_absolute_address():
    url = "https://news.example.org/img/a.jpg"
    key = f"⟦img:{hash128(url)[:16]}⟧"
    assert found("<img src=/img/a.jpg alt='港口 &amp;\n boats'>") == [Media(key, "img", url, "港口 & boats")]
    assert key_of("img", url) == key


def test_addresses_start_from_the_base():
    base = "<base href='https://cdn.example.org/x/'>"
    assert urls("<img src=a/b.jpg>", head=base) == ["https://cdn.example.org/x/a/b.jpg"]
    assert urls("<img src=a/b.jpg>", head="<base href=../y/>") == ["https://news.example.org/y/a/b.jpg"]
    assert urls("<img src=a/b.jpg>") == ["https://news.example.org/2026/a/b.jpg"]
    assert urls("<img src=a/b.jpg><img src=//h.example.org/c.png>", url=None) == ["a/b.jpg", "//h.example.org/c.png"]


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ("src=s.jpg srcset='s.jpg 300w, m.jpg 600w, l.jpg 1200w'", "l.jpg"),
        ("src=s.jpg srcset='m.jpg, l.jpg 2x'", "l.jpg"),
        ("src=s.jpg srcset='https://x.example.org/a,b.jpg 2x,https://x.example.org/c.jpg 1x'", "a,b.jpg"),
        ("src='data:image/gif;base64,R0lGOD' data-src=l.jpg", "l.jpg"),
        ("src=/img/blank.gif data-original=l.jpg", "l.jpg"),
        ("src=s.jpg data-srcset='l.jpg 900w'", "l.jpg"),
        ("src=/static/loading.gif zoomfile=l.jpg", "l.jpg"),
        ("src=l.jpg data-src=''", "l.jpg"),
        ("src=s.jpg srcset=', ,, x'", "s.jpg"),
    ],
)
def test_the_largest_or_real_address_is_taken(attributes, name):
    assert [url.rpartition("/")[2] for url in urls(f"<img {attributes}>")] == [name]


def test_the_sources_of_a_picture_count():
    body = "<picture><source srcset='a.webp 400w, b.webp 1600w'><img src=s.jpg srcset='s.jpg 300w'></picture>"
    assert [url.rpartition("/")[2] for url in urls(body)] == ["b.webp"]


@pytest.mark.parametrize(
    "tag",
    [
        "<img src=a.gif width=1 height=1>",
        "<img src=a.png width=16>",
        "<img src=a.png height='40px'>",
        "<img src='data:image/png;base64,AAAA'>",
        "<img src=a.png class='wp-smiley'>",
        "<img src=a.png class='icon-large'>",
        "<img src=/i/spacer.gif>",
        "<img src=a.png style='display: none'>",
        "<img src=a.png aria-hidden=true>",
        "<img>",
        "<img src='javascript:x/y'>",
        "<img src='http://[broken/a.png'>",
        "<iframe src=https://ads.example.org/slot/7></iframe>",
        "<iframe src=https://v.example.org/player/1 width=1 height=1></iframe>",
        f"<img src=/{'a' * 5_000}.png>",
    ],
)
def test_what_is_nothing_to_look_at_is_left_out(tag):
    assert found(tag) == []


@pytest.mark.parametrize(
    ("tag", "kind", "name"),
    [
        ("<video src=a.mp4 poster=p.jpg></video>", "video", "a.mp4"),
        ("<video controls><source src=a.webm></video>", "video", "a.webm"),
        ("<audio src=a.mp3></audio>", "audio", "a.mp3"),
        ("<iframe src=//v.example.org/embed/77></iframe>", "embed", "77"),
        ("<iframe src=https://v.example.org/x/9 allowfullscreen></iframe>", "embed", "9"),
        ("<embed src=movie.swf>", "embed", "movie.swf"),
    ],
)
def test_players(tag, kind, name):
    (media,) = found(tag)
    assert (media.kind, media.url.rpartition("/")[2]) == (kind, name)
    assert media.key.startswith(f"⟦{kind}:")


def test_only_media_of_the_main_text_count():
    teasers = "".join(f"<div class=c><a href=/{i}><img src=/t/{i}.jpg>Another story {i}</a></div>" for i in range(5))
    body = f"<figure><img src=a.jpg><figcaption>Photo</figcaption></figure><div class=cards>{teasers}</div>"
    assert urls(f"{body}<aside><img src=b.jpg></aside>") == ["https://news.example.org/2026/a.jpg"]


def test_an_address_over_all_limits_costs_nothing():
    mark = Mark(0, 1, 0, "img", "src=a.png srcset='" + "x.jpg 1w, " * 100_000 + "'")
    assert medium(mark, PAGE).url.endswith(("a.png", "x.jpg"))
