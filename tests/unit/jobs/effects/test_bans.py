"""Nights on which a site takes pages back: candidates, withdrawals, duplicates, through the crawl job itself."""

import json
from typing import Any

import pytest
from click.testing import CliRunner
from nights import Lake, day

from jobs.acquire.candidates import ban
from jobs.cli import cli
from jobs.runner import run_job
from jobs.storage import LocalStorage

TEXT = "<p>The ferry leaves the harbour at seven in the morning and returns with the evening tide.</p>"


class Nights:
    """A lake beside a site; each night is crawled, extracted and published."""

    def __init__(self, site: Any, folder: Any, **params: Any) -> None:
        declared = {"name": "docs", "seeds": [site.url("/")], "allow_private_addresses": True, "max_depth": 2}
        settings = {"sources": [declared], "per_host_delay_seconds": 0, "attempts": 1, "timeout_seconds": 2, **params}
        sets = [f"crawl.{name}={json.dumps(value)}" for name, value in settings.items()]
        self.lake = Lake(LocalStorage(folder), (f"lake={folder}", *sets))
        self.base, self.number = site.url(""), 0

    def night(self) -> Any:
        on = day(self.number)
        self.number += 1
        for job in ("crawl", "extract"):
            done = run_job(job, on, config=self.lake.config, storage=self.lake.storage)
        self.result = done
        self.snapshot = self.lake.publish(on)
        return self

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        return self.lake.rows(self.snapshot, dataset)

    def candidates(self) -> dict[str, tuple[str, str, str]]:
        rows = self.rows("tombstone_candidates")
        return {r["url"].removeprefix(self.base): (r["reason"], r["detail"], str(r["since"])) for r in rows}

    def documents(self) -> set[str]:
        return {row["url"].removeprefix(self.base) for row in self.rows("documents")}


def open_site(site: Any) -> None:
    names = ["/robots", "/reserved", "/gone", "/paid", "/broken", "/never"]
    site.html("/", *names, text=TEXT)
    for name in names[:-1]:
        site.html(name, text=TEXT.replace("ferry", name))
    site.routes["/robots.txt"] = site.Reply(status=404)


def close(site: Any) -> None:
    site.routes["/robots.txt"] = site.Reply(b"User-agent: *\nDisallow: /robots\n")
    site.routes["/reserved"] = site.Reply(b"x", headers={"Content-Type": "text/html", "X-Robots-Tag": "noai"})
    site.routes["/gone"] = site.Reply(status=410)
    site.routes["/paid"] = site.Reply(status=402)
    site.routes["/broken"] = site.Reply(status=500)


BANNED = {
    "/robots": ("robots", "disallow_rule", day(1)),
    "/reserved": ("opt_out", "x_robots_tag: noai", day(1)),
    "/gone": ("gone", "410", day(1)),
    "/paid": ("refused", "402", day(1)),
}


@pytest.mark.req("CRL-03")
def test_a_ban_makes_candidates_until_it_is_lifted(site: Any, tmp_path: Any) -> None:
    open_site(site)
    nights = Nights(site, tmp_path / "lake")
    assert nights.night().candidates() == {}  # /never was never stored
    everything = nights.documents()
    assert everything == {"/", "/robots", "/reserved", "/gone", "/paid", "/broken"}
    close(site)
    assert nights.night().candidates() == BANNED
    assert nights.documents() == everything - {"/gone"}  # listed, not dropped
    assert nights.night().candidates() == BANNED  # the first day stays
    shown = CliRunner().invoke(cli, ["--lake", str(tmp_path / "lake"), "candidates"])
    assert shown.exit_code == 0 and "robots: 1: robots.txt forbids it now" in shown.output
    listed = CliRunner().invoke(cli, ["--lake", str(tmp_path / "lake"), "candidates", "--json", "--reason", "gone"])
    assert [row["detail"] for row in json.loads(listed.output)] == ["410"]
    open_site(site)
    assert nights.night().candidates() == {} and nights.documents() == everything


@pytest.mark.req("CRL-03")
def test_a_ban_is_seen_on_pages_that_are_not_due(site: Any, tmp_path: Any) -> None:
    """The files of the host are asked anyway; the pages themselves are not."""
    open_site(site)
    nights = Nights(site, tmp_path / "lake", recrawl_min_days=30)
    everything = nights.night().documents()
    site.routes["/robots.txt"] = site.Reply(b"User-agent: *\nDisallow: /robots\nDisallow: /never\n")
    site.routes["/ai.txt"] = site.Reply(b"User-agent: *\nDisallow: /reserved\n", headers={"Content-Type": "text/plain"})
    asked = len(site.paths())
    banned = {"/robots": BANNED["/robots"], "/reserved": ("opt_out", "ai.txt", day(1))}
    assert nights.night().candidates() == banned and nights.documents() == everything
    assert not {"/robots", "/reserved", "/gone"} & set(site.paths()[asked:])
    rejected = {row["url"].removeprefix(nights.base) for row in nights.rows("rejects_crawl")}
    assert {"/robots", "/reserved"} <= rejected


