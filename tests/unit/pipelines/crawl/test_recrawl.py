from math import exp, log

import numpy as np
import pytest

from pipelines.crawl.authority import authority, rank
from pipelines.crawl.recrawl import UNKNOWN_RATE, Histories, change_rate, gain, plan


def one(value):
    return np.array([value])


def test_the_rate_of_a_page_seen_daily():
    """Cho and Garcia-Molina's running example: 10 daily accesses, 6 of them showed a change."""
    assert change_rate(one(10), one(6), one(10))[0] == pytest.approx(-log(4.5 / 10.5))
    assert change_rate(one(10), one(0), one(10))[0] == 0
    # All ten showed one: the naive -log(1 - X/n) is infinite
    assert change_rate(one(10), one(10), one(10))[0] == pytest.approx(log(21))
    assert change_rate(one(5), one(3), one(10))[0] == pytest.approx(-log(2.5 / 5.5) / 2)  # every second day
    assert change_rate(one(0), one(0), one(0))[0] == UNKNOWN_RATE


def test_the_estimator_is_nearly_unbiased():
    """Simulated Poisson processes: the mean estimate is close to the truth; X / T would be a third too small."""
    chance = np.random.default_rng(1)
    rate, visits = 1.0, 50
    changed = chance.poisson(rate, (4_000, visits)) > 0
    found = change_rate(np.full(4_000, visits), changed.sum(axis=1), np.full(4_000, visits))
    assert found.mean() == pytest.approx(rate, rel=0.02)
    assert changed.mean() == pytest.approx(1 - exp(-1), rel=0.02)


def test_what_a_visit_gains():
    assert gain(one(0.0), one(100))[0] == 0
    assert gain(one(0.5), one(2))[0] == pytest.approx((1 - exp(-1)) * (1 - exp(-0.5)) / 0.5)
    rates = np.array([0.01, 0.3, 50.0])
    found = gain(rates, np.full(3, 7))
    assert found[1] > found[0] and found[1] > found[2]  # what changes all the time is stale again at once


def histories(*rows):
    return Histories(*np.array(rows, dtype=float).reshape(-1, 5).T)


TODAY = 1000


def due(rows, min_days=1, max_days=30, budget=0, authority=None):
    return plan(histories(*rows), TODAY, min_days, max_days, budget, authority).due.tolist()


def test_order_and_limits():
    rows = [
        (999, 10, 1, 10, 0),  # 0: visited yesterday, changes seldom
        (999, 10, 8, 10, 0),  # 1: visited yesterday, changes often
        (960, 10, 0, 10, 0),  # 2: overdue
        (1000, 1, 1, 1, 0),  # 3: visited today
        (990, 10, 0, 10, 995),  # 4: the sitemap says that it has changed since
        (990, 10, 9, 10, 980),  # 5: the sitemap says that it has not
        (0, 0, 0, 0, 0),  # 6: never visited
        (960, 10, 0, 10, 900),  # 7: overdue, whatever the sitemap says
    ]
    assert due(rows)[0] == 4
    assert set(due(rows)) == {0, 1, 2, 4, 6, 7}
    assert due(rows).index(1) < due(rows).index(0)
    assert set(due(rows, budget=3)) <= {2, 4, 6, 7}
    assert plan(histories(*rows), TODAY, 1, 30, 3).not_due == 5
    assert set(due(rows, min_days=2)) == {2, 4, 6, 7}
    assert set(due(rows, max_days=0)) == {0, 1, 2, 4, 6}


def test_dates_within_a_day_of_the_visit_decide_nothing():
    assert due([(990, 1, 0, 1, 989)]) == [0]  # may have changed in the evening after the visit
    assert due([(990, 1, 0, 1, 988)]) == []


def test_authority_decides_between_equals():
    rows = [(990, 5, 1, 5, 0)] * 3
    assert due(rows, budget=2, authority=np.array([0, 3, 0])) == [1, 0]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("www.gov.cn", "government"),
        ("stats.gov.cn", "government"),
        ("nasa.gov", "government"),
        ("service.gov.uk", "government"),
        ("www.gouv.qc.ca", "none"),
        ("data.gouv.fr", "government"),
        ("www.mhlw.go.jp", "government"),
        ("go.example.de", "none"),
        ("x.go.de", "none"),
        ("pku.edu.cn", "academic"),
        ("mit.edu", "academic"),
        ("www.ox.ac.uk:8080", "academic"),
        ("navy.mil", "military"),
        ("who.int", "international"),
        ("education.com", "none"),
        ("gov.example.com", "none"),
        ("notgov", "none"),
        ("1.2.3.4", "none"),
        ("", "none"),
    ],
)
def test_authority_by_reserved_names(host, expected):
    assert authority(host) == expected
    assert (rank(host) > 0) == (expected != "none")
