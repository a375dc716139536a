"""What the demo's web site answers on its first and second day."""

import gzip
import hashlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from infra.demo.library import LibraryError, add_paragraph
from infra.demo.site import CLOSED, Site, main, resources, served_urls
from infra.demo.specials import PLANTED_PII, resident_id, specials

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def site():
    return Site(None)


@pytest.fixture(scope="module")
def base(site):
    with site.start() as address:
        yield address


@pytest.fixture(autouse=True)
def first_day(site):
    site.day = 1


def get(base, path, method="GET", **headers):
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, reply.headers, body


def kinds(day):
    found = {}
    for served in served_urls(None, day):
        found.setdefault(served.kind, []).append(served.path)
    return found


def test_every_listed_url_answers_with_its_status_on_both_days(site, base):
    for day in (1, 2):
        site.day = day
        for served in served_urls(None, day):
            if served.kind != "slow":
                assert get(base, served.path)[0] == served.status, served


def test_anything_else_is_404(base):
    for path in ("/nothing", "/special", "//x", "/%ff%00", "/index/", "/../../etc/passwd", "/handmade-zh/"):
        assert get(base, path)[0] == 404


def test_the_server_listens_on_the_loopback_address_only(base):
    assert urlsplit(base).hostname == "127.0.0.1"


def test_every_linked_page_is_within_three_clicks_of_the_home_page(base):
    level, seen = ["/"], {"/"}
    for _ in range(3):
        found = []
        for path in level:
            status, headers, body = get(base, path)
            if status != 200 or headers.get("Content-Encoding") or "text/html" not in headers["Content-Type"]:
                continue
            found += [
                urlsplit(urljoin(base + path, link)).path
                for link in re.findall(r'href="([^"]+)"', body.decode("latin-1"))
            ]
        level = [path for path in dict.fromkeys(found) if path not in seen]
        seen |= set(level)
    assert seen - {"/robots.txt"} == {served.path for served in served_urls(None, 1) if served.linked}


def test_robots_forbids_the_private_folder_and_the_closing_one_on_the_second_day(site, base):
    first = get(base, "/robots.txt")[2].decode()
    site.day = 2
    second = get(base, "/robots.txt")[2].decode()
    assert first == f"User-agent: *\nDisallow: /private/\n\nSitemap: {base}/sitemap.xml\n"
    assert "Disallow: /closing/\n" in second
    assert len(kinds(1)["disallowed"]) == 3
    assert all(path.startswith(CLOSED[1]) for path in kinds(1)["disallowed"])


def test_the_sitemap_lists_good_pages_by_their_full_address(base):
    locations = re.findall("<loc>(.*?)</loc>", get(base, "/sitemap.xml")[2].decode())
    assert f"{base}/handmade-zh/tea.html" in locations
    assert all(get(base, location.removeprefix(base))[0] == 200 for location in locations)
    assert not any("/private/" in location for location in locations)


def test_a_known_page_is_304_without_a_body(base):
    status, headers, body = get(base, "/handmade-en/bread.html")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"sourdough" in body
    for answer in (
        get(base, "/handmade-en/bread.html", If_None_Match=headers["ETag"]),
        get(base, "/handmade-en/bread.html", If_None_Match=f'"other", W/{headers["ETag"]}'),
        get(base, "/handmade-en/bread.html", If_Modified_Since=headers["Last-Modified"]),
    ):
        assert (answer[0], answer[2]) == (304, b"")
        assert answer[1]["ETag"] == headers["ETag"]


@pytest.mark.parametrize(
    "headers",
    [
        {"If_None_Match": '"other"'},
        {"If_Modified_Since": "Tue, 31 Dec 2024 00:00:00 GMT"},
        {"If_Modified_Since": "yesterday"},
        # the ETag counts, the date does not
        {"If_None_Match": '"other"', "If_Modified_Since": "Wed, 01 Jan 2025 00:00:00 GMT"},
    ],
)
def test_an_unknown_copy_is_sent_again(base, headers):
    assert get(base, "/handmade-en/bread.html", **headers)[0] == 200


def test_errors_are_never_304(base):
    assert get(base, "/special/error.html", If_None_Match="*")[0] == 500


