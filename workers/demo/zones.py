"""The company's five time zones as calendars write them: VTIMEZONE blocks and Windows names.

Describes how the zones behave in the years that the demo covers; never used for reckoning.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from dateutil.rrule import rrulestr


class Dialect(Enum):
    """Which program's habits a VTIMEZONE follows: its names, its first year, its order."""

    GOOGLE = "google"
    OUTLOOK = "outlook"
    APPLE = "apple"


_SINCE = {Dialect.GOOGLE: 1970, Dialect.OUTLOOK: 1601, Dialect.APPLE: 2007}


@dataclass(frozen=True, slots=True)
class Observance:
    """One half of a zone's year: offset in minutes east of UTC, and when it begins (empty: always)."""

    offset: int
    name: str
    begins: str = ""  # the end of an RRULE: which Sunday of which month
    hour: int = 2


@dataclass(frozen=True, slots=True)
class ZoneText:
    """A zone's name in Windows, and its standard and daylight time."""

    windows: str
    standard: Observance
    daylight: Observance | None = None


ZONES = {
    "Europe/Madrid": ZoneText(
        "Romance Standard Time",
        Observance(60, "CET", "BYMONTH=10;BYDAY=-1SU", 3),
        Observance(120, "CEST", "BYMONTH=3;BYDAY=-1SU", 2),
    ),
    "America/Chicago": ZoneText(
        "Central Standard Time",
        Observance(-360, "CST", "BYMONTH=11;BYDAY=1SU", 2),
        Observance(-300, "CDT", "BYMONTH=3;BYDAY=2SU", 2),
    ),
    "America/Mexico_City": ZoneText("Central Standard Time (Mexico)", Observance(-360, "CST")),
    "America/Bogota": ZoneText("SA Pacific Standard Time", Observance(-300, "GMT-5")),
    "America/Argentina/Buenos_Aires": ZoneText("Argentina Standard Time", Observance(-180, "GMT-3")),
}


def zone_name(zone: str, dialect: Dialect) -> str:
    """Return the TZID that the program writes for an IANA zone."""
    return ZONES[zone].windows if dialect is Dialect.OUTLOOK else zone


def zone_block(zone: str, dialect: Dialect) -> list[str]:
    """Return the lines of the zone's VTIMEZONE."""
    text = ZONES[zone]
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone_name(zone, dialect)}"]
    if dialect is Dialect.GOOGLE:
        lines.append(f"X-LIC-LOCATION:{zone}")
    halves = [("STANDARD", text.standard, text.daylight or text.standard)]
    if text.daylight:
        halves.append(("DAYLIGHT", text.daylight, text.standard))
    for kind, here, before in halves if dialect is Dialect.OUTLOOK else reversed(halves):
        lines += _observance(kind, here, before, dialect)
    return [*lines, "END:VTIMEZONE"]


def _observance(kind: str, here: Observance, before: Observance, dialect: Dialect) -> list[str]:
    since = datetime(_SINCE[dialect], 1, 1, here.hour if here.begins else 0)  # noqa: DTZ001 - wall time
    if here.begins:
        since = rrulestr(f"FREQ=YEARLY;COUNT=1;{here.begins}", dtstart=since)[0]
    lines = [
        f"BEGIN:{kind}",
        f"DTSTART:{since.isoformat().replace('-', '').replace(':', '')}",
        f"TZOFFSETFROM:{_offset(before.offset)}",
        f"TZOFFSETTO:{_offset(here.offset)}",
    ]
    if here.begins:
        lines.append(f"RRULE:FREQ=YEARLY;{here.begins}")
    if dialect is not Dialect.OUTLOOK:
        lines.append(f"TZNAME:{here.name}")
    return [*lines, f"END:{kind}"]


def _offset(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}{rest:02}"
