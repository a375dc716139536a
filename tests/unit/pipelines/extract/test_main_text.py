import time

import pytest

from pipelines.extract.main_text import choose
from pipelines.extract.meta import text_of
from pipelines.extract.tree import parse

LONG = "The harbour was quiet that morning, and the boats lay still, since nobody had told the crew about the pilot."
ZH = "港口那天早晨很安静，船都停着不动，因为没有人告诉船员领航员为什么迟到。"
LINKS = "".join(f'<li><a href="/{i}">Another page of the site {i}</a></li>' for i in range(20))


def kept(html: str) -> list[str]:
    page = parse(html)
    return [text_of(page, page.segments[k]) for k in choose(page).kept]


@pytest.mark.req("EXT-02")
@pytest.mark.parametrize("text", [LONG, ZH])
def test_links_and_chrome_around_a_plain_text_go(text):
    html = (
        f"<title>T</title><ul>{LINKS}</ul><div><h1>T</h1><p>{text}</p><h2>Part</h2><p>{text}</p><h2>Related</h2></div>"
        f"<div class=sidebar><p>{text}</p></div><div id=comments><p>{text}</p></div><footer><p>{text}</p></footer>"
    )
    assert kept(html) == [text, "Part", text]


def test_table_layout_of_old_pages():
    html = (
        f"<table><tr><td><ul>{LINKS}</ul></td><td>您现在的位置：<a href=/>首页</a><br>2004-12-10 来源：日报<br>"
        f"　　{ZH}<br><br>　　{ZH}<br>责任编辑：某</td></tr></table><p>版权所有 某网站</p>"
    )
    assert kept(html) == [ZH, ZH]


def test_a_marked_body_wins_over_the_stories_around_it():
    others = "".join(f"<div class=story><p>{LONG} {i}</p></div>" for i in range(3))
    html = f"<body><div class='article-body'><p>{LONG}</p><p>{LONG}</p></div><div>{others}</div></body>"
    assert kept(html) == [LONG, LONG]


def test_hints_on_all_parts_of_a_text_mislead():
    parts = "".join(f"<div class='widget sidebar'><p>{LONG} {i}</p></div>" for i in range(5))
    assert kept(f"<body><p>Some other text.</p><div>{parts}</div></body>")[-5:] == [f"{LONG} {i}" for i in range(5)]


def test_what_frames_a_body_is_no_sidebar():
    html = (
        f"<div class='toc content sidebar'><div class=toc><p>Contents</p></div><article><p>{LONG}</p></article></div>"
    )
    assert kept(html) == [LONG]


def test_text_for_readers_without_scripts():
    article = f"<article><p>{LONG}</p><p>{LONG}</p></article>"
    assert kept(f"<p>Something went wrong.</p><noscript>{article}</noscript>") == [LONG, LONG]
    assert kept(f"{article}<noscript><p>Please enable scripts.</p></noscript>") == [LONG, LONG]


def test_all_posts_of_a_thread():
    posts = "".join(
        f"<div class=cell><div class=post itemprop=text><p>{p}</p></div></div>" for p in (LONG * 5, LONG, ZH)
    )
    assert kept(f"<body><ul>{LINKS}</ul><div>{posts}</div></body>") == [LONG * 5, LONG, ZH]


def test_a_heading_that_is_a_link_stays_above_its_text():
    items = "".join(f"<h2><a href=/{i}>News number {i}</a></h2><p>{LONG}</p>" for i in range(2))
    assert kept(f"<main>{items}<h2><a href=/x>Other site</a></h2><p>Soon.</p></main>") == [
        "News number 0", LONG, "News number 1", LONG, "Soon.",
    ]  # fmt: skip


def test_comments_are_the_text_where_there_is_no_other():
    assert kept(f"<h1>T</h1><div class=comments><p>{LONG}</p><p>{LONG}</p></div>") == [LONG, LONG]


def test_the_title_above_the_text_is_none_of_it():
    html = f"<title>港口的早晨_某报</title><table><tr><td>港口的早晨<br>{ZH}<br>港口的早晨</td></tr></table>"
    assert kept(html) == [ZH, "港口的早晨"]


def test_several_articles_of_one_page_stay_together():
    html = "<body>" + "".join(f"<article><p>{LONG} {i}.</p></article>" for i in range(3)) + "</body>"
    assert kept(html) == [f"{LONG} {i}." for i in range(3)]


def test_a_hint_does_not_take_most_of_a_page():
    assert kept(f"<div class='sidebar'><p>{LONG}</p><p>{LONG}</p></div><p>Some other text.</p>")[:2] == [LONG, LONG]
    body = f"<article><p>{LONG}</p><div class=subscribe><p>{LONG}</p><p>{LONG}</p></div></article>"
    assert kept(body) == [LONG, LONG, LONG]


def test_an_embedded_quotation_stays():
    quotation = "<div class=social-embed><blockquote>Quoted words.</blockquote></div>"
    html = f"<article><p>{LONG}</p>{quotation}<p>{LONG}</p></article>"
    assert kept(html) == [LONG, "Quoted words.", LONG]


def test_code_tables_and_lists_stay():
    html = (
        f"<main><p>{LONG}</p><pre><a href=x>f</a>(<a href=y>g</a>)</pre>"
        "<table><tr><td><a href=a>Name of a function</a><td>What it does when called</table>"
        "<ul><li>first item<li>second item</ul></main>"
    )
    assert kept(html) == [
        LONG,
        "f(g)",
        "Name of a function",
        "What it does when called",
        "first item",
        "second item",
    ]


def test_many_short_lines_are_a_text():
    lines = [f"line {i} of the source" for i in range(40)]
    html = "<body><ul>" + LINKS + "</ul><div>" + "".join(f"<div>{line}</div>" for line in lines) + "</div></body>"
    assert kept(html) == lines


def test_without_main_text_the_page_is_flattened():
    assert kept(f"<nav>{LINKS}</nav><h1>T</h1><p>Few words.</p><footer>f</footer>") == ["Few words."]


def test_what_is_never_shown_is_not_visible():
    choice = choose(parse("<template>a</template><select><option>b</select><svg>d</svg><button>e</button>"))
    assert (choice.kept, choice.visible) == ([], 0)


def test_density_counts_kept_and_visible_characters():
    choice = choose(parse(f"<nav>1234567890</nav><p>{LONG}</p>"))
    assert (choice.characters, choice.visible) == (len(LONG), len(LONG) + 10)


@pytest.mark.parametrize(
    "piece",
    [
        "<article><p>" + LONG,
        "<table><td><p>a b",
        "<div class='content-body'>" + LONG,
        f"<article>{LONG}</article>",
        "<h1>x",
    ],
)
def test_time_grows_with_length_only(piece):
    def cost(count: int) -> float:
        page = parse(piece * count)
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            choose(page)
            best = min(best, time.process_time() - start)
        return best

    # Eight times the input: a quadratic step would take 64 times as long.
    assert cost(8_000) < 24 * cost(1_000) + 0.05


def test_what_stands_in_the_main_text_is_told():
    html = f"<nav><img src=a></nav><article><p>{LONG}<img src=b></p><aside><img src=c></aside></article><img src=d>"
    page = parse(html)
    choice = choose(page)
    assert [choice.holds(mark.node) for mark in page.media] == [False, True, False, False]
