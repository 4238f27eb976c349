"""The periods of an agreement: local dates, and the instants at which they start, end and close."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime
from functools import lru_cache
from itertools import count, pairwise
from typing import NamedTuple

from tracker.ledger.evidence import Cadence, Unit
from tracker.ledger.zones import Zone, find_zone

NOWHERE = -1  # the index of no period


class Period(NamedTuple):
    """One period; its days are ordinals in [first_day, end_day), its instants are in UTC."""

    starts_on: date
    ends_before: date
    first_day: int
    end_day: int
    starts_at: datetime
    two_thirds_at: datetime
    ends_at: datetime
    closes_at: datetime
    weekdays: int


class Plan:
    """All periods of an agreement, in order and without holes, with what finds one of them quickly."""

    __slots__ = ("closings", "end_days", "first_days", "periods", "starts", "turns", "zone")

    def __init__(self, zone: Zone, periods: list[Period]) -> None:
        self.zone = zone
        self.periods = periods
        self.first_days = [p.first_day for p in periods]
        self.end_days = [p.end_day for p in periods]
        self.starts = [p.starts_at for p in periods]
        self.closings = [p.closes_at for p in periods]
        self.turns = sorted({turn for p in periods for turn in turning_points(p)})

    def find_day(self, day: int) -> int:
        """Tell the index of the period that holds a local day, or NOWHERE."""
        index = bisect_right(self.first_days, day) - 1
        return index if index >= 0 and day < self.end_days[index] else NOWHERE

    def find_current(self, now: datetime) -> int:
        """Tell the index of the period that runs at `now`, or NOWHERE."""
        index = bisect_right(self.starts, now) - 1
        return index if index >= 0 and now < self.periods[index].ends_at else NOWHERE

    def count_over(self, now: datetime) -> int:
        """Tell how many periods are over; they are the first ones, because closings never go back."""
        return bisect_right(self.closings, now)

    def next_turn(self, now: datetime) -> datetime | None:
        """Tell when, after `now`, the next period starts, is two thirds through, ends or closes."""
        index = bisect_right(self.turns, now)
        return self.turns[index] if index < len(self.turns) else None


def turning_points(period: Period) -> tuple[datetime, ...]:
    """List the instants at which time alone can change what is said of a period."""
    return period.starts_at, period.two_thirds_at, period.ends_at, period.closes_at


@lru_cache(maxsize=256)
def lay_plan(timezone: str, starts_on: date, ends_on: date, cadence: Cadence, grace_days: int) -> Plan:
    """Lay out an agreement's periods; remembered, because the pairs of a program mostly share theirs."""
    zone = find_zone(timezone)
    spans = cut_spans(starts_on, ends_on, cadence)
    return Plan(zone, [lay_period(zone, first, end, grace_days) for first, end in spans])


def cut_spans(starts_on: date, ends_on: date, cadence: Cadence) -> Iterator[tuple[int, int]]:
    """Give each period's [first day, end day); the last one is cut at `ends_on`, or left out below half."""
    end_of_all = ends_on.toordinal() + 1
    for first, end in pairwise(first_days(starts_on, cadence)):
        if first >= end_of_all:
            return
        if end <= end_of_all:
            yield first, end
        elif 2 * (end_of_all - first) >= end - first:
            yield first, end_of_all


def first_days(starts_on: date, cadence: Cadence) -> Iterator[int]:
    """Give the day on which each uncut period begins, without end."""
    if cadence.unit is Unit.MONTH:
        for index in count():
            yield add_months(starts_on, index * cadence.every).toordinal()
    step = cadence.every * (7 if cadence.unit is Unit.WEEK else 1)
    yield from count(starts_on.toordinal(), step)


def add_months(day: date, months: int) -> date:
    """Add months to a date, clamped to the last day of the month that is reached."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > MAXYEAR:
        raise OverflowError("a period would end after the year 9999")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def lay_period(zone: Zone, first: int, end: int, grace_days: int) -> Period:
    """Work out one period's instants."""
    starts_at, ends_at = zone.midnight(first), zone.midnight(end)
    return Period(
        starts_on=date.fromordinal(first),
        ends_before=date.fromordinal(end),
        first_day=first,
        end_day=end,
        starts_at=starts_at,
        two_thirds_at=find_two_thirds(starts_at, ends_at),
        ends_at=ends_at,
        closes_at=zone.midnight(end + grace_days),
        weekdays=sum(map(is_weekday, range(first, end))),
    )


def find_two_thirds(start: datetime, end: datetime) -> datetime:
    """Tell the first instant (in microseconds) by which two thirds of a span have passed."""
    return start - (-2 * (end - start)) // 3


def is_weekday(day: int) -> bool:
    """Tell whether an ordinal is a Monday to Friday."""
    return (day - 1) % 7 < 5
