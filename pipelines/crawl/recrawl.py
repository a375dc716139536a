"""Which known pages are worth a visit tonight: change rates from their history, and what a visit is expected to gain.

A page's changes are a Poisson process. Its rate is estimated as in Cho and Garcia-Molina, "Estimating frequency of
change", ACM Transactions on Internet Technology 3(3), 2003: of n intervals between visits, X showed a
change; then the number of changes per interval is about -log((n - X + 0.5) / (n + 0.5)), which stays finite where all
did. Intervals differ here; their mean is taken. What a visit gains is the expected freshness it adds until the next
night (Cho and Garcia-Molina, "Effective page refresh policies", ACM Transactions on Database Systems 28(4), 2003): the
chance that the copy is stale, times how much of the coming night a fresh copy stays fresh. A page that changes all the
time gains little from any visit, one that never changes nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]

#: Changes per day that a page is taken to have before it was visited twice.
UNKNOWN_RATE = 1 / 7


class Histories(NamedTuple):
    """Columns of known pages: days as ordinals, 0 where there is none."""

    last: Numbers  # day of the last visit; 0: never had
    intervals: Numbers  # visits - 1
    changes: Numbers  # of these, how many showed another body
    days: Numbers  # from the first visit to the last
    lastmod: Numbers  # what a trusted sitemap says


class Plan(NamedTuple):
    """Rows that are due, the most urgent first, and how many are not."""

    due: Numbers
    not_due: int


def change_rate(intervals: Numbers, changes: Numbers, days: Numbers) -> Numbers:
    """Changes per day; UNKNOWN_RATE where there is no interval."""
    n = np.asarray(intervals, dtype=float)
    per_interval = -np.log((n - changes + 0.5) / (n + 0.5))
    seen = (n > 0) & (np.asarray(days) > 0)
    return np.where(seen, per_interval * n / np.where(seen, days, 1), UNKNOWN_RATE)


def gain(rate: Numbers, age: Numbers) -> Numbers:
    """Expected freshness (0 to 1) that a visit adds until the next night, `age` days after the last one."""
    rate = np.asarray(rate, dtype=float)
    safe = np.where(rate > 0, rate, 1.0)
    return np.where(rate > 0, -np.expm1(-rate * age) * -np.expm1(-safe) / safe, 0.0)


def plan(
    histories: Histories, today: int, min_days: int, max_days: int, budget: int, authority: Numbers | None = None
) -> Plan:
    """The rows to visit on the day `today` (an ordinal).

    Due are, in this order: pages that a sitemap says have changed, pages older than `max_days` (0: no such limit), and
    the others of at least `min_days` by what a visit gains; then age, then authority, then their place. A page whose
    sitemap says that it has not changed waits for `max_days`. `budget` cuts the list; 0 does not.
    """
    last, lastmod = np.asarray(histories.last), np.asarray(histories.lastmod)
    age = np.where(last > 0, today - last, max_days + min_days + 1)
    # One day apart, since neither side's day is a time: a page may change in the evening of its date's night
    changed = (lastmod > 0) & (lastmod + 1 >= last)
    still = (lastmod > 0) & ~changed & (last > 0)
    overdue = (max_days > 0) & (age >= max_days)
    due = (last == 0) | overdue | ((age >= min_days) & ~still)
    rate = change_rate(histories.intervals, histories.changes, histories.days)
    worth = np.round(np.where(changed & (last > 0), 1.0, gain(rate, age)), 6)
    rank = np.zeros(len(last)) if authority is None else authority
    rows = np.nonzero(due)[0]
    order = np.lexsort((rows, -rank[rows], -age[rows], -worth[rows], ~(overdue | changed)[rows]))
    rows = rows[order]
    if budget:
        rows = rows[:budget]
    return Plan(rows, len(last) - len(rows))
