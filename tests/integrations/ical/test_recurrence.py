"""Recurrence rules: the same days as dateutil where that is right, and never without bound."""

from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.ical.recurrence import BadRule, Budget, Expansion, TooMuch, parse_rule

MONDAY = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - wall time
YEARS = timedelta(days=800)
DAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])


def expand(rule: str, first: datetime = MONDAY, days: int = 60, budget: int = 10**6) -> list[str]:
    found = Expansion(parse_rule(rule), first, Budget(budget)).between(first, first + timedelta(days=days))
    return [f"{t:%m-%d}" for t in found]


def several(items: st.SearchStrategy[int] | st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(items, min_size=1, max_size=most, unique=True).map(lambda x: ",".join(map(str, x)))


def signed(most: int) -> st.SearchStrategy[int]:
    return st.integers(-most, most).filter(bool)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules as RFC 5545 allows them, sub-daily ones aside."""
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = {
        "INTERVAL": st.integers(1, 5),
        "COUNT": st.integers(1, 40),
        "BYMONTH": several(st.integers(1, 12)),
        "WKST": DAYS,
        "BYHOUR": several(st.integers(0, 23)),
    }
    if freq != "WEEKLY":
        parts["BYMONTHDAY"] = several(signed(31))
    if freq == "YEARLY":
        parts["BYYEARDAY"] = several(signed(366))
        parts["BYWEEKNO"] = several(signed(53))
    chosen = draw(st.lists(st.sampled_from(sorted(parts)), max_size=3, unique=True))
    text = [f"FREQ={freq}", *(f"{name}={draw(parts[name])}" for name in chosen)]
    if draw(st.booleans()) or "BYWEEKNO" in chosen:
        numbered = freq in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in chosen and draw(st.booleans())
        days = st.tuples(st.sampled_from(["1", "2", "-1"]), DAYS).map("".join) if numbered else DAYS
        text.append(f"BYDAY={draw(several(days))}")
    if len(text) > 2 and draw(st.integers(0, 3)) == 0:
        text.append(f"BYSETPOS={draw(several(signed(4), 2))}")
    return ";".join(text)


@settings(max_examples=250)
@given(
    rules(),
    st.datetimes(datetime(2000, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001
    st.integers(0, 2000),
    st.integers(1, 500),
)
def test_it_names_the_same_times_as_dateutil(text: str, start: datetime, later: int, length: int) -> None:
    first = start.replace(microsecond=0, fold=0)
    low = first + timedelta(days=later)
    high = low + timedelta(days=length)
    # dateutil looks for what never comes until the last year there is.
    with patch("datetime.MAXYEAR", high.year + 1):
        theirs = {first, *rrulestr(text, dtstart=first).between(first, high, inc=True)}
    mine = list(Expansion(parse_rule(text), first, Budget(10**9)).between(low, high))
    assert mine == sorted(t for t in theirs if low <= t <= high)


def test_every_second_week_counts_weeks_from_wkst() -> None:
    tuesday = MONDAY + timedelta(days=1)
    assert expand("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", tuesday) == [
        "03-03", "03-08", "03-17", "03-22",
    ]  # fmt: skip
    assert expand("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", tuesday) == [
        "03-03", "03-15", "03-17", "03-29",
    ]  # fmt: skip


def test_the_31st_skips_short_months() -> None:
    assert expand("FREQ=MONTHLY;COUNT=3", datetime(2026, 1, 31, 9), 200) == ["01-31", "03-31", "05-31"]  # noqa: DTZ001


def test_a_week_number_without_day_takes_the_weekday_of_the_start() -> None:
    assert expand("FREQ=YEARLY;BYWEEKNO=20;COUNT=2", days=100) == ["03-02", "05-11"]


def test_plain_and_numbered_weekdays_add_up() -> None:
    # dateutil would want both at once.
    assert expand("FREQ=MONTHLY;BYDAY=MO,1TU", days=30) == [
        "03-02",
        "03-03",
        "03-09",
        "03-16",
        "03-23",
        "03-30",
    ]


def test_the_first_time_is_a_member_even_if_the_rule_does_not_name_it() -> None:
    assert expand("FREQ=WEEKLY;BYDAY=TU;COUNT=2") == ["03-02", "03-03", "03-10"]


def test_a_number_before_the_day_of_a_weekly_rule_is_passed_over() -> None:
    assert expand("FREQ=WEEKLY;BYDAY=1MO;COUNT=2") == ["03-02", "03-09"]


def test_a_negative_count_means_without_end() -> None:
    assert len(expand("FREQ=WEEKLY;COUNT=-1")) == 9


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=30",
        "FREQ=HOURLY",
        "FREQ=FORTNIGHTLY",
        "COUNT=3",
        "",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=WEEKLY;COUNT=many",
        "FREQ=WEEKLY;UNTL=20261231",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;RSCALE=CHINESE",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,10,20,30,40,50",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(text: str) -> None:
    with pytest.raises(BadRule):
        parse_rule(text)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO",
        "FREQ=DAILY;BYSETPOS=2",
    ],
)
def test_a_rule_that_never_matches_ends_soon(text: str) -> None:
    budget = Budget(10_000)
    first = datetime(2020, 1, 1, 9)  # noqa: DTZ001
    found = Expansion(parse_rule(text), first, budget).between(MONDAY, MONDAY + YEARS)
    assert list(found) == []


def test_old_series_are_not_walked_from_their_start() -> None:
    budget = Budget(1000)
    first = datetime(1, 1, 1, 9)  # noqa: DTZ001
    found = Expansion(parse_rule("FREQ=DAILY"), first, budget).between(MONDAY, MONDAY + timedelta(days=2))
    assert len(list(found)) == 3


def test_a_huge_count_from_long_ago_runs_out_of_budget() -> None:
    first = datetime(1, 1, 1, 9)  # noqa: DTZ001
    found = Expansion(parse_rule("FREQ=DAILY;COUNT=999999999"), first, Budget(100_000)).between(
        MONDAY, MONDAY
    )
    with pytest.raises(TooMuch):
        list(found)


def test_the_end_of_time_ends_a_rule() -> None:
    first = datetime(9998, 12, 1, 9)  # noqa: DTZ001
    last = datetime(9999, 12, 31, 23)  # noqa: DTZ001
    assert len(list(Expansion(parse_rule("FREQ=MONTHLY"), first, Budget(10_000)).between(first, last))) == 13
