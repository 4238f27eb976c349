"""Time zones by the names that calendars give them.

It never takes an unknown zone for local time: what cannot be resolved raises UnknownZone, and the entry is
set aside.
"""

import functools
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from integrations.ical.lines import Property
from integrations.ical.recurrence import BadRule, Budget, Expansion, TooMuch, parse_rule
from integrations.windows import WINDOWS_ZONES
from tracker.events import ZoneQuality

_UTC_NAMES = frozenset({"utc", "gmt", "z", "zulu", "etc/utc", "etc/gmt", "coordinated universal time"})
_NUMERIC = re.compile(r"(?:UTC|GMT)?\s*([+-])([0-9]{1,2})(?:[:.]?([0-5][0-9]))?", re.IGNORECASE)
_OFFSET = re.compile(r"([+-])([0-9]{2})([0-9]{2})([0-9]{2})?")
_STAMP = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2}))?", re.IGNORECASE)
# Own rules of a calendar are worked out for these years; meetings lie well inside.
_FROM, _TO = datetime(1950, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - wall time


class UnknownZone(ValueError):
    """A zone name that nothing explains."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone: `name` is its IANA name, None where a calendar's own rules or a bare offset had to serve."""

    rules: tzinfo
    name: str | None
    quality: ZoneQuality


UTC_ZONE = Zone(UTC, "UTC", ZoneQuality.IANA)


class Zones:
    """The zones of one calendar: the world's, Windows' names for them, and its own VTIMEZONEs.

    `own` holds the properties of each VTIMEZONE by TZID: its own, then one list for each observance.
    """

    def __init__(self, own: dict[str, "OwnZone"], default: Zone) -> None:
        self._own = own
        self._known: dict[str, Zone | None] = {}
        self.default = default

    def find(self, name: str) -> Zone:
        """Return the zone called `name`. Raises UnknownZone."""
        if name not in self._known:
            self._known[name] = self._look_up(name)
        zone = self._known[name]
        if zone is None:
            raise UnknownZone
        return zone

    def _look_up(self, name: str) -> Zone | None:
        own = self._own.get(name) or self._own.get(name.strip())
        plain = name.strip().strip('"').strip()
        # "EST" or "CET" with rules of its own means these rules; "Europe/Rome" means the world's.
        if own and "/" not in plain and plain.lower() not in _UTC_NAMES and plain not in WINDOWS_ZONES:
            return own.located() or own.by_rules() or world_zone(plain)
        return world_zone(plain) or (own and (own.located() or own.by_rules())) or None


def floating(zone: Zone) -> Zone:
    """Return `zone` as it serves for times that name none."""
    return Zone(zone.rules, zone.name, ZoneQuality.FLOATING)


def world_zone(name: str) -> Zone | None:
    """Return the zone that `name` stands for everywhere, or None."""
    if name.lower() in _UTC_NAMES:
        return UTC_ZONE
    if exact := _iana(name):
        return Zone(ZoneInfo(exact), exact, ZoneQuality.IANA)
    mapped = _windows().get(name.lower()) or _last_parts(name)
    if mapped:
        return Zone(ZoneInfo(mapped), mapped, ZoneQuality.MAPPED)
    return _numeric(name)


def _last_parts(name: str) -> str | None:
    # "/mozilla.org/20070129_1/America/New_York", "tzone://Microsoft/Utc"
    parts = name.split("/")
    for size in (3, 2, 1):
        tail = "/".join(parts[-size:])
        if len(parts) > size and (found := "UTC" if tail.lower() in _UTC_NAMES else _iana(tail)):
            return found
    return None


def _numeric(name: str) -> Zone | None:
    found = _NUMERIC.fullmatch(name)
    if found is None or int(found[2]) > 14:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return Zone(timezone(-offset if found[1] == "-" else offset), None, ZoneQuality.MAPPED)


@functools.cache
def _names() -> dict[str, str]:
    # "Factory" and "localtime" are files of the database, not places.
    return {name.lower(): name for name in available_timezones() if name not in ("Factory", "localtime")}


@functools.cache
def _windows() -> dict[str, str]:
    return {name.lower(): zone for name, zone in WINDOWS_ZONES.items()}


def _iana(name: str) -> str | None:
    return _names().get(name.lower())


@dataclass(slots=True)
class OwnZone:
    """A VTIMEZONE: its own properties and those of each STANDARD and DAYLIGHT in it."""

    properties: Sequence[Property]
    observances: Sequence[Sequence[Property]]

    def located(self) -> Zone | None:
        """Return the world's zone that X-LIC-LOCATION or X-TZINFO names."""
        for p in self.properties:
            if p.name in ("X-LIC-LOCATION", "X-TZINFO") and (name := _iana(p.value.split("[")[0].strip())):
                return Zone(ZoneInfo(name), name, ZoneQuality.MAPPED)
        return None

    def by_rules(self) -> Zone | None:
        """Return the zone that the observances describe, or None where they make no sense."""
        budget = Budget(400_000)
        try:
            onsets = [onset for rules in self.observances for onset in _onsets(rules, budget)]
        except (BadRule, TooMuch, KeyError, ValueError, OverflowError):
            return None
        return Zone(RuleZone(onsets), None, ZoneQuality.MAPPED) if onsets else None


Onset = tuple[datetime, timedelta, timedelta]


def _onsets(properties: Iterable[Property], budget: Budget) -> Iterable[Onset]:
    """Yield when an observance begins (naive UTC), the offset before and the offset from then on."""
    values = {p.name: p.value.strip() for p in reversed(list(properties))}
    before, after = _offset(values["TZOFFSETFROM"]), _offset(values["TZOFFSETTO"])
    first = _stamp(values["DTSTART"])
    begins = {first}
    for p in properties:
        if p.name == "RDATE":
            begins |= {_stamp(v) for v in p.value.split(",") if v.strip()}
        elif p.name == "RRULE":
            begins |= set(_yearly(p.value, first, before, budget))
    return [(local - before, before, after) for local in begins]


def _yearly(text: str, first: datetime, before: timedelta, budget: Budget) -> Iterable[datetime]:
    rule = parse_rule(text)
    until = _stamp(rule.until) if rule.until else None
    if until and rule.until and rule.until.endswith("Z"):
        until += before
    return Expansion(rule, first, budget).between(_FROM, _TO, until)


def _stamp(text: str) -> datetime:
    found = _STAMP.match(text.strip())
    if found is None:
        raise ValueError
    year, month, day, hour, minute, second = (int(g or 0) for g in found.groups())
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - wall time


def _offset(text: str) -> timedelta:
    found = _OFFSET.fullmatch(text)
    if found is None or int(found[2]) > 23 or int(found[3]) > 59:
        raise ValueError
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=int(found[4] or 0))
    return -offset if found[1] == "-" else offset


