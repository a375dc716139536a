"""The site that crawls are measured on: equal for equal seeds, every page within reach, changed where it says."""

import re

from benchmarks.crawl_site import CHANGED_EVERY, Served, Site, name


def links(page):
    return re.findall(r'href="(/[^"#]*)', page.decode())


def test_equal_seeds_make_equal_pages_and_others_do_not():
    one, same, other = Site(50), Site(50), Site(50, seed=2)
    assert [one.page(n) for n in range(50)] == [same.page(n) for n in range(50)]
    assert one.page(7) != other.page(7)


def test_every_page_is_reached_and_has_the_size_of_a_real_one():
    site = Site(600)
    pages = {name(n): site.page(n) for n in range(600)}
    seen, waiting = set(), ["/"]
    while waiting:
        path = waiting.pop()
        if path in pages and path not in seen:
            seen.add(path)
            waiting += links(pages[path])
    assert seen == set(pages)
    assert all(4_000 < len(page) < 50_000 for page in pages.values())


def test_the_second_night_changes_one_page_in_a_hundred():
    served = Served(Site(300))
    paths = [name(n).encode() for n in range(300)]
    etags = [re.search(rb'ETag: ("[^"]*")', served.reply(path, b""))[1] for path in paths]
    served.reply(b"/-/night/2", b"")
    replies = [served.reply(path, b"If-None-Match: " + tag) for path, tag in zip(paths, etags, strict=True)]
    assert [n for n, reply in enumerate(replies) if reply.startswith(b"HTTP/1.1 200")] == [37, 137, 237]
    assert CHANGED_EVERY == 100 and sum(b"304 Not Modified" in reply for reply in replies) == 297
    assert served.reply(b"/nowhere", b"").startswith(b"HTTP/1.1 404")
