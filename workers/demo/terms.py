"""When each group of pairs began, counted back from now, so that the demo is half a year old on any day."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
from dateutil.relativedelta import relativedelta

WEEK = timedelta(days=7)
TERMS = ("leaders", "second wave", "joined late", "engineers", "engineers twice", "buddies", "past", "next")


@dataclass(frozen=True, slots=True)
class Term:
    """An agreement's dates: `starts` are the first days of its periods, `current` is the one of today."""

    program: str
    cadence: str
    unit: str
    weeks: int
    starts: tuple[date, ...]
    ends_on: date
    current: int
    per_period: int = 1

    def end(self, period: int) -> date:
        """Return the first day after the period."""
        return (*self.starts, self.ends_on + timedelta(days=1))[period + 1]


def make_term(name: str, timezone: str, now: datetime) -> Term:
    """Return the term of that name for a pair in `timezone`."""
    today = now.astimezone(ZoneInfo(timezone)).date()
    monday = today - timedelta(days=today.weekday())
    year = (monday - 25 * WEEK).year
    leaders = f"Leadership {year}"
    if name == "leaders":
        return _weekly(leaders, 2, monday - 25 * WEEK, 19, today)
    if name == "second wave":
        return _weekly(leaders, 2, monday - 12 * WEEK, 13, today)
    if name == "joined late":
        return _weekly(leaders, 2, today - timedelta(days=11 + 5 * 14), 9, today)
    if name == "buddies":
        return _weekly("Onboarding buddies", 1, monday - 9 * WEEK, 14, today)
    if name == "past":
        return _weekly("Onboarding buddies", 1, monday - 16 * WEEK, 12, today)
    if name == "next":
        return _weekly("Onboarding buddies", 1, monday + WEEK, 12, today)
    return _monthly(2 if name == "engineers twice" else 1, today)


def _weekly(program: str, weeks: int, first: date, count: int, today: date) -> Term:
    starts = tuple(first + n * weeks * WEEK for n in range(count))
    ends_on = first + count * weeks * WEEK - timedelta(days=1)
    cadence = "weekly" if weeks == 1 else "biweekly"
    current = (today - first).days // (7 * weeks)
    return Term(program, cadence, "week", weeks, starts, ends_on, current)


def _monthly(times: int, today: date) -> Term:
    # From the 1st or the 15th, whichever has the present period well begun and not yet nearly over.
    if today.day >= 20:
        this = today.replace(day=15)
    elif today.day >= 5:
        this = today.replace(day=1)
    else:
        this = today.replace(day=15) - relativedelta(months=1)
    first = this - relativedelta(months=6)
    starts = tuple(first + relativedelta(months=n) for n in range(10))
    ends_on = first + relativedelta(months=10) - timedelta(days=1)
    cadence = "monthly" if times == 1 else f"{times} times every 1 months"
    return Term("Women in Engineering", cadence, "month", 0, starts, ends_on, 6, times)


def days_off(day: date, country: str) -> bool:
    """Tell whether the day is a weekend or a public holiday of the country."""
    return day.weekday() >= 5 or day in _holidays(country)


@lru_cache
def _holidays(country: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country)
