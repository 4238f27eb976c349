"""Local days and midnights of a time zone, remembered because thousands of pairs ask for the same ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MOST_MIDNIGHTS = 20_000  # about 50 years; a longer run over odd dates starts afresh rather than grow
_SECOND = timedelta(seconds=1)


class Zone:
    """One time zone; days are proleptic ordinals (`date.toordinal`), instants are in UTC."""

    __slots__ = ("_info", "_midnights")

    def __init__(self, name: str) -> None:
        self._info = ZoneInfo(name)
        self._midnights: dict[int, datetime] = {}

    def day_of(self, instant: datetime) -> int:
        """Tell the local date on which an instant falls."""
        return instant.astimezone(self._info).toordinal()

    def midnight(self, day: int) -> datetime:
        """Tell when a local day begins: its first midnight or, where that is skipped, the gap's end."""
        known = self._midnights.get(day)
        if known is None:
            if len(self._midnights) >= _MOST_MIDNIGHTS:
                self._midnights.clear()
            known = self._midnights[day] = find_midnight(self._info, day)
        return known


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


@lru_cache(maxsize=1024)
def find_zone(name: str) -> Zone:
    """Look up a zone by its IANA name; an unknown one raises `ValueError`, `KeyError` or `OSError`."""
    return Zone(name)
