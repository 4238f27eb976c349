"""Local days and midnights of a time zone, remembered because thousands of pairs ask for the same ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)
_TICK = timedelta.resolution


class Zone:
    """One time zone; days are proleptic ordinals (`date.toordinal`), instants are in UTC."""

    __slots__ = ("_info", "midnight", "steps_back")

    midnight: Callable[[int], datetime]  # when a local day begins, see `find_midnight`
    steps_back: Callable[[int], bool]  # whether the day before comes back after that, see `find_step_back`

    def __init__(self, name: str) -> None:
        self._info = ZoneInfo(name)
        # Some 50 years of days; a file over more of them costs time, never memory.
        self.midnight = lru_cache(maxsize=20_000)(partial(find_midnight, self._info))
        self.steps_back = lru_cache(maxsize=20_000)(partial(find_step_back, self._info))

    def day_of(self, instant: datetime) -> int:
        """Tell the local date on which an instant falls."""
        return instant.astimezone(self._info).toordinal()


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


def find_step_back(info: ZoneInfo, day: int) -> bool:
    """Tell whether the clock, once `day` has begun, is set back into the day before.

    St John's did so at 00:01 until 2011: there an instant after a midnight can still be of the old date.
    """
    last = datetime.combine(date.fromordinal(day), time.min) - _TICK
    return last.replace(tzinfo=info, fold=1).astimezone(UTC) >= find_midnight(info, day)


@lru_cache(maxsize=1024)
def find_zone(name: str) -> Zone:
    """Look up a zone by its IANA name; an unknown one raises `ValueError`, `KeyError` or `OSError`."""
    return Zone(name)