class RuleZone(tzinfo):
    """A zone that follows a calendar's own rules; gaps and folds are read as RFC 5545, 3.3.5 wants."""

    def __init__(self, onsets: Iterable[Onset]) -> None:
        ordered = sorted(onsets)
        self._utc = [at for at, _, _ in ordered]
        self._offsets = [ordered[0][1], *(after for _, _, after in ordered)]
        befores = self._offsets[:-1]
        afters = self._offsets[1:]
        self._first = [t + max(b, a) for t, b, a in zip(self._utc, befores, afters, strict=True)]
        self._second = [t + min(b, a) for t, b, a in zip(self._utc, befores, afters, strict=True)]

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """Return the offset of a wall time; in a gap that before it, in a fold that of the first."""
        if dt is None:
            return self._offsets[-1]
        walls = self._second if dt.fold else self._first
        return self._offsets[bisect_right(walls, dt.replace(tzinfo=None))]

    def fromutc(self, dt: datetime) -> datetime:
        """Return the wall time of an instant."""
        at = dt.replace(tzinfo=None)
        n = bisect_right(self._utc, at)
        local = at + self._offsets[n]
        fold = int(n > 0 and local < self._first[n - 1] and self._offsets[n] < self._offsets[n - 1])
        return local.replace(tzinfo=self, fold=fold)

    def dst(self, dt: datetime | None) -> None:
        """Return nothing: the rules do not tell standard from summer time reliably."""

    def tzname(self, dt: datetime | None) -> None:
        """Return nothing: the name is the calendar's affair."""
