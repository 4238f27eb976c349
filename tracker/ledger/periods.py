"""The periods of an agreement: local dates, and the instants at which they start, end and close."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime
from functools import cached_property, lru_cache
from itertools import count, pairwise

from tracker.ledger.evidence import Cadence, Unit
from tracker.ledger.zones import Zone, find_zone

_read_day = lru_cache(maxsize=20_000)(date.fromordinal)


class Plan:
    """The periods of an agreement, without holes: period i runs from bound i up to bound i + 1.

    `days`, `dates` and `bounds` hold the bounds as ordinals, dates and instants in UTC (one more than there
    are periods, or none). With its grace, period i reaches from `openings[i]` up to `closings[i]`.
    """

    def __init__(self, zone: Zone, days: list[int], grace_days: int) -> None:
        self.zone = zone
        self.grace_days = grace_days
        self.size = max(len(days) - 1, 0)
        self.days = days
        self.dates = [_read_day(day) for day in days]
        self.bounds = [zone.midnight(day) for day in days]
        self.openings = [zone.midnight(day - grace_days) for day in days[:-1]]
        self.closings = [zone.midnight(day + grace_days) for day in days[1:]]

    @cached_property
    def steady(self) -> bool:
        """Whether local dates never go back at any midnight that counts here."""
        reach = (-self.grace_days, 0, self.grace_days)
        return not any(self.zone.steps_back(day + shift) for day in self.days for shift in reach)

    @cached_property
    def weekdays(self) -> list[int]:
        """How many Mondays to Fridays each period has."""
        return [weekdays_before(end) - weekdays_before(first) for first, end in pairwise(self.days)]

    def find_period(self, instant: datetime) -> int:
        """Tell the period whose dates hold an instant's; -1 if it is before all of them, `size` if after."""
        if self.steady:
            return bisect_right(self.bounds, instant) - 1
        return bisect_right(self.days, self.zone.day_of(instant)) - 1

    def find_eligible(self, instant: datetime) -> tuple[int, int]:
        """Tell the first and last period that an instant's date serves by the grace; none if first > last."""
        if self.steady:
            return bisect_right(self.closings, instant), bisect_right(self.openings, instant) - 1
        day = self.zone.day_of(instant)
        first = bisect_right(self.days[1:], day - self.grace_days)
        return first, bisect_right(self.days[:-1], day + self.grace_days) - 1

    def find_current(self, now: datetime) -> int:
        """Tell the period that runs at `now`, or -1, or `size`."""
        return bisect_right(self.bounds, now) - 1

    def count_over(self, now: datetime) -> int:
        """Tell how many periods are over; they are the first ones, because closings never go back."""
        return bisect_right(self.closings, now)

    def two_thirds(self, index: int) -> datetime:
        """Tell the first instant (in microseconds) by which two thirds of a period have passed."""
        start, end = self.bounds[index], self.bounds[index + 1]
        return start - (-2 * (end - start)) // 3

    def next_turns(self, now: datetime) -> Iterator[datetime]:
        """Give the instants after `now` of which one is the next start, two-thirds point, end or close."""
        current = bisect_right(self.bounds, now)
        if current < len(self.bounds):
            yield self.bounds[current]
            # Of a period yet to start the two-thirds point comes after its start, so only this one's counts.
            if current and self.two_thirds(current - 1) > now:
                yield self.two_thirds(current - 1)
        over = self.count_over(now)
        if over < self.size:
            yield self.closings[over]


@lru_cache(maxsize=512)
def lay_plan(timezone: str, starts_on: date, ends_on: date, cadence: Cadence, grace_days: int) -> Plan:
    """Lay out an agreement's periods; remembered, because the pairs of a program mostly share theirs."""
    return Plan(find_zone(timezone), list_bounds(starts_on, ends_on, cadence), grace_days)


def list_bounds(starts_on: date, ends_on: date, cadence: Cadence) -> list[int]:
    """List the days on which periods begin and, at last, the one on which they end; empty without periods."""
    end_of_all = ends_on.toordinal() + 1
    days: list[int] = []
    for day in first_days(starts_on, cadence):
        if day >= end_of_all:
            # The last period would run up to `day`; below half of that it is left out, its start an end.
            if days and 2 * (end_of_all - days[-1]) >= day - days[-1]:
                days.append(end_of_all)
            break
        days.append(day)
    return days if len(days) > 1 else []


def first_days(starts_on: date, cadence: Cadence) -> Iterator[int]:
    """Give the day on which each uncut period begins, without end."""
    if cadence.unit is Unit.MONTH:
        return (add_months(starts_on, index * cadence.every).toordinal() for index in count())
    return count(starts_on.toordinal(), cadence.every * (7 if cadence.unit is Unit.WEEK else 1))


def add_months(day: date, months: int) -> date:
    """Add months to a date, clamped to the last day of the month that is reached."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > MAXYEAR:
        raise OverflowError("a period would end after the year 9999")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def weekdays_before(day: int) -> int:
    """Count the Mondays to Fridays before an ordinal; day 1 was a Monday."""
    weeks, rest = divmod(day - 1, 7)
    return 5 * weeks + min(rest, 5)


def is_weekday(day: int) -> bool:
    """Tell whether an ordinal is a Monday to Friday."""
    return (day - 1) % 7 < 5
