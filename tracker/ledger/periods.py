"""The periods of an agreement: local dates, and the instants at which they start, end and close."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import MAXYEAR, date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from tracker.ledger.evidence import Cadence, Unit
from tracker.ledger.zones import Edge, Zone, find_zone


class Grid(NamedTuple):
    """Where periods lie, for placing sessions: their bounds, and how far the grace reaches from each of them.

    These are instants, which are quicker to compare than local dates, and as right but where clocks go back
    over midnight; there they are days, and `zone` tells the day of an instant.
    """

    zone: Zone | None
    bounds: Sequence[Any]
    openings: Sequence[Any]
    closings: Sequence[Any]


class Plan:
    """The periods of an agreement, without holes: period i runs from bound i up to bound i + 1.

    `days`, `dates` and `bounds` hold the bounds as ordinals, dates and instants in UTC (one more than there
    are periods, or none). Period i is over from `closings[i]`.
    """

    def __init__(self, zone: Zone, edges: list[Edge], grace_days: int) -> None:
        self.size = max(len(edges) - 1, 0)
        self.days = [edge.day for edge in edges]
        self.dates = [edge.date for edge in edges]
        self.bounds = [edge.midnight for edge in edges]
        self.closings = [edge.closing for edge in edges[1:]]
        self.weekdays = [end.weekdays_before - first.weekdays_before for first, end in pairwise(edges)]
        self.idle = [not weekdays for weekdays in self.weekdays]
        self.grid = Grid(
            None, self.bounds, [edge.opening for edge in edges], [edge.closing for edge in edges]
        )
        if not all(edge.steady for edge in edges):
            reach = [day - grace_days for day in self.days], [day + grace_days for day in self.days]
            self.grid = Grid(zone, self.days, *reach)

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


@lru_cache(maxsize=1024)
def lay_plan(timezone: str, starts_on: date, ends_on: date, cadence: Cadence, grace_days: int) -> Plan:
    """Lay out an agreement's periods; remembered, because the pairs of a program mostly share theirs."""
    zone = find_zone(timezone)
    days = list_bounds(starts_on, ends_on, cadence)
    return Plan(zone, [zone.find_edge(day, grace_days) for day in days], grace_days)


def list_bounds(starts_on: date, ends_on: date, cadence: Cadence) -> list[int]:
    """List the days on which periods begin and, at last, the one on which they end; empty without periods."""
    end_of_all = ends_on.toordinal() + 1
    days = list_first_days(starts_on, end_of_all, cadence)
    uncut_end = days.pop()
    # Below half of its uncut days the last period is left out, and the day on which it began ends the rest.
    if days and 2 * (end_of_all - days[-1]) >= uncut_end - days[-1]:
        days.append(end_of_all)
    return days if len(days) > 1 else []


def list_first_days(starts_on: date, end_of_all: int, cadence: Cadence) -> list[int]:
    """List the days on which uncut periods begin, up to the first that is not before the end of all."""
    first = starts_on.toordinal()
    if cadence.unit is not Unit.MONTH:
        step = cadence.every * (7 if cadence.unit is Unit.WEEK else 1)
        return list(range(first, max(end_of_all, first) + step, step))
    days = [first]
    while days[-1] < end_of_all:
        # Counted from the first day each time: 31 January, 28 February, 31 March.
        days.append(add_months(starts_on, len(days) * cadence.every).toordinal())
    return days


def add_months(day: date, months: int) -> date:
    """Add months to a date, clamped to the last day of the month that is reached."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > MAXYEAR:
        raise OverflowError("a period would end after the year 9999")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