def test_head_has_the_headers_alone(base):
    status, headers, body = get(base, "/handmade-en/bread.html", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == len(get(base, "/handmade-en/bread.html")[2])


def test_a_query_changes_nothing(base):
    assert get(base, "/handmade-en/bread.html?from=mail")[2] == get(base, "/handmade-en/bread.html")[2]


def follow(base, path, most=10):
    steps = []
    while len(steps) < most:
        status, headers, _ = get(base, path)
        steps.append((status, path))
        if "Location" not in headers:
            break
        path = headers["Location"]
    return steps


def test_redirects_arrive_chain_or_loop(base):
    assert [status for status, _ in follow(base, "/special/moved")] == [301, 200]
    assert [status for status, _ in follow(base, "/special/moved-today")] == [302, 200]
    assert follow(base, "/special/hop-1") == [
        (301, "/special/hop-1"),
        (302, "/special/hop-2"),
        (200, "/special/run.html"),
    ]
    assert follow(base, "/special/into-private")[-1] == (200, "/private/note-1.html")
    assert [status for status, _ in follow(base, "/special/loop-1")] == [302] * 10


def test_the_target_of_a_redirect_stays_on_the_second_day(site, base):
    site.day = 2
    assert [status for status, _ in follow(base, "/special/moved")] == [301, 200]


@pytest.mark.parametrize(
    ("path", "charset", "declared", "word"),
    [
        ("/special/gbk.html", "gbk", "gbk", "座钟"),
        ("/special/big5.html", "big5", "big5", "舊書店"),
        ("/special/lying.html", "gbk", "utf-8", "番茄"),
    ],
)
def test_legacy_encodings(base, path, charset, declared, word):
    _, headers, body = get(base, path)
    assert f'<meta charset="{declared}">'.encode() in body
    assert word in body.decode(charset)
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")
    assert headers["Content-Type"] == ("text/html; charset=utf-8" if declared == "utf-8" else "text/html")


def test_whole_and_truncated_gzip(base):
    _, headers, whole = get(base, "/special/gzip.html")
    assert headers["Content-Encoding"] == "gzip"
    assert b"pencil" in gzip.decompress(whole)
    _, headers, half = get(base, "/special/truncated.html")
    assert headers["Content-Encoding"] == "gzip"
    with pytest.raises(EOFError):
        gzip.decompress(half)


def test_empty_binary_deep_and_short_pages(base):
    assert get(base, "/special/empty.html")[2] == b""
    assert b"\0" in get(base, "/special/binary.html")[2]
    assert get(base, "/special/deep.html")[2].count(b"<div>") == 5000
    assert all(len(get(base, path)[2]) < 100 for path in kinds(1)["short"])


def test_a_slow_page_is_slow(base):
    start = time.monotonic()
    assert get(base, "/special/slow.html")[0] == 200
    assert time.monotonic() - start >= 1.5


def test_duplicates_and_near_duplicates(base):
    for name in ("run", "bees"):
        page, copy, edited = (get(base, f"/special/{name}{suffix}.html")[2] for suffix in ("", "-copy", "-edited"))
        assert page == copy
        assert page != edited
        assert len(set(page.splitlines()) ^ set(edited.splitlines())) == 2
    assert {get(base, path)[2] for path in kinds(1)["duplicate"] if "mirror" in path} <= {
        r.body for r in resources(None, 1).values() if r.kind == "page"
    }


def test_the_planted_identity_number_has_a_right_check_digit():
    # the worked example of GB 11643-1999
    assert resident_id("11010519491231002") == "11010519491231002X"
    assert resident_id("44052418800101001") == "440524188001010014"


def test_personal_data_are_planted_as_the_list_says(base):
    text = "".join(get(base, path)[2].decode() for path in kinds(1)["pii"])
    assert all(value in text for value in PLANTED_PII.values())
    assert "{" not in text.split("</style>")[1].split("<style>")[0]
    others = b"".join(r.body for r in resources(None, 1).values() if r.kind != "pii")
    assert not any(value.encode() in others for value in PLANTED_PII.values())


def test_other_languages_say_so(base):
    assert b'lang="fr"' in get(base, kinds(1)["french"][0])[2]
    assert b'lang="ja"' in get(base, kinds(1)["japanese"][0])[2]


def test_the_second_day_changes_a_little(site, base):
    first, second = resources(None, 1), resources(None, 2)
    for path in kinds(2)["new"]:
        assert path not in first
    for path in kinds(2)["changed"]:
        assert second[path].body != first[path].body
        site.day = 2
        assert get(base, path, If_None_Match=first[path].etag)[0] == 200
        assert get(base, path, If_Modified_Since="Wed, 01 Jan 2025 00:00:00 GMT")[0] == 200
    gone = [path for path in kinds(2)["gone"] if path in first and first[path].status == 200]
    assert sorted(second[path].status for path in gone) == [404, 410]
    for path in kinds(2)["page"]:
        assert get(base, path, If_None_Match=first[path].etag)[0] == 304
    assert (first["/special/recovering.html"].status, second["/special/recovering.html"].status) == (503, 200)
    assert (first["/special/leaving.html"].status, second["/special/leaving.html"].status) == (200, 410)


def test_a_page_that_fails_for_now_says_when_to_come_back(base):
    assert get(base, "/special/recovering.html")[1]["Retry-After"] == "1"


def test_a_paragraph_is_added_after_the_middle_one():
    assert add_paragraph(b"<p>1</p><P>2</P><p>3</p>", "en").split(b"\n")[0] == b"<p>1</p><P>2</P>"
    assert add_paragraph(b"bare", "zh").startswith(b"bare\n<p>")


def test_the_terms_name_package_and_licence(base):
    body = get(base, "/licence.html")[2].decode()
    assert "Apache-2.0" in body
    assert "may\nbe fetched and used to build a text corpus" in body


def test_the_list_for_checks_is_served_but_not_linked(site, base):
    rows = json.loads(get(base, "/_demo/urls.json?day=2")[2])
    assert [row["path"] for row in rows] == [served.path for served in served_urls(None, 2)]
    assert [row["path"] for row in json.loads(get(base, "/_demo/urls.json")[2])] == [
        s.path for s in served_urls(None, 1)
    ]
    assert not any(b"_demo" in resource.body for resource in resources(None, 1).values())


def test_the_specials_are_the_same_whatever_is_served():
    assert [r.path for r in specials(1)] == [r.path for r in specials(1, "/elsewhere.html")]
    assert {r.path for r in specials(2)} <= {served.path for served in served_urls(None, 2)}


def test_requests_are_kept_for_tests(site, base):
    get(base, "/licence.html")
    get(base, "/special/missing.html")
    assert site.requests[-2:] == [("GET", "/licence.html", 200), ("GET", "/special/missing.html", 404)]


def test_there_is_no_third_day(site):
    with pytest.raises(ValueError, match="days 1 and 2"):
        site.day = 3
    with pytest.raises(ValueError, match="days 1 and 2"):
        resources(None, 0)


# -- pages fetched -----------------------------------------------------------------------------------------------------


@pytest.fixture
def fetched(tmp_path):
    """A folder as infra.demo.pages writes it: 60 pages of each language."""
    rows = []
    for language in ("zh", "en"):
        for number in range(60):
            path = f"docs-{language}/{number:02d}.html"
            body = f"<html><head><title>{path}</title></head><body><p>one</p><p>{number}</p></body></html>".encode()
            (tmp_path / "site" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "site" / path).write_bytes(body)
            rows.append({"path": path, "language": language, "package": "docs", "version": "1", "licence": "MIT"})
            rows[-1] |= {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    (tmp_path / "site/manifest.json").write_text(json.dumps({"format": 1, "pages": rows, "packages": []}))
    return tmp_path


def test_a_library_of_120_pages_over_two_days(fetched):
    first = [s for s in served_urls(fetched, 1) if s.path.startswith("/docs-")]
    second = [s for s in served_urls(fetched, 2) if s.path.startswith("/docs-")]
    assert len(first) == 114
    counts = {kind: [s.kind for s in second].count(kind) for kind in ("page", "new", "changed", "gone")}
    assert counts == {"page": 104, "new": 6, "changed": 6, "gone": 4}
    assert sorted(s.status for s in second if s.kind == "gone") == [404, 404, 410, 410]


def test_the_same_folder_gives_the_same_site(fetched):
    assert resources(fetched, 2) == resources(fetched, 2)


def test_a_page_that_was_altered_is_refused(fetched):
    (fetched / "site/docs-zh/07.html").write_bytes(b"altered")
    with pytest.raises(LibraryError, match=r"docs-zh/07\.html is not the page that the manifest names"):
        Site(fetched)


def test_a_folder_without_pages_is_refused_with_the_command_that_makes_them(tmp_path, capsys):
    assert main(["--pages", str(tmp_path)]) == 1
    assert f"python -m infra.demo.pages --out {tmp_path}" in capsys.readouterr().err


def test_the_command_writes_its_port_changes_the_day_and_stops_when_told(tmp_path):
    control, port_file = tmp_path / "day", tmp_path / "port"
    command = [sys.executable, "-m", "infra.demo.site", "--port-file", port_file, "--control", control]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        deadline = time.monotonic() + 20
        while not port_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        base = f"http://127.0.0.1:{port_file.read_text().strip()}"
        (new,) = kinds(2)["new"]
        assert get(base, new)[0] == 404
        control.write_text("2\n")
        assert get(base, new)[0] == 200
        control.write_text("nonsense")
        assert get(base, new)[0] == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
