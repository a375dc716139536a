import time
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.dates import in_text, of_url, stated


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2019-11-20T06:35:39Z", "2019-11-20T06:35:39+00:00"),
        ("2019-11-20T06:35:39+0000", "2019-11-20T06:35:39+00:00"),
        ("2019-11-19T06:56-05:00", "2019-11-19T06:56:00-05:00"),
        ("2018-09-25T20:52:55.487+03:00", "2018-09-25T20:52:55+03:00"),
        ("2019-11-19 05:45:00", "2019-11-19"),
        ("2019-11-18 17:19:53 GMT", "2019-11-18T17:19:53+00:00"),
        ("Tue Nov 19 2019 08:41:00 GMT+0000 (UTC)", "2019-11-19T08:41:00+00:00"),
        ("Wed, 20 Nov 2019 08:00:58 GMT", "2019-11-20T08:00:58+00:00"),
        ("Fri 6:45 PM, Feb 16, 2018", "2018-02-16"),
        ("Nov. 18, 2019 7:04 pm ET", "2019-11-18"),
        ("November 18, 2019 -- 19:14 GMT", "2019-11-18T19:14:00+00:00"),
        ("1st of May 2024", "2024-05-01"),
        ("May 1, 2024", "2024-05-01"),
        ("2024年5月1日 10:23", "2024-05-01"),
        ("２０２４年５月１日", "2024-05-01"),
        ("2024年5月1日（星期三）10:23 +08:00", "2024-05-01T10:23:00+08:00"),
        ("二〇二四年十一月三十日", "2024-11-30"),
        ("二○○八年五月十二日", "2008-05-12"),
        ("民國113年5月1日", "2024-05-01"),
        ("2019/11/19", "2019-11-19"),
        ("2024. 5. 1", "2024-05-01"),
        ("20240501", "2024-05-01"),
        ("20240501T102300Z", "2024-05-01"),
        ("23/08/2018", "2018-08-23"),
        ("08/23/2018", "2018-08-23"),
        ("11/11/2018", "2018-11-11"),
        ("05/06/2019", None),
        ("31.02.2019", None),
        ("2019-02-30", None),
        ("2019-13-01", None),
        ("0001-01-01T00:00:00", None),
        ("1970-01-01T00:00:00Z", None),
        ("2000-01-01T09:30:00Z", "2000-01-01T09:30:00+00:00"),
        ("9999-12-31", None),
        ("19/11/19", None),
        ("1985-03-01", "1985-03-01"),
        ("2019-11", None),
        ("yesterday", None),
        ("", None),
        ("1574103293000", None),
        ("2019-11-20T29:35:39Z", "2019-11-20"),
    ],
)
def test_values_for_machines(value, iso):
    assert stated(value) == iso


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://example.org/2024/05/01/title.html", "2024-05-01"),
        ("https://example.org/news/2024-5-1/title", "2024-05-01"),
        ("https://example.org/a/202405/01/c_123.htm", "2024-05-01"),
        ("https://example.org/a/2024/0501/c1.html", "2024-05-01"),
        ("https://example.org/t20240501_123.html", "2024-05-01"),
        ("https://example.org/x_20240501.html", "2024-05-01"),
        ("https://example.org/2024/05/title.html", None),
        ("https://example.org/1989/05/01/", None),
        ("https://example.org/2199/05/01/", None),
        ("https://example.org/2024/13/01/", None),
        ("https://example.org/202405011234567.html", None),
        ("https://example.org/?day=/2024/05/01/", None),
        ("not a url", None),
        ("", None),
    ],
)
def test_urls(url, day):
    assert of_url(url) == day


def test_dates_in_a_line_come_with_their_places():
    found = in_text("更新于 2024年5月2日，发布于 2024年5月1日 10:23", 1990)
    assert [(f.iso, f.timed) for f in found] == [("2024-05-02", False), ("2024-05-01", True)]
    assert found[0].start == 4


def test_a_day_long_ago_is_what_a_text_is_about():
    assert in_text("1937年7月7日", 1990) == []


@given(st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)), st.integers(-14 * 4, 14 * 4))
def test_iso_is_read_back(moment, quarters):
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=15 * quarters)))
    assert stated(aware.isoformat()) == aware.isoformat()


@given(st.text(max_size=60))
def test_whatever_is_found_is_a_day_of_the_calendar(text):
    for found in in_text(text):
        date.fromisoformat(found.iso[:10])


def test_hostile_text_costs_linear_time():
    def seconds(size):
        start = time.process_time()
        for piece in ("2024-", "2024年", "1 ", "二〇二四年", "May 1 ", "2024 / "):
            in_text(piece * size)
        return time.process_time() - start

    seconds(100)
    assert seconds(16_000) < 12 * max(seconds(4_000), 0.01)
