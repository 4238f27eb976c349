"""Dates, times, periods and durations of iCalendar (RFC 5545, 3.3.4 to 3.3.9) with their zones.

It never gives a naive time out as an instant, and it does not correct what was written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from integrations.ical.lines import Property
from integrations.ical.zones import UTC_ZONE, UnknownZone, Zone, Zones, floating
from tracker.events import Moment, ZoneQuality

LONGEST = timedelta(days=3700)
_TIME = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})"
    r"(?:[T ]([0-9]{2}):?([0-9]{2}):?([0-9]{2})?(?:[.,][0-9]+)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)
_DURATION = re.compile(
    r"([+-]?)P(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?",
    re.IGNORECASE,
)


class BadTime(ValueError):
    """A value that is no time; the text says what is wrong and holds nothing of the entry."""


@dataclass(frozen=True)
class Stamp:
    """A moment as written: wall time and zone. An all-day one is midnight, in the zone of the reader."""

    local: datetime
    zone: Zone
    all_day: bool = False

    @cached_property
    def instant(self) -> datetime:
        """The instant in UTC; of an all-day stamp, its midnight's."""
        try:
            return self.local.replace(tzinfo=self.zone.rules).astimezone(UTC)
        except (OverflowError, ValueError):
            # Year 1 and year 9999 lie at the edge; no meeting does.
            return self.local.replace(tzinfo=UTC)

    @property
    def moment(self) -> Moment:
        """A date if all-day, else the instant."""
        return self.local.date() if self.all_day else self.instant

    def at(self, local: datetime) -> "Stamp":
        """Return another wall time of the same kind in the same zone."""
        return Stamp(local, self.zone, self.all_day)

    def in_zone(self, zone: Zone) -> datetime:
        """Return the wall time of this stamp in `zone`; floating and all-day ones keep theirs."""
        if self.all_day or self.zone is zone or self.zone.quality is ZoneQuality.FLOATING:
            return self.local
        return self.instant.astimezone(zone.rules).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Span:
    """How long an entry lasts: whole days of the wall clock first, then exact time."""

    days: int = 0
    exact: timedelta = timedelta(0)

    @property
    def longest(self) -> timedelta:
        """No less than it can last."""
        return timedelta(days=self.days) + self.exact

    def end_of(self, start: Stamp) -> Moment:
        """Return where an entry ends that begins at `start`."""
        later = start.at(start.local + timedelta(days=self.days)) if self.days else start
        if start.all_day:
            return later.local.date() + self.exact
        return later.instant + self.exact


def parse_stamp(value: str, params: dict[str, str], zones: Zones) -> Stamp:
    """Return the DATE or DATE-TIME that `value` writes. Raises BadTime."""
    found = _TIME.fullmatch(value.strip())
    if found is None:
        raise BadTime("a date or time that cannot be read")
    local = _wall_time(found)
    if found[4] is None or params.get("VALUE", "").upper() == "DATE":
        return Stamp(datetime.combine(local.date(), time()), zones.default, all_day=True)
    if found[7]:
        return Stamp(_to_utc(local, found[7]), UTC_ZONE)
    name = params.get("TZID", "").strip()
    if not name:
        return Stamp(local, floating(zones.default))
    try:
        return Stamp(local, zones.find(name))
    except UnknownZone:
        raise BadTime("its time zone is unknown, and the calendar does not describe it") from None


def _wall_time(found: re.Match[str]) -> datetime:
    try:
        day = date(*(int(found[n]) for n in (1, 2, 3)))
        hour, minute, second = (int(found[n] or 0) for n in (4, 5, 6))
        midnight = datetime.combine(day, time())
        if (hour, minute, second) == (24, 0, 0):
            return midnight + timedelta(days=1)
        return datetime.combine(day, time(hour, minute, min(second, 59)))
    except (ValueError, OverflowError):
        raise BadTime("a date or time that does not exist") from None


def _to_utc(local: datetime, offset: str) -> datetime:
    try:
        return local - _offset(offset)
    except OverflowError:
        raise BadTime("a date or time that does not exist") from None


def _offset(text: str) -> timedelta:
    if text in "Zz":
        return timedelta(0)
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -offset if text[0] == "-" else offset


def parse_span(value: str) -> Span:
    """Return the DURATION that `value` writes. Raises BadTime, also for what no meeting lasts."""
    found = _DURATION.fullmatch(value.strip())
    if found is None or not any(found.groups()[1:]):
        raise BadTime("a duration that cannot be read")
    weeks, days, hours, minutes, seconds = (int(g or 0) for g in found.groups()[1:])
    if weeks * 7 + days + hours // 24 > LONGEST.days:
        raise BadTime("it lasts longer than ten years")
    span = Span(weeks * 7 + days, timedelta(hours=hours, minutes=minutes, seconds=seconds))
    if span.longest > LONGEST:
        raise BadTime("it lasts longer than ten years")
    return Span(-span.days, -span.exact) if found[1] == "-" else span


def parse_list(properties: list[Property], zones: Zones) -> Iterator[tuple[Stamp, Span | None] | None]:
    """Yield the times of EXDATE or RDATE, a PERIOD's with its length; None for an unreadable one."""
    for p in properties:
        for value in filter(None, (v.strip() for v in p.value.split(","))):
            try:
                yield _listed(value, p.params, zones)
            except BadTime:
                yield None


def _listed(value: str, params: dict[str, str], zones: Zones) -> tuple[Stamp, Span | None]:
    begin, slash, end = value.partition("/")
    start = parse_stamp(begin, params, zones)
    if not slash:
        return start, None
    if end.lstrip("+-").upper().startswith("P"):
        return start, parse_span(end)
    return start, Span(exact=max(timedelta(0), parse_stamp(end, params, zones).instant - start.instant))


def parse_instant(value: str) -> datetime | None:
    """Return a CREATED, LAST-MODIFIED or DTSTAMP as an instant; None for what is no real one.

    Without zone it is taken as UTC. Programs write the year 0 or 1900 where they do not know.
    """
    found = _TIME.fullmatch(value.strip())
    if found is None:
        return None
    try:
        at = (_wall_time(found) - _offset(found[7] or "Z")).replace(tzinfo=UTC)
    except (BadTime, OverflowError):
        return None
    return at if at.year >= 1970 else None
