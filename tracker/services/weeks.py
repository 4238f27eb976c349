"""Weeks as ISO 8601 counts them, and when one begins and ends in a time zone. Reads no clock."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tracker.errors import BadInput

_SHAPE = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Week:
    """The week that begins on `monday`."""

    monday: date

    @property
    def name(self) -> str:
        """Return "2026-W47"."""
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def sunday(self) -> date:
        """Return the last day."""
        return self.monday + timedelta(days=6)

    def starts_at(self, timezone: str) -> datetime:
        """Return the instant (UTC) at which the week begins in that zone."""
        return datetime.combine(self.monday, time(), ZoneInfo(timezone)).astimezone(UTC)

    def ends_at(self, timezone: str) -> datetime:
        """Return the instant (UTC) at which the next week begins in that zone."""
        return Week(self.monday + timedelta(days=7)).starts_at(timezone)


def week_of(day: date) -> Week:
    """Return the week that `day` lies in."""
    return Week(day - timedelta(days=day.weekday()))


def latest_week(now: datetime, timezone: str) -> Week:
    """Return the week that yesterday lay in: on a Monday the one that is over, else the one that runs."""
    return week_of(now.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1))


def parse_week(text: str) -> Week:
    """Return the week that `2026-W47` names. Raises BadInput."""
    match = _SHAPE.fullmatch(text.strip().upper())
    try:
        if match:
            return Week(date.fromisocalendar(int(match[1]), int(match[2]), 1))
    except ValueError:
        pass
    raise BadInput(f"{text!r} is not a week. Write the year and the number of the week, such as 2026-W47.")
