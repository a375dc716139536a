"""The crawl job beside its effects: a night on which nothing answered, and one that was captured."""

import pytest
from nights import day

from infra.demo.site import Site
from jobs.config import load
from jobs.crawl import unanswered
from jobs.errors import Transient, UsageError
from jobs.runner import run_job
from jobs.storage import LocalStorage
from pipelines.crawl.requests import FetchOutcome


def settings(tmp_path, base):
    source = f'[{{name: s, seeds: ["{base}/"], allow_private_addresses: true, max_depth: 1}}]'
    sets = [f"lake={tmp_path}", f"crawl.sources={source}", "crawl.per_host_delay_seconds=0", "crawl.attempts=1"]
    return load("params.yaml", overrides=[*sets, "crawl.timeout_seconds=2"], environ={})


def test_a_night_on_which_no_server_answered_is_no_capture(tmp_path):
    site = Site(None)
    with site.start() as base:
        port = int(base.rpartition(":")[2])
    storage, config = LocalStorage(tmp_path), settings(tmp_path, base)
    with pytest.raises(Transient, match="no page of any source"):
        run_job("crawl", day(0), config=config, storage=storage)
    with site.start(port):
        done = run_job("crawl", day(0), config=config, storage=storage)
    assert not done.skipped and int(done.record.outputs["pages"].digest.partition(".")[2]) > 1
    again = run_job("crawl", day(0), config=config, storage=storage)  # and the site may be down now
    assert again.skipped


def test_a_crawl_needs_a_source(tmp_path):
    config = load("params.yaml", overrides=[f"lake={tmp_path}"], environ={})
    with pytest.raises(UsageError, match=r"crawl\.sources"):
        run_job("crawl", day(0), config=config, storage=LocalStorage(tmp_path))


@pytest.mark.parametrize(
    ("rule", "value", "detail", "expected"),
    [
        (None, None, None, False),
        ("robots", None, "disallow_rule", False),
        ("robots", None, "unreachable (connect)", True),
        ("http_status", 503.0, None, True),
        ("http_status", 403.0, None, False),
        ("fetch_error", None, "dns", True),
        ("content_type", None, None, False),
    ],
)
def test_a_server_that_forbids_has_answered(rule, value, detail, expected):
    """Otherwise a site that closes itself to crawlers would stop every night."""
    outcome = FetchOutcome("d", "t", "s", "u", "u", "u", rule=rule, value=value, detail=detail)
    assert unanswered(outcome) is expected
