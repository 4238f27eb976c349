"""Local days and midnights of a time zone, remembered because thousands of pairs ask for the same ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)
_TICK = timedelta.resolution


class Edge(NamedTuple):
    """A day on which a period begins or ends: its midnight, and those of its grace before and after.

    `weekdays_before` counts the Mondays to Fridays before it since the year 1. `steady` tells whether local
    dates never go back at these midnights: only then can instants be compared in place of dates.
    """

    day: int
    date: date
    opening: datetime
    midnight: datetime
    closing: datetime
    weekdays_before: int
    steady: bool


class Zone:
    """One time zone; days are proleptic ordinals (`date.toordinal`), instants are in UTC."""

    __slots__ = ("_info", "find_edge")

    find_edge: Callable[[int, int], Edge]

    def __init__(self, name: str) -> None:
        self._info = ZoneInfo(name)
        # Some 20 years of days for each zone in use: more of them cost time, never memory.
        self.find_edge = lru_cache(maxsize=8192)(self._find_edge)

    def day_of(self, instant: datetime) -> int:
        """Tell the local date on which an instant falls."""
        return instant.astimezone(self._info).toordinal()

    def _find_edge(self, day: int, grace_days: int) -> Edge:
        reach = (day - grace_days, day, day + grace_days)
        opening, midnight, closing = (find_midnight(self._info, near) for near in reach)
        return Edge(
            day=day,
            date=date.fromordinal(day),
            opening=opening,
            midnight=midnight,
            closing=closing,
            weekdays_before=count_weekdays_before(day),
            steady=not any(steps_back(self._info, near) for near in reach),
        )


def find_midnight(info: ZoneInfo, day: int) -> datetime:
    """Find the first instant at which the local clock shows 00:00 of `day` or, if it skips that, later."""
    wall = datetime.combine(date.fromordinal(day), time.min)
    first = wall.replace(tzinfo=info, fold=0).astimezone(UTC)
    if first.astimezone(info).replace(tzinfo=None) == wall:
        return first
    return find_gap_end(info, wall.replace(tzinfo=info, fold=1).astimezone(UTC), first)


def find_gap_end(info: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find the transition in (before, after], which holds exactly one; it falls on a whole second."""
    offset_after = after.astimezone(info).utcoffset()
    while after - before > _SECOND:
        middle = before + ((after - before) // 2 // _SECOND) * _SECOND
        if middle.astimezone(info).utcoffset() == offset_after:
            after = middle
        else:
            before = middle
    return after


def steps_back(info: ZoneInfo, day: int) -> bool:
    """Tell whether the clock, once `day` has begun, is set back into the day before.

    St John's did so at 00:01 until 2011: there an instant after a midnight can still be of the old date.
    """
    last = (datetime.combine(date.fromordinal(day), time.min) - _TICK).replace(tzinfo=info)
    again = last.replace(fold=1)
    if again.utcoffset() == last.utcoffset():
        return False  # the last tick of the day before comes but once
    return again.astimezone(UTC) >= find_midnight(info, day)


def count_weekdays_before(day: int) -> int:
    """Count the Mondays to Fridays before an ordinal; day 1 was a Monday."""
    weeks, rest = divmod(day - 1, 7)
    return 5 * weeks + min(rest, 5)


@lru_cache(maxsize=1024)
def find_zone(name: str) -> Zone:
    """Look up a zone by its IANA name; an unknown one raises `ValueError`, `KeyError` or `OSError`."""
    return Zone(name)
