"""What single cells of people's files mean: addresses, zones, days, countries, cadences. Touches no database.

Each reader takes a cell that is not empty and raises BadCell, saying what to write instead.
"""

import re
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import available_timezones

from tracker.ledger import Cadence, Unit
from tracker.services.holidays import regions_by_country
from tracker.services.importing.tables import BadCell, nearest, shown
from tracker.tags import normal_address
from tracker.wording import LANGUAGES

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2150, 12, 31)
_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\\\"]+@[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)*")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})([T ]00:00(:00(\.0+)?)?)?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})")
_SERIAL_DAY_ZERO = date(1899, 12, 30)
_NOT_PLACES = ("Factory", "localtime", "posixrules")

_NAMED_CADENCES = {
    "daily": (1, Unit.DAY),
    "weekly": (1, Unit.WEEK),
    "biweekly": (2, Unit.WEEK),
    "fortnightly": (2, Unit.WEEK),
    "monthly": (1, Unit.MONTH),
    "bimonthly": (2, Unit.MONTH),
    "quarterly": (3, Unit.MONTH),
}
_TIMES = {"once": 1, "twice": 2}
_CADENCE = re.compile(
    r"(?:(?:(?P<times>\d{1,9})\s*(?:times?|x)|(?P<word>once|twice))\s+)?"
    r"every\s+(?:(?P<every>\d{1,9})\s*)?(?P<unit>day|week|month)s?"
)
_DAYS_IN = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31}
MOST_SESSIONS, LONGEST_EVERY = 31, 366


def read_address(text: str) -> str:
    """Return a mail address in lower case."""
    address = normal_address(text)
    if not _ADDRESS.fullmatch(address) or len(address) > 254:
        raise BadCell(f"{shown(text)} is not a mail address such as ana@example.com.")
    return address


def read_addresses(text: str) -> frozenset[str]:
    """Return the addresses that stand there, separated by spaces (or commas, or semicolons)."""
    return frozenset(read_address(part) for part in re.split(r"[\s,;]+", text) if part)


def read_text(text: str) -> str:
    """Return a name or the like, 200 characters at most."""
    if len(text) > 200:
        raise BadCell("is longer than 200 characters.")
    return text


def read_zone(text: str) -> str:
    """Return the IANA name of a time zone; case and spaces do not matter."""
    wanted = text.replace(" ", "_").lower()
    if wanted in _zones():
        return _zones()[wanted]
    cities = [name for key, name in _zones().items() if key.rpartition("/")[2] == wanted.rpartition("/")[2]]
    near = f" Did you mean {cities[0]}?" if cities else nearest(text.replace(" ", "_"), _zones().values())
    raise BadCell(f"{shown(text)} is not a time zone such as Europe/Madrid or America/Bogota.{near}")


@lru_cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in sorted(available_timezones()) if name not in _NOT_PLACES}


def read_language(text: str) -> str:
    """Return one of our languages; a region behind it (es-CO) is dropped."""
    language = re.split(r"[-_]", text.lower())[0]
    if language not in LANGUAGES:
        raise BadCell(f"{shown(text)} is not a language that we speak. Write {' or '.join(LANGUAGES)}.")
    return language


def read_country(text: str) -> tuple[str, str | None]:
    """Return country and region of `ES` or `ES-MD` (ISO 3166)."""
    country, _, region = text.upper().replace("_", "-").partition("-")
    known = regions_by_country()
    if country not in known:
        raise BadCell(f"{shown(text)} is not a country. Write two letters such as ES, CO or US (ISO 3166).")
    if region and region not in known[country]:
        choices = ", ".join(f"{country}-{r}" for r in known[country])
        hint = f"Known: {country}, {choices}." if choices else f"It has no regions here: write {country}."
        raise BadCell(f"{shown(text)} is not a region of {country}. {hint}")
    return country, region or None


def read_roles(text: str) -> frozenset[str]:
    """Return the roles that stand there, of `hr` and `admin`."""
    roles = frozenset(re.split(r"[\s,;]+", text.lower())) - {""}
    if wrong := sorted(roles - {"hr", "admin"}):
        raise BadCell(f"{shown(wrong[0])} is not a role. Write hr, admin, both or nothing.")
    return roles


def read_day(text: str) -> date:
    """Return a day written year first: 2026-03-02."""
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = (int(part) for part in match.groups()[:3])
        return _day(year, month, day, text)
    if parts := _YEAR_LAST.fullmatch(text):
        raise BadCell(f"{shown(text)} {_readings(*map(int, parts.groups()))}")
    if text.isascii() and text.isdecimal() and 30000 < int(text) < 80000:
        meant = _SERIAL_DAY_ZERO + timedelta(days=int(text))
        raise BadCell(f"{shown(text)} is how a spreadsheet counts days. Format the column as text: {meant}.")
    raise BadCell(f"{shown(text)} is not a day. Write year, month and day: 2026-03-02.")


def _day(year: int, month: int, day: int, text: str) -> date:
    try:
        found = date(year, month, day)
    except ValueError:
        raise BadCell(f"{shown(text)} is not a day of the calendar.") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise BadCell(f"{shown(text)} is too far from today to be meant. Check the year.")
    return found


def _readings(first: int, second: int, year: int) -> str:
    year = year + 2000 if year < 100 else year
    orders = {(year, second, first), (year, first, second)}
    valid = sorted(f"{y:04}-{m:02}-{d:02}" for y, m, d in orders if 1 <= m <= 12 and 1 <= d <= 31)
    if len(valid) == 2:
        return f"can be read in two ways. Write {valid[0]} or {valid[1]}."
    return f"is not written year first. Write {valid[0] if valid else 'it as 2026-03-02'}."


def read_cadence(text: str) -> Cadence:
    """Return the cadence of `weekly`, `every 10 days`, `2 times every 3 weeks` and the like."""
    words = " ".join(text.lower().split())
    if words in _NAMED_CADENCES:
        every, unit = _NAMED_CADENCES[words]
        return Cadence(sessions=1, every=every, unit=unit)
    match = _CADENCE.fullmatch(words)
    if match is None:
        near = nearest(words, _NAMED_CADENCES)
        raise BadCell(
            f"{shown(text)} is not a cadence.{near} Write weekly, biweekly, monthly, quarterly, "
            "every N days|weeks|months or K times every N days|weeks|months."
        )
    sessions = _TIMES.get(match["word"] or "", int(match["times"] or 1))
    return _sensible(sessions, int(match["every"] or 1), Unit(match["unit"]), text)


def _sensible(sessions: int, every: int, unit: Unit, text: str) -> Cadence:
    if not 1 <= every <= LONGEST_EVERY:
        raise BadCell(f"{shown(text)}: the period is from 1 to {LONGEST_EVERY} {unit}s.")
    if not 1 <= sessions <= MOST_SESSIONS:
        raise BadCell(f"{shown(text)}: from 1 to {MOST_SESSIONS} sessions can be due in a period.")
    if sessions > every * _DAYS_IN[unit]:
        raise BadCell(f"{shown(text)}: more sessions than the period has days.")
    return Cadence(sessions=sessions, every=every, unit=unit)