def test_banned_pages_can_be_withdrawn_and_come_back(site: Any, tmp_path: Any) -> None:
    open_site(site)
    nights = Nights(site, tmp_path / "lake", on_ban="retract")
    everything = nights.night().documents()
    close(site)
    assert nights.night().candidates() == BANNED
    assert nights.documents() == {"/", "/broken"}
    withdrawn = {row["url"].removeprefix(nights.base): row for row in nights.rows("pages") if row["status"] == 451}
    assert set(withdrawn) == {"/robots", "/reserved", "/paid"}
    assert withdrawn["/reserved"]["authorisation"] == "withdrawn: opt_out x_robots_tag: noai"
    assert nights.night().candidates() == BANNED and nights.documents() == {"/", "/broken"}
    rejects = {row["url"].removeprefix(nights.base): row["rule"] for row in nights.rows("rejects_crawl")}
    assert rejects == {"/robots": "robots", "/reserved": "opt_out", "/paid": "http_status", "/broken": "http_status"}
    open_site(site)
    assert nights.night().candidates() == {} and nights.documents() == everything


@pytest.mark.parametrize(
    ("rule", "value", "detail", "expected"),
    [
        ("robots", None, "disallow_rule", ("robots", "disallow_rule")),
        ("robots", None, "unreachable (503)", None),
        ("opt_out", None, "ai.txt", ("opt_out", "ai.txt")),
        ("http_status", 451.0, None, ("refused", "451")),
        ("http_status", 403.0, None, None),
        ("fetch_error", None, "timeout", None),
    ],
)
def test_silence_is_no_ban(rule: str, value: float | None, detail: str | None, expected: Any) -> None:
    assert ban({"rule": rule, "value": value, "detail": detail}) == expected


def test_duplicates_by_canonical_address(site: Any, tmp_path: Any) -> None:
    def page(name: str, canonical: str | None) -> None:
        link = f'<link rel="canonical" href="{canonical}">' if canonical else ""
        site.html(name, text=f"{link}{TEXT.replace('ferry', name)}")

    site.html("/", "/a", "/a-print", "/x", "/y", "/lone", "/moved", text=TEXT)
    page("/a", "/a")
    page("/a-print", "/a")
    page("/x", "/y")  # a circle
    page("/y", "/x")
    page("/lone", "/not-crawled")
    site.routes["/moved"] = site.Reply(status=301, headers={"Location": "/a"})
    everything = {"/", "/a", "/a-print", "/x", "/y", "/lone", "/moved"}
    kept = Nights(site, tmp_path / "kept").night()
    assert kept.documents() == everything
    named = {row["url"].removeprefix(kept.base) for row in kept.rows("url_aliases") if row["kind"] == "canonical"}
    assert named == {"/a", "/y", "/x", "/not-crawled"}
    settled = Nights(site, tmp_path / "settled", skip_canonical=True).night()
    assert settled.documents() == everything - {"/a-print"}
    (reject,) = settled.rows("rejects_crawl")
    ids = {row["url"].removeprefix(kept.base): row["doc_id"] for row in settled.rows("pages")}
    assert (reject["rule"], reject["detail"], reject["kept_id"]) == ("not_canonical", site.url("/a"), ids["/a"])
    aliases = {
        row["url"].removeprefix(kept.base) for row in settled.rows("url_aliases") if row["doc_id"] == ids["/moved"]
    }
    assert aliases == {"/moved", "/a"}
    page("/lone", "/a")
    assert settled.night().documents() == everything - {"/a-print"}  # what is stored stays


def test_a_changed_page_keeps_its_document_and_its_history(site: Any, tmp_path: Any) -> None:
    open_site(site)
    nights = Nights(site, tmp_path / "lake").night()
    before = {row["url"]: row for row in nights.rows("documents")}
    site.html("/gone", text=TEXT.replace("ferry", "steamer"))
    nights.night()
    after = {row["url"]: row for row in nights.rows("documents")}
    url = site.url("/gone")
    assert before[url]["doc_id"] == after[url]["doc_id"] and before[url]["text"] != after[url]["text"]
    captures = [row["capture"] for row in nights.rows("pages") if row["url"] == url]
    assert [capture[:10] for capture in captures] == [day(0), day(1)]
